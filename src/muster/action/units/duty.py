"""Signing on, signing off, changing a status. Table changes, each with its audit row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from psycopg import Connection

from muster.action.units import tables
from muster.action.units.unit import Duty, Unit
from muster.geography.pack import Pack
from muster.journal.database import lock
from muster.journal.refusal import Refused

SETTABLE = ("available", "busy", "emergency")


def named_units(connection: Connection[Any], ids: Sequence[str]) -> list[Unit]:
    """The units of these ids; unknown ids are left out."""
    return tables.units(connection, ids)


def free_units(connection: Connection[Any], pack: Pack) -> list[Unit]:
    """Units on duty that can take an order."""
    return [unit for unit in tables.free_units(connection) if not may_be_sent(unit, pack)]


def locked_unit(connection: Connection[Any], unit: str) -> Unit:
    """The unit, locked against dispatch until the transaction ends. Raises unit.unknown."""
    lock(connection, f"unit:{unit}")
    found = tables.units(connection, [unit])
    if not found:
        raise Refused("unit.unknown", unit=unit)
    return found[0]


class SignOn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who crews a unit, with which vehicle or boat, until when."""

    crew: Annotated[
        tuple[Annotated[str, msgspec.Meta(max_length=64)], ...], msgspec.Meta(max_length=40)
    ]
    vehicle: Annotated[str, msgspec.Meta(max_length=64)] = ""
    until: datetime | None = None


def sign_on(
    connection: Connection[Any],
    unit: Unit,
    asked: SignOn,
    *,
    now: datetime,
    actor: str,
    pack: Pack,
) -> None:
    """Put a unit on duty. Raises unit.crew_empty, unit.crew_elsewhere, time.impossible."""
    if not asked.crew:
        raise Refused("unit.crew_empty", unit=unit.id)
    if asked.until is not None and asked.until <= now:
        raise Refused("time.impossible", path="until")
    for person in sorted(set(asked.crew)):
        lock(connection, f"person:{person}")  # another unit may be signing them on just now
        elsewhere = [one for one in tables.crewed_by(connection, person) if one != unit.id]
        if elsewhere:
            raise Refused("unit.crew_elsewhere", person=person, unit=elsewhere[0])
    duty = Duty(
        on_duty=True,
        status=pack.status_of("available").code,
        crew=asked.crew,
        vehicle=asked.vehicle,
        since=now,
        until=asked.until,
    )
    tables.write_duty(connection, unit, duty, actor=actor, reason="sign on")


def sign_off(
    connection: Connection[Any], unit: Unit, *, now: datetime, actor: str, pack: Pack
) -> None:
    """Take a unit off duty. Raises unit.not_on_duty, and unit.bound while it has an order."""
    if not unit.on_duty:
        raise Refused("unit.not_on_duty", unit=unit.id)
    if unit.order is not None:
        raise Refused("unit.bound", unit=unit.id)
    duty = Duty(
        on_duty=False,
        status=pack.status_of("off").code,
        crew=(),
        vehicle="",
        since=now,
        until=None,
    )
    tables.write_duty(connection, unit, duty, actor=actor, reason="sign off")


def set_status(
    connection: Connection[Any],
    unit: Unit,
    *,
    status: str,
    reason: str,
    actor: str,
    pack: Pack,
) -> None:
    """Set a status by hand. What follows from an order cannot be set: step the order instead.

    Raises status.unknown, status.by_order, unit.not_on_duty.
    """
    known = pack.statuses.get(status)
    if known is None:
        raise Refused("status.unknown", status=status)
    if known.group not in SETTABLE:
        raise Refused("status.by_order", status=status)
    if not unit.on_duty or unit.since is None:
        raise Refused("unit.not_on_duty", unit=unit.id)
    duty = Duty(
        on_duty=True,
        status=status,
        crew=unit.crew,
        vehicle=unit.vehicle,
        since=unit.since,
        until=unit.until,
    )
    tables.write_duty(connection, unit, duty, actor=actor, reason=reason or "status")


class Shown(msgspec.Struct, frozen=True):
    """The status a unit shows, and its group in the pack."""

    code: str
    group: str


_GROUP_OF_ORDER = {
    "given": "dispatched",
    "delivered": "dispatched",
    "signed": "under_way",
    "under_way": "under_way",
    "on_scene": "on_scene",
    "handling": "on_scene",
}


def shown_status(unit: Unit, pack: Pack) -> Shown:
    """Off duty, then an emergency, then what its order says, then what was set by hand."""
    by_hand = pack.statuses.get(unit.status)
    if not unit.on_duty:
        return Shown(pack.status_of("off").code, "off")
    if by_hand is not None and by_hand.group == "emergency":
        return Shown(by_hand.code, by_hand.group)
    if unit.order is not None:
        group = _GROUP_OF_ORDER[unit.order.state]
        return Shown(pack.status_of(group).code, group)  # type: ignore[arg-type]
    if by_hand is None:
        return Shown(pack.status_of("available").code, "available")
    return Shown(by_hand.code, by_hand.group)


def may_be_sent(unit: Unit, pack: Pack) -> str:
    """Empty when the unit can take an order; else why not: off_duty, bound, busy, emergency."""
    if not unit.on_duty:
        return "off_duty"
    if unit.order is not None:
        return "bound"
    group = shown_status(unit, pack).group
    return "" if group == "available" else group
