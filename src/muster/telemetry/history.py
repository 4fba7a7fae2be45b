"""One thread writes accepted fixes and counted rejects, once a second.

Whoever reports never waits for the database. A crash loses at most the last second; who must know
what is safe asks `safe`.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from psycopg import Connection
from psycopg import Error as DatabaseError
from psycopg_pool import ConnectionPool

from muster.journal.clock import Clock
from muster.telemetry import tables
from muster.telemetry.fixes import DUPLICATE, EPOCH, Columns, joined
from muster.telemetry.segments import MINUTE, minute_of, seal
from muster.telemetry.tables import day_of, days_of, sealed_until

log = logging.getLogger("muster.telemetry")

FULL = "position.history_full"
LEAST_KEEP_DAYS = 2
DAYS_AHEAD = 2
#: With so many queued it is written before the second is over.
PROMPTLY = 20_000
_LOST = "the thread that writes the history of positions has ended"


class Place(NamedTuple):
    """Of fixes in all that were ever queued: from the first to before the end."""

    first: int
    end: int


class Dropped(Exception):
    """Fixes were dropped before they were written: send them again."""


class History:
    """The queue to the history and the thread that empties it. `units`: names by number.

    `trouble` says why nothing can be written at the moment; empty when all is well.
    `flushed` are called after each writing. Each minute that has ended is sealed (segments.py).
    """

    def __init__(
        self,
        pool: ConnectionPool[Connection[Any]],
        clock: Clock,
        units: Sequence[str],
        *,
        keep_days: int = 30,
        limit: int = 100_000,
    ) -> None:
        if keep_days < LEAST_KEEP_DAYS:
            raise ValueError(f"positions are kept for {LEAST_KEEP_DAYS} days at least")
        self._pool, self._clock, self._units = pool, clock, units
        self._keep_days, self._limit, self._flush_s = keep_days, limit, 1.0
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._queue: deque[Columns] = deque()
        self._queued = 0
        self._added = self._written = 0
        self._lost = Place(0, 0)
        self._rejects: Counter[tuple[str, date]] = Counter()
        self._made: set[date] = set()
        self._kept_until: date | None = None
        self._dropped = 0
        self._sealed_at: datetime | None = None
        self._floor = EPOCH
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self.flushed: list[Callable[[], None]] = []
        self.trouble = ""

    def add(self, fixes: Columns) -> Place:
        """Queue fixes; returns their place, to ask `safe` with. The oldest are dropped and counted
        when the queue is full."""
        if self._thread is not None and not self._thread.is_alive() and not self._stopping.is_set():
            raise RuntimeError(_LOST)
        with self._lock:
            place = Place(self._added, self._added + len(fixes))
            if len(fixes):
                self._queue.append(fixes)
                self._queued += len(fixes)
                self._added += len(fixes)
                self._trim()
                if self._queued >= PROMPTLY:
                    self._wake.set()
            return place

    def safe(self, place: Place) -> bool:
        """Whether everything at a place is written. Raises Dropped."""
        with self._lock:
            lost = self._lost
            if place.first < lost.end and lost.first < place.end:
                raise Dropped
            return place.end <= self._written

    @property
    def added(self) -> int:
        """Fixes queued since the beginning."""
        return self._added

    def count(self, code: str, number: int = 1) -> None:
        """Count refused fixes; written with the next rows."""
        with self._lock:
            self._rejects[code, day_of(self._clock.now())] += number

    def _trim(self) -> None:
        over = self._queued - self._limit
        if over <= 0:
            return
        left = over
        while left > 0:
            first = self._queue.popleft()
            if len(first) > left:
                self._queue.appendleft(first.take(slice(left, None)))
            left -= len(first)
        self._queued -= over
        begin = self._lost.first if self._lost.end > self._written else self._written
        self._lost = Place(begin, self._added - self._queued)
        self._rejects[FULL, day_of(self._clock.now())] += over

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="positions", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write what is queued and end the thread."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def _run(self) -> None:
        while True:
            self._wake.wait(self._flush_s)
            self._wake.clear()
            last = self._stopping.is_set()
            try:
                self.keep_days()
                self.seal()
                self.flush()
                self.trouble = ""
            except DatabaseError as error:
                # The queue still holds what could not be written; readiness says why it waits.
                if not self.trouble:
                    log.warning("the history of positions waits: %s", type(error).__name__)
                self.trouble = f"positions: {type(error).__name__}"
                self._stopping.wait(self._flush_s)
            if last:
                return

    def keep_days(self) -> None:
        """Once a day of the clock: make the partitions ahead, drop those kept long enough."""
        today = day_of(self._clock.now())
        if today == self._kept_until:
            return
        days = {today + timedelta(days=ahead) for ahead in range(-1, DAYS_AHEAD + 1)}
        with self._pool.connection() as connection:
            tables.make_days(connection, days)
        self._made |= days
        oldest = today - timedelta(days=self._keep_days)
        with self._pool.connection() as connection:
            dropped = tables.drop_days(connection, oldest)
            tables.drop_leaves(connection, oldest)
        with self._lock:
            self._dropped += dropped
        self._kept_until = today

    def dropped_days(self) -> int:
        """Days of positions dropped since this was asked last."""
        self.keep_days()
        with self._lock:
            dropped, self._dropped = self._dropped, 0
        return dropped

    def seal(self) -> int:
        """Seal the minutes that have ended; returns how many segments."""
        with self._writing:
            now = minute_of(self._clock.now())
            if self._sealed_at is not None and now <= self._sealed_at:
                return 0
            with self._pool.connection() as connection:
                made = seal(connection, now)
                last = sealed_until(connection)
            # A clock set back must not write into what is sealed.
            self._floor = EPOCH if last is None else last + MINUTE
            self._sealed_at = now
            return made

    def flush(self) -> None:
        """Write everything queued, in one transaction. Raises psycopg.Error; nothing is lost."""
        with self._writing:
            with self._lock:
                parts, rejects, place = list(self._queue), self._rejects, self._added
                self._queue, self._queued, self._rejects = deque(), 0, Counter()
            try:
                self._write(joined(parts), rejects)
            except BaseException:
                with self._lock:
                    self._queue.extendleft(reversed(parts))
                    self._queued += sum(map(len, parts))
                    self._rejects.update(rejects)
                    self._trim()
                raise
            with self._lock:
                self._written = place
        for tell in tuple(self.flushed):
            tell()

    def _write(self, fixes: Columns, rejects: Counter[tuple[str, date]]) -> None:
        if not len(fixes) and not rejects:
            return
        counted = Counter(rejects)
        days = days_of(fixes) - self._made
        with self._pool.connection() as connection:
            if days:
                tables.make_days(connection, days)
            if len(fixes):
                tables.lock_writing(connection)
                now = self._clock.now()
                received = max(now, self._floor)
                known = len(fixes) - tables.write(connection, fixes, self._units, received)
                if known:
                    counted[DUPLICATE, day_of(now)] += known
            if counted:
                tables.count_rejects(connection, counted)
        self._made |= days
