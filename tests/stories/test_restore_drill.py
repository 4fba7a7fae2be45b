"""The worst night: backed up under load, more work, one matter erased, then everything is lost.

The restore goes into a new cluster. Everything acknowledged before the backup is there, what was
erased stays erased, consoles go on from their old cursors, repeated commands get their first
answers. What was acknowledged after the backup began and was not yet in it is lost: that is the
recovery point, and the test counts it.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import psycopg
import pytest

from muster import app
from muster.journal import erasures
from muster.journal.backup import archive
from muster.migrations.run import upgrade
from muster.supervise import postgres
from tests.api.consoles import Console
from tests.instance import Database, Instance, free_port, settings_for
from tests.invariants.rebuilt import assert_server_equals_rebuild
from tests.stories.desk import Person, call, on_duty, signed_in

UNITS = ("pt-shenjiamen-01", "pt-shenjiamen-02")


@dataclass(frozen=True)
class Acknowledged:
    """A command somebody holds the answer of."""

    who: str
    path: str
    command: str
    body: bytes
    answer: Any
    at: datetime


@dataclass
class Load:
    """Callers and officers at work until told to stop."""

    server: Instance
    acknowledged: list[Acknowledged] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _failed: list[BaseException] = field(default_factory=list)

    def do(self, person: Person, path: str, body: Any) -> Any:
        command, encoded = str(uuid4()), msgspec.json.encode(body)
        answer = person.do(path, msgspec.json.decode(encoded), command=command)
        now = datetime.now(UTC)
        self.acknowledged.append(Acknowledged(person.username, path, command, encoded, answer, now))
        return answer

    def begin(self) -> None:
        taker, dispatcher = (
            signed_in(self.server, "call-taker"),
            signed_in(self.server, "dispatcher"),
        )
        chief = signed_in(self.server, "duty-chief")
        crews = {unit: on_duty(self.server, unit) for unit in UNITS}
        self._run(lambda: self._call(taker))
        self._run(lambda: self._call(chief))
        for unit, officer in crews.items():
            self._run(lambda unit=unit, officer=officer: self._order(dispatcher, unit, officer))

    def _run(self, work: Callable[[], None]) -> None:
        def on_and_on() -> None:
            try:
                while not self._stop.is_set():
                    work()
            except BaseException as error:
                self._failed.append(error)

        self._threads.append(threading.Thread(target=on_and_on))
        self._threads[-1].start()

    def _call(self, person: Person) -> None:
        matter = str(uuid4())
        self.do(person, "/api/incidents", call(matter))
        self.do(person, f"/api/incidents/{matter}/remark", {"text": "示例：补充"})

    def _order(self, dispatcher: Person, unit: str, officer: Person) -> None:
        matter, order = str(uuid4()), str(uuid4())
        where = f"/api/incidents/{matter}"
        self.do(dispatcher, "/api/incidents", call(matter))
        self.do(dispatcher, f"{where}/dispatch", {"orders": [{"order": order, "unit": unit}]})
        for step in ("deliver", "sign", "set_out", "arrive", "handle"):
            self.do(officer, f"{where}/orders/{order}/{step}", {"at": datetime.now(UTC)})
        self.do(officer, f"{where}/feed_back", {"result": "handled", "final": True})
        self.do(officer, f"{where}/orders/{order}/finish", {"at": datetime.now(UTC)})
        self.do(dispatcher, f"{where}/close", {})

    def wait_for(self, count: int) -> None:
        more = len(self.acknowledged) + count
        while len(self.acknowledged) < more:
            assert not self._failed, self._failed
            threading.Event().wait(0.02)

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        assert not self._failed, self._failed


def muster(*words: str, code: int = 0) -> str:
    environment = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL",)}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "muster.cli", *words],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


@contextlib.contextmanager
def served(cluster: postgres.Postgres, folder: Path, port: int) -> Iterator[Instance]:
    """A server over the cluster of its own data folder."""
    database = Database("muster", cluster.owner_dsn, cluster.app_dsn)
    upgrade(cluster.owner_dsn)
    settings = settings_for(database, folder, port=port, clock="real", demo=True)
    app.prepare(settings)
    server = Instance(settings, folder.parent / f"{folder.name}.log")
    server.start()
    try:
        yield server
    finally:
        server.kill()


def closed_matter(load: Load, server: Instance) -> str:
    """A matter with words about people, called off by one and confirmed by another."""
    taker, chief = signed_in(server, "call-taker"), signed_in(server, "duty-chief")
    matter = str(uuid4())
    load.do(taker, "/api/incidents", call(matter, caller_phone="199-0000-0777"))
    where = f"/api/incidents/{matter}"
    load.do(taker, f"{where}/request_cancel", {"kind": "invalid", "reason": "示例"})
    load.do(chief, f"{where}/confirm_cancel", {})
    return matter


@pytest.mark.timeout(600)
def test_everything_is_lost_and_restored(tmp_path: Path) -> None:
    town, new, out = tmp_path / "town", tmp_path / "new", tmp_path / "out"
    outside, later = tmp_path / "outside", tmp_path / "later"
    port = free_port()
    with postgres.running(town) as cluster, served(cluster, town, port) as server:
        load = Load(server)
        gone, partly = closed_matter(load, server), closed_matter(load, server)
        console = Console(server, signed_in(server, "dispatcher")).come()
        console.until(lambda: "snapshot" in console.said)
        load.begin()
        load.wait_for(60)
        muster("journal", "checkpoint", "--to", str(outside), "--data", str(town))
        told = json.loads(muster("backup", "--to", str(out), "--data", str(town), "--json"))
        load.wait_for(40)
        erase(load, server, gone, "caller", "narrative", "place")
        erase(load, server, partly, "caller")
        unheard = closed_matter(load, server)
        erase(load, server, unheard, "caller", "narrative", "place")
        load.end()
        muster("journal", "checkpoint", "--to", str(later), "--data", str(town))
        console.until(lambda: "changes" in console.said)
        cursor = console.cursor
        key = town / "keys" / "backup.key"
        wrapped, of_part = _wrapped_in(out, key, gone), _wrapped_in(out, key, partly)
        server.kill()
        cluster.kill()
    keys = tmp_path / "safe"
    keys.mkdir()
    for path in (*(town / "keys").glob("*.key"), town / app.LEDGER):
        path.rename(keys / path.name)
    # Nothing of the old installation is left but the keys and the ledger, kept elsewhere.
    subprocess.run(["rm", "-rf", str(town)], check=True)

    report = muster(
        *("restore", "--from", str(out), "--data", str(new)),
        *("--key", str(keys / "backup.key"), "--master-key", str(keys / "master.key")),
        *("--erasures", str(keys / app.LEDGER)),
    )
    assert "0 faults; 0 rows differed" in report and "1 matters erased again" in report
    assert told["snapshot_at"][:19] in report, "the recovery point is said"
    assert "signing key is not there" in report
    verify = ("journal", "verify", "--data", str(new), "--vault", "--kept", "--against")
    muster(*verify, str(outside))
    lost = muster(*verify, str(later), code=1)
    assert "the end was cut off" in lost, "a checkpoint from after the backup shows the loss"

    with postgres.running(new) as cluster, served(cluster, new, port) as server:
        _erased(server, gone, wrapped)
        _erased_in_part(server, partly, of_part)
        again = signed_in(server, "call-taker").try_to("/api/incidents", call(unheard))
        assert again.code == "matter.erased", "erased, though the backup never heard of it"
        _acknowledged_is_there(server, load, datetime.fromisoformat(told["snapshot_at"]))
        _console_resumes(server, console, cursor)
        assert_server_equals_rebuild(server)


def erase(load: Load, server: Instance, matter: str, *classes: str) -> None:
    """One proposes, another agrees."""
    dispatcher, chief = signed_in(server, "dispatcher"), signed_in(server, "duty-chief")
    where = f"/api/retention/matters/{matter}"
    wanted = {"classes": classes, "basis": "示例：法定删除", "reason": "示例"}
    load.do(dispatcher, f"{where}/propose_erasure", wanted)
    proposal = chief.get(where)["retention"]["proposal"]["number"]
    load.do(chief, f"{where}/approve_erasure", {"proposal": proposal})


def _wrapped_in(out: Path, key: Path, matter: str) -> str:
    """The matter's wrapped key, as the backup has it."""
    used = archive.Key(key)
    manifest = archive.read_manifest(out, used)
    sealer = archive.Sealer(out, used, manifest.backup)
    for name, chunk in manifest.chunks():
        if name == "vault_key":
            for line in sealer.open(name, chunk).decode().splitlines():
                if line.startswith(matter):
                    return line.split("\t")[1].removeprefix("\\\\x")
    raise AssertionError("the backup was made before the erasure")


