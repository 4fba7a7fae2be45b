"""A draft city pack, made from a file of recorded calls and its column map, and nothing else.

A station stands at the mean place of its calls, or where the map's list of stations says; its area
is what is nearer to it than to any other. What the file does not tell is a default or invented,
and the pack says which is which.
"""

from __future__ import annotations

import csv
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
import shapely

from muster.geography.pack import CLOCKS
from muster.geography.voronoi import stations_to_boundaries
from muster.simulate.areas import Box, Position, box_around
from muster.simulate.columns import ColumnMap
from muster.simulate.dirt import FILE as DIRT
from muster.simulate.draft_defaults import CHANNELS, CLOCK_SECONDS, DESK, LEVELS, STATUSES
from muster.simulate.draft_units import DraftUnit, draft_units
from muster.simulate.load_profile import FILE as PROFILE
from muster.simulate.load_profile import Profile, profile
from muster.simulate.recorded import Recorded, Records
from muster.simulate.refusal import ReplayRefused
from muster.simulate.slugs import Slugs, slug

#: In city traffic. With turn-out and detour, first arrivals come about as late as London records
#: them (median 298 s of 22,200); faster units would flatter whoever is replayed.
UNIT_KMH: Final = 22
DEFAULT_LEVEL: Final = 3
CITY: Final = "draft"
_MARGIN_DEGREES: Final = 0.03
_LONGEST_NAME: Final = 80
#: A spreadsheet would run a cell that begins with one of these.
_RUNS: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass
class Names:
    """The ids a draft pack gives: of stations by name, of categories by path; its profile."""

    profile: Profile
    stations: Slugs = field(default_factory=lambda: Slugs(CITY))
    categories: Slugs = field(default_factory=Slugs)

    def category(self, path: Sequence[str]) -> str:
        # A step may itself hold a slash; none holds NUL.
        return self.categories.of("\0".join(path))


class Ground(msgspec.Struct, frozen=True):
    """places: station -> where it stands; calls: station -> its calls; areas: by station id."""

    box: Box
    places: Mapping[str, Position]
    calls: Mapping[str, Sequence[Recorded]]
    polygons: Mapping[str, shapely.Geometry]


def level_of(path: Sequence[str], columns: ColumnMap) -> int | None:
    """The level of the finest step that the map gives one to."""
    known = [columns.category.levels[step] for step in path if step in columns.category.levels]
    return known[-1] if known else None


def write_draft(records: Records, columns: ColumnMap, map_name: str, folder: Path) -> Names:
    """Write the pack into `folder` (made if missing). Returns the names it gave.

    Raises ReplayRefused when the map names no station column or no call has a station.
    """
    calls = _by_station(records.calls)
    if columns.station is None or not calls:
        raise ReplayRefused("draft.stations", map=map_name)
    folder.mkdir(parents=True, exist_ok=True)
    ground = _ground(records, calls)
    units = draft_units(records, columns, calls)
    names = Names(profile(records, columns, units))
    _write_about(folder, columns, ground.box)
    _write_ground(folder, names, ground)
    _write_people(folder, names, ground, units)
    _write_categories(folder, names, records.calls, columns)
    _write_rates(folder, names, ground, columns)
    _write_defaults(folder)
    _write_told(folder, records, names.profile)
    return names


def _by_station(calls: Iterable[Recorded]) -> dict[str, list[Recorded]]:
    found: dict[str, list[Recorded]] = defaultdict(list)
    for call in calls:
        if call.station is not None:
            found[" ".join(call.station.split())].append(call)
    return dict(sorted(found.items()))


def _ground(records: Records, calls: Mapping[str, Sequence[Recorded]]) -> Ground:
    if records.areas is not None:
        areas = records.areas
        return Ground(areas.box, areas.bases, calls, areas.polygons)
    places = {name: _mean(some) for name, some in calls.items()}
    box = box_around([(call.lon, call.lat) for call in records.calls], _MARGIN_DEGREES)
    return Ground(box, places, calls, stations_to_boundaries(places, shapely.box(*box)))


def _mean(calls: Sequence[Recorded]) -> Position:
    count = len(calls)
    lon = sum(call.lon for call in calls) / count
    lat = sum(call.lat for call in calls) / count
    return round(lon, 6), round(lat, 6)


def _sheet(folder: Path, file: str, header: str, rows: Iterable[Sequence[object]]) -> None:
    with (folder / file).open("w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(header.split(","))
        writer.writerows([[_inert(cell) for cell in row] for row in rows])


def _inert(cell: object) -> object:
    """Text of somebody else's file as text, also where a spreadsheet would run it."""
    if isinstance(cell, str) and cell.startswith(_RUNS):
        return f"'{cell}"
    return cell


def _name(text: str) -> str:
    return text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 1] + "…"


def _write_about(folder: Path, columns: ColumnMap, bbox: Box) -> None:
    about = columns.about
    west, south, east, north = bbox
    centre = [round((west + east) / 2, 4), round((south + north) / 2, 4)]
    quoted = {
        name: json.dumps(text, ensure_ascii=False)
        for name, text in {
            "zh": f"{about.name_zh}（草稿）",
            "en": f"{about.name_en} (draft)",
            "timezone": about.timezone,
            "attribution": about.attribution,
        }.items()
    }
    (folder / "pack.toml").write_text(
        "# Made from recorded calls: README.md beside this file says what is derived and how.\n"
        "[city]\n"
        f'id = "{CITY}"\n'
        f"name_zh = {quoted['zh']}\n"
        f"name_en = {quoted['en']}\n"
        'adcode = "000000"\n'
        f"timezone = {quoted['timezone']}\n"
        f"bbox = {list(bbox)}\n"
        f"centre = {centre}\n"
        f"attribution = [{quoted['attribution']}]\n",
        encoding="utf-8",
    )


