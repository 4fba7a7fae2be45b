"""A unit's way over the ground: a straight line at its speed, and the fixes its phone takes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final, NamedTuple

_EARTH_M: Final = 6_371_008.8


class Point(NamedTuple):
    """WGS-84 degrees."""

    lon: float
    lat: float


def metres(a: Point, b: Point) -> float:
    """Great-circle distance (haversine)."""
    lat_a, lat_b = math.radians(a.lat), math.radians(b.lat)
    half_lat = math.sin((lat_b - lat_a) / 2) ** 2
    half_lon = math.sin(math.radians(b.lon - a.lon) / 2) ** 2
    return (
        2 * _EARTH_M * math.asin(math.sqrt(half_lat + math.cos(lat_a) * math.cos(lat_b) * half_lon))
    )


def heading(a: Point, b: Point) -> int:
    """Whole degrees from north, clockwise, 0-359, at the start of the way."""
    east = (b.lon - a.lon) * math.cos(math.radians((a.lat + b.lat) / 2))
    return round(math.degrees(math.atan2(east, b.lat - a.lat))) % 360


class Leg(NamedTuple):
    """From `start` at `begin` to `goal` at `end`."""

    start: Point
    goal: Point
    begin: datetime
    end: datetime

    def at(self, now: datetime) -> Point:
        """Where the unit is then; at the ends outside the leg's time."""
        whole = (self.end - self.begin).total_seconds()
        done = (now - self.begin).total_seconds()
        share = 1.0 if whole <= 0 else min(max(done / whole, 0.0), 1.0)
        return Point(
            round(self.start.lon + (self.goal.lon - self.start.lon) * share, 6),
            round(self.start.lat + (self.goal.lat - self.start.lat) * share, 6),
        )

    @property
    def heading(self) -> int:
        return heading(self.start, self.goal)

    @property
    def speed_kmh(self) -> int:
        seconds = (self.end - self.begin).total_seconds()
        return round(metres(self.start, self.goal) / seconds * 3.6) if seconds > 0 else 0

    def moments(self, after: datetime, until: datetime, every_s: float) -> Iterator[datetime]:
        """The times of fixes in (after, until], every `every_s` from the leg's begin."""
        passed = max((after - self.begin).total_seconds(), 0.0)
        number = math.floor(passed / every_s) + 1
        while (moment := self.begin + timedelta(seconds=number * every_s)) <= until:
            yield moment
            number += 1


def leg(start: Point, goal: Point, begin: datetime, *, speed_kmh: float, detour: float) -> Leg:
    """The way takes `detour` times the straight line at `speed_kmh`, and never under 5 s."""
    seconds = max(metres(start, goal) * detour / (speed_kmh / 3.6), 5.0)
    return Leg(start, goal, begin, begin + timedelta(seconds=seconds))
