"""A draft city pack, made from a file of recorded calls and nothing else.

A station stands at the mean place of its calls; its area is what is nearer to it than to any
other. Units, people, levels and clocks are defaults and invented, and the pack says so.
"""

from __future__ import annotations

import csv
import json
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import shapely

from muster.geography.pack import CLOCKS
from muster.geography.voronoi import stations_to_boundaries
from muster.simulate.columns import ColumnMap
from muster.simulate.recorded import Recorded, Records
from muster.simulate.refusal import ReplayRefused

UNITS_PER_STATION: Final = 4
#: In city traffic. With turn-out and detour, first arrivals come about as late as London records
#: them (median 298 s of 22,200); faster units would flatter whoever is replayed.
UNIT_KMH: Final = 22
DEFAULT_LEVEL: Final = 3
CITY: Final = "draft"
_MARGIN_DEGREES: Final = 0.03

#: name -> seconds at levels 1, 2 and all others; a domain default, not anybody's rule.
_CLOCKS: Final[Mapping[str, tuple[int, int, int, str, str]]] = {
    "wait": (60, 120, 300, "待派", "waiting to be dispatched"),
    "sign": (30, 45, 60, "签收", "sign"),
    "set_out": (120, 120, 180, "出发", "set out"),
    "arrive": (600, 900, 1200, "到场", "arrive"),
    "first_feedback": (900, 1800, 1800, "首次反馈", "first feedback"),
    "final_feedback": (86_400, 86_400, 86_400, "结案反馈", "closing feedback"),
    "review": (3600, 3600, 7200, "审核", "review"),
    "call_back": (86_400, 86_400, 86_400, "回访", "call back"),
    "transfer_accept": (600, 900, 1800, "接受转办", "accept a transfer"),
    "cancel_confirm": (300, 300, 600, "撤销复核", "confirm a cancellation"),
}
_LEVELS: Final = (
    (1, "特别重大", "critical", "#B3261E", "#FF8A80"),
    (2, "重大敏感", "serious", "#B45309", "#FFB74D"),
    (3, "一般", "ordinary", "#1D4ED8", "#82B1FF"),
    (4, "非紧急", "not urgent", "#4B5563", "#B0BEC5"),
)
_STATUSES: Final = (
    ("10", "备勤", "available", "circle", "#15803D", "#66BB6A", "available", "10"),
    ("20", "已派", "dispatched", "half_circle", "#B45309", "#FFB74D", "dispatched", "20"),
    ("21", "途中", "under way", "arrow", "#1D4ED8", "#82B1FF", "under_way", "21"),
    ("22", "到场", "on scene", "square", "#7E22CE", "#CE93D8", "on_scene", "22"),
    ("30", "忙碌", "busy", "small_square", "#4B5563", "#B0BEC5", "busy", "30"),
    ("00", "下勤", "off duty", "ring", "#6B7280", "#90A4AE", "off", ""),
    ("99", "求援", "needs help", "diamond", "#B3261E", "#FF8A80", "emergency", ""),
)
_CHANNELS: Final = (
    ("phone", "电话", "telephone"),
    ("sensor", "自动报警", "alarm sensor"),
    ("officer", "民警发现", "found by an officer"),
)
_DESK: Final = (
    ("call_taker", "示例接警员"),
    ("dispatcher", "示例派警员"),
    ("duty_chief", "示例值班长"),
    ("station_room", "示例所指挥室"),
    ("analyst", "示例研判员"),
    ("auditor", "示例督察"),
    ("administrator", "示例管理员"),
)


