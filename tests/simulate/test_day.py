"""The rate model: how many, when and where."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from math import sqrt
from pathlib import Path

import msgspec
import pytest

from muster.geography.pack import Category, Pack, load
from muster.simulate.day import Day, arrivals, hours_of
from muster.simulate.drive import Point
from muster.simulate.ground import Ground

DAY = date(2026, 3, 4)
ZHOUSHAN = Path(__file__).resolve().parents[2] / "cities" / "zhoushan"


@pytest.fixture(scope="module")
def zhoushan() -> Pack:
    return load(ZHOUSHAN)


def test_totals_lie_within_what_poisson_allows(pack: Pack) -> None:
    """30 days of mean 60: the sum has mean 1800 and deviation sqrt(1800); 4 deviations allowed."""
    days = [DAY + timedelta(days=number) for number in range(30)]
    found = [arrivals(pack, day, "7") for day in days]
    mean = 30 * sum(rate.calls_per_hour for rate in pack.rates)
    assert abs(sum(map(len, found)) - mean) < 4 * sqrt(mean)
    # Single days vary as a Poisson process does, neither fixed nor wild.
    numbers = [len(one) for one in found]
    average = sum(numbers) / 30
    dispersion = sum((n - average) ** 2 for n in numbers) / 29 / average
    assert 0.4 < dispersion < 2.0


def test_calls_come_in_their_own_hour_and_area(pack: Pack) -> None:
    for when, rate in arrivals(pack, DAY, "7"):
        assert when.hour == rate.hour  # London is on UTC in March
        assert when.date() == DAY
    per_rate = Counter(rate.organisation for _, rate in arrivals(pack, DAY, "7"))
    assert set(per_rate) == {"north", "south", "eastern-docks"}


def test_the_same_seed_gives_the_same_day(pack: Pack) -> None:
    ground = Ground(pack)
    first = Day(pack, ground, seed="1").calls(DAY)
    assert first == Day(pack, Ground(pack), seed="1").calls(DAY)
    assert first != Day(pack, ground, seed="2").calls(DAY)
    assert first != Day(pack, ground, seed="1").calls(DAY + timedelta(days=1))
    again = Day(pack, ground, seed="1", run="second run").calls(DAY)
    assert {one.id for one in again}.isdisjoint(one.id for one in first)
    assert [one.reported_at for one in first] == sorted(one.reported_at for one in first)


def test_days_with_a_changed_clock_have_23_and_25_hours() -> None:
    assert [hour for _, hour in hours_of(date(2017, 3, 26), "Europe/London")] == [
        0,
        *range(2, 24),
    ]
    autumn = [hour for _, hour in hours_of(date(2017, 10, 29), "Europe/London")]
    assert len(autumn) == 25 and autumn.count(1) == 2
    assert next(hours_of(DAY, "Asia/Shanghai"))[0] == datetime(2026, 3, 3, 16, tzinfo=UTC)


def test_zhoushan_calls_are_on_land_of_the_area_or_at_sea(zhoushan: Pack) -> None:
    ground = Ground(zhoushan)
    areas = {one.organisation: one.polygon for one in zhoushan.boundaries}
    calls = Day(zhoushan, ground, seed="3").calls(DAY)
    assert len(calls) > 50
    by_land = Counter(ground.piece(Point(call.lon, call.lat)) is not None for call in calls)
    assert by_land[True] > by_land[False]
    west, south, east, north = zhoushan.city.bbox
    for call in calls:
        assert west <= call.lon <= east and south <= call.lat <= north
        assert any(area.buffer(0.002).contains_properly(_point(call)) for area in areas.values())
        assert re.fullmatch(r"199-0000-\d{4}", call.caller_phone)
        assert "示例" in call.caller_name
        assert call.channel in zhoushan.channels and call.category in zhoushan.categories
        assert "{" not in call.narrative
    assert len({call.id for call in calls}) == len(calls)


def _point(call: object) -> object:
    import shapely

    return shapely.Point(call.lon, call.lat)  # type: ignore[attr-defined]


def test_maritime_calls_come_from_the_water(zhoushan: Pack) -> None:
    sea = {
        code: msgspec.structs.replace(row, name_zh="船舶遇险")
        for code, row in zhoushan.categories.items()
    }
    at_sea: dict[str, Category] = sea
    pack = msgspec.structs.replace(zhoushan, categories=at_sea)
    ground = Ground(pack)
    calls = Day(pack, ground, seed="3").calls(DAY)
    wet = [call for call in calls if ground.piece(Point(call.lon, call.lat)) is None]
    assert len(wet) > 0.9 * len(calls)


def test_second_callers_are_near_in_place_and_time(zhoushan: Pack) -> None:
    days = [DAY + timedelta(days=number) for number in range(3)]
    day = Day(zhoushan, Ground(zhoushan), seed="5")
    calls = [call for one in days for call in day.calls(one)]
    alone = {(call.category, call.label) for call in calls}
    assert len(alone) < len(calls)


def test_patrols_stay_on_their_island_and_boats_on_the_water(zhoushan: Pack) -> None:
    import random

    ground, dice = Ground(zhoushan), random.Random(1)
    moved = 0
    for unit in list(zhoushan.units.values())[::10]:
        base = Point(unit.lon, unit.lat)
        goal = ground.near(base, water=unit.mode == "water", dice=dice)
        moved += goal != base
        if unit.mode == "water" and goal != base:
            assert ground.piece(goal) is None and ground.clear(base, goal)
        else:
            assert ground.piece(goal) == ground.piece(base)
    assert moved > 5
