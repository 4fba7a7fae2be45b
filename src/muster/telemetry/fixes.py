"""What a device sends, and whether it can be true. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Annotated, NamedTuple

import msgspec

from muster.geography.distance import haversine

MICRO = 1_000_000
AHEAD_MS = 60_000
OLDEST_MS = 24 * 3600 * 1000
JUMP_M = 500
JUMP_KMH = 400
FASTEST_KMH = 2_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)

OUTSIDE = "position.outside_world"
NO_FIX = "position.no_fix"
FUTURE = "position.in_future"
TOO_OLD = "position.too_old"
DUPLICATE = "position.duplicate"
JUMP = "position.jump"


class Fix(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One position as a device sent it. WGS-84 degrees; `at` with its offset from UTC.

    `heading` in degrees clockwise from north, `accuracy_m` the radius the device claims.
    """

    lon: float
    lat: float
    at: Annotated[datetime, msgspec.Meta(tz=True)]
    speed_kmh: float | None = None
    heading: float | None = None
    accuracy_m: float | None = None


class Kept(NamedTuple):
    """An accepted fix: microdegrees, milliseconds since 1970 UTC, whole km/h, degrees, metres."""

    lon: int
    lat: int
    at_ms: int
    speed_kmh: int | None
    heading: int | None
    accuracy_m: int | None


class Rejected(msgspec.Struct, frozen=True):
    """Which fix of the batch was refused (from 0), and why."""

    index: int
    code: str


class Judged(NamedTuple):
    """`kept` oldest first. `jumps` of them came too fast after the one before."""

    kept: list[Kept]
    rejected: list[Rejected]
    jumps: int


def milliseconds(moment: datetime) -> int:
    """Since 1970 UTC, rounded down. Safe for every aware datetime."""
    return (moment - EPOCH) // _MS


def judge(fixes: Sequence[Fix], now: datetime, last: Kept | None) -> Judged:
    """Sort a unit's batch into what is kept and what is refused. `last`: its newest so far."""
    now_ms = milliseconds(now)
    seen = {last.at_ms} if last is not None else set()
    kept: list[Kept] = []
    rejected: list[Rejected] = []
    for index, fix in enumerate(fixes):
        at_ms = milliseconds(fix.at)
        code = _fault(fix, at_ms, now_ms) or (DUPLICATE if at_ms in seen else None)
        if code is not None:
            rejected.append(Rejected(index, code))
            continue
        seen.add(at_ms)
        kept.append(_kept(fix, at_ms))
    kept.sort(key=lambda one: one.at_ms)
    return Judged(kept, rejected, _jumps(kept, last))


def _fault(fix: Fix, at_ms: int, now_ms: int) -> str | None:
    # Written so that NaN and infinities fall outside.
    if not (-180 <= fix.lon <= 180 and -90 <= fix.lat <= 90):
        return OUTSIDE
    if fix.lon == 0 and fix.lat == 0:
        return NO_FIX  # what devices send before they know where they are
    if at_ms > now_ms + AHEAD_MS:
        return FUTURE
    return TOO_OLD if at_ms < now_ms - OLDEST_MS else None


def _kept(fix: Fix, at_ms: int) -> Kept:
    speed, heading, accuracy = fix.speed_kmh, fix.heading, fix.accuracy_m
    return Kept(
        lon=round(fix.lon * MICRO),
        lat=round(fix.lat * MICRO),
        at_ms=at_ms,
        speed_kmh=_within(speed, FASTEST_KMH),
        heading=round(heading) % 360 if heading is not None and isfinite(heading) else None,
        accuracy_m=_within(accuracy, 100_000),
    )


def _within(value: float | None, largest: int) -> int | None:
    """A side value, or None where it cannot be true: the position itself may still be right."""
    return round(value) if value is not None and 0 <= value <= largest else None


def _jumps(kept: Sequence[Kept], last: Kept | None) -> int:
    count, before = 0, last
    for one in kept:
        if before is not None and one.at_ms > before.at_ms and _too_fast(before, one):
            count += 1
        if before is None or one.at_ms > before.at_ms:
            before = one
    return count


def _too_fast(before: Kept, after: Kept) -> bool:
    metres = haversine(before.lon / MICRO, before.lat / MICRO, after.lon / MICRO, after.lat / MICRO)
    hours = (after.at_ms - before.at_ms) / 3_600_000
    return metres > JUMP_M and metres / 1000 > JUMP_KMH * hours
