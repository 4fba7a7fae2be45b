"""Telemetry as one would write it first: a Python object for each fix. What columns do is tested
against it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from math import isfinite

from muster.geography.distance import haversine
from muster.telemetry.fixes import (
    AHEAD_MS,
    FASTEST_KMH,
    FUTURE,
    JUMP_KMH,
    JUMP_M,
    MICRO,
    NO_FIX,
    OLDEST_MS,
    OUTSIDE,
    TOO_OLD,
    WIDEST_M,
    Fix,
    Kept,
    milliseconds,
)


def moment(fix: Fix) -> int:
    return fix.at if isinstance(fix.at, int) else milliseconds(fix.at)


def fault(fix: Fix, now: datetime) -> str:
    at_ms, now_ms = moment(fix), milliseconds(now)
    if not (-180 <= fix.lon <= 180 and -90 <= fix.lat <= 90):
        return OUTSIDE
    if fix.lon == 0 and fix.lat == 0:
        return NO_FIX
    if at_ms > now_ms + AHEAD_MS:
        return FUTURE
    return TOO_OLD if at_ms < now_ms - OLDEST_MS else ""


def kept(fix: Fix) -> Kept:
    heading = fix.heading
    known = heading is not None and isfinite(heading) and 0 <= heading <= 360
    return Kept(
        lon=round(fix.lon * MICRO),
        lat=round(fix.lat * MICRO),
        at_ms=moment(fix),
        speed_kmh=_within(fix.speed_kmh, FASTEST_KMH),
        heading=round(heading) % 360 if known and heading is not None else None,
        accuracy_m=_within(fix.accuracy_m, WIDEST_M),
    )


def _within(value: float | None, largest: int) -> int | None:
    return round(value) if value is not None and 0 <= value <= largest else None


def jumps(fixes: Sequence[Kept], last: Kept | None) -> int:
    """Of one unit's fixes, ordered by moment."""
    count, before = 0, last
    for one in fixes:
        if before is not None and one.at_ms > before.at_ms and _too_fast(before, one):
            count += 1
        if before is None or one.at_ms > before.at_ms:
            before = one
    return count


def _too_fast(before: Kept, after: Kept) -> bool:
    metres = haversine(before.lon / MICRO, before.lat / MICRO, after.lon / MICRO, after.lat / MICRO)
    hours = (after.at_ms - before.at_ms) / 3_600_000
    return metres > JUMP_M and metres / 1000 > JUMP_KMH * hours
