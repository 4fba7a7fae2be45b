"""Which fixes can be true."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.telemetry.fixes import (
    DUPLICATE,
    FUTURE,
    NO_FIX,
    OUTSIDE,
    TOO_OLD,
    Fix,
    Kept,
    judge,
    milliseconds,
)

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def fix(lon: float = 122.1, lat: float = 30.0, ago_s: float = 0, **more: float | None) -> Fix:
    return Fix(lon=lon, lat=lat, at=NOW - timedelta(seconds=ago_s), **more)


def codes(*fixes: Fix, last: Kept | None = None) -> list[tuple[int, str]]:
    return [(one.index, one.code) for one in judge(fixes, NOW, last).rejected]


def kept(one: Fix) -> Kept:
    return judge([one], NOW, None).kept[0]


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (fix(lon=180.001), OUTSIDE),
        (fix(lat=-90.5), OUTSIDE),
        (fix(lon=float("nan")), OUTSIDE),
        (fix(lat=float("inf")), OUTSIDE),
        (fix(lon=0.0, lat=0.0), NO_FIX),
        (fix(ago_s=-61), FUTURE),
        (fix(ago_s=24 * 3600 + 1), TOO_OLD),
        (Fix(lon=1, lat=1, at=datetime.max.replace(tzinfo=UTC)), FUTURE),
        (Fix(lon=1, lat=1, at=datetime.min.replace(tzinfo=UTC)), TOO_OLD),
    ],
)
def test_what_cannot_be_true_is_refused_alone(bad: Fix, code: str) -> None:
    judged = judge([fix(ago_s=2), bad, fix(ago_s=1)], NOW, None)
    assert [(one.index, one.code) for one in judged.rejected] == [(1, code)]
    assert len(judged.kept) == 2


@pytest.mark.parametrize(
    "good",
    [
        fix(lon=180, lat=90),
        fix(lon=-180, lat=-90),
        fix(lon=0.0, lat=51.48),
        fix(ago_s=-60),
        fix(ago_s=24 * 3600),
    ],
)
def test_the_edges_are_inside(good: Fix) -> None:
    assert codes(good) == []


def test_the_same_moment_is_kept_once() -> None:
    first = fix(ago_s=5)
    assert codes(first, fix(ago_s=4), first) == [(2, DUPLICATE)]
    assert codes(first, last=kept(first)) == [(0, DUPLICATE)]


def test_kept_fixes_are_ordered_and_whole() -> None:
    judged = judge([fix(ago_s=1), fix(lon=122.1234567, ago_s=9)], NOW, None)
    assert [one.at_ms for one in judged.kept] == [
        milliseconds(NOW) - 9000,
        milliseconds(NOW) - 1000,
    ]
    assert judged.kept[0].lon == 122_123_457


def test_side_values_that_cannot_be_true_are_left_out() -> None:
    wild = kept(fix(speed_kmh=float("inf"), heading=float("nan"), accuracy_m=-3))
    assert (wild.speed_kmh, wild.heading, wild.accuracy_m) == (None, None, None)
    fine = kept(fix(speed_kmh=43.6, heading=359.7, accuracy_m=8))
    assert (fine.speed_kmh, fine.heading, fine.accuracy_m) == (44, 0, 8)


def test_a_jump_is_kept_and_counted() -> None:
    here, there = fix(ago_s=10), fix(lat=30.1, ago_s=0)  # 11 km in 10 s
    judged = judge([here, there], NOW, None)
    assert (len(judged.kept), judged.jumps, judged.rejected) == (2, 1, [])
    assert judge([there], NOW, kept(here)).jumps == 1
    assert judge([fix(lat=30.01, ago_s=0)], NOW, kept(fix(ago_s=60))).jumps == 0  # 67 km/h
    assert judge([fix(lat=30.002)], NOW, kept(fix(ago_s=1))).jumps == 0  # 222 m: noise


def test_an_older_fix_is_no_jump() -> None:
    assert judge([fix(lat=31, ago_s=100)], NOW, kept(fix(ago_s=1))).jumps == 0


def test_a_fix_needs_its_offset_from_utc() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"lon":1,"lat":1,"at":"2026-11-23T08:00:00"}', type=Fix)


anything = st.floats(allow_nan=True, allow_infinity=True)
fixes = st.lists(
    st.builds(
        Fix,
        lon=anything,
        lat=anything,
        at=st.datetimes(timezones=st.just(UTC)) | st.just(NOW),
        speed_kmh=st.none() | anything,
        heading=st.none() | anything,
        accuracy_m=st.none() | anything,
    ),
    max_size=8,
)


@given(fixes)
def test_every_fix_is_kept_or_refused_and_what_is_kept_fits_the_table(batch: list[Fix]) -> None:
    judged = judge(batch, NOW, None)
    assert len(judged.kept) + len(judged.rejected) == len(batch)
    for one in judged.kept:
        assert abs(one.lon) <= 180_000_000 and abs(one.lat) <= 90_000_000
        assert one.speed_kmh is None or 0 <= one.speed_kmh < 32768
        assert one.heading is None or 0 <= one.heading < 360
        assert one.accuracy_m is None or 0 <= one.accuracy_m < 2**31
