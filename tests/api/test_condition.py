"""What the process says of itself: readiness that answers when the database does not, jumps of
the machine's clock, file handles, the disk."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from litestar import Litestar, get
from litestar.testing import TestClient

from muster.api import condition as conditions
from muster.api.condition import Condition, Pool, disk_full, disk_low, handles_used
from muster.api.problems import HANDLERS
from muster.api.server import InTime
from muster.journal.database import open_pool
from tests.instance import Database


@pytest.fixture
def pool(city_database: Database) -> Iterator[Pool]:
    with open_pool(city_database.app_dsn) as opened:
        yield opened


def condition(pool: Pool, data: Path, **more: Any) -> Condition:
    return Condition(pool, data, list, **more)


def test_a_sound_process_has_neither_reasons_nor_notes(pool: Pool, tmp_path: Path) -> None:
    found = condition(pool, tmp_path)
    assert found.reasons() == ["starting"]
    found.look()
    assert (found.reasons(), found.notes()) == ([], [])


def test_a_silent_database_is_said_without_asking_it(
    pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = condition(pool, tmp_path)
    found.look()
    later = conditions.monotonic() + 61
    monkeypatch.setattr(conditions, "monotonic", lambda: later)
    assert found.reasons() == ["database: no answer for 61 s"]


def test_an_unreachable_database_is_a_reason(pool: Pool, tmp_path: Path) -> None:
    found = condition(pool, tmp_path)
    pool.close()
    found.look()
    assert found.reasons() == ["database: PoolClosed"]


def _fails(_connection: object) -> list[str]:
    raise RuntimeError


def test_what_lasts_is_told_once_however_long_it_takes(
    pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    found = condition(pool, tmp_path)
    found.look()
    start = conditions.monotonic()
    with monkeypatch.context() as down:
        down.setattr(conditions, "unsafe_settings", _fails)
        down.setattr(found, "_look_at_time", lambda: None)
        for seconds in (61, 62, 63):
            down.setattr(conditions, "monotonic", lambda later=start + seconds: later)
            found.look()
    with monkeypatch.context() as up:
        up.setattr(found, "_look_at_time", lambda: None)
        found.look()
    assert caplog.messages == [
        "database: RuntimeError",
        "database: no answer for 61 s",
        "over: database: RuntimeError",
        "over: database: no answer for 63 s",
    ]


def test_troubles_of_the_threads_are_reasons(pool: Pool, tmp_path: Path) -> None:
    found = Condition(pool, tmp_path, lambda: ["clock: DeadlockDetected"])
    found.look()
    assert found.reasons() == ["clock: DeadlockDetected"]


@pytest.mark.parametrize("seconds", [3600, -3600])
def test_a_jump_of_the_clock_is_noted_and_kept_with_its_audit_row(
    pool: Pool, tmp_path: Path, city_database: Database, seconds: int
) -> None:
    offset = timedelta()
    found = condition(pool, tmp_path, wall=lambda: datetime.now(UTC) + offset)
    found.look()
    assert found.notes() == []
    offset = timedelta(seconds=seconds)
    found.look()
    found.look()
    assert [f"jumped by {seconds:+d} s" in note for note in found.notes()] == [True]
    with psycopg.connect(city_database.app_dsn) as connection:
        kept = connection.execute("SELECT milliseconds FROM clock_jump").fetchall()
        audited = connection.execute(
            "SELECT count(*) FROM audit WHERE table_name = 'clock_jump'"
        ).fetchone()
    assert [round(row[0] / 1000) for row in kept] == [seconds] and audited == (1,)


def test_a_jump_while_the_database_is_away_is_kept_afterwards(
    pool: Pool, tmp_path: Path, city_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    offset = timedelta()
    found = condition(pool, tmp_path, wall=lambda: datetime.now(UTC) + offset)
    offset = timedelta(hours=1)
    with monkeypatch.context() as away:
        away.setattr(pool, "connection", lambda **_: (_ for _ in ()).throw(psycopg.Error()))
        found.look()
        assert found.reasons() == ["database: Error"]
    found.look()
    assert found.reasons() == []
    with psycopg.connect(city_database.app_dsn) as connection:
        assert connection.execute("SELECT count(*) FROM clock_jump").fetchone() == (1,)


def test_the_watcher_outlives_what_it_cannot_look_at(
    pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = condition(pool, tmp_path)
    with monkeypatch.context() as gone:
        gone.setattr(found, "look", lambda: (_ for _ in ()).throw(MemoryError()))
        found.start()
        for _ in range(200):
            if "condition: MemoryError" in found.reasons():
                break
            found._stopping.wait(0.02)
        assert "condition: MemoryError" in found.reasons()
    for _ in range(400):
        if not found.reasons():
            break
        found._stopping.wait(0.02)
    assert found.reasons() == []
    found.stop()


def test_a_thread_that_dies_ends_the_process() -> None:
    code = (
        "import threading\n"
        "from muster.api.condition import end_with_threads\n"
        "end_with_threads()\n"
        "def die(): raise MemoryError\n"
        "threading.Thread(target=die, name='feed').start()\n"
        "threading.Event().wait(30)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 70 and "the thread feed died of MemoryError" in done.stderr


def test_handles_are_told_before_the_last_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert handles_used() == []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (5, 5))
    assert handles_used()[0].endswith("of 5 in use")


def test_memory_is_told_before_it_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(conditions, "CGROUP_LIMITS", (limit,))
    limit.write_text("max\n")
    assert conditions.memory_used() == []
    limit.write_text(f"{1 << 20}\n")
    assert conditions.memory_used()[0].endswith("of 1 MB in use")


def test_a_low_and_a_full_disk_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conditions, "LOW_BYTES", 1 << 60)
    assert len(disk_low(tmp_path)) == 1 and disk_full(tmp_path) == []
    monkeypatch.setattr(conditions, "FULL_BYTES", 1 << 60)
    assert disk_low(tmp_path) == [] and "full" in disk_full(tmp_path)[0]


@get("/quick", sync_to_thread=False)
def quick() -> str:
    return "quick"


@get("/slow", sync_to_thread=True)
def slow() -> str:
    import threading

    threading.Event().wait(1.0)
    return "slow"


@get("/broken", sync_to_thread=True)
def broken() -> str:
    raise ValueError("a defect")


def test_an_answer_that_does_not_come_is_one_that_says_so() -> None:
    handlers: Any = HANDLERS
    app = Litestar([quick, slow, broken], middleware=[InTime(0.2)], exception_handlers=handlers)
    with TestClient(app, raise_server_exceptions=False) as client:
        assert client.get("/quick").text == "quick"
        late = client.get("/slow")
        assert (late.status_code, late.headers["retry-after"]) == (503, "1")
        assert msgspec.json.decode(late.content)["code"] == "server.slow"
        assert msgspec.json.decode(client.get("/broken").content)["code"] == "defect"
