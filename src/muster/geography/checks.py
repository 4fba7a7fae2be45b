"""Checks that hold between the rows of a pack. Each adds its faults and goes on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from typing import Protocol, TypeVar

from muster.geography.faults import Faults
from muster.geography.pack import CLOCKS, GROUPS, LEVELS, ClockRow, Organisation, Status

Row = TypeVar("Row")
Key = TypeVar("Key", bound=Hashable)
Sheet = Sequence[tuple[int, Row]]
BBox = tuple[float, float, float, float]

#: Which tier may stand directly above which. Partners may be tied to any police tier or to none.
_ABOVE: Mapping[str, Collection[str]] = {
    "city": (),
    "county": ("city",),
    "station": ("county", "city"),
    "partner": ("city", "county", "station", "partner"),
}


class Positioned(Protocol):
    @property
    def lon(self) -> float: ...
    @property
    def lat(self) -> float: ...


Spot = TypeVar("Spot", bound=Positioned)


def keyed(
    sheet: Sheet[Row], file: str, column: str, key: Callable[[Row], Key], faults: Faults
) -> dict[Key, Row]:
    """The rows by key; a key seen before is a fault and the first row stays."""
    rows: dict[Key, Row] = {}
    first: dict[Key, int] = {}
    for line, row in sheet:
        if (value := key(row)) in rows:
            faults.add(file, line, "duplicate", column=column, value=value, first=first[value])
        else:
            rows[value] = row
            first[value] = line
    return rows


def unique(
    sheet: Sheet[Row], file: str, column: str, key: Callable[[Row], Hashable], faults: Faults
) -> None:
    """As `keyed`, where only the check is wanted."""
    keyed(sheet, file, column, key, faults)


def refers(
    sheet: Sheet[Row],
    place: tuple[str, str],
    key: Callable[[Row], str | None],
    known: tuple[Collection[str], str],
    faults: Faults,
) -> None:
    """Every non-empty `key` is among `known`. place = file, column; known = ids, their file."""
    ids, where = known
    if not faults.readable(where):
        return
    for line, row in sheet:
        value = key(row)
        if value is not None and value not in ids:
            file, column = place
            faults.add(file, line, "unknown_reference", column=column, value=value, where=where)


def acyclic(
    sheet: Sheet[Row],
    file: str,
    names: tuple[Callable[[Row], str], Callable[[Row], str | None]],
    faults: Faults,
) -> None:
    """No row is its own superior. names = (id of a row, id of its parent)."""
    key, parent = names
    above = {key(row): parent(row) for _, row in sheet}
    for line, row in sheet:
        path = [key(row)]
        while (up := above.get(path[-1])) is not None and up not in path:
            path.append(up)
        if up == path[0]:
            shown = " → ".join([*path, path[0]])
            faults.add(file, line, "cycle", value=path[0], path=shown)


def inside(
    sheet: Sheet[Spot], file: str, bbox: BBox, key: Callable[[Spot], str], faults: Faults
) -> None:
    """Every position is inside bbox (which also refuses NaN)."""
    for line, row in sheet:
        if not within(row.lon, row.lat, bbox):
            faults.add(file, line, "outside_bbox", value=key(row), lon=row.lon, lat=row.lat)


def within(lon: float, lat: float, bbox: BBox) -> bool:
    # A billionth of a degree is 0.1 mm: room for the rounding of clipped edges, nothing more.
    west, south, east, north = bbox
    return west - 1e-9 <= lon <= east + 1e-9 and south - 1e-9 <= lat <= north + 1e-9


def tiers(sheet: Sheet[Organisation], file: str, faults: Faults) -> None:
    """Each organisation stands under one of a tier that may be above it; there is a city."""
    by_id = {row.id: row for _, row in sheet}
    if faults.readable(file) and not any(row.tier == "city" for _, row in sheet):
        faults.add(file, 0, "no_root")
    for line, row in sheet:
        if row.parent is None:
            if row.tier not in ("city", "partner"):
                faults.add(file, line, "missing_value", column="parent")
            continue
        above = by_id.get(row.parent)
        if above is not None and above.tier not in _ABOVE[row.tier]:
            faults.add(
                file,
                line,
                "bad_tier",
                value=row.id,
                tier=row.tier,
                parent=above.id,
                parent_tier=above.tier,
            )


def all_clocks(sheet: Sheet[ClockRow], file: str, faults: Faults) -> None:
    """Every hand-off has a clock at every level, and no clock is of an unknown hand-off."""
    if not faults.readable(file):
        return
    have = {(row.name, row.level) for _, row in sheet}
    for name in CLOCKS:
        for level in LEVELS:
            if (name, level) not in have and (name, None) not in have:
                faults.add(file, 0, "missing_clock", name=name, level=level)
    refers(sheet, (file, "name"), lambda row: row.name, (CLOCKS, ", ".join(CLOCKS)), faults)


def all_groups(sheet: Sheet[Status], file: str, faults: Faults) -> None:
    """Every group has a status, so that the system can always set one."""
    if not faults.readable(file):
        return
    have = {row.group for _, row in sheet}
    for group in GROUPS:
        if group not in have:
            faults.add(file, 0, "missing_group", group=group)


def all_levels(levels: Collection[int], file: str, faults: Faults) -> None:
    for level in LEVELS:
        if faults.readable(file) and level not in levels:
            faults.add(file, 0, "missing_level", level=level)
