"""What goes by itself: once a day of the clock, counted, and written down with an audit row."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from psycopg import Connection
from psycopg_pool import ConnectionPool

from muster.command.retention.tables import add_run, ran
from muster.geography.retention import Schedule
from muster.identity.sign_in.attempts import forget_old
from muster.journal.clock import Clock, real_now
from muster.telemetry.positions import Positions

#: Days, where the city's table says permanent.
FOR_EVER: Final = 36_500


class Daily:
    """`run` may be called as often as one likes: it works once a day of the clock.

    Positions go by the clock of the system; sessions and attempts by the real one, as they are
    kept by it. A day on which nothing ran is made up for by the next: everything older goes.
    """

    def __init__(
        self,
        pool: ConnectionPool[Connection[Any]],
        clock: Clock,
        schedule: Schedule,
        positions: Positions,
    ) -> None:
        self._pool, self._clock, self._schedule = pool, clock, schedule
        self._positions = positions
        self._alone = threading.Lock()
        self._done: date | None = None

    def run(self) -> dict[str, int]:
        """What went, by class; empty when today's run was done. Raises psycopg.Error."""
        with self._alone:
            now = self._clock.now()
            today = now.astimezone(UTC).date()
            if today == self._done:
                return {}
            went = self._went(now, today)
            self._done = today
            return went

    def _went(self, now: datetime, today: date) -> dict[str, int]:
        with self._pool.connection() as connection:
            if ran(connection, today):
                return {}
        days = self._positions.dropped_days()
        with self._pool.connection() as connection:
            ended, attempts = forget_old(
                connection,
                sessions=self._kept("sessions"),
                attempts=self._kept("attempts"),
                now=real_now(),
            )
            went = {"positions": days, "sessions": ended, "attempts": attempts}
            for code, count in went.items():
                add_run(connection, (today, code), now, count, now - self._kept(code))
        return went

    def _kept(self, code: str) -> timedelta:
        return timedelta(days=self._schedule.days(code) or 0)
