"""Recorded calls: reads a file of another service by its column map, row by row.

A row that cannot be played is rejected with a reason and counted; it never stops the rest. A
file that cannot be trusted as a whole (cut short, wrong columns, no call times) is refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from muster.simulate.areas import AREA_ONLY, Areas, read_areas
from muster.simulate.columns import ColumnMap, TimeColumns
from muster.simulate.dirt import Dirt, Rejected
from muster.simulate.moments import Dates, Moments, in_zone
from muster.simulate.open_rows import Row, Told, opened
from muster.simulate.refusal import ReplayRefused
from muster.simulate.row_places import RowPlaces
from muster.simulate.row_steps import NOTHING, RowSteps, letters

#: A recorded travel time beyond this is a clerk's slip, not a travel time.
_LONGEST_ARRIVAL_S: Final = 6 * 3600
_LONGEST_CELL: Final = 4000
_KEPT_PATHS: Final = 100_000


class Recorded(msgspec.Struct, frozen=True, gc=False):
    """One recorded call. path: its category, the coarsest first; lon, lat: WGS-84 degrees.

    arrive_s: recorded seconds from order to the first unit's arrival, busy_s: from the call until
    the last unit was free, where known. line: of its first row in the file.
    """

    number: str
    reported_at: datetime
    lon: float
    lat: float
    label: str
    path: tuple[str, ...]
    station: str | None
    arrive_s: float | None
    busy_s: float | None = None
    line: int = 0
    rows: int = 1


@dataclass(slots=True)
class Seen:
    """A unit of the file: in how many rows, of which kinds, on which stations' grounds."""

    rows: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    stations: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Records:
    """calls: in the order of their times. rows: all of the file. grouped: rows beyond a call's
    first. units: as the file names them. areas: set when a place is its station's area only.
    """

    calls: list[Recorded] = field(default_factory=list)
    rows: int = 0
    grouped: int = 0
    dirt: Dirt = field(default_factory=Dirt)
    units: dict[str, Seen] = field(default_factory=dict)
    areas: Areas | None = None

    @property
    def rejected(self) -> Counter[str]:
        """Reason -> rows."""
        return self.dirt.rejected

    @property
    def examples(self) -> dict[str, int]:
        """Reason -> line of its first row."""
        return self.dirt.first_lines()

    @property
    def closes(self) -> bool:
        """Every row of the file is a call, one more row of a call, or rejected."""
        return self.rows == len(self.calls) + self.grouped + self.rejected.total()

    def of_day(self, day: date, timezone: str) -> list[Recorded]:
        """The calls reported on that day by the local clock."""
        zone = ZoneInfo(timezone)
        return [one for one in self.calls if one.reported_at.astimezone(zone).date() == day]

    def leave_out(self, calls: Sequence[Recorded], reason: str) -> None:
        """These calls are rejected after all, with all of their rows."""
        gone = {one.number for one in calls}
        self.calls = [one for one in self.calls if one.number not in gone]
        for one in sorted(calls, key=lambda call: call.line):
            self.grouped -= one.rows - 1
            for _ in range(one.rows):
                self.dirt.reject(one.line, reason)


def read_records(
    file: Path,
    columns: ColumnMap,
    map_path: Path,
    *,
    told: Told | None = None,
    for_draft: bool = False,
) -> Records:
    """All calls of the file. Raises ReplayRefused when the file as a whole cannot be used.

    for_draft: a file without call times is taken by its [load] times. told: hears of progress.
    """
    times = _times(file, columns, map_path, for_draft=for_draft)
    records = Records(areas=_areas(file, columns, map_path))
    by_number: dict[str, Recorded] = {}
    with opened(file, columns, map_path.name, told) as sheet:
        reader = RowReader(columns, sheet.header, times, records)
        for batch in sheet.batches:
            records.rows += len(batch)
            for call in reader.calls(batch):
                before = by_number.setdefault(call.number, call)
                if before is not call:
                    by_number[call.number] = grouped(before, call)
                    records.grouped += 1
    records.calls = sorted(by_number.values(), key=_order)
    return records


