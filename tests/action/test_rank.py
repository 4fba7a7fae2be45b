"""Which units are proposed, in which order, with which reasons and warnings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.action.choose_units.rank import FAR_M, STALE_S, Ready, eta_s, fix_age_s, rank

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)


def ready(unit: str, **changed: Any) -> Ready:
    values: dict[str, Any] = {
        "unit": unit,
        "call_sign": unit.upper(),
        "organisation": "north",
        "mode": "road",
        "speed_kmh": 50,
        "away_m": 1000,
        "fix_age_s": 10,
        "reachable": True,
        "own_area": False,
    }
    return Ready(**{**values, **changed})


UNITS = st.lists(
    st.builds(
        ready,
        st.uuids().map(str),
        mode=st.sampled_from(["road", "foot", "water", "air"]),
        speed_kmh=st.integers(0, 400),
        away_m=st.integers(0, 200_000),
        reachable=st.booleans(),
        fix_age_s=st.none() | st.integers(0, 100_000),
        own_area=st.booleans(),
    ),
    max_size=20,
)


@given(UNITS, st.integers(0, 25))
def test_reachable_first_then_soonest_never_more_than_asked(units: list[Ready], limit: int) -> None:
    by_id = {unit.unit: unit for unit in units}
    found = rank(units, limit)
    assert len(found) == min(limit, len(units))
    keys = [(not by_id[one.unit].reachable, one.eta_s) for one in found]
    assert keys == sorted(keys)
    left = set(by_id) - {one.unit for one in found}
    for name in left:  # nobody better was left out
        unit = by_id[name]
        mine = (not unit.reachable, eta_s(unit.mode, unit.away_m, unit.speed_kmh))
        assert not keys or mine >= keys[-1]


@given(UNITS)
def test_the_order_of_the_input_does_not_matter(units: list[Ready]) -> None:
    assert rank(units, 20) == rank(units[::-1], 20)


@given(UNITS)
def test_every_proposal_says_why_in_both_languages(units: list[Ready]) -> None:
    for one in rank(units, 20):
        assert one.reasons
        for reason in (*one.reasons, *one.warnings):
            assert reason.code and reason.zh and reason.en and reason.zh != reason.en


@pytest.mark.parametrize(
    ("changed", "warnings"),
    [
        ({}, []),
        ({"reachable": False}, ["across_water"]),
        ({"fix_age_s": None}, ["no_position"]),
        ({"fix_age_s": STALE_S}, []),
        ({"fix_age_s": STALE_S + 1}, ["old_position"]),
        ({"away_m": FAR_M}, []),
        ({"away_m": FAR_M + 1}, ["far"]),
        (
            {"reachable": False, "fix_age_s": None, "away_m": FAR_M + 1},
            ["across_water", "no_position", "far"],
        ),
    ],
)
def test_what_is_doubtful_is_said(changed: dict[str, Any], warnings: list[str]) -> None:
    (found,) = rank([ready("u", **changed)], 1)
    assert [one.code for one in found.warnings] == warnings


def test_the_area_s_own_unit_says_so() -> None:
    (found,) = rank([ready("u", own_area=True)], 1)
    assert [one.code for one in found.reasons] == ["distance", "own_area"]


@pytest.mark.parametrize(
    ("mode", "away_m", "speed_kmh", "seconds"),
    [
        ("road", 0, 50, 60),
        ("road", 3600, 36, 564),
        ("foot", 1000, 6, 735),
        ("air", 10_000, 200, 480),
    ],
)
def test_travel_time_is_turning_out_and_a_detour(
    mode: str, away_m: int, speed_kmh: int, seconds: int
) -> None:
    assert eta_s(mode, away_m, speed_kmh) == seconds


def test_the_age_of_a_position_is_never_negative() -> None:
    assert fix_age_s(None, NOW) is None
    assert fix_age_s(NOW - timedelta(seconds=90), NOW) == 90
    assert fix_age_s(NOW + timedelta(seconds=90), NOW) == 0
