"""Puts a pack together from its folder: read every file, check every row, then build or refuse."""

from __future__ import annotations

import hashlib
import zoneinfo
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import shapely
from shapely.geometry.base import BaseGeometry

from muster.geography import checks
from muster.geography.faults import Faults, PackInvalid
from muster.geography.pack import (
    Boundary,
    Category,
    Channel,
    City,
    ClockRow,
    Land,
    Level,
    Organisation,
    Pack,
    PersonRow,
    Place,
    Rate,
    Status,
    Unit,
)
from muster.geography.retention import CODES, DEFAULT, RetentionClass, Schedule
from muster.geography.sheets import (
    Feature,
    line_of,
    read_features,
    read_rows,
    read_tables,
    read_toml,
)

FILES: Final = (
    "pack.toml",
    "organisations.csv",
    "boundaries.geojson",
    "coast.geojson",
    "places.csv",
    "categories.csv",
    "levels.csv",
    "clocks.csv",
    "statuses.csv",
    "channels.csv",
    "units.csv",
    "people.csv",
    "rates.csv",
)
#: May be missing in a draft; then its default holds.
RETENTION: Final = "retention.toml"
_WORLD: checks.BBox = (-180.0, -90.0, 180.0, 90.0)


class Sheets(NamedTuple):
    """The rows of a folder with their lines, not yet checked against each other."""

    organisations: list[tuple[int, Organisation]]
    places: list[tuple[int, Place]]
    categories: list[tuple[int, Category]]
    levels: list[tuple[int, Level]]
    clocks: list[tuple[int, ClockRow]]
    statuses: list[tuple[int, Status]]
    channels: list[tuple[int, Channel]]
    units: list[tuple[int, Unit]]
    people: list[tuple[int, PersonRow]]
    rates: list[tuple[int, Rate]]


class Tables(NamedTuple):
    """The same rows by id or code."""

    organisations: dict[str, Organisation]
    places: dict[str, Place]
    categories: dict[str, Category]
    levels: dict[int, Level]
    clocks: dict[tuple[str, int | None], ClockRow]
    statuses: dict[str, Status]
    channels: dict[str, Channel]
    units: dict[str, Unit]
    people: dict[str, PersonRow]


def read(folder: Path) -> Pack:
    """See `pack.load`."""
    faults = Faults()
    if not folder.is_dir():
        faults.add(folder.name, 0, "missing_folder")
        raise PackInvalid(str(folder), faults.found())
    city = read_toml(folder, "pack.toml", "city", City, faults)
    sheets = _read_sheets(folder, faults)
    coast_bytes, coast = read_features(folder, "coast.geojson", faults)
    boundary_bytes, borders = read_features(folder, "boundaries.geojson", faults)
    bbox = _WORLD if city is None else _check_city(city, folder, faults)
    tables = _key(sheets, faults)
    land = _land(coast, bbox, faults)
    boundaries = _boundaries(borders, bbox, tables, faults)
    _check_structure(sheets, tables, faults)
    _check_references(sheets, tables, faults)
    _check_positions(sheets, bbox, faults)
    schedule = read_schedule(folder, faults)
    found = faults.found()
    if found or city is None:
        raise PackInvalid(str(folder), found)
    return Pack(
        version=_version(folder),
        city=city,
        organisations=tables.organisations,
        boundaries=boundaries,
        land=land,
        places=tables.places,
        categories=tables.categories,
        levels=tables.levels,
        clocks=tables.clocks,
        statuses=tables.statuses,
        channels=tables.channels,
        units=tables.units,
        people=tables.people,
        rates=tuple(row for _, row in sheets.rates),
        coast_geojson=coast_bytes,
        boundaries_geojson=boundary_bytes,
        retention=schedule,
    )


def read_schedule(folder: Path, faults: Faults) -> Schedule:
    """retention.toml, or the default when the folder has none."""
    path = folder / RETENTION
    if not path.is_file():
        return DEFAULT
    rows = read_tables(folder, RETENTION, "class", RetentionClass, faults)
    for line, row in rows:
        if row.code not in CODES:
            faults.add(RETENTION, line, "unknown_column", column=row.code)
        elif detail := row.wrong():
            faults.add(RETENTION, line, "bad_value", column="class", value=row.code, detail=detail)
    classes = checks.keyed(rows, RETENTION, "code", lambda row: row.code, faults)
    if rows:
        for code in CODES:
            if code not in classes:
                faults.add(RETENTION, 0, "missing_value", column=code)
    version = hashlib.sha256(path.read_bytes()).hexdigest()
    return Schedule(version, {code: classes[code] for code in CODES if code in classes})