def _times(file: Path, columns: ColumnMap, map_path: Path, *, for_draft: bool) -> TimeColumns:
    if columns.reported_at.columns:
        return columns.reported_at
    if for_draft and columns.load.columns:
        return columns.load
    if for_draft:
        raise ReplayRefused("load.missing", file=file.name, map=map_path.name)
    raise ReplayRefused(
        "times.missing",
        file=file.name,
        why_zh=columns.reported_at.why_zh,
        why_en=columns.reported_at.why_en,
    )


def _areas(file: Path, columns: ColumnMap, map_path: Path) -> Areas | None:
    """The stations' areas, for a file without coordinates; None when it has them."""
    if not columns.area_only:
        return None
    if not columns.place.stations or columns.station is None:
        raise ReplayRefused("places.missing", file=file.name, map=map_path.name)
    return read_areas(map_path.parent / columns.place.stations)


def _order(call: Recorded) -> tuple[datetime, str]:
    return call.reported_at, call.number


def grouped(one: Recorded, other: Recorded) -> Recorded:
    """The rows of one call: the earliest is the call, the quickest arrival is its first unit."""
    first = min(one, other, key=_order)
    arrivals = [row.arrive_s for row in (one, other) if row.arrive_s is not None]
    busy = [row.busy_s for row in (one, other) if row.busy_s is not None]
    return msgspec.structs.replace(
        first,
        arrive_s=min(arrivals, default=None),
        busy_s=max(busy, default=None),
        line=min(one.line, other.line),
        rows=one.rows + other.rows,
    )


class _Indexes(NamedTuple):
    """Where in a row the columns of a map stand; None for one it does not name."""

    number: int
    times: tuple[int, ...]
    label: tuple[int, ...]
    path: tuple[int, ...]
    station: int | None
    arrival: int | None
    unit: int | None
    kind: int | None