def slug(text: str) -> str:
    """Lower-case letters, digits and dashes; never empty."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40] or "x"


class Slugs:
    """A slug of its own for every text, none of them `reserved`."""

    def __init__(self, *reserved: str) -> None:
        self._given: dict[str, str] = {}
        self._taken = set(reserved)

    def of(self, text: str) -> str:
        if text not in self._given:
            base = slug(text)
            name, number = base, 2
            while name in self._taken:
                name, number = f"{base}-{number}", number + 1
            self._taken.add(name)
            self._given[text] = name
        return self._given[text]


@dataclass
class Names:
    """The ids a draft pack gives: of stations by name, of categories by path."""

    stations: Slugs = field(default_factory=lambda: Slugs(CITY))
    categories: Slugs = field(default_factory=Slugs)

    def category(self, path: Sequence[str]) -> str:
        return self.categories.of("/".join(path))


def level_of(path: Sequence[str], columns: ColumnMap) -> int | None:
    """The level of the finest step that the map gives one to."""
    known = [columns.category.levels[step] for step in path if step in columns.category.levels]
    return known[-1] if known else None


def write_draft(records: Records, columns: ColumnMap, map_name: str, folder: Path) -> Names:
    """Write the pack into `folder` (made if missing). Returns the names it gave.

    Raises ReplayRefused when the map names no station column or no call has a station.
    """
    grounds = _grounds(records.calls)
    if columns.station is None or not grounds:
        raise ReplayRefused("draft.stations", map=map_name)
    folder.mkdir(parents=True, exist_ok=True)
    names = Names()
    places = {name: _mean(calls) for name, calls in sorted(grounds.items())}
    bbox = _box(records.calls)
    _write_about(folder, columns, bbox)
    _write_ground(folder, names, places, bbox)
    _write_people(folder, names, places)
    _write_categories(folder, names, records.calls, columns)
    _write_rates(folder, names, grounds, columns)
    _write_defaults(folder)
    return names


def _grounds(calls: Iterable[Recorded]) -> dict[str, list[Recorded]]:
    found: dict[str, list[Recorded]] = defaultdict(list)
    for call in calls:
        if call.station is not None:
            found[" ".join(call.station.split())].append(call)
    return found


def _mean(calls: Sequence[Recorded]) -> tuple[float, float]:
    count = len(calls)
    lon = sum(call.lon for call in calls) / count
    lat = sum(call.lat for call in calls) / count
    return round(lon, 6), round(lat, 6)


def _box(calls: Sequence[Recorded]) -> tuple[float, float, float, float]:
    lons, lats = [call.lon for call in calls], [call.lat for call in calls]
    west, south = min(lons) - _MARGIN_DEGREES, min(lats) - _MARGIN_DEGREES
    east, north = max(lons) + _MARGIN_DEGREES, max(lats) + _MARGIN_DEGREES
    return (
        round(max(west, -180.0), 4),
        round(max(south, -90.0), 4),
        round(min(east, 180.0), 4),
        round(min(north, 90.0), 4),
    )


def _sheet(folder: Path, file: str, header: str, rows: Iterable[Sequence[object]]) -> None:
    with (folder / file).open("w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(header.split(","))
        writer.writerows(rows)


def _write_about(folder: Path, columns: ColumnMap, bbox: tuple[float, float, float, float]) -> None:
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
        "# Made by a replay from recorded calls. Units and people are invented.\n"
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
    (folder / "README.md").write_text(
        "# 草稿城市包 · Draft city pack\n\n"
        "由重放从一份警情记录生成：站点在其警情的平均位置，辖区按就近划分；警力、人员、等级和时限均为"
        "虚构的默认值。\n\n"
        "Made by a replay from recorded calls: a station is the mean place of its calls,\n"
        "its area what is nearest to it; units, people, levels and clocks are invented defaults.\n",
        encoding="utf-8",
    )


def _write_ground(
    folder: Path,
    names: Names,
    places: Mapping[str, tuple[float, float]],
    bbox: tuple[float, float, float, float],
) -> None:
    """Organisations, areas, land (all of the box: the file does not tell land from sea)."""
    box = shapely.box(*bbox)
    centre = (round((bbox[0] + bbox[2]) / 2, 6), round((bbox[1] + bbox[3]) / 2, 6))
    rows: list[tuple[object, ...]] = [
        (CITY, "", "草稿指挥中心", "Draft control room", "city", *centre)
    ]
    rows += [
        (names.stations.of(name), CITY, name, name, "station", *place)
        for name, place in places.items()
    ]
    _sheet(folder, "organisations.csv", "id,parent,name_zh,name_en,tier,lon,lat", rows)
    _sheet(
        folder,
        "places.csv",
        "id,name_zh,name_en,kind,lon,lat",
        [(f"p-{row[0]}", row[2], row[3], "station", *row[5:]) for row in rows[1:]],
    )
    by_id = {names.stations.of(name): place for name, place in places.items()}
    areas = stations_to_boundaries(by_id, box)
    _features(folder, "boundaries.geojson", {k: v for k, v in areas.items() if not v.is_empty})
    _features(folder, "coast.geojson", {"": box})


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


def _write_people(folder: Path, names: Names, places: Mapping[str, tuple[float, float]]) -> None:
    units: list[tuple[object, ...]] = []
    people: list[tuple[object, ...]] = [
        # The demonstration's own accounts are named after the roles; these must not be.
        (f"p-{slug(role)}", name, f"draft-{slug(role)}", CITY, role, "")
        for role, name in _DESK
    ]
    for name, (lon, lat) in places.items():
        station = names.stations.of(name)
        for number in range(1, UNITS_PER_STATION + 1):
            unit = f"{station}-{number}"
            call_sign = f"{name} {number}"
            units.append((unit, call_sign, station, "engine", "road", lon, lat, UNIT_KMH, 1))
            people.append((f"p-{unit}", f"示例 {call_sign}", unit, station, "officer", unit))
    header = "id,call_sign,organisation,kind,mode,lon,lat,speed_kmh,crew"
    _sheet(folder, "units.csv", header, units)
    _sheet(folder, "people.csv", "id,name,username,organisation,role,unit", people)


def _write_categories(
    folder: Path, names: Names, calls: Iterable[Recorded], columns: ColumnMap
) -> None:
    paths = sorted({call.path[:depth] for call in calls for depth in range(1, len(call.path) + 1)})
    rows = []
    for path in paths:
        value = " ".join(path[-1].split())
        parent = names.category(path[:-1]) if len(path) > 1 else ""
        urgent = str(path[-1] in columns.category.urgent).lower()
        name_zh = columns.category.names.get(path[-1], value)
        rows.append(
            (
                names.category(path),
                parent,
                name_zh,
                value,
                level_of(path, columns) or DEFAULT_LEVEL,
                urgent,
            )
        )
    _sheet(folder, "categories.csv", "code,parent,name_zh,name_en,level,urgent", rows)


def _write_rates(
    folder: Path, names: Names, grounds: Mapping[str, Sequence[Recorded]], columns: ColumnMap
) -> None:
    """Mean calls per hour over the days from the file's first to its last."""
    zone = ZoneInfo(columns.about.timezone)
    numbers: Counter[tuple[int, str, str]] = Counter()
    days = set()
    for station, calls in grounds.items():
        for call in calls:
            local = call.reported_at.astimezone(zone)
            days.add(local.date())
            numbers[local.hour, names.stations.of(station), names.category(call.path)] += 1
    span = (max(days) - min(days)).days + 1
    rows = [(*key, f"{number / span:.6f}") for key, number in sorted(numbers.items())]
    _sheet(folder, "rates.csv", "hour,organisation,category,calls_per_hour", rows)


def _write_defaults(folder: Path) -> None:
    clocks: list[tuple[object, ...]] = []
    for name in CLOCKS:
        first, second, others, zh, en = _CLOCKS[name]
        clocks += [(name, 1, first, zh, en), (name, 2, second, zh, en), (name, "", others, zh, en)]
    _sheet(folder, "clocks.csv", "name,level,seconds,name_zh,name_en", clocks)
    colours = "colour_light,colour_dark"
    _sheet(folder, "levels.csv", f"code,name_zh,name_en,{colours}", _LEVELS)
    _sheet(folder, "statuses.csv", f"code,name_zh,name_en,sign,{colours},group,alias", _STATUSES)
    _sheet(folder, "channels.csv", "code,name_zh,name_en", _CHANNELS)
