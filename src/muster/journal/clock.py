"""Time is an input: this is the only file of the product that reads it.

A data folder marked simulated runs on a scaled clock (a live demonstration) or a driven
one (a replay at full speed sets it); a real one on the machine's clock. Sessions and
rate limits always use `real_now`.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


def real_now() -> datetime:
    return datetime.now(UTC)


def monotonic() -> float:
    """Seconds that only grow, for measuring spans inside a process."""
    return time.monotonic()


class Clock(Protocol):
    """What `perform` and the deadlines ask for the time."""

    def now(self) -> datetime: ...

    @property
    def speed(self) -> float:
        """Clock seconds per real second; 0 for a clock that is driven."""
        ...


class RealClock:
    """The machine's clock."""

    speed = 1.0

    def now(self) -> datetime:
        return real_now()


class ScaledClock:
    """Started at `origin` when the machine's clock said `since`, running `speed` times as fast."""

    def __init__(self, *, origin: datetime, since: datetime, speed: float) -> None:
        if speed <= 0:
            raise ValueError("the speed of a scaled clock is above 0")
        self.origin, self.since, self.speed = origin, since, speed

    def now(self) -> datetime:
        return self.origin + (real_now() - self.since) * self.speed


class DrivenClock:
    """Stands still until told; never goes back. One microsecond passes at each look, so that
    two entries never carry the same moment by accident."""

    speed = 0.0

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._lock = threading.Lock()

    def now(self) -> datetime:
        with self._lock:
            self._now += timedelta(microseconds=1)
            return self._now

    def advance(self, to: datetime) -> None:
        """Move to `to` if it lies ahead."""
        with self._lock:
            self._now = max(self._now, to)
