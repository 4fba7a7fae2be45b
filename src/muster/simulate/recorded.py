"""Recorded calls: reads a file of another service by its column map, row by row.

A row that cannot be played is rejected with a reason and counted; it never stops the rest. A
file that cannot be trusted as a whole (cut short, wrong columns, no call times) is refused.
"""

from __future__ import annotations

import csv
import gzip
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import IO, Final
from zoneinfo import ZoneInfo

import pyproj

from muster.simulate.columns import ColumnMap, TimeColumns
from muster.simulate.refusal import ReplayRefused

_EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
#: A recorded travel time beyond this is a clerk's slip, not a travel time.
_LONGEST_ARRIVAL_S: Final = 6 * 3600


@dataclass(frozen=True, slots=True)
class Recorded:
    """One recorded call. path: its category, the coarsest first; lon, lat: WGS-84 degrees.

    arrive_s: recorded seconds from order to the first unit's arrival, where known.
    """

    number: str
    reported_at: datetime
    lon: float
    lat: float
    label: str
    path: tuple[str, ...]
    station: str | None
    arrive_s: float | None
    rows: int = 1


@dataclass(slots=True)
class Records:
    """calls: in the order of their times. rows: all of the file. grouped: rows beyond a call's
    first. rejected: reason -> rows; examples: reason -> line of its first row."""

    calls: list[Recorded] = field(default_factory=list)
    rows: int = 0
    grouped: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    examples: dict[str, int] = field(default_factory=dict)

    def of_day(self, day: date, timezone: str) -> list[Recorded]:
        """The calls reported on that day by the local clock."""
        zone = ZoneInfo(timezone)
        return [one for one in self.calls if one.reported_at.astimezone(zone).date() == day]


class Rejected(Exception):
    """This row cannot be played. The message is a reason of refusal.REJECTS."""


def read_records(file: Path, columns: ColumnMap, map_path: Path) -> Records:
    """All calls of the file. Raises ReplayRefused when the file as a whole cannot be used."""
    if not columns.reported_at.columns:
        raise ReplayRefused(
            "times.missing",
            file=file.name,
            why_zh=columns.reported_at.why_zh,
            why_en=columns.reported_at.why_en,
        )
    places = _places(file, columns, map_path)
    reader = RowReader(columns, places)
    records = Records()
    by_number: dict[str, list[Recorded]] = defaultdict(list)
    for line, header, cells in _rows(file, columns, map_path):
        records.rows += 1
        try:
            if len(cells) != len(header):
                raise Rejected("row.cells")
            call = reader.call(dict(zip(header, cells, strict=True)))
        except Rejected as error:
            records.rejected[str(error)] += 1
            records.examples.setdefault(str(error), line)
        else:
            by_number[call.number].append(call)
    records.calls = sorted(map(_grouped, by_number.values()), key=_order)
    records.grouped = sum(len(rows) - 1 for rows in by_number.values())
    return records


def _order(call: Recorded) -> tuple[datetime, str]:
    return call.reported_at, call.number


def _grouped(rows: Sequence[Recorded]) -> Recorded:
    """The rows of one call: the earliest is the call, the quickest arrival is its first unit."""
    first = min(rows, key=_order)
    arrivals = [row.arrive_s for row in rows if row.arrive_s is not None]
    return Recorded(
        number=first.number,
        reported_at=first.reported_at,
        lon=first.lon,
        lat=first.lat,
        label=first.label,
        path=first.path,
        station=first.station,
        arrive_s=min(arrivals, default=None),
        rows=len(rows),
    )


def _places(
    file: Path, columns: ColumnMap, map_path: Path
) -> Mapping[str, tuple[float, float]] | None:
    """The list of station places, for a file without coordinates; None when it has them."""
    if columns.place.x and columns.place.y:
        return None
    if not columns.place.stations or columns.station is None:
        raise ReplayRefused("places.missing", file=file.name, map=map_path.name)
    listed = map_path.parent / columns.place.stations
    try:
        with listed.open(encoding="utf-8-sig", newline="") as text:
            return {
                row["station"].strip(): (float(row["lon"]), float(row["lat"]))
                for row in csv.DictReader(text)
            }
    except (OSError, UnicodeDecodeError, KeyError, TypeError, ValueError, csv.Error) as error:
        raise ReplayRefused("stations.invalid", stations=listed.name, detail=error) from error


def _open(file: Path) -> IO[bytes]:
    stream = file.open("rb")
    packed = stream.read(2) == b"\x1f\x8b"
    stream.seek(0)
    return gzip.GzipFile(fileobj=stream) if packed else stream  # type: ignore[return-value]


