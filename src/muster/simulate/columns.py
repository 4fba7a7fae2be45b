"""The column map: a small TOML file saying which columns of a recorded file mean what.

The format is explained, with examples, in cities/import/README.md.
"""

from __future__ import annotations

import tomllib
import zoneinfo
from pathlib import Path

import msgspec

from muster.simulate.refusal import ReplayRefused


class About(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[map]. Whose records these are. encoding, delimiter: of the CSV file."""

    name_zh: str
    name_en: str
    timezone: str
    attribution: str
    encoding: str = "utf-8"
    delimiter: str = ","


class NumberColumn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[number]. Rows with the same number are rows of one call (one per unit, say)."""

    column: str


class TimeColumns(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[reported_at] and [first_unit]. Columns joined with a blank and read with `format`.

    No columns means that the file does not say; `why_*` then tells what comes near and fails.
    """

    columns: tuple[str, ...] = ()
    format: str = ""
    why_zh: str = ""
    why_en: str = ""


class PlaceColumns(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[place]. x, y in the reference system `epsg`; or a list of station places beside the map.

    stations: CSV file with columns station, lon, lat (WGS-84), for files without coordinates.
    label: columns whose values, joined, name the place.
    """

    x: str = ""
    y: str = ""
    epsg: int = 4326
    stations: str = ""
    label: tuple[str, ...] = ()


class CategoryColumns(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[category]. One column per step of the tree, the coarsest first.

    levels: value of any step -> level 1-4, the last step that has one wins. names: value ->
    Chinese name. codes: value of the last step -> category code of an existing city pack.
    """

    columns: tuple[str, ...]
    levels: dict[str, int] = {}
    urgent: tuple[str, ...] = ()
    names: dict[str, str] = {}
    codes: dict[str, str] = {}


class StationColumn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[station]. `none`: values that are not a station, such as calls outside the area."""

    column: str
    none: tuple[str, ...] = ()


class FirstUnit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[first_unit]. Seconds from order to the first arrival; or the arrival's own time columns.

    after_midnight: a time before the call's means the next day.
    """

    seconds: str = ""
    ordered: TimeColumns = TimeColumns()
    arrived: TimeColumns = TimeColumns()
    after_midnight: bool = False


class ColumnMap(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"about": "map"}):
    """A whole map. `folder` is where it was read from: other files are named relative to it."""

    about: About
    number: NumberColumn
    category: CategoryColumns
    reported_at: TimeColumns = TimeColumns()
    place: PlaceColumns = PlaceColumns()
    station: StationColumn | None = None
    first_unit: FirstUnit = FirstUnit()

    def columns(self) -> tuple[str, ...]:
        """Every column the map reads."""
        named = [
            self.number.column,
            *self.reported_at.columns,
            self.place.x,
            self.place.y,
            *self.place.label,
            *self.category.columns,
            self.station.column if self.station else "",
            self.first_unit.seconds,
            *self.first_unit.ordered.columns,
            *self.first_unit.arrived.columns,
        ]
        return tuple(dict.fromkeys(name for name in named if name))


def read_map(path: Path) -> ColumnMap:
    """Raises ReplayRefused: the file is missing, is not TOML, or does not fit the format."""
    try:
        whole = tomllib.loads(path.read_text("utf-8"))
        columns = msgspec.convert(whole, ColumnMap)
        zoneinfo.ZoneInfo(columns.about.timezone)
    except (OSError, UnicodeDecodeError) as error:
        raise ReplayRefused("map.missing", map=path.name, detail=error) from error
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ReplayRefused("map.invalid", map=path.name, detail=error) from error
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
        detail = f"timezone {whole['map']['timezone']!r}"
        raise ReplayRefused("map.invalid", map=path.name, detail=detail) from error
    return columns