def _read_sheets(folder: Path, faults: Faults) -> Sheets:
    return Sheets(
        organisations=read_rows(folder, "organisations.csv", Organisation, faults),
        places=read_rows(folder, "places.csv", Place, faults),
        categories=read_rows(folder, "categories.csv", Category, faults),
        levels=read_rows(folder, "levels.csv", Level, faults),
        clocks=read_rows(folder, "clocks.csv", ClockRow, faults),
        statuses=read_rows(folder, "statuses.csv", Status, faults),
        channels=read_rows(folder, "channels.csv", Channel, faults),
        units=read_rows(folder, "units.csv", Unit, faults),
        people=read_rows(folder, "people.csv", PersonRow, faults),
        rates=read_rows(folder, "rates.csv", Rate, faults),
    )


def _key(sheets: Sheets, faults: Faults) -> Tables:
    """Rows by id; also everything else that must not occur twice."""
    keyed, unique = checks.keyed, checks.unique
    unique(sheets.units, "units.csv", "call_sign", lambda row: row.call_sign, faults)
    unique(sheets.people, "people.csv", "username", lambda row: row.username, faults)
    unique(
        sheets.rates,
        "rates.csv",
        "hour, organisation, category",
        lambda row: (row.hour, row.organisation, row.category),
        faults,
    )
    return Tables(
        organisations=keyed(
            sheets.organisations, "organisations.csv", "id", lambda row: row.id, faults
        ),
        places=keyed(sheets.places, "places.csv", "id", lambda row: row.id, faults),
        categories=keyed(sheets.categories, "categories.csv", "code", lambda row: row.code, faults),
        levels=keyed(sheets.levels, "levels.csv", "code", lambda row: row.code, faults),
        clocks=keyed(
            sheets.clocks, "clocks.csv", "name, level", lambda row: (row.name, row.level), faults
        ),
        statuses=keyed(sheets.statuses, "statuses.csv", "code", lambda row: row.code, faults),
        channels=keyed(sheets.channels, "channels.csv", "code", lambda row: row.code, faults),
        units=keyed(sheets.units, "units.csv", "id", lambda row: row.id, faults),
        people=keyed(sheets.people, "people.csv", "id", lambda row: row.id, faults),
    )


