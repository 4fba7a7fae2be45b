"""Distances, cells, datums and areas, against other people's numbers and against themselves."""

from __future__ import annotations

import math

import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from muster.geography.cells import cell, cell_box
from muster.geography.datum import gcj02_to_wgs84, wgs84_to_gcj02
from muster.geography.distance import box_around, haversine
from muster.geography.voronoi import nearest_areas, polygons_only, stations_to_boundaries

LONS = st.floats(-180, 180)
LATS = st.floats(-90, 90)
#: Well inside the shift's box, where both directions apply.
CHINA = (st.floats(74, 134), st.floats(18, 53))
NEAR = st.tuples(st.floats(121.6, 123.2), st.floats(29.6, 31.0))


@given(LONS, LATS, LONS, LATS)
def test_haversine_agrees_with_the_ellipsoid(a: float, b: float, c: float, d: float) -> None:
    _, _, exact = pyproj.Geod(ellps="WGS84").inv(a, b, c, d)
    assert haversine(a, b, c, d) == pytest.approx(exact, rel=0.006, abs=1)


@given(LONS, LATS, LONS, LATS)
def test_haversine_is_the_same_both_ways(a: float, b: float, c: float, d: float) -> None:
    assert haversine(a, b, c, d) == haversine(c, d, a, b)
    assert haversine(a, b, a, b) == 0


def test_haversine_gives_whole_metres() -> None:
    ball = pyproj.Geod(a=6_371_008.8, b=6_371_008.8)
    _, _, exact = ball.inv(122.298, 29.9576, 122.199, 30.2459)
    assert haversine(122.298, 29.9576, 122.199, 30.2459) == round(exact)
    assert isinstance(haversine(0, 0, 0, 1), int)
    assert haversine(0, 0, 180, 0) == round(math.pi * 6_371_008.8)


@given(NEAR, NEAR, st.integers(1, 50_000))
def test_the_box_holds_everything_within_its_reach(
    a: tuple[float, float], b: tuple[float, float], reach: int
) -> None:
    west, south, east, north = box_around(*a, reach)
    if haversine(*a, *b) < reach:
        assert west <= b[0] <= east
        assert south <= b[1] <= north


def test_cells_are_geohashes() -> None:
    # The example everybody uses, and the corner cases of the definition.
    assert cell(10.40744, 57.64911, 11) == "u4pruydqqvj"
    assert cell(-5.6, 42.6, 5) == "ezs42"
    assert cell(-180, -90) == "000000"
    assert cell(180, 90) == "zzzzzz"


@given(LONS, LATS)
def test_a_cell_holds_its_position_and_is_small(lon: float, lat: float) -> None:
    west, south, east, north = cell_box(cell(lon, lat))
    assert west <= lon <= east
    assert south <= lat <= north
    assert east - west == 360 / 2**15
    assert north - south == 180 / 2**15


@given(LONS, LATS, st.integers(1, 11))
def test_a_shorter_cell_is_the_beginning_of_a_longer_one(lon: float, lat: float, n: int) -> None:
    assert cell(lon, lat, 12).startswith(cell(lon, lat, n))


@pytest.mark.parametrize("spot", [(181.0, 0.0), (0.0, 91.0), (float("nan"), 0.0)])
def test_no_cell_off_the_earth(spot: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="not a position"):
        cell(*spot)


def test_not_a_geohash() -> None:
    with pytest.raises(ValueError, match="not a geohash"):
        cell_box("wtai")


def test_the_shift_gives_the_published_example() -> None:
    lon, lat = wgs84_to_gcj02(116.404, 39.915)
    assert lon == pytest.approx(116.41024449916938, abs=1e-9)
    assert lat == pytest.approx(39.91640428150164, abs=1e-9)


@given(*CHINA)
def test_there_and_back_is_within_a_millimetre(lon: float, lat: float) -> None:
    back = gcj02_to_wgs84(*wgs84_to_gcj02(lon, lat))
    assert haversine(lon, lat, *back) == 0
    assert abs(back[0] - lon) < 1e-8
    assert abs(back[1] - lat) < 1e-8


@given(*CHINA)
def test_the_shift_is_hundreds_of_metres(lon: float, lat: float) -> None:
    assert 20 < haversine(lon, lat, *wgs84_to_gcj02(lon, lat)) < 1_200


def test_outside_china_nothing_moves() -> None:
    assert wgs84_to_gcj02(-0.1, 51.5) == (-0.1, 51.5)
    assert gcj02_to_wgs84(-0.1, 51.5) == (-0.1, 51.5)


CLIP = shapely.box(121.5, 29.5, 123.25, 31.05)
STATIONS = st.dictionaries(
    st.text("abcdefgh", min_size=1, max_size=3), NEAR, min_size=1, max_size=9
)


@given(STATIONS)
def test_areas_cover_the_clip_once(stations: dict[str, tuple[float, float]]) -> None:
    areas = stations_to_boundaries(stations, CLIP)
    assert set(areas) == set(stations)
    total = sum(area.area for area in areas.values())
    assert total == pytest.approx(CLIP.area, rel=1e-6)
    assert shapely.union_all(list(areas.values())).area == pytest.approx(CLIP.area, rel=1e-6)


@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(0, 25)), min_size=2, max_size=9, unique=True
    ),
    NEAR,
)
def test_who_is_nearest_answers(grid: list[tuple[int, int]], spot: tuple[float, float]) -> None:
    stations = {f"s{n}": (121.6 + x / 20, 29.6 + y / 20) for n, (x, y) in enumerate(grid)}
    areas = stations_to_boundaries(stations, CLIP)
    away = {name: haversine(*place, *spot) for name, place in stations.items()}
    first, second, *_ = sorted(away.values())
    if second - first > 500 + 0.02 * second:  # the plane's dividing line is only nearly the earth's
        assert areas[min(away, key=lambda n: away[n])].covers(shapely.Point(spot))


def test_areas_stay_inside_an_island() -> None:
    island = shapely.Point(122, 30).buffer(0.1)
    areas = stations_to_boundaries({"a": (121.95, 30), "b": (122.05, 30), "c": (123, 30)}, island)
    assert areas["c"].is_empty
    assert areas["a"].area == pytest.approx(areas["b"].area, rel=0.01)


def test_two_stations_in_one_place_do_not_share() -> None:
    areas = stations_to_boundaries({"b": (122, 30), "a": (122, 30), "c": (122.5, 30)}, CLIP)
    assert areas["b"].is_empty
    assert not areas["a"].is_empty


def test_one_station_has_it_all_and_none_gives_nothing() -> None:
    assert stations_to_boundaries({"a": (122, 30)}, CLIP)["a"].equals(CLIP)
    assert stations_to_boundaries({}, CLIP) == {}


def test_a_name_may_own_many_points() -> None:
    areas = nearest_areas({"rim": [(121.6, 30), (123.2, 30)], "middle": [(122.4, 30)]}, CLIP)
    assert areas["rim"].geom_type == "MultiPolygon"
    assert areas["middle"].contains(shapely.Point(122.4, 30.5))


def test_only_polygons_are_kept_of_a_cut() -> None:
    touching = shapely.GeometryCollection(
        [shapely.box(0, 0, 1, 1), shapely.LineString([(1, 0), (2, 0)]), shapely.Point(3, 3)]
    )
    assert polygons_only(touching).equals(shapely.box(0, 0, 1, 1))
    assert polygons_only(shapely.Point(0, 0)).is_empty
