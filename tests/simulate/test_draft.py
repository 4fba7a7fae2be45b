"""Draft packs: valid, complete, and honest about what is invented."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import shapely

from muster.geography.pack import Pack, load
from muster.simulate.columns import read_map
from muster.simulate.draft import write_draft
from muster.simulate.draft_units import UNITS_PER_STATION
from muster.simulate.people import Accounts, crews
from muster.simulate.recorded import read_records
from muster.simulate.refusal import ReplayRefused
from muster.simulate.slugs import Slugs, slug

from .conftest import MAP, rows


def test_a_station_is_the_mean_place_of_its_calls(pack: Pack) -> None:
    north = pack.organisations["north"]
    assert (north.lon, north.lat) == pytest.approx((-0.10 + 2 / 300, 51.60 + 1.5 / 300), abs=2e-4)
    assert north.tier == "station" and pack.path("north") == ("draft", "north")


def test_areas_cover_the_box_and_hold_their_station(pack: Pack) -> None:
    whole = shapely.union_all([one.polygon for one in pack.boundaries])
    assert whole.area == pytest.approx(shapely.box(*pack.city.bbox).area)
    for one in pack.boundaries:
        row = pack.organisations[one.organisation]
        assert one.polygon.contains(shapely.Point(row.lon, row.lat))


def test_every_unit_has_an_invented_officer(pack: Pack) -> None:
    found = crews(pack, Accounts(password="invented"))
    assert set(found) == set(pack.units)
    assert len(found) == 3 * UNITS_PER_STATION
    assert all("示例" in person.name for person in pack.people.values())
    roles = {person.role for person in pack.people.values()}
    assert {"call_taker", "dispatcher", "duty_chief", "station_room", "officer"} <= roles


def test_categories_and_levels_come_from_the_map(pack: Pack) -> None:
    house = pack.categories["fire-house-fire"]
    assert (house.parent, house.level, house.name_en) == ("fire", 1, "House fire")
    assert pack.categories["fire-alarm"].level == 3


def test_rates_add_up_to_the_calls_of_the_file(pack: Pack) -> None:
    # All calls are of one day.
    assert sum(rate.calls_per_hour for rate in pack.rates) == pytest.approx(60, abs=0.01)


def test_strange_station_names_make_a_valid_pack(
    tmp_path: Path, map_file: Path, write_file: Callable[[list[str]], Path]
) -> None:
    names = [
        "消防站 😀",
        "#1",
        "a;b",
        "  A  B ",
        "ÉCOLE",
        "---",
        "'; DROP",
        "=1+1",
        "draft",
        "\u202e",
    ]
    lines = [line.replace("North", names[n % len(names)]) for n, line in enumerate(rows(60))]
    columns = read_map(map_file)
    records = read_records(write_file(lines), columns, map_file)
    write_draft(records, columns, map_file.name, tmp_path / "strange")
    pack = load(tmp_path / "strange")
    stations = [one for one in pack.organisations.values() if one.tier == "station"]
    assert len(stations) >= 10


def test_a_map_without_stations_gives_no_draft(
    tmp_path: Path, write_file: Callable[[list[str]], Path]
) -> None:
    path = tmp_path / "map.toml"
    head, _, tail = MAP.partition("[station]")
    path.write_text(head + tail[tail.index("[first_unit]") :])
    columns = read_map(path)
    records = read_records(write_file(rows(5)), columns, path)
    with pytest.raises(ReplayRefused, match=r"\[station\]"):
        write_draft(records, columns, path.name, tmp_path / "none")


def test_slugs_are_plain_and_distinct() -> None:
    assert slug("Écluse №5") == "ecluse-no5"
    slugs = Slugs()
    assert [slugs.of(text) for text in ("A b", "a-B", "消防", "站", "A b")] == [
        "a-b",
        "a-b-2",
        "x",
        "x-2",
        "a-b",
    ]
