"""The city pack: everything about a place that is not code, read once at start.

Each struct below is one row of the file named in its docstring; the struct's fields are the
file's columns. Positions are WGS-84 degrees. `load` reads a folder, checks all of it and either
gives a `Pack` or raises `PackInvalid` with every fault.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
from msgspec import Meta

from muster.geography.retention import DEFAULT, Schedule

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

Lon = Annotated[float, Meta(ge=-180, le=180)]
Lat = Annotated[float, Meta(ge=-90, le=90)]
Word = Annotated[str, Meta(min_length=1)]
LevelCode = Annotated[int, Meta(ge=1, le=4)]
Colour = Annotated[str, Meta(pattern=r"^#[0-9A-Fa-f]{6}\Z")]

Tier = Literal["city", "county", "station", "partner"]
Mode = Literal["road", "foot", "water", "air"]
Group = Literal["available", "dispatched", "under_way", "on_scene", "busy", "off", "emergency"]

GROUPS: Final[tuple[Group, ...]] = (
    "available",
    "dispatched",
    "under_way",
    "on_scene",
    "busy",
    "off",
    "emergency",
)
LEVELS: Final = (1, 2, 3, 4)
#: Hand-offs that must have a clock in every pack, in the order they happen.
CLOCKS: Final = (
    "wait",  # received -> dispatched
    "sign",  # order given -> signed
    "set_out",  # signed -> under way
    "arrive",  # under way -> on scene
    "first_feedback",  # on scene -> first feedback
    "final_feedback",  # on scene -> closing feedback
    "review",  # closing feedback -> closed or returned
    "call_back",  # closed -> caller called back
    "transfer_accept",  # transfer offered -> accepted
    "cancel_confirm",  # cancellation asked -> confirmed by a second person
)


class City(msgspec.Struct, frozen=True):
    """pack.toml, table [city]. bbox = west, south, east, north; centre = lon, lat."""

    id: Word
    name_zh: Word
    name_en: Word
    adcode: Annotated[str, Meta(pattern=r"^[0-9]{6}\Z")]
    timezone: Word
    bbox: tuple[Lon, Lat, Lon, Lat]
    centre: tuple[Lon, Lat]
    attribution: tuple[str, ...]


class Organisation(msgspec.Struct, frozen=True):
    """organisations.csv. 单位: a bureau, a station, or a partner agency.

    kind: police, or the partner's field (maritime, coast_guard, fishery, fire, ambulance,
    hotline, government, volunteer). code: 12 digits laid out as GA 380. population: people
    served, 0 when not known; shares a county's calls among its stations.
    """

    id: Word
    name_zh: Word
    name_en: Word
    tier: Tier
    lon: Lon
    lat: Lat
    parent: str | None = None
    kind: Word = "police"
    code: Annotated[str, Meta(pattern=r"^([0-9]{12})?\Z")] = ""
    population: Annotated[int, Meta(ge=0)] = 0


class Boundary(msgspec.Struct, frozen=True, eq=False):
    """A feature of boundaries.geojson with property `organisation`: land and sea it answers for."""

    organisation: str
    polygon: BaseGeometry


class Land(msgspec.Struct, frozen=True, eq=False):
    """A feature of coast.geojson: one island, or what the bbox leaves of the mainland.

    id: its index in the file. road: lands with the same non-empty word are joined by bridges or
    tunnels that can be driven over.
    """

    id: int
    name_zh: str
    name_en: str
    road: str
    polygon: BaseGeometry


class Place(msgspec.Struct, frozen=True):
    """places.csv. 地点. alias: other spellings, split at `;`. source: where the row is from."""

    id: Word
    name_zh: Word
    name_en: Word
    kind: Word
    lon: Lon
    lat: Lat
    alias: tuple[str, ...] = ()
    source: str = ""


class Category(msgspec.Struct, frozen=True):
    """categories.csv. 警情类别. level: the level a call of this kind starts with."""

    code: Word
    name_zh: Word
    name_en: Word
    level: LevelCode
    parent: str | None = None
    urgent: bool = False


class Level(msgspec.Struct, frozen=True):
    """levels.csv. 警情等级, 1 is the gravest."""

    code: LevelCode
    name_zh: Word
    name_en: Word
    colour_light: Colour
    colour_dark: Colour


class ClockRow(msgspec.Struct, frozen=True):
    """clocks.csv. 时限. An empty level holds for every level without a row of its own."""

    name: Word
    seconds: Annotated[int, Meta(gt=0)]
    name_zh: Word
    name_en: Word
    level: LevelCode | None = None


class Status(msgspec.Struct, frozen=True):
    """statuses.csv. 警力状态. The first row of a group is what the system sets by itself.

    sign: the shape on map and lists. alias: the borrowed GA/T 974.39 code, when there is one.
    """

    code: Word
    name_zh: Word
    name_en: Word
    sign: Word
    colour_light: Colour
    colour_dark: Colour
    group: Group
    alias: str = ""


class Channel(msgspec.Struct, frozen=True):
    """channels.csv. 来电渠道: the way a call came in."""

    code: Word
    name_zh: Word
    name_en: Word


class Unit(msgspec.Struct, frozen=True):
    """units.csv. 警力单元. lon, lat: its base; speed_kmh: straight-line speed; crew: people."""

    id: Word
    call_sign: Word
    organisation: Word
    kind: Word
    mode: Mode
    lon: Lon
    lat: Lat
    speed_kmh: Annotated[float, Meta(gt=0, le=400)]
    crew: Annotated[int, Meta(ge=1)]
    capabilities: tuple[str, ...] = ()


class PersonRow(msgspec.Struct, frozen=True):
    """people.csv. An invented person, for demonstrations only. unit: the unit usually crewed."""

    id: Word
    name: Word
    username: Word
    organisation: Word
    role: Word
    unit: str | None = None
    badge: str = ""
    phone: str = ""


class Rate(msgspec.Struct, frozen=True):
    """rates.csv. Mean calls per hour of one category in one organisation's area at local `hour`."""

    hour: Annotated[int, Meta(ge=0, le=23)]
    organisation: Word
    category: Word
    calls_per_hour: Annotated[float, Meta(ge=0, le=100_000)]