def _erased(server: Instance, gone: str, wrapped: str) -> None:
    with psycopg.connect(server.settings.owner_dsn) as owner:
        for table in ("vault_key", "vault_item", "vault_lookup"):
            left = owner.execute(
                f"SELECT count(*) FROM {table} WHERE matter = %s".encode(), (gone,)
            ).fetchone()
            assert left == (0,), table
        keys = owner.execute("SELECT encode(wrapped, 'hex') FROM vault_key").fetchall()
        assert keys and (wrapped,) not in keys
    chief = signed_in(server, "duty-chief")
    shown = chief.get(f"/api/incidents/{gone}")
    assert shown["row"]["erased"] is True
    assert "199-0000-0777" not in json.dumps(shown)
    kinds = [one["kind"] for one in chief.get(f"/api/incidents/{gone}/entries")["entries"]]
    assert kinds[-1] == "incident.erased"
    assert chief.try_to(f"/api/incidents/{gone}/remark", {"text": "示例"}).code == "matter.erased"


def _erased_in_part(server: Instance, partly: str, wrapped: str) -> None:
    """The caller's name and phone went, the place and the words stayed, under another key than the
    one in the backup: what is there now opens nothing of what went."""
    with psycopg.connect(server.settings.owner_dsn) as owner:
        key = owner.execute("SELECT wrapped FROM vault_key WHERE matter = %s", (partly,)).fetchone()
    assert key is not None and bytes(key[0]).hex() != wrapped
    with psycopg.connect(server.settings.owner_dsn) as owner:
        left = owner.execute(
            "SELECT item FROM vault_item WHERE matter = %s ORDER BY item", (partly,)
        ).fetchall()
        looked_up = owner.execute(
            "SELECT count(*) FROM vault_lookup WHERE matter = %s", (partly,)
        ).fetchone()
    items = {item for (item,) in left}
    assert {"1.narrative", "1.place"} <= items and not {"1.caller_name", "1.caller_phone"} & items
    assert looked_up == (0,)
    shown = json.dumps(signed_in(server, "duty-chief").get(f"/api/incidents/{partly}"))
    assert "199-0000-0777" not in shown
    ledger = erasures.read(Path(server.settings.data) / app.LEDGER)
    assert [one.number > 0 for one in ledger] == [False, True, False]


