"""A unit as the board and the dispatch see it."""

from __future__ import annotations

from datetime import datetime

import msgspec


class BoundBy(msgspec.Struct, frozen=True):
    """The order that binds a unit now."""

    incident: str
    order: str
    state: str


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """A unit as the board and the dispatch see it. lon, lat: its base, WGS-84 degrees.
    `status` is the code last set by hand; what is shown follows from it and from `order`."""

    id: str
    call_sign: str
    organisation: str
    kind: str
    mode: str
    capabilities: tuple[str, ...]
    lon: float
    lat: float
    speed_kmh: int
    on_duty: bool
    status: str
    crew: tuple[str, ...]
    vehicle: str
    since: datetime | None
    until: datetime | None
    version: int
    order: BoundBy | None


class Duty(msgspec.Struct, frozen=True, kw_only=True):
    """What is written when a unit signs on or off or changes its status."""

    on_duty: bool
    status: str
    crew: tuple[str, ...]
    vehicle: str
    since: datetime
    until: datetime | None
