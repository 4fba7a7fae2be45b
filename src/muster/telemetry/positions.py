"""Positions: what the doors, dispatch and the live picture ask telemetry."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from psycopg import Connection
from psycopg_pool import ConnectionPool

from muster.journal.clock import Clock
from muster.telemetry import tables
from muster.telemetry.fixes import AHEAD_MS, JUMP, OLDEST_MS, Fix, Rejected, judge
from muster.telemetry.history import History
from muster.telemetry.latest import Box, Changes, Latest, Position
from muster.telemetry.tables import Written


class Reported(msgspec.Struct, frozen=True):
    """What became of a batch. Refused fixes by their place in it; the others were accepted."""

    accepted: int
    rejected: list[Rejected]


class Positions:
    """The latest position of every unit in memory, the history behind it. Threads share it."""

    def __init__(
        self, pool: ConnectionPool[Connection[Any]], clock: Clock, *, keep_days: int = 30
    ) -> None:
        self._pool, self._clock = pool, clock
        self._latest = Latest()
        self._history = History(pool, clock, keep_days=keep_days)
        self._reporting = threading.Lock()

    @property
    def trouble(self) -> str:
        """Why the history cannot be written now; empty when it can. The latest go on."""
        return self._history.trouble

    def start(self, shown: Callable[[str], bool] = lambda _unit: True) -> None:
        """Take up where the history ended (24 hours back) and start writing.

        `shown(unit)` says whether a unit's position may be known at all: it is off duty otherwise.
        """
        now = self._clock.now()
        since = now - timedelta(milliseconds=OLDEST_MS)
        until = now + timedelta(milliseconds=AHEAD_MS)
        with self._pool.connection() as connection:
            found = tables.newest(connection, since, until)
        for row in found:
            if shown(row.unit):
                self._latest.update(row.unit, row.fix)
        self._history.start()

    def stop(self) -> None:
        """Write what is queued and end the writing thread."""
        self._history.stop()

    def flush(self) -> None:
        """Write what is queued now. Raises psycopg.Error; the queue then keeps everything."""
        self._history.flush()

    def report(self, unit: str, fixes: Sequence[Fix], now: datetime) -> Reported:
        """Take a unit's batch. The caller has checked that the unit may report (on duty)."""
        with self._reporting:
            judged = judge(fixes, now, self._latest.newest(unit))
            if judged.kept:
                self._history.add([Written(unit, fix) for fix in judged.kept])
                self._latest.update(unit, judged.kept[-1])
        counts = Counter(one.code for one in judged.rejected)
        if judged.jumps:
            counts[JUMP] += judged.jumps
        for code, number in counts.items():
            self._history.count(code, number)
        return Reported(len(judged.kept), judged.rejected)

    def latest(self, unit: str) -> Position | None:
        return self._latest.of([unit]).get(unit)

    def latest_many(self, units: Iterable[str]) -> dict[str, Position]:
        """The latest positions of those units that have one."""
        return self._latest.of(units)

    def in_view(self, box: Box) -> list[Position]:
        """The units last seen in a box (west, south, east, north), borders included."""
        return self._latest.in_view(box)

    def changed_since(self, tick: int) -> Changes:
        """What changed after `tick` (0: everything), as columns."""
        return self._latest.changed_since(tick)

    def forget(self, unit: str) -> None:
        """Drop a unit's latest position: it went off duty. The history keeps what it had."""
        self._latest.forget(unit)
