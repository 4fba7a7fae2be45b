"""The units of a draft pack: as the file names them, else as many as were out at once."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Final, Literal, NamedTuple

from muster.simulate.columns import ColumnMap
from muster.simulate.recorded import Recorded, Records, Seen
from muster.simulate.row_steps import letters

UNITS_PER_STATION: Final = 4
#: Where the file tells how long units were out: enough for this share of the calls, and of these.
_ENOUGH: Final = 0.99
_FEWEST: Final = 2
_MOST: Final = 12
_KIND: Final = "engine"

Source = Literal["named", "at_once", "default"]


class DraftUnit(NamedTuple):
    """source: the file names it; or as many were out at once; or nothing is known."""

    name: str
    station: str
    kind: str
    source: Source


def draft_units(
    records: Records, columns: ColumnMap, calls: Mapping[str, Sequence[Recorded]]
) -> list[DraftUnit]:
    """By station. A station the file gives no unit gets invented ones."""
    found: dict[str, list[DraftUnit]] = defaultdict(list)
    least = columns.units.at_least
    for name, seen in sorted(records.units.items()):
        station = _station(name, seen, columns)
        if seen.rows >= least and station in calls:
            found[station].append(DraftUnit(name, station, _kind(name, seen, columns), "named"))
    stations = records.areas.bases if records.areas is not None else calls
    taken = {unit.name for units in found.values() for unit in units}
    for station in stations:
        if station not in found:
            found[station] = _invented(station, calls.get(station, ()), taken)
    return [unit for _, units in sorted(found.items()) for unit in units]


def _station(name: str, seen: Seen, columns: ColumnMap) -> str:
    """That of its name, where the map says; else the ground it was on most often."""
    table = columns.station.by_unit if columns.station else {}
    named = table.get(name) or table.get(letters(name))
    if named is not None:
        return named
    return max(sorted(seen.stations), key=lambda one: seen.stations[one], default="")


def _kind(name: str, seen: Seen, columns: ColumnMap) -> str:
    most = max(sorted(seen.kinds), key=lambda one: seen.kinds[one], default="")
    kinds = columns.units.kinds
    return kinds.get(name) or kinds.get(most) or kinds.get(letters(name)) or most or _KIND


def _invented(station: str, calls: Sequence[Recorded], taken: set[str]) -> list[DraftUnit]:
    known = [call for call in calls if call.busy_s is not None]
    source: Source = "at_once" if known else "default"
    count = max(_FEWEST, min(_at_once(known), _MOST)) if known else UNITS_PER_STATION
    units = []
    for number in range(1, count + 1):
        name = f"{station} {number}"
        while name in taken:
            name += "′"
        taken.add(name)
        units.append(DraftUnit(name, station, _KIND, source))
    return units


def _at_once(calls: Sequence[Recorded]) -> int:
    """How many calls the station had in hand at once, when one more came: enough for _ENOUGH."""
    changes: list[tuple[datetime, int]] = []
    for call in calls:
        assert call.busy_s is not None
        changes.append((call.reported_at, 1))
        changes.append((call.reported_at + timedelta(seconds=call.busy_s), -1))
    changes.sort()
    in_hand = accumulate(change for _, change in changes)
    met = sorted(now for now, (_, change) in zip(in_hand, changes, strict=True) if change > 0)
    return met[math.ceil(_ENOUGH * len(met)) - 1]