def _rows(
    file: Path, columns: ColumnMap, map_path: Path
) -> Iterator[tuple[int, list[str], list[str]]]:
    """Line, header and cells of every row that is not blank."""
    about = columns.about
    line = 0

    def lines(stream: IO[bytes]) -> Iterator[str]:
        nonlocal line
        for data in stream:
            text = data.decode(about.encoding).replace("\0", "\ufffd")
            line += 1
            yield text

    try:
        with _open(file) as stream:
            reader = csv.reader(lines(stream), delimiter=about.delimiter)
            header = next(reader, [])
            if not any(header):
                raise ReplayRefused("file.empty", file=file.name)
            header = [name.strip().lstrip("\ufeff") for name in header]
            missing = [name for name in columns.columns() if name not in header]
            if missing:
                shown = ", ".join(missing)
                raise ReplayRefused(
                    "file.columns", file=file.name, map=map_path.name, columns=shown
                )
            for cells in reader:
                if cells:
                    yield line, header, cells
    except UnicodeDecodeError as error:
        raise ReplayRefused(
            "file.encoding", file=file.name, line=line, encoding=about.encoding
        ) from error
    except (EOFError, zlib.error, gzip.BadGzipFile, csv.Error) as error:
        raise ReplayRefused("file.damaged", file=file.name, line=line, detail=error) from error
    except OSError as error:
        raise ReplayRefused("file.missing", file=file.name, detail=error.strerror) from error


class RowReader:
    """Turns the cells of a row into a call, or raises Rejected with the reason."""

    def __init__(
        self, columns: ColumnMap, places: Mapping[str, tuple[float, float]] | None
    ) -> None:
        self._map, self._places = columns, places
        self._zone = ZoneInfo(columns.about.timezone)
        self._transform = None
        if places is None:
            system = pyproj.CRS.from_epsg(columns.place.epsg)
            self._transform = pyproj.Transformer.from_crs(system, 4326, always_xy=True)

    def call(self, row: Mapping[str, str]) -> Recorded:
        columns = self._map
        number = row[columns.number.column].strip()
        if not number:
            raise Rejected("number.missing")
        reported_at = self._time(row, columns.reported_at)
        path = tuple(row[name].strip() for name in columns.category.columns)
        path = tuple(step for step in path if step)
        if not path:
            raise Rejected("category.missing")
        station = row[columns.station.column].strip() if columns.station else ""
        lon, lat = self._place(row, station)
        none = columns.station.none if columns.station else ()
        label = " ".join(row[name].strip() for name in columns.place.label).strip()
        return Recorded(
            number=number,
            reported_at=reported_at,
            lon=lon,
            lat=lat,
            label=label or station,
            path=path,
            station=station if station and station not in none else None,
            arrive_s=self._arrival(row, reported_at),
        )

    def _time(self, row: Mapping[str, str], columns: TimeColumns) -> datetime:
        cells = [row[name].strip() for name in columns.columns]
        if not all(cells):
            raise Rejected("time.missing")
        try:
            naive = datetime.strptime(" ".join(cells), columns.format)  # noqa: DTZ007
        except (ValueError, OverflowError) as error:
            raise Rejected("time.invalid") from error
        if naive.tzinfo is not None:
            moment = naive.astimezone(UTC)
        else:
            try:
                moment = naive.replace(tzinfo=self._zone).astimezone(UTC)
                back = moment.astimezone(self._zone).replace(tzinfo=None)
            except (OverflowError, ValueError) as error:
                raise Rejected("time.impossible") from error
            if back != naive:
                raise Rejected("time.impossible")
        if not _EARLIEST <= moment < _LATEST:
            raise Rejected("time.impossible")
        return moment

    def _place(self, row: Mapping[str, str], station: str) -> tuple[float, float]:
        if self._places is not None:
            if station not in self._places:
                raise Rejected("station.unknown" if station else "place.missing")
            return self._places[station]
        x, y = row[self._map.place.x].strip(), row[self._map.place.y].strip()
        if not x or not y:
            raise Rejected("place.missing")
        try:
            east, north = float(x), float(y)
        except ValueError as error:
            raise Rejected("place.invalid") from error
        assert self._transform is not None
        lon, lat = self._transform.transform(east, north)
        # The comparison also refuses NaN and the infinity pyproj gives outside its system.
        if not (-180 <= lon <= 180 and -90 <= lat <= 90):
            raise Rejected("place.outside")
        return round(lon, 6), round(lat, 6)

    def _arrival(self, row: Mapping[str, str], reported_at: datetime) -> float | None:
        """Recorded seconds to the first unit; None when missing or not to be believed."""
        first = self._map.first_unit
        try:
            if first.seconds:
                seconds = float(row[first.seconds])
            elif first.arrived.columns:
                given = self._time(row, first.ordered) if first.ordered.columns else reported_at
                arrived = self._time(row, first.arrived)
                if first.after_midnight:
                    given += timedelta(days=given < reported_at)
                    arrived += timedelta(days=arrived < given)
                seconds = (arrived - given).total_seconds()
            else:
                return None
        except (Rejected, ValueError):
            return None
        return seconds if 0 <= seconds <= _LONGEST_ARRIVAL_S else None
