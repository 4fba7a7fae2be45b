"""Lists of `UNIT=hh:mm:ss` in one cell, as some dispatch systems write what each unit did."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from muster.simulate.dirt import Rejected
from muster.simulate.moments import DAY_S, TimeOfDay

_HALF_DAY_S: Final = DAY_S / 2
Flaw = Callable[[str], None]


def onward(before: float, after: float) -> float | None:
    """Seconds from one time of day to a later one, over midnight if need be.

    More than half a day on is rather a little back: then None, for nobody knows which is wrong.
    """
    passed = (after - before) % DAY_S
    return passed if passed <= _HALF_DAY_S else None


def read_list(cell: str, separator: str, clock: TimeOfDay, flaw: Flaw) -> list[tuple[str, float]]:
    """The pieces in the order of the cell: unit, time of day. A piece that is none is a flaw."""
    found: list[tuple[str, float]] = []
    known = clock.known
    for piece in cell.split(separator):
        unit, _, time = piece.partition("=")
        unit = unit.strip()
        at = known.get(time)
        if at is None:
            try:
                at = clock.read(time.strip())
            except Rejected:
                flaw("list.broken")
                continue
        if unit:
            found.append((unit, at))
        else:
            flaw("list.broken")
    return found


def placed(pieces: list[tuple[str, float]], start: float, flaw: Flaw) -> list[tuple[str, float]]:
    """The same with seconds since `start`, a time of day; a piece out of order is a flaw."""
    found: list[tuple[str, float]] = []
    at, clock = 0.0, start
    for unit, time in pieces:
        passed = onward(clock, time)
        if passed is None:
            flaw("step.order")
            continue
        at, clock = at + passed, time
        found.append((unit, at))
    return found


def match(steps: dict[str, list[tuple[str, float]]], flaw: Flaw) -> None:
    """Name what does not fit: a unit twice in one list, one that did something and was never
    sent, and one that was sent and never free again."""
    sent = {unit for unit, _ in steps.get("ordered", ())}
    for pieces in steps.values():
        units = {unit for unit, _ in pieces}
        for _ in range(len(pieces) - len(units)):
            flaw("unit.repeated")
        if not units <= sent:
            for _ in units - sent:
                flaw("unit.unsent")
    if "available" in steps:
        for _ in sent - {unit for unit, _ in steps["available"]}:
            flaw("unit.never_free")
