"""The units that could be sent to a place: read, measured, ranked."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection

from muster.action.choose_units import rank
from muster.action.units.duty import free_units
from muster.action.units.unit import Unit
from muster.geography.distance import haversine
from muster.geography.land import by_road, land_at
from muster.geography.pack import Pack
from muster.telemetry.positions import Positions


@dataclass(frozen=True)
class Fix:
    """Where a unit was last: WGS-84 degrees and when."""

    lon: float
    lat: float
    at: datetime


FixOf = Callable[[str], Fix | None]


def last_fixes(positions: Positions) -> FixOf:
    """Telemetry's last position of each unit, as dispatch wants it."""

    def last(unit: str) -> Fix | None:
        found = positions.latest(unit)
        return Fix(found.lon, found.lat, found.at) if found else None

    return last


@dataclass(frozen=True)
class Scene:
    """The place units are sent to, and the organisation in charge there."""

    lon: float
    lat: float
    jurisdiction: str


@dataclass(frozen=True)
class World:
    """The city, and where its units were last."""

    pack: Pack
    fix_of: FixOf


def candidates(
    connection: Connection[Any],
    world: World,
    scene: Scene,
    *,
    now: datetime,
    limit: int,
    without: Collection[str] = (),
) -> list[rank.Candidate]:
    """The best `limit` free units for a scene, those named in `without` left out."""
    free = [unit for unit in free_units(connection, world.pack) if unit.id not in without]
    return rank.rank([_ready(unit, world, scene, now) for unit in free], limit)


def _ready(unit: Unit, world: World, scene: Scene, now: datetime) -> rank.Ready:
    fix = world.fix_of(unit.id)
    lon, lat = (fix.lon, fix.lat) if fix else (unit.lon, unit.lat)
    return rank.Ready(
        unit=unit.id,
        call_sign=unit.call_sign,
        organisation=unit.organisation,
        mode=unit.mode,
        speed_kmh=unit.speed_kmh,
        away_m=haversine(lon, lat, scene.lon, scene.lat),
        fix_age_s=rank.fix_age_s(fix.at if fix else None, now),
        reachable=_reachable(unit.mode, world.pack, lon, lat, scene),
        own_area=unit.organisation == scene.jurisdiction,
    )


def _reachable(mode: str, pack: Pack, lon: float, lat: float, scene: Scene) -> bool:
    """Whether a straight way leads there: by land over bridges, by water to a place at sea."""
    if mode == "air":
        return True
    if mode == "water":
        return land_at(pack, scene.lon, scene.lat) is None
    return by_road(pack, (lon, lat), (scene.lon, scene.lat))
