"""The pack we ship: real islands, every station on its own ground, nothing outside the rules."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import shapely

from muster.geography.datum import gcj02_to_wgs84
from muster.geography.jurisdiction import jurisdiction
from muster.geography.land import by_road, land_at, same_land
from muster.geography.pack import Pack, load
from muster.geography.places import search

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "cities" / "zhoushan"
#: A public county map, beside the project and not to be committed; GCJ-02.
COUNTY_MAP = ROOT.parent / "shared" / "data" / "geography" / "zhoushan" / "datav_330900_full.json"
COUNTIES = {"330902": "dh", "330903": "pt", "330921": "ds", "330922": "ss"}


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load(FOLDER)


def county_of(pack: Pack, lon: float, lat: float) -> str:
    return pack.path(jurisdiction(pack, lon, lat).organisation)[1]


@pytest.mark.parametrize(
    ("name", "lon", "lat", "county", "station"),
    [
        ("沈家门", 122.30, 29.95, "pt", "pt-shenjiamen"),
        ("东港", 122.325, 29.975, "pt", "pt-donggang"),
        ("高亭", 122.199, 30.246, "ds", "ds-gaoting"),
        ("嵊山岛", 122.817, 30.72, "ss", "ss-shengshan"),
        ("枸杞岛", 122.767, 30.714, "ss", "ss-gouqi"),
        ("金塘", 121.87, 30.02, "dh", "dh-jintang"),
        ("定海城区", 122.1075, 30.0195, "dh", "dh-changguo"),
        ("六横", 122.11, 29.745, "pt", "pt-liuheng"),
        ("普陀山", 122.385, 29.99, "pt", "pt-putuoshan"),
        ("东极以东的海面", 123.0, 30.15, "pt", "pt-dongji"),
        ("衢山以东的海面", 122.54, 30.45, "ds", "ds-qushan"),
    ],
)
def test_known_places_have_their_station(
    pack: Pack, name: str, lon: float, lat: float, county: str, station: str
) -> None:
    answer = jurisdiction(pack, lon, lat)
    assert (answer.organisation, answer.inside) == (station, True), name
    assert county_of(pack, lon, lat) == county


def test_ningbo_and_the_far_sea_are_outside_and_still_get_a_station(pack: Pack) -> None:
    for lon, lat in ((121.85, 29.9), (121.957, 29.927), (124.5, 30.0)):
        answer = jurisdiction(pack, lon, lat)
        assert not answer.inside
        assert answer.distance_m > 1_000
        assert pack.organisations[answer.organisation].tier == "station"


def test_islands(pack: Pack) -> None:
    dinghai, shenjiamen, gaoting = (122.1030, 30.0220), (122.298, 29.9576), (122.199, 30.2459)
    zhujiajian, putuoshan = (122.3888, 29.9223), (122.385, 29.991)
    assert same_land(pack, dinghai, shenjiamen)
    assert not same_land(pack, gaoting, dinghai)
    assert not same_land(pack, shenjiamen, zhujiajian)
    assert by_road(pack, shenjiamen, zhujiajian)
    assert by_road(pack, gaoting, dinghai)
    assert not by_road(pack, putuoshan, zhujiajian)
    assert land_at(pack, 122.9, 29.8) is None


def test_stations_stand_on_their_own_ground(pack: Pack) -> None:
    stations = [o for o in pack.organisations.values() if o.tier == "station"]
    with_area = {area.organisation for area in pack.boundaries}
    assert len(with_area & {o.id for o in stations}) == 42
    for office in stations:
        assert land_at(pack, office.lon, office.lat) is not None, office.id
        if office.id in with_area:
            answer = jurisdiction(pack, office.lon, office.lat)
            assert (answer.organisation, answer.inside) == (office.id, True)


def test_boundaries_tile_the_city(pack: Pack) -> None:
    area = {one.organisation: one.polygon for one in pack.boundaries}
    for whole in ("zs", *COUNTIES.values()):
        parts = [shape for name, shape in area.items() if pack.organisations[name].parent == whole]
        united = shapely.union_all(parts)
        assert united.symmetric_difference(area[whole]).area / area[whole].area < 1e-4
        assert sum(part.area for part in parts) == pytest.approx(united.area, rel=1e-4)


def test_no_island_of_one_station_is_cut(pack: Pack) -> None:
    divided = {"舟山岛", "岱山岛", "泗礁山岛"}
    stations = [a for a in pack.boundaries if pack.organisations[a.organisation].tier == "station"]
    for land in pack.land:
        if land.name_zh in divided:
            continue
        shares = [area.polygon.intersection(land.polygon).area for area in stations]
        if sum(shares) > 0.5 * land.polygon.area:
            assert max(shares) / land.polygon.area > 0.99, land.name_zh or land.id


def test_units_start_where_they_can(pack: Pack) -> None:
    modes = Counter(unit.mode for unit in pack.units.values())
    assert sum(modes.values()) >= 150
    assert modes["water"] >= 20
    assert modes["air"] >= 1
    for unit in pack.units.values():
        at_sea = land_at(pack, unit.lon, unit.lat) is None
        assert at_sea == (unit.mode == "water"), unit.id
        if pack.organisations[unit.organisation].kind == "police":
            assert jurisdiction(pack, unit.lon, unit.lat).organisation == unit.organisation


def test_every_unit_has_somebody_and_every_role_exists(pack: Pack) -> None:
    crews = Counter(person.unit for person in pack.people.values() if person.unit)
    assert set(crews) == set(pack.units)
    for person in pack.people.values():
        if person.unit:
            assert pack.units[person.unit].organisation == person.organisation
    assert {person.role for person in pack.people.values()} == {
        "call_taker",
        "dispatcher",
        "duty_chief",
        "station_room",
        "officer",
        "analyst",
        "partner",
        "volunteer",
        "auditor",
        "administrator",
    }


def test_people_are_plainly_invented(pack: Pack) -> None:
    assert "虚构" in (FOLDER / "people.csv").read_text("utf-8").splitlines()[0]
    for person in pack.people.values():
        assert re.fullmatch(r"199-0000-\d{4}", person.phone)
        assert person.badge.startswith("示")


def test_codes_are_laid_out_as_they_should_be(pack: Pack) -> None:
    codes = [office.code for office in pack.organisations.values()]
    assert len(set(codes)) == len(codes)
    for office in pack.organisations.values():
        county = pack.path(office.id)[1] if office.tier == "station" else ""
        if county in COUNTIES.values():
            assert office.code[:6] == pack.organisations[county].code[:6]


def test_a_day_has_some_six_hundred_calls(pack: Pack) -> None:
    assert 500 < sum(rate.calls_per_hour for rate in pack.rates) < 800
    parents = {category.parent for category in pack.categories.values()}
    leaves = {code for code in pack.categories if code not in parents}
    assert {rate.category for rate in pack.rates} == leaves
    assert {rate.hour for rate in pack.rates} == set(range(24))
    levels: Counter[int] = Counter()
    for rate in pack.rates:
        levels[pack.category(rate.category).level] += round(rate.calls_per_hour * 1e6)
    assert 0 < levels[1] < 0.01 * levels.total()


def test_a_countys_people_live_in_its_stations(pack: Pack) -> None:
    for county in COUNTIES.values():
        stations = [o for o in pack.organisations.values() if o.parent == county]
        people = sum(office.population for office in stations)
        assert people == pytest.approx(pack.organisations[county].population, rel=0.1)


def test_graver_levels_never_have_more_time(pack: Pack) -> None:
    for name in {name for name, _ in pack.clocks}:
        seconds = [pack.clock(name, level) for level in (1, 2, 3, 4)]
        assert seconds == sorted(seconds), name


def test_places_are_found_and_named_where_they_are_from(pack: Pack) -> None:
    assert search(pack, "沈家门")[0].source == "GeoNames"
    assert search(pack, "嵊山岛")[0].kind == "island"
    assert "东极" in [place.name_zh for place in search(pack, "dongji")]
    for place in pack.places.values():
        assert place.source in {
            "GeoNames",
            "OpenStreetMap",
            "GSHHG",
            "cpca",
            "searoute",
            "approximate",
        }


def test_the_map_is_small_and_says_who_made_it(pack: Pack) -> None:
    assert len(pack.coast_geojson) < 1_500_000
    assert len(pack.boundaries_geojson) < 500_000
    sources = {f["properties"]["source"] for f in json.loads(pack.coast_geojson)["features"]}
    assert sources == {"OpenStreetMap", "GSHHG"}
    credit = " ".join(pack.city.attribution)
    assert all(name in credit for name in ("OpenStreetMap", "GSHHG", "GeoNames"))


def test_the_scripts_inputs_name_known_stations(pack: Pack) -> None:
    lines = (FOLDER / "islands.csv").read_text("utf-8").splitlines()
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    assert {row["station"] for row in rows} <= {*pack.organisations, "-", ""}


def test_land_lies_in_the_county_that_a_public_map_gives_it(pack: Pack) -> None:
    if not COUNTY_MAP.is_file():
        pytest.skip(f"needs ../shared/data: {COUNTY_MAP.name} is not beside this project")
    ours = {one.organisation: one.polygon for one in pack.boundaries}
    land = shapely.union_all([one.polygon for one in pack.land])
    agreed = total = 0.0
    for feature in json.loads(COUNTY_MAP.read_text("utf-8"))["features"]:
        shifted = shapely.from_geojson(json.dumps(feature["geometry"]))
        county = shapely.make_valid(
            shapely.transform(
                shifted, lambda points: np.array([gcj02_to_wgs84(x, y) for x, y in points])
            )
        )
        there = land.intersection(county)
        name = COUNTIES[str(feature["properties"]["adcode"])]
        share = there.intersection(ours[name]).area
        assert share / there.area > 0.95, name
        agreed, total = agreed + share, total + there.area
    assert agreed / total > 0.98
