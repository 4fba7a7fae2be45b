"""The part's door: what the doors, dispatch and the live picture ask telemetry."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import numpy as np
from psycopg import Connection
from psycopg_pool import ConnectionPool

from muster.journal.clock import Clock
from muster.telemetry import tables
from muster.telemetry.fixes import (
    AHEAD_MS,
    DUPLICATE,
    JUMP,
    OFF_DUTY,
    OLDEST_MS,
    REASONS,
    SKEW_MS,
    Columns,
    Fix,
    Ints,
    Truths,
    judge,
    milliseconds,
)
from muster.telemetry.history import History, Place
from muster.telemetry.latest import Box, Changes, Latest, Numbers, Position
from muster.telemetry.recent import Recent


class Rejected(msgspec.Struct, frozen=True):
    """Which fix of the batch was refused (from 0), and why."""

    index: int
    code: str


class Reported(msgspec.Struct, frozen=True):
    """What became of a batch: so many fixes accepted, so many known already (both may be thrown
    away by who sent them), and those refused, by their place in it."""

    accepted: int
    duplicates: int
    rejected: list[Rejected]


@dataclass(frozen=True)
class Reporter:
    """For whom somebody may report: units on duty with the beginning of their duty, as they were
    at a moment of `Positions`. `places`: of units in the columns `known` (their numbers) and
    `since` (milliseconds since 1970 UTC)."""

    places: Mapping[str, int]
    known: Ints
    since: Ints
    moment: int


_NOBODY: Final = np.full(1, -1, np.int32)


def _places(fixes: Sequence[Fix | None], reporter: Reporter, unit: str) -> Ints:
    """Each fix's unit by its place in the reporter's columns, -1 for none of them."""
    try:
        units = [one.unit for one in fixes]  # type: ignore[union-attr]
        return np.fromiter(map(reporter.places.__getitem__, units), np.int32, len(fixes))  # type: ignore[arg-type]
    except (AttributeError, KeyError):  # some could not be read, name no unit, or another's
        known, usual = reporter.places.get, reporter.places.get(unit, -1)
        some = [usual if one is None or one.unit is None else known(one.unit, -1) for one in fixes]
        return np.array(some, np.int32)


class Positions:
    """The latest position of every unit in memory, the history behind it. Threads share it."""

    def __init__(
        self, pool: ConnectionPool[Connection[Any]], clock: Clock, *, keep_days: int = 30
    ) -> None:
        self._pool, self._clock = pool, clock
        self._numbers = Numbers()
        self._latest = Latest(self._numbers)
        self._recent = Recent()
        self._history = History(pool, clock, self._numbers.units, keep_days=keep_days)
        self._reporting = threading.Lock()
        self._moment = 0
        self._ended: dict[str, int] = {}

    @property
    def trouble(self) -> str:
        """Why the history cannot be written now; empty when it can. The latest go on."""
        return self._history.trouble

    @property
    def accepted(self) -> int:
        """Fixes taken in since this process began."""
        return self._history.added

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

    def dropped_days(self) -> int:
        """Drop the days kept long enough; how many went since this was asked last."""
        return self._history.dropped_days()

    @contextmanager
    def telling(self, tell: Callable[[], None]) -> Iterator[None]:
        """Call `tell` after each writing, from the thread that writes."""
        self._history.flushed.append(tell)
        try:
            yield
        finally:
            self._history.flushed.remove(tell)

    def reporter(self, on_duty: Callable[[], Mapping[str, datetime]]) -> Reporter:
        """Who may report for the units that `on_duty` finds, each with the beginning of its duty.
        A unit whose duty ends after this call is refused, even when `on_duty` still saw it."""
        moment = self._moment
        units = on_duty()
        known = np.array([self._numbers.of(unit) for unit in units], np.int32)
        since = np.array([milliseconds(one) for one in units.values()], np.int64)
        places = {unit: place for place, unit in enumerate(units)}
        return Reporter(places, known, since, moment)

    def stands(self, reporter: Reporter) -> bool:
        """Whether no duty of the reporter's units has ended since."""
        if self._moment == reporter.moment:
            return True
        return not any(self._ended_since(unit, reporter) for unit in reporter.places)

    def report(
        self, fixes: Sequence[Fix | None], reporter: Reporter, now: datetime, unit: str = ""
    ) -> Reported:
        """Take a batch. `unit`: whose fixes these are where a fix does not say."""
        return self.take(fixes, reporter, now, unit)[0]

    def take(
        self, fixes: Sequence[Fix | None], reporter: Reporter, now: datetime, unit: str = ""
    ) -> tuple[Reported, Place]:
        """As `report`; and a place to ask `safe` with."""
        places = _places(fixes, reporter, unit)
        known = reporter.known if len(reporter.known) else _NOBODY
        judged = judge(fixes, np.where(places < 0, -1, known[places]), now)
        counts = dict(judged.doubts)
        with self._reporting:
            refused = self._off_duty(judged.good, places[judged.rows], reporter)
            judged.codes[judged.rows[refused]] = REASONS.index(OFF_DUTY)
            good = judged.good.take(judged.codes[judged.rows] == 0)
            fresh = self._fresh(good)
            counts[JUMP] = self._latest.jumps(fresh)
            place = self._history.add(fresh)
            self._latest.take(fresh)
        counts[DUPLICATE] = len(good) - len(fresh)
        rejected = [
            Rejected(index, REASONS[judged.codes[index]])
            for index in np.flatnonzero(judged.codes).tolist()
        ]
        for one in rejected:
            counts[one.code] = counts.get(one.code, 0) + 1
        for code, number in counts.items():
            if number:
                self._history.count(code, number)
        return Reported(len(fresh), counts[DUPLICATE], rejected), place

    def _off_duty(self, good: Columns, places: Ints, reporter: Reporter) -> Truths:
        """Fixes from before the unit's duty, and of units whose duty has ended meanwhile."""
        if not len(good):
            return np.zeros(0, np.bool_)
        refused: Truths = good.at < reporter.since[places] - SKEW_MS
        if not self.stands(reporter):
            ended = [at for u, at in reporter.places.items() if self._ended_since(u, reporter)]
            refused |= np.isin(places, ended)
        return refused

    def _ended_since(self, unit: str, reporter: Reporter) -> bool:
        return self._ended.get(unit, 0) > reporter.moment

    def _fresh(self, good: Columns) -> Columns:
        """What did not come before, ordered by unit and moment."""
        if not len(good):
            return good
        ordered = good.take(np.lexsort((good.at, good.unit)))
        first = np.ones(len(ordered), np.bool_)
        first[1:] = (ordered.unit[1:] != ordered.unit[:-1]) | (ordered.at[1:] != ordered.at[:-1])
        first &= ~self._recent.seen(ordered.unit, ordered.at)
        fresh = ordered.take(first)
        self._recent.note(fresh.unit, fresh.at)
        return fresh

    def safe(self, place: Place) -> bool:
        """Whether everything at a place of `take` is written. Raises history.Dropped."""
        return self._history.safe(place)

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
        """A unit's duty has ended: drop its latest position, and take no more from who was looked
        up before. The history keeps what it had."""
        with self._reporting:
            self._moment += 1
            self._ended[unit] = self._moment
            self._latest.forget(unit)
