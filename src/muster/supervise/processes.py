"""Finding what an earlier, killed supervisor may have left running. Linux's /proc only."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

MARK = "MUSTER_GUARDED"  # in the environment of whatever runs under a guard


def working_in(folder: Path) -> list[int]:
    """Processes whose working folder is `folder`: every PostgreSQL process works in its data
    folder, so this finds a leftover server with certainty, whatever postmaster.pid says."""
    wanted = folder.resolve()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if (entry / "cwd").readlink() == wanted and _is_postgres(entry):
                    found.append(int(entry.name))
            except OSError:
                continue  # gone meanwhile, or not ours to look at
    return found


def _is_postgres(entry: Path) -> bool:
    return (entry / "stat").read_bytes().partition(b"(")[2].startswith(b"postgres")


def wait_until_gone(folder: Path, seconds: float, say: Callable[[str], None]) -> None:
    """Give leftover PostgreSQL processes of `folder` the time to end by themselves (their guard
    is stopping them), then kill them. Without this a new server would find the memory in use."""
    until = time.monotonic() + seconds
    told = False
    while left := working_in(folder):
        if not told:
            say("上次留下的数据库正在结束 / a database left over from last time is ending")
            told = True
        if time.monotonic() > until:
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        time.sleep(0.05)


def kill_marked(token: str) -> None:
    """SIGKILL every process that inherited the mark `token`, whatever it did to get away."""
    wanted = f"{MARK}={token}".encode()
    while left := [pid for pid in _all() if wanted in _environment(pid)]:
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def end_started_with(word: str, seconds: float, say: Callable[[str], None]) -> None:
    """Give leftover servers that were started with `word` the time to answer what is under way
    (their guard has asked them to end), then kill them: they hold the port of the next one."""
    until = time.monotonic() + seconds
    told = False
    while left := started_with(word):
        if not told:
            say("上次留下的服务器正在结束 / a server left over from last time is ending")
            told = True
        if time.monotonic() > until:
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def started_with(word: str) -> list[int]:
    """Processes that have `word` in their command line or environment, dead ones left out."""
    found = []
    for pid in _all():
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if pid != os.getpid() and any(word.encode() in part for part in (line, *_environment(pid))):
            found.append(pid)
    return found


def _all() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _environment(pid: int) -> list[bytes]:
    """Empty for a process that is gone, dead but not collected, or not ours to look at."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def name_of(pid: int) -> str:
    """The command line of a process, for people; empty if it is gone."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return ""
    return " ".join(word.decode(errors="replace") for word in words if word)[:80]
