"""Units, duty and an officer's own orders: the doors of `action`."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import get, post
from litestar.params import Parameter
from msgspec.structs import replace
from psycopg import Connection

from muster.action.units import duty, tables
from muster.action.units.unit import Unit
from muster.api.opening import reads
from muster.api.platform import Platform, RunningPlatform
from muster.command.incidents.tables import IncidentRow, rows_of
from muster.geography.pack import Pack
from muster.identity.authoriser import authorise, scope_of
from muster.identity.authority import by_crew
from muster.identity.people import names_of
from muster.identity.roles import TOKEN_ACTOR
from muster.identity.scope import Scope
from muster.journal.context import Actor
from muster.journal.refusal import Refused

UnitId = Annotated[str, Parameter(pattern=r"^[^\x00-\x1f\x7f]{1,64}\Z", description="unit id")]


class CrewMember(msgspec.Struct, frozen=True):
    person: str
    name: str


class UnitOrder(msgspec.Struct, frozen=True):
    incident: str
    order: str
    state: str


class Point(msgspec.Struct, frozen=True):
    """WGS-84 degrees."""

    lon: float
    lat: float


class UnitPosition(msgspec.Struct, frozen=True):
    lon: float
    lat: float
    at: datetime
    heading: int | None
    speed_kmh: float | None


class UnitRow(msgspec.Struct, frozen=True, kw_only=True):
    """A unit on the board. `status` and `group` as the pack names them."""

    id: str
    call_sign: str
    organisation: str
    kind: str
    mode: str
    capabilities: tuple[str, ...]
    on_duty: bool
    status: str
    group: str
    crew: tuple[CrewMember, ...]
    order: UnitOrder | None
    base: Point
    position: UnitPosition | None
    version: int


class Units(msgspec.Struct, frozen=True):
    items: list[UnitRow]


class StatusWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    status: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""


class MyOrder(msgspec.Struct, frozen=True):
    incident: IncidentRow
    order: str
    state: str
    sign_by: datetime


class MyOrders(msgspec.Struct, frozen=True):
    """The orders of the unit this person crews; `unit` is None when off duty."""

    unit: str | None
    orders: list[MyOrder]


def unit_rows(
    platform: RunningPlatform, connection: Connection[Any], scope: Scope, ids: list[str] | None
) -> list[UnitRow]:
    """The units of organisations this scope may see, with names, shown status, last position."""
    found = [unit for unit in tables.units(connection, ids) if _visible(platform, scope, unit)]
    names = names_of(connection, {person for unit in found for person in unit.crew})
    located = scope.allows_at("read.positions", None)
    return [_row(platform, unit, names, located) for unit in found]


def _visible(platform: RunningPlatform, scope: Scope, unit: Unit) -> bool:
    path = ".".join(platform.pack.path(unit.organisation))
    return scope.allows_at("read.units", path)


def _row(platform: RunningPlatform, unit: Unit, names: Mapping[str, str], located: bool) -> UnitRow:
    pack: Pack = platform.pack
    shown = duty.shown_status(unit, pack)
    position = platform.position_of(unit.id) if located and unit.on_duty else None
    return UnitRow(
        id=unit.id,
        call_sign=unit.call_sign,
        organisation=unit.organisation,
        kind=unit.kind,
        mode=unit.mode,
        capabilities=unit.capabilities,
        on_duty=unit.on_duty,
        status=shown.code,
        group=shown.group,
        crew=tuple(CrewMember(person, names.get(person, "")) for person in unit.crew),
        order=UnitOrder(unit.order.incident, unit.order.order, unit.order.state)
        if unit.order
        else None,
        base=Point(unit.lon, unit.lat),
        position=UnitPosition(
            position.lon, position.lat, position.at, position.heading, position.speed_kmh
        )
        if position
        else None,
        version=unit.version,
    )


@get(
    "/api/units",
    sync_to_thread=True,
    opt=reads("list", scope="read:units"),
    operation_id="list_units",
    summary="警力: units one may see, their duty and last position",
)
def list_units(platform: Platform, actor: Actor) -> Units:
    """A token is told neither who crews a unit nor, unless it reads them, of matters."""
    with platform.pool.connection() as connection:
        scope = scope_of(connection, actor)
        if not scope.allows_at("read.units", None):
            raise Refused("authority.denied", operation="read.units")
        rows = unit_rows(platform, connection, scope, None)
    if actor.person.startswith(TOKEN_ACTOR):
        reads = scope.allows_at("read.incident", None)
        rows = [replace(row, crew=(), order=row.order if reads else None) for row in rows]
    return Units(rows)


@contextmanager
def unit_change(
    platform: Platform, actor: Actor, unit: str, operation: str
) -> Iterator[tuple[Connection[Any], Unit]]:
    """A transaction with the unit locked and the actor's right to change it judged.

    An officer changes only the unit he crews or is about to crew: `check_own` says so.
    """
    with platform.pool.connection() as connection:
        found = duty.locked_unit(connection, unit)
        authority = authorise(connection, actor, operation, found.organisation)
        if by_crew(operation, authority.role) and found.on_duty and actor.person not in found.crew:
            raise Refused("authority.denied", operation=operation)
        yield connection, found
    platform.unit_changed(unit)


def _changed(platform: Platform, actor: Actor, unit: str) -> UnitRow:
    with platform.pool.connection() as connection:
        return unit_rows(platform, connection, scope_of(connection, actor), [unit])[0]


@post(
    "/api/units/{unit:str}/sign_on",
    sync_to_thread=True,
    status_code=200,
    operation_id="sign_on",
    summary="上岗: put a unit on duty",
)
def sign_on(platform: Platform, actor: Actor, unit: UnitId, data: duty.SignOn) -> UnitRow:
    with unit_change(platform, actor, unit, "unit.sign_on") as (connection, found):
        unknown = set(data.crew) - set(names_of(connection, set(data.crew)))
        if unknown:
            raise Refused("person.unknown", person=min(unknown))
        authority = authorise(connection, actor, "unit.sign_on", found.organisation)
        if by_crew("unit.sign_on", authority.role) and actor.person not in data.crew:
            raise Refused("authority.denied", operation="unit.sign_on")
        now, pack = platform.clock.now(), platform.pack
        path = ".".join(pack.path(found.organisation))
        for person in data.crew:
            if not scope_of(connection, Actor(person)).allows_at("order.sign", path):
                raise Refused("unit.crew_foreign", person=person, unit=unit)
        duty.sign_on(connection, found, data, now=now, actor=actor.person, pack=pack)
    return _changed(platform, actor, unit)


@post(
    "/api/units/{unit:str}/sign_off",
    sync_to_thread=True,
    status_code=200,
    operation_id="sign_off",
    summary="离岗: take a unit off duty",
)
def sign_off(platform: Platform, actor: Actor, unit: UnitId) -> UnitRow:
    with unit_change(platform, actor, unit, "unit.sign_off") as (connection, found):
        now, pack = platform.clock.now(), platform.pack
        duty.sign_off(connection, found, now=now, actor=actor.person, pack=pack)
    platform.unit_off_duty(unit)
    return _changed(platform, actor, unit)


@post(
    "/api/units/{unit:str}/status",
    sync_to_thread=True,
    status_code=200,
    operation_id="set_unit_status",
    summary="状态: set a unit's status by hand",
)
def set_status(platform: Platform, actor: Actor, unit: UnitId, data: StatusWanted) -> UnitRow:
    with unit_change(platform, actor, unit, "unit.set_status") as (connection, found):
        duty.set_status(
            connection,
            found,
            status=data.status,
            reason=data.reason,
            actor=actor.person,
            pack=platform.pack,
        )
    return _changed(platform, actor, unit)


@get(
    "/api/my/orders",
    sync_to_thread=True,
    opt=reads("list"),
    operation_id="my_orders",
    summary="我的派警单: orders of the unit I crew",
)
def my_orders(platform: Platform, actor: Actor) -> MyOrders:
    with platform.reader(actor) as reader:
        crewed = tables.crewed_by(reader.connection, actor.person)
        if not crewed:
            return MyOrders(None, [])
        bound = tables.open_orders(reader.connection, crewed[0])
        rows = {row.id: row for row in rows_of(reader, [matter for matter, _, _, _ in bound])}
    orders = [
        MyOrder(rows[matter], order, state, sign_by)
        for matter, order, state, sign_by in bound
        if matter in rows
    ]
    return MyOrders(crewed[0], orders)


ROUTES = (list_units, sign_on, sign_off, set_status, my_orders)
