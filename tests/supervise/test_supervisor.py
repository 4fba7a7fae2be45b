"""Whatever is killed comes back; whoever kills the supervisor leaves nothing running."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from muster.supervise import processes
from muster.supervise.child import Child, Program
from muster.supervise.supervisor import LOG_BYTES, ProgramService, Supervisor, ended, shorten
from muster.supervise.trouble import Trouble

TOWN = Path(__file__).with_name("town.py")
NAMES = ("first", "first-away", "second", "second-away")


def until(met: Callable[[], bool], what: str) -> None:
    """Wait for something that must happen; the long limit only ends a failing test."""
    for _ in range(1200):
        if met():
            return
        time.sleep(0.05)
    pytest.fail(f"never: {what}")


def lives(pid: int) -> bool:
    """Whether the process runs; a dead one nobody collected yet does not."""
    try:
        return b") Z " not in Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False


class Town:
    """A supervisor in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said = folder / "said"
        with self.said.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(TOWN), str(folder)], stdout=output, stderr=output
            )
        until(lambda: "up" in self.words() or self.process.poll() is not None, "up")

    def words(self) -> str:
        return self.said.read_text()

    def pid(self, name: str) -> int:
        return int((self.folder / name).read_text())

    def postgres(self) -> list[int]:
        return processes.working_in(self.folder / "pg")

    def signal(self, number: int) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    running = Town(tmp_path)
    try:
        yield running
    finally:
        with suppress(ProcessLookupError):
            running.process.kill()
        running.process.wait()
        until(lambda: not running.postgres(), "PostgreSQL gone")


def test_stops_in_the_other_order_and_cleanly(town: Town) -> None:
    pids = [town.pid(name) for name in NAMES]
    assert town.signal(signal.SIGTERM) == 0
    assert (town.folder / "ends").read_text().split() == ["second", "first"]
    assert town.words().endswith("down\n")
    assert town.postgres() == [] and not any(lives(pid) for pid in pids)
    assert "shut down" in (next((town.folder / "log").glob("postgres-???.log"))).read_text()


def test_a_killed_supervisor_leaves_no_orphan(town: Town) -> None:
    pids = [town.pid(name) for name in NAMES]
    assert len(town.postgres()) > 3 and all(lives(pid) for pid in pids)
    assert town.signal(signal.SIGKILL) == -signal.SIGKILL
    until(lambda: not town.postgres(), "PostgreSQL gone")
    until(lambda: not any(lives(pid) for pid in pids), "programs gone")
    # The database was even shut down in order, and the next start finds all in place.
    again = Town(town.folder)
    assert "again" not in again.words()
    assert again.signal(signal.SIGINT) == 0


def test_whatever_is_killed_is_started_again(town: Town) -> None:
    before = town.pid("first")
    os.kill(before, signal.SIGKILL)
    until(lambda: "first已恢复" in town.words(), "first back")
    assert town.pid("first") != before
    assert town.pid("second") and lives(town.pid("second"))
    for pid in town.postgres():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    until(lambda: "数据库已恢复" in town.words(), "database back")
    assert town.signal(signal.SIGTERM) == 0


def test_a_killed_guard_is_noticed_and_its_program_started_again(town: Town) -> None:
    before, away = town.pid("first"), town.pid("first-away")
    guard = int(Path(f"/proc/{before}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(guard, signal.SIGKILL)
    until(lambda: "first已恢复" in town.words(), "first back")
    until(lambda: not lives(before) and not lives(away), "the old program gone")
    assert town.signal(signal.SIGTERM) == 0


def test_a_second_signal_ends_a_deaf_program_at_once(town: Town) -> None:
    (town.folder / "deaf").touch()
    town.process.send_signal(signal.SIGINT)
    until(lambda: (town.folder / "ends").exists(), "asked to end")
    assert town.signal(signal.SIGINT) == 0
    assert not lives(town.pid("second"))


def test_a_second_supervisor_says_who_holds_the_folder(town: Town) -> None:
    other = subprocess.run(
        [sys.executable, str(TOWN), str(town.folder)], capture_output=True, text=True, timeout=60
    )
    assert other.returncode == 1
    assert str(town.process.pid) in other.stdout and "in use by another process" in other.stdout
    assert lives(town.pid("first"))


def test_a_service_that_cannot_start_says_its_last_words(tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = [sys.executable, "-c", "raise SystemExit('no such city')"]
    service = ProgramService(("服务器", "server"), Program(command, output=log), lambda: "starting")
    with pytest.raises(Trouble, match="no such city"), Supervisor(tmp_path, print) as supervisor:
        supervisor.keep(service)


def test_once_waits_for_the_end_and_reports_a_failure(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with Supervisor(tmp_path, print) as supervisor:
        supervisor.once(("一", "one"), Program(["true"], output=log))
        with pytest.raises(Trouble, match="two"):
            supervisor.once(("二", "two"), Program(["false"], output=log))


def test_a_missing_program_is_an_end_with_a_reason(tmp_path: Path) -> None:
    child = Child(Program([str(tmp_path / "nothing")], output=tmp_path / "log"))
    assert child.wait() == 127
    assert "nothing" in ended(("无", "none"), child, tmp_path / "log").en


def test_a_long_log_is_moved_aside(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_bytes(b"x" * (LOG_BYTES + 1))
    with log.open("ab") as writer:
        shorten(log)
        writer.write(b"after")
    assert log.read_bytes() == b"after"
    assert (tmp_path / "server.log.1").stat().st_size == LOG_BYTES + 1