class RowReader:
    """Turns batches of rows into calls. What cannot be one goes to the dirt of `records`."""

    def __init__(
        self, columns: ColumnMap, header: Sequence[str], times: TimeColumns, records: Records
    ) -> None:
        self._map, self._header, self._records = columns, header, records
        self._dirt = records.dirt
        self._zone = ZoneInfo(columns.about.timezone)
        self._at = self._indexes(times)
        self._moments = Moments(times.forms(), self._zone)
        self._no_time = "hour.missing" if times is columns.load else "time.missing"
        self._dates = Dates(times.forms(), self._zone) if times.first_sent else None
        self._empty = frozenset(columns.about.empty)
        self._places = RowPlaces(columns, header)
        self._steps = RowSteps(columns, header, self._zone) if columns.steps.columns() else None
        self._paths: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._line = 0
        self._flaws: list[str] = []
        self._homes: dict[str, str] = {}

    def _indexes(self, times: TimeColumns) -> _Indexes:
        at = self._header.index
        station = self._map.station.column if self._map.station else ""
        first, units = self._map.first_unit, self._map.units
        return _Indexes(
            number=at(self._map.number.column),
            times=tuple(map(at, times.columns)),
            label=tuple(map(at, self._map.place.label)),
            path=tuple(map(at, self._map.category.columns)),
            station=at(station) if station else None,
            arrival=at(first.seconds) if first.seconds else None,
            unit=at(units.column) if units.column else None,
            kind=at(units.kind) if units.kind else None,
        )

    def calls(self, batch: Sequence[Row]) -> Iterator[Recorded]:
        self._places.prepare([cells for _, cells in batch if len(cells) == len(self._header)])
        for line, cells in batch:
            self._line = line
            if not cells:
                self._dirt.reject(line, "row.blank")
                continue
            try:
                call = self._call(cells)
            except Rejected as error:
                self._dirt.reject(line, str(error))
            else:
                for reason in self._flaws:
                    self._dirt.flaw(line, reason)
                yield call
            self._flaws.clear()

    def _flaw(self, reason: str) -> None:
        self._flaws.append(reason)

    def _text(self, cell: str) -> str:
        """A cell without what is around it; nothing when it says nothing. NUL never gets in."""
        text = cell.strip()
        if "\0" in text:
            text = text.replace("\0", "\ufffd")
        return "" if text in self._empty else text

    def _call(self, cells: list[str]) -> Recorded:
        if len(cells) != len(self._header):
            raise Rejected("row.cells")
        if len(max(cells, key=len)) > _LONGEST_CELL:
            raise Rejected("cell.long")
        at, text = self._at, self._text
        number = text(cells[at.number])
        if not number:
            raise Rejected("number.missing")
        steps = NOTHING if self._steps is None else self._steps.read(cells, text, self._flaw)
        reported_at = self._reported_at(cells, steps.clock)
        if self._steps is not None:
            steps = self._steps.spans(steps, reported_at, self._flaw)
        units = steps.units if at.unit is None else (text(cells[at.unit]),)
        station = self._station(cells, units)
        lon, lat = self._place(cells, station)
        label = " · ".join(filter(None, (text(cells[i]) for i in at.label)))
        label = label or station
        call = Recorded(
            number=number,
            reported_at=reported_at,
            lon=lon,
            lat=lat,
            label=label[: 200 - len(AREA_ONLY)] + AREA_ONLY if self._map.area_only else label,
            path=self._path(cells),
            station=self._known(station),
            arrive_s=self._arrival(cells, steps.arrive_s),
            busy_s=steps.busy_s,
            line=self._line,
        )
        self._see(cells, units, call.station)
        return call

    def _reported_at(self, cells: list[str], clock: float | None) -> datetime:
        times = [self._text(cells[i]) for i in self._at.times]
        if not all(times):
            raise Rejected(self._no_time)
        text = times[0] if len(times) == 1 else " ".join(times)
        if self._dates is None:
            return self._moments.read(text)
        if clock is None:
            raise Rejected("time.missing")
        return in_zone(self._dates.midnight(text), clock, self._zone)

    def _station(self, cells: list[str], units: Sequence[str]) -> str:
        """The name in the file, or that of the first unit sent that has one."""
        if self._at.station is not None:
            return " ".join(self._text(cells[self._at.station]).split())
        homes = self._homes
        for unit in units:
            found = homes.get(unit)
            if found is None:
                table = self._map.station.by_unit if self._map.station else {}
                found = homes[unit] = table.get(unit) or table.get(letters(unit)) or ""
                if len(homes) > _KEPT_PATHS:
                    homes.clear()
            if found:
                return found
        return ""

    def _known(self, station: str) -> str | None:
        none = self._map.station.none if self._map.station else ()
        return station if station and station not in none else None

    def _place(self, cells: list[str], station: str) -> tuple[float, float]:
        areas = self._records.areas
        if areas is None:
            return self._places.of(cells)
        if not station:
            raise Rejected("station.missing")
        if station not in areas.middles:
            raise Rejected("station.unknown")
        return areas.middles[station]

    def _path(self, cells: list[str]) -> tuple[str, ...]:
        key = tuple([cells[i] for i in self._at.path])
        path = self._paths.get(key)
        if path is None:
            path = tuple(filter(None, (self._text(cell) for cell in key)))
            if not path:
                raise Rejected("category.missing")
            if len(self._paths) < _KEPT_PATHS:
                self._paths[key] = path
        return path

    def _arrival(self, cells: list[str], stepped: float | None) -> float | None:
        """Recorded seconds to the first unit; None when missing or not to be believed."""
        seconds = stepped
        if self._at.arrival is not None:
            text = self._text(cells[self._at.arrival])
            try:
                seconds = float(text) * self._map.first_unit.unit_s if text else None
            except ValueError:
                self._flaw("arrival.invalid")
                return None
        if seconds is None or 0 <= seconds <= _LONGEST_ARRIVAL_S:
            return seconds
        self._flaw("arrival.absurd")
        return None

    def _see(self, cells: list[str], units: Sequence[str], station: str | None) -> None:
        kind = "" if self._at.kind is None else self._text(cells[self._at.kind])
        for unit in units:
            if not unit:
                self._flaw("unit.nameless")
                continue
            seen = self._records.units.get(unit)
            if seen is None:
                seen = self._records.units[unit] = Seen()
            seen.rows += 1
            if kind:
                seen.kinds[kind] += 1
            if station is not None:
                seen.stations[station] += 1
