"""Nothing acknowledged is lost: rounds of load with kill -9 at random, seeded moments.

A real server and the embedded PostgreSQL under their supervisor; clients perform commands over HTTP
and repeat a command, with its id, until it is answered. In every round the server, the database's
postmaster, or the supervisor with everything under it is killed. When all is back, every answer
the clients ever got is compared with the journal.

    ours: acknowledged commands that are lost or were done twice (promise: 0)
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import urllib3

from muster.journal.verify import verify

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
BACK_S = 90.0
#: Clock seconds a second: sign and wait clocks run out during a round, and reactions follow.
SPEED = 30.0
VICTIMS = {"server": 5, "database": 4, "everything": 1}
CLIENTS = 6
UNITS = 8


#: Looks at the database at the end; gives a sentence for each fault.
Look = Callable[[str], Sequence[str]]


def run(
    rounds: int | None = None, seed: int = 1, soak: bool = False, look: Look | None = None
) -> dict[str, Any]:
    """Play `rounds` (5, with `soak` 2,000 in parts that can be resumed) and give the verdict."""
    if soak:
        from _parts import in_parts

        return in_parts(played, rounds or 2000, seed)
    return played(rounds or 5, seed, look)


def played(count: int, seed: int, look: Look | None = None) -> dict[str, Any]:
    """So many rounds on a fresh Muster; stops at the first fault."""
    began = round(os.getloadavg()[0], 2)
    with tempfile.TemporaryDirectory(prefix="muster-soak-") as folder:
        town = Town(Path(folder), random.Random(seed))
        try:
            town.start()
            for number in range(1, count + 1):
                town.round(number)
                if town.verdict.faults:
                    break
            town.finish()
            town.verdict.faults += look(town.app_dsn) if look else ()
        finally:
            town.end()
    verdict = town.verdict
    return {
        "name": "soak",
        "ours": verdict.losses + verdict.duplicates,
        "peer": None,
        "ratio": None,
        "unit": "lost or doubled",
        "n": verdict.acknowledged,
        "load": began,
        "failed": bool(verdict.faults),
        "rounds": verdict.rounds,
        "seed": seed,
        "losses": verdict.losses,
        "duplicates": verdict.duplicates,
        "faults": verdict.faults[:20],
        "entries": verdict.entries,
        "killed": dict(verdict.killed),
        "retried": verdict.retried,
        "chain": verdict.chain,
        "overdue": verdict.overdue,
        "back_s": round(max(verdict.back_s, default=0.0), 2),
    }


def say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


# --- what was acknowledged, and what the journal holds -----------------------------------------


@dataclass(frozen=True)
class Acknowledged:
    """An answer a client got: the command, who asked, and the entries it was told of."""

    command: str
    actor: str
    matter: str
    entries: tuple[tuple[str, int, str], ...]


@dataclass
class Verdict:
    """`faults`: sentences, one for each loss, double, broken chain or forgotten clock."""

    rounds: int = 0
    acknowledged: int = 0
    retried: int = 0
    entries: int = 0
    losses: int = 0
    duplicates: int = 0
    chain: str = "unknown"
    overdue: int = 0
    killed: Counter[str] = field(default_factory=Counter)
    back_s: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def compare(self, told: Sequence[Acknowledged], connection: psycopg.Connection[Any]) -> None:
        """Every acknowledged command stands in the journal as it was answered, once."""
        written: dict[tuple[str, str], list[tuple[str, int, str]]] = {}
        matters = sorted({matter for one in told for matter, _, _ in one.entries})
        for actor, command, matter, number, kind in connection.execute(
            "SELECT actor, command, matter::text, number, kind FROM entry"
            " WHERE matter = ANY(%s::uuid[]) ORDER BY position",
            (matters,),
        ):
            written.setdefault((actor, command), []).append((matter, number, kind))
        for one in told:
            found = written.get((one.actor, one.command), [])
            missing = set(one.entries) - set(found)
            surplus = len(found) - len(one.entries)
            if missing:
                self.losses += 1
                self.faults.append(f"lost: {one.command} acknowledged {sorted(missing)}")
            elif surplus:
                self.duplicates += 1
                self.faults.append(f"done twice: {one.command} wrote {found}")

    def check_whole(self, connection: psycopg.Connection[Any]) -> None:
        """The chain holds; no matter was opened and no clock rang twice; none is overdue."""
        verdict = verify(connection)
        self.entries = verdict.entries
        self.chain = "valid" if not verdict.faults else str(verdict.faults[:3])
        self.faults += [f"chain: {fault}" for fault in verdict.faults]
        for matter, kind, times in connection.execute(_TWICE):
            self.duplicates += 1
            self.faults.append(f"twice: {kind} in {matter}, {times} times")


#: Facts that can happen once: an opening; one clock at one moment; one order given or lapsed.
_TWICE = """
SELECT matter::text, what, count(*) FROM (
    SELECT matter, kind || ' ' || CASE kind
        WHEN 'incident.reported' THEN ''
        WHEN 'incident.clock_missed' THEN (body->>'name') || ' ' || (body->>'due')
        ELSE body->>'order' END AS what
    FROM (SELECT matter, kind, convert_from(bytes, 'UTF8')::jsonb->'body' AS body FROM entry
          WHERE kind IN ('incident.reported', 'incident.clock_missed', 'order.given',
                         'order.lapsed', 'order.withdrawn')) facts) named
