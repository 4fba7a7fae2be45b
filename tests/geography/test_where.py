"""Jurisdiction, land and places, on the small pack where every answer can be worked out."""

from __future__ import annotations

from pathlib import Path

import pytest

from muster.geography.jurisdiction import Jurisdiction, jurisdiction
from muster.geography.land import by_road, land_at, same_land
from muster.geography.pack import Pack, load
from muster.geography.places import plain, search
from tests.geography.small import FILES, features, square, write


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    return load(write(tmp_path))


def test_a_position_belongs_to_the_boundary_that_holds_it(pack: Pack) -> None:
    assert jurisdiction(pack, 121.6, 30.4) == Jurisdiction("w", inside=True, distance_m=0)
    assert jurisdiction(pack, 122.4, 29.6) == Jurisdiction("e", inside=True, distance_m=0)


def test_a_position_on_the_dividing_line_has_one_owner(pack: Pack) -> None:
    assert jurisdiction(pack, 122.0, 30.0) == jurisdiction(pack, 122.0, 30.0)
    assert jurisdiction(pack, 122.0, 30.0).inside


def test_outside_goes_to_the_nearest_station_and_says_so(pack: Pack) -> None:
    away = jurisdiction(pack, 122.6, 30.0)
    assert (away.organisation, away.inside) == ("e", False)
    # 0.1 degree of longitude at 30° N.
    assert away.distance_m == pytest.approx(9_630, abs=20)


def test_a_sliver_between_neighbours_counts_as_inside(tmp_path: Path) -> None:
    gap = features(
        ({"organisation": "w"}, square(121.5, 29.5, 121.99998, 30.5)),
        ({"organisation": "e"}, square(122.00002, 29.5, 122.5, 30.5)),
    )
    pack = load(write(tmp_path, boundaries_geojson=gap))
    assert jurisdiction(pack, 122.0, 30.0).inside


def test_the_smaller_of_two_overlapping_areas_answers(tmp_path: Path) -> None:
    overlap = features(
        ({"organisation": "w"}, square(121.5, 29.5, 122.5, 30.5)),
        ({"organisation": "e"}, square(122.1, 29.9, 122.2, 30.1)),
        ({"organisation": "c"}, square(122.12, 29.92, 122.14, 29.94)),
    )
    pack = load(write(tmp_path, boundaries_geojson=overlap))
    assert jurisdiction(pack, 122.13, 29.93).organisation == "e"
    assert jurisdiction(pack, 122.05, 30.0).organisation == "w"


def test_the_nearest_county_decides_before_the_nearest_station(tmp_path: Path) -> None:
    organisations = FILES["organisations.csv"] + "k2,c,县局二,County 2,county,121.2,30.0,,\n"
    organisations = organisations.replace(
        "w,k,西所,West,station,121.8", "w,k2,西所,West,station,121.6"
    )
    pack = load(write(tmp_path, organisations_csv=organisations))
    # Just outside the east area, by boundary; both stations' houses are farther.
    assert jurisdiction(pack, 122.01, 30.6).organisation == "e"
    assert jurisdiction(pack, 121.99, 30.6).organisation == "w"


def test_without_boundaries_the_nearest_station_answers(tmp_path: Path) -> None:
    pack = load(write(tmp_path, boundaries_geojson=features()))
    answer = jurisdiction(pack, 121.9, 30.0)
    assert (answer.organisation, answer.inside) == ("w", False)


@pytest.mark.parametrize("spot", [(float("nan"), 30.0), (200.0, 30.0), (122.0, -91.0)])
def test_what_is_not_a_position_is_refused(pack: Pack, spot: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="not a position"):
        jurisdiction(pack, *spot)


def test_land_and_sea(pack: Pack) -> None:
    assert land_at(pack, 122.0, 30.0) == 0
    assert land_at(pack, 122.0, 30.35) == 1
    assert land_at(pack, 122.0, 30.2) is None


def test_a_quay_beyond_the_drawn_shore_counts_when_asked(pack: Pack) -> None:
    quay = (122.0, 30.101)  # 111 m north of the island
    assert land_at(pack, *quay) is None
    assert land_at(pack, *quay, shore_m=100) is None
    assert land_at(pack, *quay, shore_m=120) == 0


def test_same_land(pack: Pack) -> None:
    big, islet, bridged, sea = (121.8, 30.0), (122.0, 30.35), (122.25, 30.35), (122.0, 30.2)
    assert same_land(pack, big, (122.2, 30.05))
    assert not same_land(pack, big, islet)
    assert not same_land(pack, sea, sea)
    assert not same_land(pack, islet, bridged)


def test_bridges_join_islands_by_road_only(pack: Pack) -> None:
    big, islet, bridged, sea = (121.8, 30.0), (122.0, 30.35), (122.25, 30.35), (122.0, 30.2)
    assert by_road(pack, islet, bridged)
    assert not by_road(pack, big, islet)
    assert not by_road(pack, sea, islet)
    assert by_road(pack, big, big)


def test_a_pack_without_coast_has_no_sea(tmp_path: Path) -> None:
    pack = load(write(tmp_path, coast_geojson=features()))
    assert same_land(pack, (121.0, 30.0), (122.0, 30.0))
    assert by_road(pack, (121.0, 30.0), (122.0, 30.0))
    assert land_at(pack, 122.0, 30.0, shore_m=100) is None


def test_search_ranks_whole_names_then_beginnings_then_pieces(pack: Pack) -> None:
    assert [p.id for p in search(pack, "东镇")] == ["t2", "m1"]
    assert [p.id for p in search(pack, "西镇")] == ["t1"]
    assert [p.id for p in search(pack, "码头")] == ["m1"]
    assert [p.id for p in search(pack, "老西")] == ["t1"]


def test_search_does_not_mind_case_width_spaces_or_marks(pack: Pack) -> None:
    for query in ("xizhen", "XI ZHEN", "ｘｉｚｈｅｎ", "xī-zhen"):
        assert [p.id for p in search(pack, query)] == ["t1"], query
    assert plain("Ma’ao") == plain("maao")


def test_search_prefers_the_nearer_of_equals(pack: Pack) -> None:
    assert [p.id for p in search(pack, "镇", limit=2, near=(122.2, 30.0))] == ["t2", "t1"]
    assert [p.id for p in search(pack, "镇", limit=2, near=(121.8, 30.0))] == ["t1", "t2"]


def test_search_for_nothing_finds_nothing(pack: Pack) -> None:
    assert search(pack, "") == []
    assert search(pack, " - ") == []
    assert search(pack, "北镇") == []
    assert len(search(pack, "镇", limit=1)) == 1