class Pack(msgspec.Struct, frozen=True, eq=False, weakref=True):
    """A whole city pack, checked. Mappings are by id or code, in file order.

    version: sha256 (hex) over the names and bytes of all its data files.
    coast_geojson, boundaries_geojson: the files as they are, to be served unchanged.
    """

    version: str
    city: City
    organisations: Mapping[str, Organisation]
    boundaries: tuple[Boundary, ...]
    land: tuple[Land, ...]
    places: Mapping[str, Place]
    categories: Mapping[str, Category]
    levels: Mapping[int, Level]
    clocks: Mapping[tuple[str, int | None], ClockRow]
    statuses: Mapping[str, Status]
    channels: Mapping[str, Channel]
    units: Mapping[str, Unit]
    people: Mapping[str, PersonRow]
    rates: tuple[Rate, ...]
    coast_geojson: bytes
    boundaries_geojson: bytes
    retention: Schedule = DEFAULT

    def clock(self, name: str, level: int) -> int:
        """Seconds allowed for the hand-off `name` at `level`. KeyError for a name not in CLOCKS."""
        row = self.clocks.get((name, level)) or self.clocks[name, None]
        return row.seconds

    def category(self, code: str) -> Category:
        """KeyError when the code is not known."""
        return self.categories[code]

    def organisation(self, organisation: str) -> Organisation:
        """KeyError when the id is not known."""
        return self.organisations[organisation]

    def unit(self, unit: str) -> Unit:
        """KeyError when the id is not known."""
        return self.units[unit]

    def status_of(self, group: Group) -> Status:
        """The status the system sets when a unit enters `group`: the group's first row."""
        return next(status for status in self.statuses.values() if status.group == group)

    def path(self, organisation: str) -> tuple[str, ...]:
        """The organisation's line of superiors, the topmost first, itself last."""
        line = [organisation]
        while (parent := self.organisations[line[-1]].parent) is not None:
            line.append(parent)
        return tuple(reversed(line))

    def subtree(self, organisation: str) -> frozenset[str]:
        """The organisation and everything under it."""
        return frozenset(one for one in self.organisations if organisation in self.path(one))


def load(folder: Path) -> Pack:
    """Read and check a pack folder. Raises `faults.PackInvalid` carrying every fault found."""
    # Here and not above: reading needs shapely, which who only names the structs should not pay.
    from muster.geography.read_pack import read

    return read(folder)