def _write_ground(folder: Path, names: Names, ground: Ground) -> None:
    """Organisations, areas, land (all of the box: the file does not tell land from sea)."""
    west, south, east, north = ground.box
    centre = (round((west + east) / 2, 6), round((south + north) / 2, 6))
    rows: list[tuple[object, ...]] = [
        (CITY, "", "草稿指挥中心", "Draft control room", "city", *centre)
    ]
    rows += [
        (names.stations.of(name), CITY, _name(name), _name(name), "station", *place)
        for name, place in ground.places.items()
    ]
    _sheet(folder, "organisations.csv", "id,parent,name_zh,name_en,tier,lon,lat", rows)
    _sheet(
        folder,
        "places.csv",
        "id,name_zh,name_en,kind,lon,lat",
        [(f"p-{row[0]}", row[2], row[3], "station", *row[5:]) for row in rows[1:]],
    )
    areas = {
        names.stations.of(name): area for name, area in ground.polygons.items() if not area.is_empty
    }
    _features(folder, "boundaries.geojson", areas)
    _features(folder, "coast.geojson", {"": shapely.box(*ground.box)})


def _features(folder: Path, file: str, areas: Mapping[str, shapely.Geometry]) -> None:
    features = [
        {
            "type": "Feature",
            "properties": {"organisation": name} if name else {"name_zh": "", "name_en": ""},
            "geometry": json.loads(shapely.to_geojson(area)),
        }
        for name, area in areas.items()
    ]
    text = json.dumps({"type": "FeatureCollection", "features": features})
    (folder / file).write_text(text, encoding="utf-8")


def _write_people(folder: Path, names: Names, ground: Ground, draft: Sequence[DraftUnit]) -> None:
    units: list[tuple[object, ...]] = []
    people: list[tuple[object, ...]] = [
        # The demonstration's own accounts are named after the roles; these must not be.
        (f"p-{slug(role)}", name, f"draft-{slug(role)}", CITY, role, "")
        for role, name in DESK
    ]
    ids, signs = Slugs(), set[str]()
    for one in draft:
        station, (lon, lat) = names.stations.of(one.station), ground.places[one.station]
        # "u-": a unit may be called as an account of the desk is.
        unit = f"u-{ids.of(one.name)}"
        sign = _name(" ".join(one.name.split()))
        if sign in signs:
            sign = f"{sign} ({unit})"
        signs.add(sign)
        units.append((unit, sign, station, slug(one.kind), "road", lon, lat, UNIT_KMH, 1))
        people.append((f"p-{unit}", f"示例 {sign}", unit, station, "officer", unit))
    header = "id,call_sign,organisation,kind,mode,lon,lat,speed_kmh,crew"
    _sheet(folder, "units.csv", header, units)
    _sheet(folder, "people.csv", "id,name,username,organisation,role,unit", people)


def _write_categories(
    folder: Path, names: Names, calls: Iterable[Recorded], columns: ColumnMap
) -> None:
    whole = {call.path for call in calls}
    paths = sorted({path[:depth] for path in whole for depth in range(1, len(path) + 1)})
    rows = []
    for path in paths:
        value = _name(" ".join(path[-1].split()))
        parent = names.category(path[:-1]) if len(path) > 1 else ""
        urgent = str(path[-1] in columns.category.urgent).lower()
        level = level_of(path, columns) or DEFAULT_LEVEL
        name_zh = columns.category.names.get(path[-1], value)
        rows.append((names.category(path), parent, name_zh, value, level, urgent))
    _sheet(folder, "categories.csv", "code,parent,name_zh,name_en,level,urgent", rows)


def _write_rates(folder: Path, names: Names, ground: Ground, columns: ColumnMap) -> None:
    """Mean calls per hour over the days from the file's first to its last."""
    zone = ZoneInfo(columns.about.timezone)
    numbers: Counter[tuple[int, str, tuple[str, ...]]] = Counter()
    days = set()
    for station, calls in ground.calls.items():
        organisation = names.stations.of(station)
        for call in calls:
            local = call.reported_at.astimezone(zone)
            days.add(local.date())
            numbers[local.hour, organisation, call.path] += 1
    span = (max(days) - min(days)).days + 1
    rows = [
        (hour, organisation, names.category(path), f"{number / span:.6f}")
        for (hour, organisation, path), number in sorted(numbers.items())
    ]
    _sheet(folder, "rates.csv", "hour,organisation,category,calls_per_hour", rows)


def _write_defaults(folder: Path) -> None:
    clocks: list[tuple[object, ...]] = []
    for name in CLOCKS:
        first, second, others, zh, en = CLOCK_SECONDS[name]
        clocks += [(name, 1, first, zh, en), (name, 2, second, zh, en), (name, "", others, zh, en)]
    _sheet(folder, "clocks.csv", "name,level,seconds,name_zh,name_en", clocks)
    colours = "colour_light,colour_dark"
    _sheet(folder, "levels.csv", f"code,name_zh,name_en,{colours}", LEVELS)
    _sheet(folder, "statuses.csv", f"code,name_zh,name_en,sign,{colours},group,alias", STATUSES)
    _sheet(folder, "channels.csv", "code,name_zh,name_en", CHANNELS)


def _write_told(folder: Path, records: Records, told: Profile) -> None:
    """What the pack is made of: for people, as figures, and what the file had wrong."""
    (folder / "README.md").write_text(told.text(), encoding="utf-8")
    text = msgspec.json.format(msgspec.json.encode(told), indent=1).decode()
    (folder / PROFILE).write_text(text + "\n", encoding="utf-8")
    records.dirt.write(folder / DIRT)
