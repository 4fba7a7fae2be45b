"""The newest position of every unit: columns of numbers, one row a unit.

A unit has a number for as long as the process lives, and that is its row. An update of many
units is a few operations on whole columns.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from muster.telemetry.fixes import EPOCH, MICRO, NONE, Columns, Kept, Spots, too_fast

Box: TypeAlias = tuple[float, float, float, float]
"""West, south, east, north in degrees; west > east lies across the date line."""

Ints: TypeAlias = NDArray[np.int64]
_COLUMNS = {
    "lon": np.int32,
    "lat": np.int32,
    "heading": np.int16,
    "speed": np.int16,
    "at": np.int64,
    "tick": np.int64,
}
#: The moment of a unit that has no position; columns begin as zeros, which cost no memory.
_NOWHERE = 0


class Position(msgspec.Struct):
    """Where a unit was last: WGS-84 degrees, UTC, degrees from north, km/h."""

    unit: str
    lon: float
    lat: float
    at: datetime
    heading: int | None
    speed_kmh: float | None


@dataclass(frozen=True)
class Changes:
    """Rows changed after a tick, as columns of equal length. `tick` to ask with next time.

    lon, lat: microdegrees; heading: degrees or -1; at: milliseconds since 1970 UTC; ticks: when
    each row changed last.
    """

    tick: int
    units: list[str]
    lon: Ints
    lat: Ints
    heading: Ints
    at: Ints
    ticks: Ints


class Numbers:
    """Units by number, for ever. Only units of the register get one, so there are few."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers: dict[str, int] = {}
        self.units: list[str] = []

    def of(self, unit: str) -> int:
        """The number of a unit, a new one when it has none."""
        number = self._numbers.get(unit)
        if number is None:
            with self._lock:
                number = self._numbers.setdefault(unit, len(self.units))
                if number == len(self.units):
                    self.units.append(unit)
        return number

    def known(self, unit: str) -> int:
        """The number of a unit, or -1."""
        return self._numbers.get(unit, -1)


