"""The newest position of every unit, against a plain dictionary."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from muster.telemetry.fixes import Kept
from muster.telemetry.latest import Latest, Position, inside


def kept(lon: int = 122_000_000, lat: int = 30_000_000, at_ms: int = 1) -> Kept:
    return Kept(lon, lat, at_ms, None, None, None)


def test_a_position_comes_back_in_degrees() -> None:
    latest = Latest()
    latest.update("示例-1", Kept(122_100_000, -30_000_001, 1_790_000_000_250, 40, 90, 5))
    assert latest.of(["示例-1", "nobody"]) == {
        "示例-1": Position(
            unit="示例-1",
            lon=122.1,
            lat=-30.000001,
            at=datetime(2026, 9, 21, 14, 13, 20, 250000, tzinfo=UTC),
            heading=90,
            speed_kmh=40,
        )
    }


def test_an_older_fix_never_moves_a_unit_back() -> None:
    latest = Latest()
    assert latest.update("a", kept(at_ms=5))
    assert not latest.update("a", kept(lon=1, at_ms=4))
    assert not latest.update("a", kept(lon=1, at_ms=5))
    newest = latest.newest("a")
    assert newest is not None and newest.lon == 122_000_000


def test_only_what_changed_is_told() -> None:
    latest = Latest()
    latest.update("a", kept())
    latest.update("b", kept())
    first = latest.changed_since(0)
    assert sorted(first.units) == ["a", "b"]
    assert latest.changed_since(first.tick).units == []
    latest.update("b", kept(lon=7, at_ms=2))
    second = latest.changed_since(first.tick)
    assert (second.units, second.lon.tolist(), second.heading.tolist()) == (["b"], [7], [-1])


def test_a_view_across_the_date_line() -> None:
    lon = np.array([179_500_000, -179_500_000, 0, 179_500_000])
    lat = np.array([0, 0, 0, 60_000_000])
    assert inside(lon, lat, (179, -10, -179, 10)).tolist() == [True, True, False, False]


def test_a_forgotten_unit_may_come_back() -> None:
    latest = Latest()
    latest.update("a", kept(at_ms=9))
    latest.forget("a")
    latest.forget("a")
    assert latest.of(["a"]) == {} and len(latest) == 0
    assert latest.update("a", kept(at_ms=3))


steps = st.lists(
    st.tuples(
        st.sampled_from(["update", "update", "update", "forget"]),
        st.sampled_from([f"u{n}" for n in range(9)]),
        st.integers(-180_000_000, 180_000_000),
        st.integers(-90_000_000, 90_000_000),
        st.integers(0, 50),
    ),
    max_size=60,
)


@given(steps, st.integers(0, 60))
def test_columns_equal_a_plain_dictionary(
    moves: list[tuple[str, str, int, int, int]], asked_after: int
) -> None:
    latest, plain = Latest(capacity=1), dict[str, Kept]()
    tick, changed = 0, set[str]()
    for number, (what, unit, lon, lat, at_ms) in enumerate(moves):
        if number == asked_after:
            tick, changed = latest.changed_since(0).tick, set()
        if what == "forget":
            latest.forget(unit)
            plain.pop(unit, None)
        elif unit not in plain or plain[unit].at_ms < at_ms:
            plain[unit] = kept(lon, lat, at_ms)
            assert latest.update(unit, plain[unit])
            changed.add(unit)
    assert {unit: latest.newest(unit) for unit in plain} == plain
    assert set(latest.changed_since(0).units) == set(plain)
    if len(moves) > asked_after:
        assert set(latest.changed_since(tick).units) == changed & set(plain)
    box = (-90.0, -45.0, 90.0, 45.0)
    west, south, east, north = (int(edge * 1_000_000) for edge in box)
    wanted = {u for u, k in plain.items() if west <= k.lon <= east and south <= k.lat <= north}
    assert {one.unit for one in latest.in_view(box)} == wanted
