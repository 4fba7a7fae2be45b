"""The newest position of every unit, against a plain dictionary."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from muster.telemetry.fixes import NONE, Columns, Kept
from muster.telemetry.latest import Latest, Numbers, Position, inside
from tests.telemetry import plain

AT = 1_795_420_800_000


def kept(lon: int = 122_000_000, lat: int = 30_000_000, at_ms: int = AT, **more: int) -> Kept:
    return Kept(lon, lat, at_ms, more.get("speed"), more.get("heading"), None)


def columns(numbers: Numbers, *fixes: tuple[str, Kept]) -> Columns:
    """As a batch reaches the latest: ordered by unit and moment."""
    rows = sorted((numbers.of(unit), one.at_ms, one.lon, one.lat) for unit, one in fixes)
    unit, at, lon, lat = (np.array(column) for column in zip(*rows, strict=True))
    none = np.full(len(rows), NONE)
    return Columns(unit, at, lon, lat, none, none, none)


def test_an_older_fix_does_not_move_a_unit_back() -> None:
    latest = Latest()
    assert latest.update("a", kept(at_ms=AT))
    assert not latest.update("a", kept(lon=1, at_ms=AT - 1))
    assert not latest.update("a", kept(lon=1, at_ms=AT))
    assert latest.newest("a") == kept()
    assert latest.update("a", kept(lon=1, at_ms=AT + 1))
    assert len(latest) == 1


def test_a_batch_leaves_each_unit_at_its_newest() -> None:
    numbers = Numbers()
    latest = Latest(numbers, capacity=1)
    latest.update("b", kept(lon=5, at_ms=9))
    batch = [("a", kept(lon=1, at_ms=1)), ("a", kept(lon=2, at_ms=3)), ("b", kept(lon=3, at_ms=7))]
    assert latest.take(columns(numbers, *batch)).sum() == 1
    newest = {unit: latest.newest(unit) for unit in "ab"}
    assert newest == {"a": kept(lon=2, at_ms=3), "b": kept(lon=5, at_ms=9)}


def test_a_position_is_given_in_degrees_and_utc() -> None:
    latest = Latest()
    latest.update("a", kept(lon=122_123_457, speed=44, heading=9))
    assert latest.of(["a", "unknown"]) == {
        "a": Position("a", 122.123457, 30.0, datetime.fromtimestamp(AT / 1000, UTC), 9, 44)
    }


def test_a_box_may_lie_across_the_date_line() -> None:
    lon = np.array([179_000_000, -179_000_000, 0])
    lat = np.zeros(3, np.int64)
    assert inside(lon, lat, (170, -1, -170, 1)).tolist() == [True, True, False]
    assert inside(lon, lat, (-1, -1, 1, 1)).tolist() == [False, False, True]


steps = st.lists(
    st.tuples(
        st.sampled_from(["take", "take", "take", "forget"]),
        st.sampled_from("abcde"),
        st.integers(-180_000_000, 180_000_000),
        st.integers(-90_000_000, 90_000_000),
        st.integers(1, 50),
    ),
    max_size=60,
)


@given(steps, st.integers(0, 60))
def test_columns_equal_a_plain_dictionary(
    moves: list[tuple[str, str, int, int, int]], asked_after: int
) -> None:
    latest, held = Latest(capacity=1), dict[str, Kept]()
    tick, changed = 0, set[str]()
    for number, (what, unit, lon, lat, at_ms) in enumerate(moves):
        if number == asked_after:
            tick, changed = latest.changed_since(0).tick, set()
        if what == "forget":
            latest.forget(unit)
            held.pop(unit, None)
        elif unit not in held or held[unit].at_ms < at_ms:
            held[unit] = kept(lon, lat, at_ms)
            assert latest.update(unit, held[unit])
            changed.add(unit)
    assert {unit: latest.newest(unit) for unit in held} == held
    assert len(latest) == len(held)
    assert set(latest.changed_since(0).units) == set(held)
    if len(moves) > asked_after:
        assert set(latest.changed_since(tick).units) == changed & set(held)
    box = (-90.0, -45.0, 90.0, 45.0)
    west, south, east, north = (int(edge * 1_000_000) for edge in box)
    wanted = {u for u, k in held.items() if west <= k.lon <= east and south <= k.lat <= north}
    assert {one.unit for one in latest.in_view(box)} == wanted


places = st.builds(
    kept,
    lon=st.integers(122_000_000, 122_020_000),
    lat=st.integers(29_990_000, 30_010_000),
    at_ms=st.integers(AT, AT + 20_000),
)
batches = st.lists(st.tuples(st.sampled_from("ab"), places), min_size=1, max_size=12)


@given(batches, st.none() | places)
def test_jumps_are_found_as_the_plain_way_does(
    batch: list[tuple[str, Kept]], last: Kept | None
) -> None:
    once = {(unit, one.at_ms): (unit, one) for unit, one in batch}.values()
    numbers = Numbers()
    latest = Latest(numbers)
    if last is not None:
        latest.update("a", last)
    wanted = 0
    for unit in "ab":
        mine = sorted((k for u, k in once if u == unit), key=lambda one: one.at_ms)
        wanted += plain.jumps(mine, last if unit == "a" else None)
    assert latest.jumps(columns(numbers, *once)) == wanted
