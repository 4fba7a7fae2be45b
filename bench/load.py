"""Two hundred commands a second with a thousand people watching, a tenth of whom take nothing.

A real server and the embedded PostgreSQL under their supervisor. Commands come at fixed moments,
whether the ones before were answered or not, and are timed from those moments. Afterwards every
answer is compared with the journal, the chain verified, and what a watcher was told compared with
what a late comer is shown.

    ours: the 99th percentile of all commands, in ms (promise: 2,000, as the standards of dispatch)

`bench load` runs 20 s; with `--soak` 10 minutes. `failed` when something was lost or done twice, a
watcher was cut off or kept waiting, memory grew, or the promise was broken.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

import soak as kills
from _city import median, quantile

WATCHERS = Path(__file__).with_name("_watchers.py")
WORKERS = 16
READERS = ("duty_chief", "dispatcher", "call_taker", "station_room", "analyst", "auditor")
PROMISE_MS, QUIET_S = 2000.0, 15.0
#: Megabytes the server may grow between the middle and the end of a run.
GROWTH_MB = 32.0


def run(
    soak: bool = False, seconds: float | None = None, rate: int = 200, clients: int = 1000
) -> dict[str, Any]:
    """So many seconds (20, with `soak` 600) of so many commands a second."""
    lasting = seconds or (600.0 if soak else 20.0)
    began = round(os.getloadavg()[0], 2)
    kills.SPEED = 1.0
    with tempfile.TemporaryDirectory(prefix="muster-load-") as folder:
        town = Town(Path(folder), random.Random(1))
        try:
            town.begin()
            with watched(town, clients, clients // 10) as watching:
                follower = Follower(town)
                town.drive(rate, lasting)
                follower.finish()
            town.finish()
        finally:
            town.end()
    return {**town.told(began), **judged(town, watching, lasting), "feed": watching}


def judged(town: Town, watching: dict[str, Any], lasting: float) -> dict[str, Any]:
    faults = list(town.verdict.faults) + town.faults
    late = [one.ms for one in town.done]
    memory = [kb / 1024 for _, kb in town.memory]
    middle, end = memory[len(memory) // 2 :][:5], memory[-5:]
    growth = (sum(end) / len(end) - sum(middle) / len(middle)) if memory else 0.0
    if quantile(late, 0.99) > PROMISE_MS:
        faults.append(f"p99 is {quantile(late, 0.99):.0f} ms")
    if growth > GROWTH_MB and lasting >= 300:
        faults.append(f"the server grew by {growth:.0f} MB in the second half")
    if watching["lost"]:
        faults.append(f"{watching['lost']} connections of watchers were lost")
    if watching["quiet_s"] > QUIET_S:
        faults.append(f"a watcher heard nothing for {watching['quiet_s']:.0f} s")
    step = max(1, len(memory) // 10)
    return {
        "failed": bool(faults),
        "faults": faults[:20],
        "memory_mb": [round(one) for one in memory[::step]],
        "growth_mb": round(growth, 1),
    }


class Done:
    """One command: when it was due, how long until it was answered, and how."""

    __slots__ = ("at", "ms", "ok")

    def __init__(self, at: float, ms: float, ok: bool) -> None:
        self.at, self.ms, self.ok = at, ms, ok


class Town(kills.Town):
    """The town of the soak, driven at a fixed rate instead of killed."""

    def begin(self) -> None:
        self.start()
        self.over.set()  # its own clients have signed in; they do not work here
        for thread in self.threads:
            thread.join()
        self.threads = []
        self.over.clear()
        self.done: list[Done] = []
        self.memory: list[tuple[float, int]] = []
        self.faults: list[str] = []

    def sign_in(self, role: str) -> kills.Client:
        accounts = {one["role"]: one for one in self.accounts}
        client = kills.Client(self, accounts[role], self.random.getrandbits(32))
        client.sign_in()
        return client

    def _launch(self) -> dict[str, Any]:
        ready = super()._launch()
        self.accounts: list[dict[str, str]] = ready["accounts"]
        return ready

    def drive(self, rate: int, lasting: float) -> None:
        """Every worker takes every sixteenth command of the timetable."""
        pairs = [(self.sign_in("dispatcher"), self.sign_in("duty_chief")) for _ in range(WORKERS)]
        self.clients += [one for pair in pairs for one in pair]
        start = time.monotonic() + 0.5
        threads = [
            threading.Thread(
                target=self._work, args=(Worker(*pair), start + index / rate, rate, lasting)
            )
            for index, pair in enumerate(pairs)
        ]
        for thread in threads:
            thread.start()
        minute = time.monotonic()
        while any(thread.is_alive() for thread in threads):
            time.sleep(1.0)
            self.memory.append((time.monotonic() - start, self._memory()))
            if time.monotonic() - minute >= 15:
                minute = time.monotonic()
                self._progress(start, lasting)

    def _work(self, worker: Worker, begin: float, rate: int, lasting: float) -> None:
        count = int(lasting * rate / WORKERS)
        try:
            for number in range(count):
                due = begin + number * WORKERS / rate
                time.sleep(max(0.0, due - time.monotonic()))
                ok = worker.next()
                self.done.append(Done(due, (time.monotonic() - due) * 1000, ok))
        except Exception as error:
            self.faults.append(f"{type(error).__name__}: {error}")

    def _memory(self) -> int:
        assert self.process is not None and self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("memory\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def _progress(self, start: float, lasting: float) -> None:
        recent = [one.ms for one in self.done[-3000:]]
        kills.say(
            f"{time.monotonic() - start:.0f} of {lasting:.0f} s: {len(self.done)} commands,"
            f" lately p50 {median(recent or [0]):.0f} ms, p99 {quantile(recent, 0.99):.0f} ms,"
            f" server {self.memory[-1][1] / 1024:.0f} MB"
        )

    def told(self, began: float) -> dict[str, Any]:
        late = [one.ms for one in self.done]
        span = max((one.at for one in self.done), default=0) - min(
            (one.at for one in self.done), default=0
        )
        refused = sum(not one.ok for one in self.done)
        return {
            "name": "load",
            "ours": round(quantile(late, 0.99), 1),
            "peer": PROMISE_MS,
            "ratio": round(PROMISE_MS / max(quantile(late, 0.99), 0.001), 1),
            "unit": "ms, p99 of all commands",
            "n": len(self.done),
            "load": began,
            "per_s": round(len(self.done) / max(span, 1e-9), 1),
            "p50_ms": round(quantile(late, 0.5), 1),
            "p999_ms": round(quantile(late, 0.999), 1),
            "refused": refused,
            "losses": self.verdict.losses,
            "duplicates": self.verdict.duplicates,
            "entries": self.verdict.entries,
            "chain": self.verdict.chain,
        }


class Worker:
    """Opens a matter, works on it and has it cancelled by a second person, again and again: the
    board stays of one size."""

    def __init__(self, desk: kills.Client, chief: kills.Client) -> None:
        self.desk, self.chief = desk, chief
        self.matter, self.step = "", 0

    def next(self) -> bool:
        step, self.step = self.step, (self.step + 1) % 10
        if step == 0 or not self.matter:
            self.step = 1
            before = len(self.desk.town.matters)
            self.desk._report()
            found = self.desk.town.matters[before:]
            mine = [one for one in found if self._is_mine(one)]
            self.matter = mine[-1] if mine else ""
            return bool(self.matter)
        where = f"/api/incidents/{self.matter}"
        if step == 8:
            words = {"kind": "invalid", "reason": "示例：误拨"}
            return self.desk.perform(f"{where}/request_cancel", words)
        if step == 9:
            matter, self.matter = self.matter, ""
            return self.chief.perform(f"/api/incidents/{matter}/confirm_cancel", {})
        if step % 3 == 2:
            level = {"level": 1 + (step // 3) % 2 * 2, "reason": "示例"}
            return self.desk.perform(f"{where}/change_level", level)
        return self.desk.perform(f"{where}/remark", {"text": "示例：补充情况"})

    def _is_mine(self, matter: str) -> bool:
        last = self.desk.acknowledged[-1:]
        return bool(last) and last[0].matter == matter


class Follower:
    """Watches the feed as a page does, and in the end compares with what a late comer is shown."""

    def __init__(self, town: Town) -> None:
        self.town, self.client = town, town.sign_in("duty_chief")
        self.incidents: dict[str, Any] = {}
        self.cursor = ""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow)
        self._thread.start()

    @contextmanager
    def _open(self) -> Iterator[ClientConnection]:
        url = self.town.url.replace("http", "ws", 1) + "/api/live"
        headers = {"Cookie": self.client.headers["Cookie"]}
        with connect(
            url, additional_headers=headers, compression=None, max_size=None
        ) as connection:
            connection.send('{"type":"hello"}')
            yield connection

    def _follow(self) -> None:
        try:
            with self._open() as connection:
                while not self._over.is_set():
                    try:
                        self._apply(json.loads(connection.recv(1.0)), self.incidents)
                    except TimeoutError:
                        continue
        except Exception as error:
            self.town.faults.append(f"the follower: {type(error).__name__}: {error}")

    def _apply(self, message: Any, held: dict[str, Any]) -> bool:
        if message["type"] == "snapshot":
            held.clear()
        if message["type"] in ("snapshot", "changes"):
            held.update({row["id"]: row for row in message["incidents"]})
            for gone in message.get("gone", ()):
                held.pop(gone, None)
        return bool(message["type"] == "snapshot")

    def finish(self) -> None:
        """Once all has come: the same as a fresh load."""
        until = time.monotonic() + 30
        while True:
            time.sleep(1.5)
            fresh: dict[str, Any] = {}
            with self._open() as connection:
                while not self._apply(json.loads(connection.recv(30)), fresh):
                    pass
            if fresh == self.incidents or time.monotonic() > until:
                break
        self._over.set()
        self._thread.join()
        if fresh != self.incidents:
            every = fresh.keys() | self.incidents.keys()
            different = [one for one in every if fresh.get(one) != self.incidents.get(one)]
            self.town.faults.append(f"a watcher shows {len(different)} matters otherwise")


@contextmanager
def watched(town: Town, clients: int, stalled: int) -> Iterator[dict[str, Any]]:
    """The crowd of bench/_watchers.py; what it heard is there afterwards."""
    needed = -(-clients // 8)
    signed_in = [town.sign_in(READERS[number % len(READERS)]) for number in range(needed)]
    cookies = [one.headers["Cookie"] for one in signed_in]
    command = [sys.executable, str(WATCHERS), str(town.port), str(clients), str(stalled)]
    heard: dict[str, Any] = {}
    with subprocess.Popen(
        [*command, *cookies], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n", "the watchers could not connect"
            kills.say(f"{clients} watchers are there, {stalled} of them take nothing")
            yield heard
            said, _ = process.communicate(timeout=60)
            heard |= json.loads(said.strip().splitlines()[-1])
        finally:
            process.kill()


if __name__ == "__main__":
    print(json.dumps(run(seconds=float(sys.argv[1]) if sys.argv[1:] else None), indent=1))
