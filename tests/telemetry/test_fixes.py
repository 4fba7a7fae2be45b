"""Which fixes can be true; columns against the plain way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.telemetry.fixes import (
    FUTURE,
    MALFORMED,
    NO_FIX,
    NONE,
    OFF_DUTY,
    OUTSIDE,
    REASONS,
    SKEW,
    SPEED,
    TOO_OLD,
    Columns,
    Fix,
    Judged,
    Kept,
    judge,
    milliseconds,
)
from tests.telemetry import plain

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def fix(lon: float = 122.1, lat: float = 30.0, ago_s: float = 0, **more: float | None) -> Fix:
    return Fix(lon=lon, lat=lat, at=NOW - timedelta(seconds=ago_s), **more)  # type: ignore[arg-type]


def judged(*fixes: Fix | None, off_duty: bool = False) -> Judged:
    return judge(fixes, np.full(len(fixes), -1 if off_duty else 0, np.int32), NOW)


def codes(found: Judged) -> list[tuple[int, str]]:
    return [(n, REASONS[code]) for n, code in enumerate(found.codes.tolist()) if code]


def rows(columns: Columns) -> list[Kept]:
    names = ("lon", "lat", "at", "speed", "heading", "accuracy")
    values = zip(*(getattr(columns, name).tolist() for name in names), strict=True)
    return [Kept(*row[:3], *(None if v == NONE else v for v in row[3:])) for row in values]


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
        (Fix(lon=1, lat=1, at=0), TOO_OLD),
        (Fix(lon=1, lat=1, at=1 << 53), FUTURE),
        (None, MALFORMED),
    ],
)
def test_what_cannot_be_true_is_refused_alone(bad: Fix | None, code: str) -> None:
    found = judged(fix(ago_s=2), bad, fix(ago_s=1))
    assert codes(found) == [(1, code)]
    assert found.good.at.tolist() == [milliseconds(NOW) - 2000, milliseconds(NOW) - 1000]
    assert found.rows.tolist() == [0, 2]


def test_nothing_of_a_unit_off_duty_is_said_to_be_wrong_with_it() -> None:
    assert codes(judged(fix(lon=999), fix(), off_duty=True)) == [(0, OFF_DUTY), (1, OFF_DUTY)]


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
    assert codes(judged(good)) == []


def test_side_values_that_cannot_be_true_are_left_out() -> None:
    (wild,) = rows(judged(fix(speed_kmh=float("inf"), heading=float("nan"), accuracy_m=-3)).good)
    assert (wild.speed_kmh, wild.heading, wild.accuracy_m) == (None, None, None)
    (fine,) = rows(judged(fix(speed_kmh=43.6, heading=359.7, accuracy_m=8)).good)
    assert (fine.speed_kmh, fine.heading, fine.accuracy_m) == (44, 0, 8)
    (unknown,) = rows(judged(fix(heading=-1)).good)  # as phones that stand still say
    assert unknown.heading is None


def test_doubts_are_counted_and_what_they_concern_is_kept() -> None:
    found = judged(fix(speed_kmh=9000), fix(ago_s=-30), fix(ago_s=-2))
    assert (len(found.good), found.doubts) == (3, {SPEED: 1, SKEW: 1})


def test_a_fix_needs_its_offset_from_utc() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"lon":1,"lat":1,"at":"2026-11-23T08:00:00"}', type=Fix)
    read = msgspec.json.decode(b'{"lon":1,"lat":1,"at":1795420800000}', type=Fix)
    assert read.at == milliseconds(NOW)


anything = st.floats(allow_nan=True, allow_infinity=True)
likely = st.floats(-181, 181)
moments = st.datetimes(
    min_value=NOW.replace(tzinfo=None) - timedelta(days=2),
    max_value=NOW.replace(tzinfo=None) + timedelta(minutes=2),
    timezones=st.just(UTC),
)
fixes = st.lists(
    st.none()
    | st.builds(
        Fix,
        lon=anything | likely,
        lat=anything | likely,
        at=st.datetimes(timezones=st.just(UTC)) | moments | st.integers(0, 1 << 53),
        speed_kmh=st.none() | anything | st.floats(0, 200),
        heading=st.none() | anything | st.floats(-1, 361),
        accuracy_m=st.none() | anything,
    ),
    max_size=8,
)


@given(fixes)
def test_columns_judge_as_the_plain_way_does(batch: list[Fix | None]) -> None:
    found = judged(*batch)
    wanted = [MALFORMED if one is None else plain.fault(one, NOW) for one in batch]
    assert [REASONS[code] for code in found.codes.tolist()] == wanted
    good = [one for one in batch if one is not None and not plain.fault(one, NOW)]
    assert rows(found.good) == [plain.kept(one) for one in good]
