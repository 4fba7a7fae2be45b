"""What a device sends, as columns of numbers, and whether it can be true. Pure.

A batch is read from JSON into structs, which live as long as the request; from then on there are
only columns (`Columns`): a Python object for each position is what limits others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import pi
from typing import Annotated, Any, Final, NamedTuple, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from muster.geography.distance import EARTH_RADIUS_M

MICRO: Final = 1_000_000
AHEAD_MS: Final = 60_000
SKEW_MS: Final = 5_000
OLDEST_MS: Final = 24 * 3600 * 1000
JUMP_M: Final = 500
JUMP_KMH: Final = 400
FASTEST_KMH: Final = 2_000
WIDEST_M: Final = 100_000
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
NONE: Final = -1
_MS = timedelta(milliseconds=1)
_DEGREE_M = EARTH_RADIUS_M * pi / 180

MALFORMED: Final = "position.malformed"
OFF_DUTY: Final = "position.off_duty"
OUTSIDE: Final = "position.outside_world"
NO_FIX: Final = "position.no_fix"
FUTURE: Final = "position.in_future"
TOO_OLD: Final = "position.too_old"
#: Kept and counted, for nobody can say which of two fixes is wrong.
JUMP: Final = "position.jump"
SPEED: Final = "position.impossible_speed"
SKEW: Final = "position.clock_ahead"
#: Not a refusal: it is there already.
DUPLICATE: Final = "position.duplicate"

#: Why a fix is refused, by the number `judge` gives; 0 is none.
REASONS: Final = ("", MALFORMED, OFF_DUTY, OUTSIDE, NO_FIX, FUTURE, TOO_OLD)

Ints: TypeAlias = NDArray[Any]
Truths: TypeAlias = NDArray[np.bool_]


class Fix(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """One position as a device sent it. WGS-84 degrees; `at` with its offset from UTC, or in
    milliseconds since 1970 UTC.

    `heading` in degrees clockwise from north, `accuracy_m` the radius the device claims. `unit`
    where a batch holds fixes of several.
    """

    lon: float
    lat: float
    at: Annotated[datetime, msgspec.Meta(tz=True)] | Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]
    speed_kmh: float | None = None
    heading: float | None = None
    accuracy_m: float | None = None
    unit: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None


class Kept(NamedTuple):
    """An accepted fix: microdegrees, milliseconds since 1970 UTC, whole km/h, degrees, metres."""

    lon: int
    lat: int
    at_ms: int
    speed_kmh: int | None
    heading: int | None
    accuracy_m: int | None


@dataclass(frozen=True)
class Columns:
    """Fixes as columns of equal length. `unit`: numbers of `latest.Numbers`; `at`: milliseconds
    since 1970 UTC; `lon`, `lat`: microdegrees; `speed`, `heading`, `accuracy`: -1 where unknown."""

    unit: Ints
    at: Ints
    lon: Ints
    lat: Ints
    speed: Ints
    heading: Ints
    accuracy: Ints

    def __len__(self) -> int:
        return len(self.unit)

    def take(self, rows: Any) -> Columns:
        """These rows, by numbers or by a mask, in this order."""
        return Columns(*(getattr(self, name)[rows] for name in COLUMNS))


COLUMNS: Final = {
    "unit": np.int32,
    "at": np.int64,
    "lon": np.int32,
    "lat": np.int32,
    "speed": np.int16,
    "heading": np.int16,
    "accuracy": np.int32,
}


def joined(parts: Sequence[Columns]) -> Columns:
    """Columns one after the other; of no parts none."""
    if not parts:
        return Columns(*(np.zeros(0, kind) for kind in COLUMNS.values()))
    return Columns(*(np.concatenate([getattr(one, name) for one in parts]) for name in COLUMNS))


def milliseconds(moment: datetime) -> int:
    """Since 1970 UTC, rounded down. Safe for every aware datetime."""
    return (moment - EPOCH) // _MS


class Judged(NamedTuple):
    """`good`: the fixes that can be true, as columns; `rows`: their places in the batch; `codes`:
    for every fix of the batch why it is refused (a place in REASONS). `doubts`: what is kept but
    counted, by code."""

    good: Columns
    rows: Ints
    codes: Ints
    doubts: dict[str, int]


def judge(fixes: Sequence[Fix | None], units: Ints, now: datetime) -> Judged:
    """Sort a batch into what can be true and what cannot. None is a fix that could not be read;
    `units`: the number of each fix's unit, -1 where nobody may report it."""
    codes = np.zeros(len(fixes), np.uint8)
    present = fixes
    if not all(fixes):
        codes[[index for index, one in enumerate(fixes) if one is None]] = REASONS.index(MALFORMED)
        present = [one for one in fixes if one is not None]
    places = np.flatnonzero(codes == 0)
    read: list[Fix] = present  # type: ignore[assignment]
    lon = np.array([one.lon for one in read], np.float64)
    lat = np.array([one.lat for one in read], np.float64)
    at = _moments([one.at for one in read])
    codes[places] = _faults(units[places], lon, lat, at, milliseconds(now))
    fine = codes[places] == 0
    rows = places[fine]
    if not fine.all():
        read = [read[row] for row in np.flatnonzero(fine)]
        lon, lat, at = lon[fine], lat[fine], at[fine]
    speed = np.array([one.speed_kmh for one in read], np.float64)
    heading = np.array([one.heading for one in read], np.float64)
    accuracy = np.array([one.accuracy_m for one in read], np.float64)
    good = Columns(
        unit=units[rows].astype(np.int32),
        at=at.astype(np.int64),
        lon=np.rint(lon * MICRO).astype(np.int32),
        lat=np.rint(lat * MICRO).astype(np.int32),
        speed=_within(speed, FASTEST_KMH).astype(np.int16),
        heading=_degrees(heading),
        accuracy=_within(accuracy, WIDEST_M).astype(np.int32),
    )
    wild = int(np.count_nonzero(speed > FASTEST_KMH))
    ahead = int(np.count_nonzero(good.at > milliseconds(now) + SKEW_MS))
    return Judged(good, rows, codes, {SPEED: wild, SKEW: ahead})