class Latest:
    """Thread-safe. Ticks count updates, so that a reader can ask what changed since."""

    def __init__(self, numbers: Numbers | None = None, capacity: int = 1 << 17) -> None:
        self._lock = threading.Lock()
        self._numbers = numbers or Numbers()
        self._columns: dict[str, NDArray[Any]] = {
            name: np.zeros(capacity, kind) for name, kind in _COLUMNS.items()
        }
        self._count = 0
        self._tick = 0

    def __len__(self) -> int:
        with self._lock:
            return int(np.count_nonzero(self._columns["at"][: self._count] != _NOWHERE))

    def update(self, unit: str, fix: Kept) -> bool:
        """Take one fix unless the unit has a newer one. Returns whether it was taken."""
        numbers = (fix.speed_kmh, fix.heading, fix.accuracy_m)
        speed, heading, accuracy = (NONE if one is None else one for one in numbers)
        row = (self._numbers.of(unit), fix.at_ms, fix.lon, fix.lat, speed, heading, accuracy)
        return bool(self.take(Columns(*(np.array([one]) for one in row)))[0])

    def take(self, fixes: Columns) -> NDArray[np.bool_]:
        """Take of each unit the newest fix, unless it has a newer one. `fixes` are ordered by unit
        and moment; returns which were taken."""
        taken = np.zeros(len(fixes), np.bool_)
        if not len(fixes):
            return taken
        with self._lock:
            self._make_room(int(fixes.unit[-1]) + 1)
            columns = self._columns
            taken[:-1] = fixes.unit[1:] != fixes.unit[:-1]
            taken[-1] = True
            taken &= fixes.at > columns["at"][fixes.unit]
            rows = fixes.unit[taken]
            for name in ("lon", "lat", "heading", "speed", "at"):
                columns[name][rows] = getattr(fixes, name)[taken]
            columns["tick"][rows] = np.arange(self._tick + 1, self._tick + 1 + len(rows))
            self._tick += len(rows)
        return taken

    def jumps(self, fixes: Columns) -> int:
        """How many of these fixes, ordered by unit and moment, come too fast after the one before
        them in the batch or, for the first, after the unit's latest."""
        if not len(fixes):
            return 0
        with self._lock:
            self._make_room(int(fixes.unit[-1]) + 1)
            known = [self._columns[name][fixes.unit] for name in ("at", "lon", "lat")]
        before = _earlier(Spots(*known), fixes)
        later = (before.at != _NOWHERE) & (before.at < fixes.at)
        return too_fast(before.take(later), Spots(fixes.at, fixes.lon, fixes.lat).take(later))

    def _make_room(self, count: int) -> None:
        self._count = max(self._count, count)
        size = len(self._columns["at"])
        if count > size:
            wanted = max(count, size + size // 2)
            fresh = {name: np.zeros(wanted, kind) for name, kind in _COLUMNS.items()}
            for name, column in self._columns.items():
                fresh[name][:size] = column
            self._columns = fresh

    def forget(self, unit: str) -> None:
        """Drop a unit's position (it went off duty). Nothing happens when there is none."""
        with self._lock:
            row = self._numbers.known(unit)
            if 0 <= row < self._count:
                self._columns["at"][row] = _NOWHERE
                self._columns["tick"][row] = 0

    def newest(self, unit: str) -> Kept | None:
        """The newest fix of a unit in whole numbers; its accuracy is not kept here."""
        with self._lock:
            row = self._row(unit)
            return None if row is None else self._kept(row)

    def _row(self, unit: str) -> int | None:
        row = self._numbers.known(unit)
        there = 0 <= row < self._count and self._columns["at"][row] != _NOWHERE
        return row if there else None

    def _kept(self, row: int) -> Kept:
        columns = self._columns
        speed, heading = int(columns["speed"][row]), int(columns["heading"][row])
        return Kept(
            lon=int(columns["lon"][row]),
            lat=int(columns["lat"][row]),
            at_ms=int(columns["at"][row]),
            speed_kmh=None if speed == NONE else speed,
            heading=None if heading == NONE else heading,
            accuracy_m=None,
        )

    def of(self, units: Iterable[str]) -> dict[str, Position]:
        """The latest positions of those units that have one."""
        with self._lock:
            found = [(unit, self._row(unit)) for unit in units]
            return {u: _position(u, self._kept(row)) for u, row in found if row is not None}

    def in_view(self, box: Box) -> list[Position]:
        """The units whose latest position lies in a box, borders included."""
        with self._lock:
            columns, count = self._columns, self._count
            there = inside(columns["lon"][:count], columns["lat"][:count], box)
            rows = np.flatnonzero(there & (columns["at"][:count] != _NOWHERE))
            return [_position(self._numbers.units[row], self._kept(int(row))) for row in rows]

    def changed_since(self, tick: int) -> Changes:
        """What changed after `tick`; 0 gives everything."""
        with self._lock:
            columns = self._columns
            rows = np.flatnonzero(columns["tick"][: self._count] > tick)
            names = ("lon", "lat", "heading", "at", "tick")
            taken = [columns[name][rows].astype(np.int64) for name in names]
            return Changes(self._tick, self._named(rows), *taken)

    def _named(self, rows: NDArray[Any]) -> list[str]:
        units: Sequence[str] = self._numbers.units
        return [units[row] for row in rows.tolist()]


def _earlier(known: Spots, fixes: Columns) -> Spots:
    """For each fix the one it follows: the fix before it in the batch if that is of the same unit
    and later than what was known of the unit, else that."""
    follows = np.zeros(len(fixes), np.bool_)
    follows[1:] = (fixes.unit[1:] == fixes.unit[:-1]) & (fixes.at[:-1] > known.at[1:])
    if not follows.any():
        return known
    columns = []
    for name in ("at", "lon", "lat"):
        shifted = np.roll(getattr(fixes, name), 1)
        columns.append(np.where(follows, shifted, getattr(known, name)))
    return Spots(*columns)


def inside(lon: NDArray[Any], lat: NDArray[Any], box: Box) -> NDArray[np.bool_]:
    """Which positions (microdegrees) lie in a box, borders included."""
    west, south, east, north = (round(edge * MICRO) for edge in box)
    within: NDArray[np.bool_] = (lat >= south) & (lat <= north)
    if west <= east:
        return within & (lon >= west) & (lon <= east)
    return within & ((lon >= west) | (lon <= east))


def _position(unit: str, kept: Kept) -> Position:
    return Position(
        unit=unit,
        lon=kept.lon / MICRO,
        lat=kept.lat / MICRO,
        at=EPOCH + timedelta(milliseconds=kept.at_ms),
        heading=kept.heading,
        speed_kmh=kept.speed_kmh,
    )
