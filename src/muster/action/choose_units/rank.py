"""The nearest suitable units, by straight line for now, each with its reasons. Pure.

A straight line is honest only where the unit can follow it: a car on another island or a
boat on land is put behind all others with a warning, never left out silently.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

#: A road is longer than the crow's flight; 1.4 is a usual detour factor for land networks.
DETOUR = {"road": 1.4, "foot": 1.2, "water": 1.2, "air": 1.0}
TURN_OUT_S = {"road": 60, "foot": 15, "water": 240, "air": 300}
STALE_S = 300
FAR_M = 50_000


class Reason(msgspec.Struct, frozen=True):
    """`code` is stable; zh and en are sentences for people."""

    code: str
    zh: str
    en: str


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """A unit that may be sent. `away_m`: straight-line metres; `fix_age_s`: seconds since its
    last position, None when only its base is known; `reachable`: same land, or both at sea."""

    unit: str
    call_sign: str
    organisation: str
    mode: str
    speed_kmh: int
    away_m: int
    fix_age_s: int | None
    reachable: bool
    own_area: bool


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the recommendation. `eta_s` includes turning out."""

    unit: str
    call_sign: str
    organisation: str
    mode: str
    distance_m: int
    eta_s: int
    reasons: tuple[Reason, ...]
    warnings: tuple[Reason, ...]


def eta_s(mode: str, away_m: int, speed_kmh: int) -> int:
    """Seconds: turn-out, plus detour times distance over speed."""
    return round(TURN_OUT_S[mode] + DETOUR[mode] * away_m / (max(speed_kmh, 1) / 3.6))


def rank(units: Sequence[Ready], limit: int) -> list[Candidate]:
    """The best `limit` units: reachable ones by ETA, then the rest by ETA."""
    keyed = [
        (not unit.reachable, eta_s(unit.mode, unit.away_m, unit.speed_kmh), unit) for unit in units
    ]
    keyed.sort(key=lambda row: (row[0], row[1], row[2].unit))
    return [_candidate(unit, eta) for _, eta, unit in keyed[:limit]]


def _candidate(unit: Ready, eta: int) -> Candidate:
    reasons = [
        Reason(
            "distance",
            f"直线 {unit.away_m / 1000:.1f} km，约 {round(eta / 60)} 分钟",
            f"{unit.away_m / 1000:.1f} km in a straight line, about {round(eta / 60)} min",
        )
    ]
    if unit.own_area:
        reasons.append(Reason("own_area", "属地警力", "of the area in charge"))
    return Candidate(
        unit=unit.unit,
        call_sign=unit.call_sign,
        organisation=unit.organisation,
        mode=unit.mode,
        distance_m=unit.away_m,
        eta_s=eta,
        reasons=tuple(reasons),
        warnings=tuple(_warnings(unit)),
    )


def _warnings(unit: Ready) -> list[Reason]:
    found = []
    if not unit.reachable:
        found.append(
            Reason(
                "across_water", "隔海，直线不可达", "water or land lies between: no straight way"
            )
        )
    if unit.fix_age_s is None:
        found.append(
            Reason("no_position", "无定位，按驻地计算", "no position: reckoned from its base")
        )
    elif unit.fix_age_s > STALE_S:
        minutes = unit.fix_age_s // 60
        found.append(
            Reason("old_position", f"定位为 {minutes} 分钟前", f"position is {minutes} min old")
        )
    if unit.away_m > FAR_M:
        found.append(Reason("far", "超过 50 km", "over 50 km away"))
    return found


def fix_age_s(at: datetime | None, now: datetime) -> int | None:
    """Seconds since a position, never negative."""
    return None if at is None else max(0, round((now - at).total_seconds()))
