"""The newest position of every unit: columns of numbers, one row a unit.

A Python object per position is what limits others; here an update is a look-up in a
dictionary and six numbers written.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from muster.telemetry.fixes import EPOCH, MICRO, Kept

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
_NONE = -1


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


class Latest:
    """Thread-safe. Ticks count updates, so that a reader can ask what changed since."""

    def __init__(self, capacity: int = 1024) -> None:
        self._lock = threading.Lock()
        self._rows: dict[str, int] = {}
        self._units: list[str] = []
        self._columns: dict[str, NDArray[Any]] = {
            name: np.zeros(capacity, kind) for name, kind in _COLUMNS.items()
        }
        self._tick = 0

    def __len__(self) -> int:
        return len(self._units)

    def update(self, unit: str, fix: Kept) -> bool:
        """Take a fix unless the unit has a newer one. Returns whether it was taken."""
        with self._lock:
            columns = self._columns
            row = self._rows.get(unit)
            if row is None:
                row = self._new_row(unit)
                columns = self._columns
            elif fix.at_ms <= columns["at"][row]:
                return False
            self._tick += 1
            columns["lon"][row] = fix.lon
            columns["lat"][row] = fix.lat
            columns["heading"][row] = _NONE if fix.heading is None else fix.heading
            columns["speed"][row] = _NONE if fix.speed_kmh is None else fix.speed_kmh
            columns["at"][row] = fix.at_ms
            columns["tick"][row] = self._tick
            return True

    def _new_row(self, unit: str) -> int:
        row = len(self._units)
        if row == len(self._columns["at"]):
            self._columns = {
                name: np.concatenate([old, np.zeros_like(old)])
                for name, old in self._columns.items()
            }
        self._rows[unit] = row
        self._units.append(unit)
        return row

    def forget(self, unit: str) -> None:
        """Drop a unit's position (it went off duty). Nothing happens when there is none."""
        with self._lock:
            row = self._rows.pop(unit, None)
            if row is None:
                return
            last = len(self._units) - 1
            if row != last:
                moved = self._units[last]
                self._units[row], self._rows[moved] = moved, row
                for column in self._columns.values():
                    column[row] = column[last]
            self._units.pop()

    def newest(self, unit: str) -> Kept | None:
        """The newest fix of a unit in whole numbers; its accuracy is not kept here."""
        with self._lock:
            row = self._rows.get(unit)
            return None if row is None else self._kept(row)

    def _kept(self, row: int) -> Kept:
        columns = self._columns
        speed, heading = int(columns["speed"][row]), int(columns["heading"][row])
        return Kept(
            lon=int(columns["lon"][row]),
            lat=int(columns["lat"][row]),
            at_ms=int(columns["at"][row]),
            speed_kmh=None if speed == _NONE else speed,
            heading=None if heading == _NONE else heading,
            accuracy_m=None,
        )

    def of(self, units: Iterable[str]) -> dict[str, Position]:
        """The latest positions of those units that have one."""
        with self._lock:
            found = [(unit, self._rows[unit]) for unit in units if unit in self._rows]
            return {unit: _position(unit, self._kept(row)) for unit, row in found}

    def in_view(self, box: Box) -> list[Position]:
        """The units whose latest position lies in a box, borders included."""
        with self._lock:
            count = len(self._units)
            lon, lat = self._columns["lon"][:count], self._columns["lat"][:count]
            rows = np.flatnonzero(inside(lon, lat, box))
            return [_position(self._units[row], self._kept(int(row))) for row in rows]

    def changed_since(self, tick: int) -> Changes:
        """What changed after `tick`; 0 gives everything."""
        with self._lock:
            count = len(self._units)
            columns = self._columns
            rows = np.flatnonzero(columns["tick"][:count] > tick)
            names = ("lon", "lat", "heading", "at", "tick")
            taken = [columns[name][rows].astype(np.int64) for name in names]
            return Changes(self._tick, [self._units[row] for row in rows], *taken)


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
