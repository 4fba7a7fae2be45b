"""What goes by itself: once a day of the clock, counted, and written down with an audit row."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from typing import Final

from muster.command.retention.tables import (
    add_run,
    keep_again,
    keep_schedule,
    lock,
    over_matters,
    ran,
    schedule_kept,
)
from muster.command.telephony.tables import forget_old as forget_calls
from muster.geography.retention import Schedule
from muster.identity.sign_in.attempts import forget_old
from muster.journal.clock import real_now
from muster.journal.entry import decode
from muster.journal.erasing import stored_of
from muster.journal.perform import Journal, Writer
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
        journal: Journal,
        schedule: Schedule,
        positions: Positions,
    ) -> None:
        self._journal, self._schedule, self._positions = journal, schedule, positions
        self._pool, self._clock = journal.pool, journal.clock
        self._alone = threading.Lock()
        self._done: date | None = None

    def run(self) -> dict[str, int]:
        """What went, by class; empty when today's run was done. Raises psycopg.Error."""
        with self._alone:
            now = self._clock.now()
            today = now.astimezone(UTC).date()
            if today == self._done:
                return {}
            if self._done is None:
                follow(self._journal, self._schedule)
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
            calls = forget_calls(connection, now - self._kept("telephone"))
            went = {
                "positions": days,
                "sessions": ended,
                "attempts": attempts,
                "telephone": calls,
            }
            for code, count in went.items():
                add_run(connection, (today, code), now, count, now - self._kept(code))
        return went

    def _kept(self, code: str) -> timedelta:
        return timedelta(days=self._schedule.days(code) or 0)


def follow(journal: Journal, schedule: Schedule) -> int:
    """When the city's table has changed (or there was none yet): every clock anew, a matter at a
    time; returns how many matters. Cut short, it begins again at the next start."""
    with journal.pool.connection() as connection:
        if schedule_kept(connection) == schedule.version:
            return 0
        matters = over_matters(connection)
    for matter in matters:
        with journal.pool.connection() as connection:
            lock(connection, f"matter:{matter}")
            stored = stored_of(connection, matter)
            state = journal.fold(decode(data, journal.kinds) for _, data, _ in stored)
            keep_again(Writer(connection), schedule, matter, state)
    with journal.pool.connection() as connection:
        keep_schedule(connection, schedule.version, journal.clock.now())
    return len(matters)
