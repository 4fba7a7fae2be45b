"""The steps of a recorded row: when it was ordered, reached, and when its units were free again."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from muster.simulate.columns import ColumnMap
from muster.simulate.dirt import Rejected
from muster.simulate.moments import TimeOfDay
from muster.simulate.unit_lists import Flaw, match, onward, placed, read_list

_LETTERS: Final = re.compile(r"[^\W\d_]*")


def letters(unit: str) -> str:
    """What a unit's name begins with: WAVE of WAVE12."""
    found = _LETTERS.match(unit)
    return found[0] if found else ""


class StepsRead(NamedTuple):
    """times: step -> time of day, or -> unit and time of day. clock: the first unit's order.
    arrive_s: from the first order to the first arrival; busy_s: from the call until all were free.
    """

    times: dict[str, float]
    lists: dict[str, list[tuple[str, float]]]
    clock: float | None = None
    units: tuple[str, ...] = ()
    arrive_s: float | None = None
    busy_s: float | None = None


NOTHING: Final = StepsRead({}, {})


class RowSteps:
    """First `read`, which needs no date; then `spans`, which starts at the call."""

    def __init__(self, columns: ColumnMap, header: Sequence[str], zone: ZoneInfo) -> None:
        self._steps, self._zone = columns.steps, zone
        self._at = {step: header.index(name) for step, name in columns.steps.columns().items()}
        self._first_sent = columns.reported_at.first_sent
        self._clock = TimeOfDay(columns.steps.format)

    def read(self, cells: Sequence[str], text: Callable[[str], str], flaw: Flaw) -> StepsRead:
        times: dict[str, float] = {}
        lists: dict[str, list[tuple[str, float]]] = {}
        for step, index in self._at.items():
            cell = text(cells[index])
            if not cell:
                continue
            if self._steps.lists:
                lists[step] = read_list(cell, self._steps.separator, self._clock, flaw)
                continue
            try:
                times[step] = self._clock.read(cell)
            except Rejected:
                flaw("step.invalid")
        sent = lists.get("ordered", [])
        units = tuple(dict.fromkeys(unit for unit, _ in sent))
        return StepsRead(times, lists, sent[0][1] if sent else times.get("ordered"), units)

    def spans(self, read: StepsRead, reported_at: datetime, flaw: Flaw) -> StepsRead:
        if self._first_sent and read.clock is not None:
            start = read.clock
        else:
            local = reported_at.astimezone(self._zone)
            start = local.hour * 3600.0 + local.minute * 60 + local.second
        found: dict[str, tuple[float, float]] = {}
        if self._steps.lists:
            lists = {step: placed(one, start, flaw) for step, one in read.lists.items()}
            match(lists, flaw)
            for step, pieces in lists.items():
                if pieces:
                    found[step] = (pieces[0][1], pieces[-1][1])
        else:
            at, before = 0.0, start
            for step, time in read.times.items():
                passed = onward(before, time)
                if passed is None:
                    flaw("step.order")
                    continue
                at, before = at + passed, time
                found[step] = (at, at)
        ordered = found.get("ordered", (0.0, 0.0))[0]
        arrived = found.get("on_scene")
        free = found.get("available") or found.get("closed")
        return read._replace(
            arrive_s=None if arrived is None else arrived[0] - ordered,
            busy_s=None if free is None else free[1],
        )