def _check_city(city: City, folder: Path, faults: Faults) -> checks.BBox:
    """The box to check positions against: the whole world when the city's own is no box."""
    file = "pack.toml"
    try:
        zoneinfo.ZoneInfo(city.timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        line = line_of(folder / file, "timezone")
        faults.add(file, line, "bad_timezone", value=city.timezone)
    west, south, east, north = city.bbox
    if not (west < east and south < north):
        faults.add(file, line_of(folder / file, "bbox"), "bad_bbox")
        return _WORLD
    if not checks.within(*city.centre, city.bbox):
        lon, lat = city.centre
        line = line_of(folder / file, "centre")
        faults.add(file, line, "outside_bbox", value="centre", lon=lon, lat=lat)
    return city.bbox


def _check_structure(sheets: Sheets, tables: Tables, faults: Faults) -> None:
    checks.acyclic(
        sheets.organisations,
        "organisations.csv",
        (lambda row: row.id, lambda row: row.parent),
        faults,
    )
    checks.acyclic(
        sheets.categories,
        "categories.csv",
        (lambda row: row.code, lambda row: row.parent),
        faults,
    )
    checks.tiers(sheets.organisations, "organisations.csv", faults)
    checks.all_clocks(sheets.clocks, "clocks.csv", faults)
    checks.all_groups(sheets.statuses, "statuses.csv", faults)
    checks.all_levels(tables.levels, "levels.csv", faults)


def _check_references(sheets: Sheets, tables: Tables, faults: Faults) -> None:
    refers = checks.refers
    organisations = (tables.organisations, "organisations.csv")
    categories = (tables.categories, "categories.csv")
    units = (tables.units, "units.csv")
    refers(
        sheets.organisations,
        ("organisations.csv", "parent"),
        lambda row: row.parent,
        organisations,
        faults,
    )
    refers(
        sheets.categories, ("categories.csv", "parent"), lambda row: row.parent, categories, faults
    )
    for sheet, file in ((sheets.units, "units.csv"), (sheets.people, "people.csv")):
        rows: Sequence[tuple[int, Unit | PersonRow]] = sheet
        refers(rows, (file, "organisation"), lambda row: row.organisation, organisations, faults)
    refers(sheets.people, ("people.csv", "unit"), lambda row: row.unit, units, faults)
    refers(
        sheets.rates,
        ("rates.csv", "organisation"),
        lambda row: row.organisation,
        organisations,
        faults,
    )
    refers(sheets.rates, ("rates.csv", "category"), lambda row: row.category, categories, faults)


def _check_positions(sheets: Sheets, bbox: checks.BBox, faults: Faults) -> None:
    checks.inside(sheets.organisations, "organisations.csv", bbox, lambda row: row.id, faults)
    checks.inside(sheets.places, "places.csv", bbox, lambda row: row.id, faults)
    checks.inside(sheets.units, "units.csv", bbox, lambda row: row.id, faults)


def _land(features: Sequence[Feature], bbox: checks.BBox, faults: Faults) -> tuple[Land, ...]:
    file = "coast.geojson"
    pieces: list[Land] = []
    for index, feature in enumerate(features):
        name_zh = str(feature.properties.get("name_zh") or "")
        name_en = str(feature.properties.get("name_en") or "")
        called = name_zh or f"#{index}"
        road = str(feature.properties.get("road") or "")
        polygons = polygons_of(feature, (file, called), bbox, faults)
        if polygons:
            pieces.append(Land(index, name_zh, name_en, road, _joined(polygons)))
    return tuple(pieces)


def _boundaries(
    features: Sequence[Feature], bbox: checks.BBox, tables: Tables, faults: Faults
) -> tuple[Boundary, ...]:
    file = "boundaries.geojson"
    areas: list[tuple[int, Boundary]] = []
    for feature in features:
        organisation = feature.properties.get("organisation")
        if not isinstance(organisation, str) or not organisation:
            faults.add(file, feature.line, "missing_value", column="organisation")
            continue
        polygons = polygons_of(feature, (file, organisation), bbox, faults)
        if polygons:
            areas.append((feature.line, Boundary(organisation, _joined(polygons))))
    known = (tables.organisations, "organisations.csv")
    checks.refers(areas, (file, "organisation"), lambda row: row.organisation, known, faults)
    checks.unique(areas, file, "organisation", lambda row: row.organisation, faults)
    return tuple(area for _, area in areas)


def _joined(polygons: list[shapely.Polygon]) -> BaseGeometry:
    return polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(polygons)


def polygons_of(
    feature: Feature, called: tuple[str, str], bbox: checks.BBox, faults: Faults
) -> list[shapely.Polygon]:
    """The feature's polygons, or nothing when any of them is bad. called = file, its name."""
    file, name = called
    polygons: list[shapely.Polygon] = []
    for rings in feature.polygons:
        try:
            if any(ring[0] != ring[-1] for ring in rings):
                raise ValueError("a ring is not closed")
            polygon = shapely.Polygon(rings[0], rings[1:])
        except (ValueError, TypeError, IndexError, shapely.errors.ShapelyError) as error:
            faults.add(file, feature.line, "bad_geometry", value=name, detail=error)
            return []
        if not polygon.is_valid or polygon.is_empty:
            detail = shapely.is_valid_reason(polygon)
            faults.add(file, feature.line, "bad_geometry", value=name, detail=detail)
            return []
        west, south, east, north = polygon.bounds
        for lon, lat in ((west, south), (east, north)):
            if not checks.within(lon, lat, bbox):
                faults.add(file, feature.line, "outside_bbox", value=name, lon=lon, lat=lat)
                return []
        polygons.append(polygon)
    return polygons


def _version(folder: Path) -> str:
    digest = hashlib.sha256()
    optional = (RETENTION,) if (folder / RETENTION).is_file() else ()
    for file in (*FILES, *optional):
        data = (folder / file).read_bytes()
        digest.update(f"{file}\0{len(data)}\0".encode())
        digest.update(data)
    return digest.hexdigest()
