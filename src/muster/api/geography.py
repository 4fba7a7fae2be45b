"""The city: names, colours, clocks, coast, boundaries, places."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Response, get
from litestar.params import Parameter

from muster.api.opening import reads
from muster.api.platform import Platform
from muster.geography.pack import Category, Channel, ClockRow, Level, Place, Status
from muster.geography.places import search
from muster.journal.context import Actor


class CityClock(msgspec.Struct, frozen=True):
    """The city's time now, and how fast it runs (0: driven by a replay)."""

    now: datetime
    speed: float


class City(msgspec.Struct, frozen=True, kw_only=True):
    """What a client must know of a city before it can show anything."""

    id: str
    name_zh: str
    name_en: str
    timezone: str
    bbox: tuple[float, float, float, float]
    centre: tuple[float, float]
    simulated: bool
    clock: CityClock
    pack_version: str
    levels: list[Level]
    categories: list[Category]
    statuses: list[Status]
    channels: list[Channel]
    clocks: list[ClockRow]
    attribution: tuple[str, ...]


class Places(msgspec.Struct, frozen=True):
    items: list[Place]


@get(
    "/api/city",
    sync_to_thread=True,
    opt=reads("open"),
    operation_id="get_city",
    summary="城市: names, levels, categories, statuses, clocks",
)
def get_city(platform: Platform, actor: Actor) -> City:
    pack = platform.pack
    return City(
        id=pack.city.id,
        name_zh=pack.city.name_zh,
        name_en=pack.city.name_en,
        timezone=pack.city.timezone,
        bbox=pack.city.bbox,
        centre=pack.city.centre,
        simulated=platform.simulated,
        clock=CityClock(platform.clock.now(), platform.clock.speed),
        pack_version=pack.version,
        levels=list(pack.levels.values()),
        categories=list(pack.categories.values()),
        statuses=list(pack.statuses.values()),
        channels=list(pack.channels.values()),
        clocks=list(pack.clocks.values()),
        attribution=pack.city.attribution,
    )


def _geojson(data: bytes, version: str) -> Response[bytes]:
    headers = {"Cache-Control": "private, max-age=3600", "ETag": f'"{version[:16]}"'}
    return Response(data, media_type="application/geo+json", headers=headers)


@get(
    "/api/city/coast",
    sync_to_thread=True,
    opt=reads("open"),
    operation_id="get_coast",
    summary="岸线: the coast as GeoJSON",
)
def get_coast(platform: Platform, actor: Actor) -> Response[bytes]:
    return _geojson(platform.pack.coast_geojson, platform.pack.version)


@get(
    "/api/city/boundaries",
    sync_to_thread=True,
    opt=reads("open"),
    operation_id="get_boundaries",
    summary="边界: areas of organisations as GeoJSON",
)
def get_boundaries(platform: Platform, actor: Actor) -> Response[bytes]:
    return _geojson(platform.pack.boundaries_geojson, platform.pack.version)


@get(
    "/api/city/places",
    sync_to_thread=True,
    opt=reads("open"),
    operation_id="find_places",
    summary="地名: search places by name",
)
def find_places(
    platform: Platform,
    actor: Actor,
    q: Annotated[str, Parameter(max_length=64)] = "",
    limit: Annotated[int, Parameter(ge=1, le=50)] = 10,
) -> Places:
    return Places(list(search(platform.pack, q, limit=limit)))


ROUTES: tuple[Any, ...] = (get_city, get_coast, get_boundaries, find_places)
