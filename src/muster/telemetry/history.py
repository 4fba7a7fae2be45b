"""One thread writes accepted fixes and counted rejects, once a second.

Whoever reports never waits for the database. A crash loses at most the last second.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from psycopg import Connection
from psycopg import Error as DatabaseError
from psycopg_pool import ConnectionPool

from muster.journal.clock import Clock
from muster.telemetry import tables
from muster.telemetry.fixes import DUPLICATE
from muster.telemetry.tables import Written, day_of

log = logging.getLogger("muster.telemetry")

FULL = "position.history_full"
LEAST_KEEP_DAYS = 2
DAYS_AHEAD = 2
_LOST = "the thread that writes the history of positions has ended"


class History:
    """The queue to the history and the thread that empties it.

    `trouble` says why nothing can be written at the moment; empty when all is well.
    """

    def __init__(
        self,
        pool: ConnectionPool[Connection[Any]],
        clock: Clock,
        *,
        keep_days: int = 30,
        flush_s: float = 1.0,
        limit: int = 100_000,
    ) -> None:
        if keep_days < LEAST_KEEP_DAYS:
            raise ValueError(f"positions are kept for {LEAST_KEEP_DAYS} days at least")
        self._pool, self._clock = pool, clock
        self._keep_days, self._flush_s, self._limit = keep_days, flush_s, limit
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._rows: deque[Written] = deque()
        self._rejects: Counter[tuple[str, date]] = Counter()
        self._made: set[date] = set()
        self._kept_until: date | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.trouble = ""

    def add(self, rows: Sequence[Written]) -> None:
        """Queue rows. The oldest are dropped and counted when the queue is full."""
        if self._thread is not None and not self._thread.is_alive() and not self._stopping.is_set():
            raise RuntimeError(_LOST)
        with self._lock:
            self._rows.extend(rows)
            self._trim()

    def count(self, code: str, number: int = 1) -> None:
        """Count refused fixes; written with the next rows."""
        with self._lock:
            self._rejects[code, day_of(self._clock.now())] += number

    def _trim(self) -> None:
        over = len(self._rows) - self._limit
        for _ in range(over):
            self._rows.popleft()
        if over > 0:
            self._rejects[FULL, day_of(self._clock.now())] += over

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="positions", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write what is queued and end the thread."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def _run(self) -> None:
        while True:
            last = self._stopping.wait(self._flush_s)
            try:
                self.keep_days()
                self.flush()
                self.trouble = ""
            except DatabaseError as error:
                # The queue still holds what could not be written; readiness says why it waits.
                if not self.trouble:
                    log.warning("the history of positions waits: %s", type(error).__name__)
                self.trouble = f"positions: {type(error).__name__}"
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
        with self._pool.connection() as connection:
            tables.drop_days(connection, today - timedelta(days=self._keep_days))
        self._kept_until = today

    def flush(self) -> None:
        """Write everything queued, in one transaction. Raises psycopg.Error; nothing is lost."""
        with self._writing:
            with self._lock:
                rows, rejects = list(self._rows), self._rejects
                self._rows, self._rejects = deque(), Counter()
            try:
                self._write(rows, rejects)
            except BaseException:
                with self._lock:
                    self._rows.extendleft(reversed(rows))
                    self._rejects.update(rejects)
                    self._trim()
                raise

    def _write(self, rows: list[Written], rejects: Counter[tuple[str, date]]) -> None:
        if not rows and not rejects:
            return
        counted = Counter(rejects)
        days = {day_of(row.at) for row in rows} - self._made
        with self._pool.connection() as connection:
            if days:
                tables.make_days(connection, days)
            if rows:
                known = len(rows) - tables.write(connection, rows)
                if known:
                    counted[DUPLICATE, day_of(self._clock.now())] += known
            if counted:
                tables.count_rejects(connection, counted)
        self._made |= days