def _acknowledged_is_there(server: Instance, load: Load, snapshot_at: datetime) -> None:
    """Asked again with the same id: the first answer for all before the backup; of those after
    it, some are new to the restored server."""
    people = {one.who: signed_in(server, one.who) for one in load.acknowledged}
    before = [one for one in load.acknowledged if one.at < snapshot_at]
    after = [one for one in load.acknowledged if one.at >= snapshot_at]
    assert len(before) >= 60 and len(after) >= 40
    with psycopg.connect(server.settings.owner_dsn) as owner:
        known = {row[0] for row in owner.execute("SELECT command FROM command")}
    assert {one.command for one in before} <= known
    lost = [one for one in after if one.command not in known]
    assert lost, "commands after the backup are beyond the recovery point"
    for one in [*before[:20], *before[-20:]]:
        body = msgspec.json.decode(one.body)
        assert people[one.who].do(one.path, body, command=one.command) == one.answer
    retried = next(one for one in lost if one.path == "/api/incidents" and one.who == "duty-chief")
    taker = people[retried.who]
    opened = taker.do(retried.path, msgspec.json.decode(retried.body), command=retried.command)
    assert taker.get(f"/api/incidents/{opened['matter']}")["row"]["number"] == opened["number"]


def _console_resumes(server: Instance, console: Console, cursor: str | None) -> None:
    """It comes with the cursor of the old server: a clean picture, then changes as they happen."""
    person = signed_in(server, "dispatcher")
    console.person.headers = person.headers
    console._server, console.cursor = server, cursor
    console.said.clear()
    console.come()
    console.until(lambda: "snapshot" in console.said)
    matter = str(uuid4())
    signed_in(server, "call-taker").do("/api/incidents", call(matter))
    console.until(lambda: matter in console.incidents)
    incidents, units = console.fresh()
    console.until(lambda: set(console.incidents) == set(incidents))
    assert console.incidents == incidents
    assert console.units == units
    console.part()