def _moments(given: list[datetime | int]) -> NDArray[np.float64]:
    """Milliseconds since 1970, whole and rounded down."""
    if not given or isinstance(given[0], int):
        try:
            return np.array(given, np.int64).astype(np.float64)
        except TypeError:
            pass  # some of the others are datetimes
    if any(isinstance(one, int) for one in given):
        some = [one if isinstance(one, int) else milliseconds(one) for one in given]
        return np.array(some, np.float64)
    seconds = np.array([one.timestamp() for one in given], np.float64)  # type: ignore[union-attr]
    # Microseconds survive as floats; half of one keeps what is whole from falling below itself.
    return np.floor(seconds * 1000 + 0.0005)


def _faults(
    units: Ints, lon: NDArray[np.float64], lat: NDArray[np.float64], at: Ints, now_ms: int
) -> Ints:
    # Written so that NaN and infinities fall outside. The later line wins.
    codes = np.zeros(len(lon), np.uint8)
    codes[~(at >= now_ms - OLDEST_MS)] = REASONS.index(TOO_OLD)
    codes[at > now_ms + AHEAD_MS] = REASONS.index(FUTURE)
    codes[(lon == 0) & (lat == 0)] = REASONS.index(NO_FIX)  # before a device knows where it is
    inside = (lon >= -180) & (lon <= 180) & (lat >= -90) & (lat <= 90)
    codes[~inside] = REASONS.index(OUTSIDE)
    codes[units < 0] = REASONS.index(OFF_DUTY)
    return codes


def _within(values: NDArray[np.float64], largest: int) -> NDArray[np.float64]:
    """A side value, or NONE where it cannot be true: the position itself may still be right."""
    return np.where((values >= 0) & (values <= largest), np.rint(values), NONE)


def _degrees(values: NDArray[np.float64]) -> Ints:
    """Devices that do not know where they are heading say -1."""
    known = (values >= 0) & (values <= 360)
    return np.where(known, np.rint(np.where(known, values, 0)) % 360, NONE).astype(np.int16)


@dataclass(frozen=True)
class Spots:
    """Where and when, as `Columns`: what it takes to tell a jump."""

    at: Ints
    lon: Ints
    lat: Ints

    def take(self, rows: Any) -> Spots:
        return Spots(self.at[rows], self.lon[rows], self.lat[rows])


def too_fast(before: Spots, after: Spots) -> int:
    """How many of the ways from one fix to a later one, row by row, are jumps."""
    # No way is longer than its two sides; what is short for certain needs no sines.
    sides = np.abs(after.lon - before.lon) + np.abs(after.lat - before.lat)
    far = sides * (_DEGREE_M / MICRO) > JUMP_M
    if not far.any():
        return 0
    before, after = before.take(far), after.take(far)
    metres = _metres(before, after)
    hours = (after.at - before.at) / 3_600_000
    return int(np.count_nonzero((metres > JUMP_M) & (metres / 1000 > JUMP_KMH * hours)))


def _metres(before: Spots, after: Spots) -> NDArray[np.float64]:
    """Along great circles."""
    lon, lat, next_lon, next_lat = (
        np.radians(one / MICRO) for one in (before.lon, before.lat, after.lon, after.lat)
    )
    half = (
        np.sin((next_lat - lat) / 2) ** 2
        + np.cos(lat) * np.cos(next_lat) * np.sin((next_lon - lon) / 2) ** 2
    )
    metres: NDArray[np.float64] = 2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.clip(half, 0, 1)))
    return metres
