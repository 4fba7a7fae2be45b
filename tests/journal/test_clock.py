"""Three clocks, one promise: aware UTC times that never go back by themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from muster.journal import clock
from muster.journal.clock import Clock, DrivenClock, RealClock, ScaledClock

START = datetime(2026, 3, 1, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    "made", [RealClock(), DrivenClock(START), ScaledClock(origin=START, since=START, speed=60)]
)
def test_every_clock_gives_growing_utc(made: Clock) -> None:
    seen = [made.now() for _ in range(50)]
    assert seen == sorted(seen)
    assert all(at.utcoffset() == timedelta(0) for at in seen)


def test_a_scaled_clock_runs_as_fast_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    since = datetime(2026, 11, 1, tzinfo=UTC)
    scaled = ScaledClock(origin=START, since=since, speed=60)
    monkeypatch.setattr(clock, "real_now", lambda: since + timedelta(seconds=2))
    assert scaled.now() == START + timedelta(minutes=2)


@pytest.mark.parametrize("speed", [0, -1])
def test_a_scaled_clock_moves(speed: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        ScaledClock(origin=START, since=START, speed=speed)


def test_a_driven_clock_stands_still_until_told_and_never_goes_back() -> None:
    driven = DrivenClock(START)
    assert driven.now() - START == timedelta(microseconds=1)
    assert driven.now() != driven.now()  # two entries never share a moment
    driven.advance(START + timedelta(hours=1))
    assert START + timedelta(hours=1) < driven.now() < START + timedelta(hours=1, seconds=1)
    driven.advance(START)
    assert driven.now() > START + timedelta(hours=1)
