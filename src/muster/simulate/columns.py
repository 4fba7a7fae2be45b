"""The column map: a small TOML file saying which columns of a recorded file mean what.

The format is explained, with examples, in cities/import/README.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from muster.simulate.map_faults import Fault, read_toml, semantic
from muster.simulate.refusal import ReplayRefused

Level = Annotated[int, Meta(ge=1, le=4)]
Column = Annotated[str, Meta(min_length=1)]


class About(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[map]. Whose records these are. encoding, delimiter: of the CSV file. empty: cells that
    say nothing, such as NULL."""

    name_zh: Column
    name_en: Column
    timezone: Column
    attribution: Column
    encoding: Column = "utf-8"
    delimiter: Annotated[str, Meta(min_length=1, max_length=1)] = ","
    empty: tuple[str, ...] = ()


class NumberColumn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[number]. Rows with the same number are rows of one call (one per unit, say)."""

    column: Column


class TimeColumns(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[reported_at] and [load]. Columns joined with a blank and read with `format` or, where the
    file has several, the first of `formats` that fits.

    first_sent: the columns give the day only, and the time of day is that of the first unit sent.
    No columns means that the file does not say. why_*: what comes near and fails, or stands in.
    """

    columns: tuple[Column, ...] = ()
    format: str = ""
    formats: tuple[Column, ...] = ()
    first_sent: bool = False
    why_zh: str = ""
    why_en: str = ""

    def forms(self) -> tuple[str, ...]:
        return self.formats or (self.format,)


class PlaceColumns(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[place]. x, y in the reference system `epsg`; or `point`, one column with `(lat, lon)`; or
    a list of station places beside the map: then the place is the station's area and no more.

    stations: CSV file with columns station, lon, lat (WGS-84), for files without coordinates.
    label: columns whose values, joined, name the place.
    """

    x: str = ""
    y: str = ""
    point: str = ""
    epsg: int = 4326
    stations: str = ""
    label: tuple[Column, ...] = ()


class CategoryColumns(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[category]. One column per step of the tree, the coarsest first.

    levels: value of any step -> level 1-4, the last step that has one wins. names: value ->
    Chinese name. codes: value of the last step -> category code of an existing city pack.
    """

    columns: Annotated[tuple[Column, ...], Meta(min_length=1)]
    levels: dict[str, Level] = {}
    urgent: tuple[str, ...] = ()
    names: dict[str, str] = {}
    codes: dict[str, str] = {}


class StationColumn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[station]. `none`: values that are not a station, such as calls outside the area.

    by_unit: instead of a column, unit or the letters it begins with -> station: that of the first
    unit sent that has one.
    """

    column: str = ""
    none: tuple[str, ...] = ()
    by_unit: dict[str, Column] = {}


class FirstUnit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[first_unit]. The column of seconds from order to the first arrival; `unit_s`: how many
    seconds one of it is, where it counts minutes, say."""

    seconds: str = ""
    unit_s: Annotated[float, Meta(gt=0)] = 1


class Steps(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[steps]. Columns with the times of day of what followed the call, in this order. Each is
    after the one before, over midnight if need be.

    lists: a cell is a list of UNIT=time with `separator` between, a time for each unit.
    """

    format: Column = "%H:%M:%S"
    lists: bool = False
    separator: Annotated[str, Meta(min_length=1, max_length=1)] = ","
    ordered: str = ""
    under_way: str = ""
    on_scene: str = ""
    available: str = ""
    closed: str = ""

    def columns(self) -> dict[str, str]:
        """Step -> its column, of those the file has, in their order."""
        names = ("ordered", "under_way", "on_scene", "available", "closed")
        return {name: getattr(self, name) for name in names if getattr(self, name)}


class UnitColumns(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[units]. For a draft pack. column: the row's unit (with lists, the steps name the units).
    kind: its column of kinds. kinds: unit or the letters it begins with, or a value of the column
    -> kind. at_least: rows a unit must be in; the others are left out and counted."""

    column: str = ""
    kind: str = ""
    kinds: dict[str, Column] = {}
    at_least: Annotated[int, Meta(ge=1)] = 10


class ColumnMap(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"about": "map"}):
    """A whole map. `folder` is where it was read from: other files are named relative to it."""

    about: About
    number: NumberColumn
    category: CategoryColumns
    reported_at: TimeColumns = TimeColumns()
    load: TimeColumns = TimeColumns()
    place: PlaceColumns = PlaceColumns()
    station: StationColumn | None = None
    first_unit: FirstUnit = FirstUnit()
    steps: Steps = Steps()
    units: UnitColumns = UnitColumns()

    def columns(self) -> tuple[str, ...]:
        """Every column the map reads."""
        return tuple(dict.fromkeys(name for _, name in self.named() if name))

    def named(self) -> Iterator[tuple[tuple[str, str], str]]:
        """Where in the map a column is named, and the column."""
        yield ("number", "column"), self.number.column
        for table, times in (("reported_at", self.reported_at), ("load", self.load)):
            yield from (((table, "columns"), name) for name in times.columns)
        for key in ("x", "y", "point"):
            yield ("place", key), getattr(self.place, key)
        yield from ((("place", "label"), name) for name in self.place.label)
        yield from ((("category", "columns"), name) for name in self.category.columns)
        if self.station is not None:
            yield ("station", "column"), self.station.column
        yield ("first_unit", "seconds"), self.first_unit.seconds
        yield from ((("steps", step), name) for step, name in self.steps.columns().items())
        yield ("units", "column"), self.units.column
        yield ("units", "kind"), self.units.kind

    @property
    def area_only(self) -> bool:
        """The file has no coordinates: a place is its station's area."""
        return not (self.place.point or (self.place.x and self.place.y))


def read_map(path: Path) -> ColumnMap:
    """Raises ReplayRefused: the file is missing, is not TOML, or does not fit the format. Every
    fault is named with its line."""
    read = read_toml(path, ColumnMap)
    faults = read.faults
    if read.value is not None:
        faults = [*_odd(read.value), *semantic(read.value)]
        if not faults:
            return read.value
    faults = sorted(faults, key=lambda fault: (fault.line(read.lines), fault.where))
    shown = "; ".join(fault.shown(path.name, read.lines) for fault in faults)
    raise ReplayRefused("map.invalid", map=path.name, detail=shown)


def _odd(columns: ColumnMap) -> Iterator[Fault]:
    """What fits each key and does not fit together."""
    place, steps = columns.place, columns.steps
    if bool(place.x) != bool(place.y):
        yield Fault(("place",), "x and y go together")
    if place.point and place.x:
        yield Fault(("place", "point"), "either point, or x and y")
    if columns.reported_at.first_sent and not (steps.lists and steps.ordered):
        yield Fault(("reported_at", "first_sent"), "needs [steps] with lists and ordered")
    if steps.lists and not steps.ordered:
        yield Fault(("steps", "lists"), "needs the column ordered")
    station = columns.station
    if station is not None and not station.column and not station.by_unit:
        yield Fault(("station",), "needs column or by_unit")
    if station is not None and station.by_unit and not (steps.lists or columns.units.column):
        yield Fault(("station", "by_unit"), "needs units: [units] column, or [steps] with lists")