GROUP BY 1, 2 HAVING count(*) > 1"""


# --- the clients -------------------------------------------------------------------------------


class Client:
    """One person at a console: performs commands, repeats each until it is answered."""

    def __init__(self, town: Town, account: dict[str, str], seed: int) -> None:
        self.town, self.account, self.random = town, account, random.Random(seed)
        self.http = urllib3.PoolManager(retries=False, timeout=10.0)
        self.headers: dict[str, str] = {"Content-Type": "application/json"}
        self.person = ""
        self.acknowledged: list[Acknowledged] = []
        self.refused: Counter[str] = Counter()
        self.retried = 0
        self.idle = threading.Event()
        self.trouble = ""
        self.given: list[tuple[str, str]] = []

    def sign_in(self) -> None:
        body = {key: self.account[key] for key in ("username", "password")}
        response = self._send("POST", "/api/session", body, {})
        assert response.status == 201, response.data
        session = json.loads(response.data)
        self.person = session["person"]["id"]
        self.headers["X-CSRF-Token"] = session["csrf"]
        self.headers["Cookie"] = response.headers.getlist("Set-Cookie")[-1].partition(";")[0]

    def work(self) -> None:
        """Perform one command after the other while the town lets us."""
        try:
            while not self.town.over.is_set():
                self.idle.set()
                if not self.town.go.wait(0.2):
                    continue
                self.idle.clear()
                self._one()
        except Exception as error:
            self.trouble = f"{type(error).__name__}: {error}"
        finally:
            self.idle.set()

    def _one(self) -> None:
        matters = self.town.matters
        pick = self.random.random()
        if pick < 0.25 or not matters:
            self._report()
        elif pick < 0.40:
            self._dispatch(self.random.choice(matters))
        elif pick < 0.50 and self.given:
            matter, order = self.given.pop()
            self.perform(
                f"/api/incidents/{matter}/withdraw", {"order": order, "reason": "示例：改派"}
            )
        else:
            word, body = self.random.choice(
                (
                    ("remark", {"text": "示例：补充情况"}),
                    ("urge", {"text": "示例：请尽快"}),
                    ("change_level", {"level": self.random.randint(1, 4), "reason": "示例"}),
                )
            )
            self.perform(f"/api/incidents/{self.random.choice(matters)}/{word}", body)

    def _report(self) -> None:
        now = self.town.clock_now()
        place = {"lon": 122.301 + self.random.random() / 100, "lat": 29.947, "label": "示例"}
        matter = self._uuid()
        body = {
            "id": matter,
            "channel": "110",
            "category": self.town.category,
            "reported_at": (now - timedelta(seconds=30)).isoformat(),
            "answered_at": (now - timedelta(seconds=20)).isoformat(),
            "call_ended_at": now.isoformat(),
            "caller_name": "示例甲",
            "caller_phone": "000-0000-0001",
            "narrative": "示例：来电",
            "place": place,
        }
        if self.perform("/api/incidents", body):
            self.town.matters.append(matter)

    def _dispatch(self, matter: str) -> None:
        order, unit = self._uuid(), self.random.choice(self.town.units)
        body = {"orders": [{"order": order, "unit": unit}]}
        if self.perform(f"/api/incidents/{matter}/dispatch", body):
            self.given.append((matter, order))

    def perform(self, path: str, body: Any) -> bool:
        """One command, repeated with its id until the server says yes or no."""
        command = self._uuid()
        until = time.monotonic() + BACK_S
        while time.monotonic() < until:
            try:
                response = self._send("POST", path, body, {"Idempotency-Key": command})
            except urllib3.exceptions.HTTPError:
                response = None
            if response is None or response.status >= 500 or response.status in (401, 429):
                self.retried += 1
                time.sleep(0.05)
                continue
            if response.status >= 400:
                self.refused[json.loads(response.data)["code"]] += 1
                return False
            answer = json.loads(response.data)
            entries = tuple((e["matter"], e["number"], e["kind"]) for e in answer["entries"])
            self.acknowledged.append(Acknowledged(command, self.person, answer["matter"], entries))
            return True
        raise TimeoutError(f"no answer to {path} for {BACK_S:.0f} s")

    def _send(self, method: str, path: str, body: Any, more: dict[str, str]) -> Any:
        return self.http.request(
            method,
            self.town.url + path,
            body=json.dumps(body).encode(),
            headers={**self.headers, **more},
        )

    def _uuid(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))


# --- the town ----------------------------------------------------------------------------------


class Town:
    """The supervised Muster, its clients and the one who kills."""

    client: type[Client] = Client

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.data, self.random = folder / "data", chance
        self.log = folder / "supervisor.log"
        self.port, self.url, self.app_dsn = 0, "", ""
        self.process: subprocess.Popen[str] | None = None
        self.go, self.over = threading.Event(), threading.Event()
        self.matters: list[str] = []
        self.units: list[str] = []
        self.category = ""
        self.clients: list[Client] = []
        self.threads: list[threading.Thread] = []
        self.verdict = Verdict()
        self._checked: dict[int, int] = {}
        self._offset = timedelta()

    def start(self) -> None:
        """Start everything, sign the clients in and put some units on duty."""
        self.data.mkdir(mode=0o700)
        accounts = {one["role"]: one for one in self._launch()["accounts"]}
        roles = ("duty_chief", "dispatcher")
        for index in range(CLIENTS):
            client = self.client(self, accounts[roles[index % 2]], self.random.getrandbits(32))
            client.sign_in()
            self.clients.append(client)
        self._look_around(self.clients[0])
        self.threads = [threading.Thread(target=client.work) for client in self.clients]
        for thread in self.threads:
            thread.start()

    def _launch(self) -> dict[str, Any]:
        """Start the supervisor's process; returns once the server is ready."""
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    str(HERE / "_kept.py"),
                    str(self.data),
                    str(self.port),
                    f"{SPEED}",
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=ROOT,
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the server did not start:\n" + self.log.read_text()[-3000:])
        ready: dict[str, Any] = json.loads(line)
        self.url, self.app_dsn = ready["url"], ready["app_dsn"]
        self.port = int(self.url.rpartition(":")[2])
        return ready

    def _look_around(self, chief: Client) -> None:
        city = json.loads(chief._send("GET", "/api/city", None, {}).data)
        self._offset = datetime.fromisoformat(city["clock"]["now"]) - datetime.now(UTC)
        self.category = next(one["code"] for one in city["categories"] if one["parent"] is not None)
        units = json.loads(chief._send("GET", "/api/units", None, {}).data)["items"]
        with psycopg.connect(self.app_dsn) as connection:
            officers: dict[str, list[str]] = {}
            for organisation, person in connection.execute(
                "SELECT organisation, person FROM role_grant WHERE role = 'officer' ORDER BY person"
            ):
                officers.setdefault(organisation, []).append(person)
        for unit in units:
            free = officers.get(unit["organisation"])
            if not free or len(self.units) == UNITS:
                continue
            path = f"/api/units/{unit['id']}/sign_on"
            response = chief._send("POST", path, {"crew": [free.pop()]}, {})
            assert response.status == 200, response.data
            self.units.append(unit["id"])

    def clock_now(self) -> datetime:
        """A moment the server's clock has passed; a simulated one only ever runs ahead of it."""
        return datetime.now(UTC) + self._offset

    def round(self, number: int) -> None:
        """Load, a kill at a random moment, load until all is back, and the comparison."""
        self.go.set()
        time.sleep(self.random.uniform(0.1, 1.2))
        victim = self.random.choices(list(VICTIMS), list(VICTIMS.values()))[0]
        killed_at = time.monotonic()
        self._kill(victim)
        self._wait_answered([len(client.acknowledged) for client in self.clients])
        self.verdict.back_s.append(time.monotonic() - killed_at)
        self.go.clear()
        for client in self.clients:
            client.idle.wait(BACK_S)
        self.verdict.rounds = number
        self.verdict.killed[victim] += 1
        self._compare()
        say(
            f"round {number}: {victim} killed, back after {self.verdict.back_s[-1]:.1f} s,"
            f" {self.verdict.acknowledged} acknowledged, {self.verdict.retried} retried,"
            f" {self.verdict.losses} lost, {self.verdict.duplicates} doubled"
        )

    def _kill(self, victim: str) -> None:
        assert self.process is not None and self.process.stdin is not None
        if victim != "everything":
            assert self.process.stdout is not None
            self.process.stdin.write(f"{victim}\n")
            self.process.stdin.flush()
            self.process.stdout.readline()
            return
        self.process.kill()
        self._collect()
        self._launch()

    def _collect(self) -> None:
        assert self.process is not None
        self.process.wait(60)
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(BrokenPipeError):
                if pipe is not None:
                    pipe.close()

    def _wait_answered(self, before: list[int]) -> None:
        """Until every client got at least two answers since the kill: one may have been under
        way when it fell."""
        until = time.monotonic() + BACK_S
        while any(
            len(client.acknowledged) < was + 2
            for client, was in zip(self.clients, before, strict=True)
        ):
            for client in self.clients:
                if client.trouble:
                    raise RuntimeError(f"{client.trouble}\n{self.log.read_text()[-3000:]}")
            if time.monotonic() > until:
                raise TimeoutError("the server did not come back:\n" + self._last_words())
            time.sleep(0.02)

    def _last_words(self) -> str:
        server = self.data / "log" / "server.log"
        words = server.read_text()[-3000:] if server.exists() else ""
        return self.log.read_text()[-3000:] + words

    def _compare(self, *, all_of_it: bool = False) -> None:
        """Compare what was acknowledged since the last time; or everything, once more."""
        fresh: list[Acknowledged] = []
        for index, client in enumerate(self.clients):
            since = 0 if all_of_it else self._checked.get(index, 0)
            fresh += client.acknowledged[since:]
            self._checked[index] = len(client.acknowledged)
        self.verdict.acknowledged = sum(len(client.acknowledged) for client in self.clients)
        self.verdict.retried = sum(client.retried for client in self.clients)
        with psycopg.connect(self.app_dsn) as connection:
            self.verdict.compare(fresh, connection)
            if all_of_it:
                self.verdict.check_whole(connection)

    def finish(self) -> None:
        """Everything once more, with the chain; then no clock may be overdue: they run on."""
        self.over.set()
        for thread in self.threads:
            thread.join(BACK_S)
        self._compare(all_of_it=True)
        until = time.monotonic() + 20
        while True:
            self.verdict.overdue = self._overdue()
            if not self.verdict.overdue or time.monotonic() > until:
                break
            time.sleep(0.2)
        if self.verdict.overdue:
            self.verdict.faults.append(f"{self.verdict.overdue} deadlines were forgotten")

    def _overdue(self) -> int:
        """Deadlines that were due five clock minutes ago and are still there."""
        client = self.clients[0]
        response = client._send("GET", "/api/city", None, {})
        now = datetime.fromisoformat(json.loads(response.data)["clock"]["now"])
        with psycopg.connect(self.app_dsn) as connection:
            row = connection.execute(
                "SELECT count(*) FROM deadline WHERE due < %s", (now - timedelta(minutes=5),)
            ).fetchone()
        assert row is not None
        return int(row[0])

    def end(self) -> None:
        """Stop everything in order; after a failure too."""
        self.over.set()
        for thread in self.threads:
            thread.join(BACK_S)
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self._collect()


if __name__ == "__main__":
    print(json.dumps(run(30), ensure_ascii=False, indent=1))
