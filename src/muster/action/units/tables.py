"""The register of units, their duty now, and the orders that bind them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg import Connection

from muster.action.units.unit import BoundBy, Duty, Unit
from muster.geography.pack import Pack
from muster.journal.audit import change

MICRO = 1_000_000

_SELECT = """
SELECT u.id, u.call_sign, u.organisation, u.kind, u.mode, u.capabilities, u.lon, u.lat,
       u.speed_kmh, COALESCE(d.on_duty, false), COALESCE(d.status, ''), COALESCE(d.crew, '{}'),
       COALESCE(d.vehicle, ''), d.since, d.until, COALESCE(d.version, 0),
       o.matter::text, o.order_id::text, o.state
FROM unit u
LEFT JOIN unit_duty d ON d.unit = u.id
LEFT JOIN LATERAL (
    SELECT matter, order_id, state FROM unit_order
    WHERE unit = u.id AND active ORDER BY given_at LIMIT 1) o ON true
WHERE u.active"""


def units(connection: Connection[Any], ids: Sequence[str] | None = None) -> list[Unit]:
    """All units, or those named (unknown names are left out), by call sign."""
    where, values = ("", ()) if ids is None else (" AND u.id = ANY(%s)", (list(ids),))
    statement = f"{_SELECT}{where} ORDER BY u.call_sign"
    return [_unit(row) for row in connection.execute(statement.encode(), values).fetchall()]


def free_units(connection: Connection[Any]) -> list[Unit]:
    """Units on duty that no order binds."""
    statement = f"{_SELECT} AND d.on_duty AND o.matter IS NULL"
    return [_unit(row) for row in connection.execute(statement.encode()).fetchall()]


def crewed_by(connection: Connection[Any], person: str) -> list[str]:
    """Units on duty whose crew holds this person."""
    rows = connection.execute(
        "SELECT unit FROM unit_duty WHERE on_duty AND crew @> ARRAY[%s]", (person,)
    ).fetchall()
    return [row[0] for row in rows]


def duties_of(connection: Connection[Any], person: str) -> dict[str, datetime]:
    """Units on duty whose crew holds this person, and since when."""
    rows = connection.execute(
        "SELECT unit, since FROM unit_duty WHERE on_duty AND crew @> ARRAY[%s]", (person,)
    ).fetchall()
    return dict(rows)


def duties(connection: Connection[Any], units: Sequence[str]) -> dict[str, datetime]:
    """Those of the units that are on duty, and since when."""
    rows = connection.execute(
        "SELECT unit, since FROM unit_duty WHERE on_duty AND unit = ANY(%s)", (list(units),)
    ).fetchall()
    return dict(rows)


def open_orders(connection: Connection[Any], unit: str) -> list[tuple[str, str, str, datetime]]:
    """(matter, order, state, sign_by) of the active orders of a unit, oldest first."""
    return connection.execute(
        "SELECT matter::text, order_id::text, state, sign_by FROM unit_order"
        " WHERE unit = %s AND active ORDER BY given_at",
        (unit,),
    ).fetchall()


def _unit(row: tuple[Any, ...]) -> Unit:
    bound = BoundBy(row[16], row[17], row[18]) if row[16] is not None else None
    return Unit(
        id=row[0],
        call_sign=row[1],
        organisation=row[2],
        kind=row[3],
        mode=row[4],
        capabilities=tuple(row[5]),
        lon=row[6] / MICRO,
        lat=row[7] / MICRO,
        speed_kmh=row[8],
        on_duty=row[9],
        status=row[10],
        crew=tuple(row[11]),
        vehicle=row[12],
        since=row[13],
        until=row[14],
        version=row[15],
        order=bound,
    )


def write_duty(
    connection: Connection[Any],
    unit: Unit,
    duty: Duty,
    *,
    actor: str,
    reason: str,
) -> None:
    """Write a unit's duty and its audit row, in the caller's transaction, under the unit's lock."""
    change(
        connection,
        "unit_duty",
        {"unit": unit.id},
        {
            "on_duty": duty.on_duty,
            "status": duty.status,
            "crew": list(duty.crew),
            "vehicle": duty.vehicle,
            "since": duty.since,
            "until": duty.until,
            "version": unit.version + 1,
        },
        actor=actor,
        reason=reason,
    )


def install(connection: Connection[Any], pack: Pack, *, actor: str) -> int:
    """Bring the register to the pack's units; writes only what differs. Returns rows written."""
    known = {unit.id: unit for unit in units(connection)}
    written = 0
    for unit in pack.units.values():
        values = {
            "call_sign": unit.call_sign,
            "organisation": unit.organisation,
            "kind": unit.kind,
            "mode": unit.mode,
            "capabilities": list(unit.capabilities),
            "lon": round(unit.lon * MICRO),
            "lat": round(unit.lat * MICRO),
            "speed_kmh": round(unit.speed_kmh),
            "active": True,
        }
        if _same(known.get(unit.id), values):
            continue
        change(connection, "unit", {"id": unit.id}, values, actor=actor, reason="city pack")
        written += 1
    return written


def _same(unit: Unit | None, values: dict[str, Any]) -> bool:
    if unit is None:
        return False
    now = {
        "call_sign": unit.call_sign,
        "organisation": unit.organisation,
        "kind": unit.kind,
        "mode": unit.mode,
        "capabilities": list(unit.capabilities),
        "lon": round(unit.lon * MICRO),
        "lat": round(unit.lat * MICRO),
        "speed_kmh": unit.speed_kmh,
        "active": True,
    }
    return now == values
