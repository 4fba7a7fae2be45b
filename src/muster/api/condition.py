"""How the running process is: what keeps it from being used, and what an engineer should know.

One thread looks once a second, so that asking costs nothing and still gets an answer when the
database gives none: then the age of the last look is the answer.
"""

from __future__ import annotations

import logging
import os
import re
import resource
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from psycopg import Connection
from psycopg_pool import ConnectionPool

from muster.journal.clock import monotonic, real_now
from muster.journal.database import record_clock_jump, unsafe_settings
from muster.journal.feed import held_back

log = logging.getLogger("muster.condition")

EVERY_S: Final = 1.0
SILENT_S: Final = 4.0
STALLED_S: Final = 5.0
#: Figures in a sentence that go on changing do not make it another sentence.
_FIGURES: Final = re.compile(r"\d+")
JUMP_S: Final = 2.0
JUMP_TOLD_S: Final = 3600.0
#: With less, PostgreSQL cannot write the next segment of its log; before that, it is said.
FULL_BYTES: Final = 20 << 20
LOW_BYTES: Final = 256 << 20
HANDLES_SHARE: Final = 0.8
MEMORY_SHARE: Final = 0.85
#: Where a container says how much there is, in its newer and older form.
CGROUP_LIMITS: Final = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)

Pool = ConnectionPool[Connection[Any]]


class Condition:
    """`reasons()`: why this process should get no requests now; `notes()`: what is worth telling
    and does not keep it from working. Both in English, for the engineer."""

    def __init__(
        self,
        pool: Pool,
        data: Path,
        troubles: Callable[[], list[str]],
        *,
        told: Callable[[], list[str]] = lambda: [],
        wall: Callable[[], datetime] = real_now,
    ) -> None:
        self._pool, self._data, self._wall = pool, data, wall
        self._troubles, self._notes = troubles, told
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._found: list[str] = ["starting"]
        self._answered = monotonic()
        self._held_since: float | None = None
        self._steady = (wall(), monotonic())
        self._jumps: list[tuple[float, str]] = []
        self._unrecorded: list[tuple[datetime, float]] = []
        self._told: dict[str, str] = {}

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="condition", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=2)

    def reasons(self) -> list[str]:
        found = [*self._troubles(), *self._found, *disk_full(self._data)]
        silent = monotonic() - self._answered
        if silent > SILENT_S:
            found.append(f"database: no answer for {silent:.0f} s")
        return list(dict.fromkeys(found))

    def notes(self) -> list[str]:
        recent = monotonic() - JUMP_TOLD_S
        jumps = [words for at, words in self._jumps if at > recent]
        return [*jumps, *self._lasting()]

    def _lasting(self) -> list[str]:
        """What may be over at the next look, with the figures of this one."""
        return [*self._notes(), *disk_low(self._data), *handles_used(), *memory_used()]

    def look(self) -> None:
        """One look at everything; the thread does it, a test may."""
        self._look_at_time()
        try:
            with self._pool.connection(timeout=2) as connection:
                self._record_jumps(connection)
                found = unsafe_settings(connection)
                found += self._feed_stalled(held_back(connection))
            self._answered = monotonic()
        except Exception as error:
            found = [f"database: {type(error).__name__}"]
        self._found = found
        self._tell()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.look()
            except Exception as error:
                # Out of memory, most likely: whoever watches must be the last to go.
                self._found = [f"condition: {type(error).__name__}"]
            self._stopping.wait(EVERY_S)

    def _tell(self) -> None:
        """Into the log, once each: what was not so before. Figures in it may go on changing."""
        now = {_FIGURES.sub("#", words): words for words in [*self.reasons(), *self._lasting()]}
        for what in sorted(now.keys() - self._told.keys()):
            log.warning("%s", now[what])
        for what in sorted(self._told.keys() - now.keys()):
            log.warning("over: %s", self._told[what])
        self._told = now

    def _look_at_time(self) -> None:
        """Somebody set the machine's clock: entries before and after do not fit together."""
        wall, steady = self._wall(), monotonic()
        passed = (wall - self._steady[0]).total_seconds()
        jump = passed - (steady - self._steady[1])
        self._steady = (wall, steady)
        if abs(jump) > JUMP_S:
            words = f"clock: the machine's clock jumped by {jump:+.0f} s at {wall:%Y-%m-%dT%H:%MZ}"
            self._jumps.append((steady, words))
            log.warning("%s", words)
            self._unrecorded.append((wall, jump))

    def _record_jumps(self, connection: Connection[Any]) -> None:
        while self._unrecorded:
            record_clock_jump(connection, *self._unrecorded[0])
            connection.commit()
            self._unrecorded.pop(0)

    def _feed_stalled(self, held: bool) -> list[str]:
        if not held:
            self._held_since = None
            return []
        self._held_since = self._held_since or monotonic()
        stalled = monotonic() - self._held_since > STALLED_S
        return ["feed: held back by a long transaction"] if stalled else []


def disk_full(folder: Path) -> list[str]:
    """Why nothing can be written to the data folder's disk."""
    state = os.statvfs(folder)
    if state.f_flag & os.ST_RDONLY:
        return [f"disk: {folder} is read-only"]
    left = state.f_bavail * state.f_frsize
    return [f"disk: full, {left >> 20} MB left for {folder}"] if left < FULL_BYTES else []


def disk_low(folder: Path) -> list[str]:
    state = os.statvfs(folder)
    left = state.f_bavail * state.f_frsize
    return [f"disk: {left >> 20} MB left for {folder}"] if FULL_BYTES <= left < LOW_BYTES else []


def handles_used() -> list[str]:
    """Said before the last file handle is gone: then nobody new can connect."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    try:
        used = sum(1 for _ in Path("/proc/self/fd").iterdir())
    except OSError:
        return ["handles: none left"]
    return [f"handles: {used} of {most} in use"] if used > most * HANDLES_SHARE else []


def memory_used() -> list[str]:
    """Said before the kernel ends us for want of memory."""
    limits = [resource.getrlimit(resource.RLIMIT_DATA)[0], *map(_limit_in, CGROUP_LIMITS)]
    most = min((limit for limit in limits if limit > 0), default=0)
    used = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    if not most or used <= most * MEMORY_SHARE:
        return []
    return [f"memory: {used >> 20} of {most >> 20} MB in use"]


def _limit_in(file: Path) -> int:
    """Bytes; -1 when there is no limit."""
    try:
        words = file.read_text().strip()
    except OSError:
        return -1
    return int(words) if words.isdigit() else -1


def end_with_threads() -> None:
    """From now on a thread that dies ends the process, which is started again by whoever keeps
    it: a server without its clock or its feed would look alive and not be."""

    def end(died: threading.ExceptHookArgs) -> None:
        name = died.thread.name if died.thread else "unknown"
        log.critical("the thread %s died of %s", name, died.exc_type.__name__)
        os._exit(70)

    threading.excepthook = end


def raise_handles() -> None:
    """Every console holds one: take as many as this process may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
