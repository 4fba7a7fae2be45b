"""A day of calls from a rate model: a non-homogeneous Poisson process by hour, area and category.

Within one hour the rate is constant, so the hour's number of calls is Poisson and their times
are independent and uniform. The same pack, date and seed give the same calls.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from muster.geography.pack import Pack, Rate
from muster.simulate.calls import Call
from muster.simulate.drive import Point, metres
from muster.simulate.ground import Ground
from muster.simulate.play import new_id
from muster.simulate.words import at_sea, caller, narrative

#: Share of calls about something that somebody else calls about too, within minutes and metres.
_CALLED_TWICE: Final = 0.06
_SECOND_CALL_S: Final = (20.0, 240.0)
_SECOND_CALL_M: Final = 80.0
#: The first channel of a pack is its emergency number; the others share the rest evenly.
_MAIN_CHANNEL: Final = 0.8
#: Channels nobody calls on: what officers find themselves, and whistles.
_NOT_CALLED: Final = ("officer", "whistle")


def hours_of(day: date, timezone: str) -> Iterator[tuple[datetime, int]]:
    """The hours of a local day as (start in UTC, local hour): 23 or 25 when the clocks change."""
    zone = ZoneInfo(timezone)
    now = datetime.combine(day, time_of_day(), zone).astimezone(UTC)
    end = datetime.combine(day + timedelta(days=1), time_of_day(), zone).astimezone(UTC)
    while now < end:
        yield now, now.astimezone(zone).hour
        now += timedelta(hours=1)


def arrivals(pack: Pack, day: date, seed: str) -> list[tuple[datetime, Rate]]:
    """When a call comes, and of which row of rates.csv; in order of time."""
    # Hashing in random.Random(str) is stable between runs and machines, unlike hash().
    dice = np.random.default_rng(random.Random(f"{seed}|{day}|arrivals").getrandbits(128))
    found: list[tuple[datetime, Rate]] = []
    for start, hour in hours_of(day, pack.city.timezone):
        rows = [rate for rate in pack.rates if rate.hour == hour]
        numbers = dice.poisson([rate.calls_per_hour for rate in rows])
        for rate, number in zip(rows, numbers.tolist(), strict=True):
            for offset in dice.uniform(0, 3600, number):
                found.append((start + timedelta(seconds=float(offset)), rate))
    return sorted(found, key=lambda one: one[0])


class Day:
    """Makes the calls of whole days. `run` keeps two runs over one date from sharing ids."""

    def __init__(self, pack: Pack, ground: Ground, *, seed: str, run: str = "") -> None:
        self._pack, self._ground, self._seed, self._run = pack, ground, seed, run
        self._channels = [code for code in pack.channels if code not in _NOT_CALLED]

    def calls(self, day: date) -> list[Call]:
        """The calls of one local day in order of time, second callers among them."""
        found: list[Call] = []
        for number, (when, rate) in enumerate(arrivals(self._pack, day, self._seed)):
            dice = random.Random(f"{self._seed}|{self._run}|{day}|{number}")
            call = self._call(when, rate, dice)
            found.append(call)
            if dice.random() < _CALLED_TWICE:
                found.append(self._second(call, dice))
        return sorted(found, key=lambda call: (call.reported_at, call.id))

    def _call(self, when: datetime, rate: Rate, dice: random.Random) -> Call:
        category = self._pack.categories[rate.category]
        point, place = self._ground.place_for_call(
            rate.organisation, sea=at_sea(category.name_zh), dice=dice
        )
        name, phone = caller(dice)
        return Call(
            id=new_id(dice),
            reported_at=when,
            channel=self._channel(dice),
            category=category.code,
            level=category.level,
            lon=point.lon,
            lat=point.lat,
            label=f"{place}附近",
            caller_name=name,
            caller_phone=phone,
            narrative=narrative(category.name_zh, place, dice),
        )

    def _second(self, call: Call, dice: random.Random) -> Call:
        """Another caller about the same thing."""
        name, phone = caller(dice)
        category = self._pack.categories[call.category]
        later = call.reported_at + timedelta(seconds=dice.uniform(*_SECOND_CALL_S))
        point = self._beside(Point(call.lon, call.lat), dice)
        return Call(
            id=new_id(dice),
            reported_at=later,
            channel=self._channels[0],
            category=call.category,
            level=call.level,
            lon=point.lon,
            lat=point.lat,
            label=call.label,
            caller_name=name,
            caller_phone=phone,
            narrative=narrative(category.name_zh, call.label.removesuffix("附近"), dice),
        )

    def _beside(self, point: Point, dice: random.Random) -> Point:
        """A little off, and on the same ground: nobody calls from the water about a flat."""
        step = 0.0008  # degrees, at most 90 m
        for _ in range(20):
            other = Point(
                round(point.lon + dice.uniform(-step, step), 6),
                round(point.lat + dice.uniform(-step, step), 6),
            )
            same = self._ground.piece(other) == self._ground.piece(point)
            if same and metres(point, other) <= _SECOND_CALL_M:
                return other
        return point

    def _channel(self, dice: random.Random) -> str:
        if len(self._channels) == 1 or dice.random() < _MAIN_CHANNEL:
            return self._channels[0]
        return dice.choice(self._channels[1:])
