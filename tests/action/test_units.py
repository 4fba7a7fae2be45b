"""警力单元: signing on and off, statuses, what binds a unit; on a real database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import psycopg
import pytest

from muster.action.units import duty, tables
from muster.action.units.duty import SignOn, may_be_sent, shown_status
from muster.action.units.unit import BoundBy, Unit
from muster.geography.pack import Pack
from muster.journal.refusal import Refused
from tests.command.city import UNITS, small_city
from tests.instance import Database

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
PACK = small_city()
ORDER = ("00000000-0000-0000-0000-00000000000a", "00000000-0000-0000-0000-00000000000b")


@pytest.fixture
def connection(database: Database) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database.app_dsn) as opened:
        opened.execute("SET timezone = 'UTC'")
        tables.install(opened, PACK, actor="test")
        yield opened


def unit(connection: psycopg.Connection[Any], name: str = "n1") -> Unit:
    return duty.locked_unit(connection, name)


def sign_on(
    connection: psycopg.Connection[Any],
    name: str = "n1",
    crew: tuple[str, ...] = ("ann",),
    until: datetime | None = None,
) -> None:
    asked = SignOn(crew, vehicle="V-1", until=until)
    duty.sign_on(connection, unit(connection, name), asked, now=NOW, actor="ann", pack=PACK)


def sign_off(connection: psycopg.Connection[Any], name: str = "n1") -> None:
    duty.sign_off(connection, unit(connection, name), now=NOW, actor="ann", pack=PACK)


def set_status(connection: psycopg.Connection[Any], status: str, name: str = "n1") -> None:
    found = unit(connection, name)
    duty.set_status(connection, found, status=status, reason="示例", actor="ann", pack=PACK)


def bind(connection: psycopg.Connection[Any], state: str = "given", name: str = "n1") -> None:
    connection.execute(
        "INSERT INTO unit_order (matter, order_id, unit, state, active, given_at, sign_by)"
        " VALUES (%s::uuid, %s::uuid, %s, %s, true, %s, %s)",
        (*ORDER, name, state, NOW, NOW),
    )


def code(work: Any, *given: Any) -> str:
    try:
        work(*given)
    except Refused as refused:
        return refused.code
    return ""


def audit_rows(connection: psycopg.Connection[Any], table: str) -> int:
    row = connection.execute(
        "SELECT count(*) FROM audit WHERE table_name = %s", (table,)
    ).fetchone()
    assert row is not None
    return int(row[0])


# --- the register ----------------------------------------------------------------------------


def test_the_pack_s_units_are_written_once(connection: psycopg.Connection[Any]) -> None:
    assert {one.id for one in tables.units(connection)} == set(UNITS)
    assert audit_rows(connection, "unit") == len(UNITS)
    assert tables.install(connection, PACK, actor="test") == 0
    moved = msgspec.structs.replace(PACK.units["n1"], lon=122.5)
    changed: Pack = msgspec.structs.replace(PACK, units={**PACK.units, "n1": moved})
    assert tables.install(connection, changed, actor="test") == 1
    assert unit(connection).lon == 122.5


def test_unknown_units_are_left_out_or_refused(connection: psycopg.Connection[Any]) -> None:
    assert tables.units(connection, ["n1", "ghost"])[0].id == "n1"
    assert code(unit, connection, "ghost") == "unit.unknown"


# --- duty ------------------------------------------------------------------------------------


def test_signing_on_and_off(connection: psycopg.Connection[Any]) -> None:
    assert not unit(connection).on_duty
    sign_on(connection, crew=("ann", "bob"), until=NOW + timedelta(hours=8))
    found = unit(connection)
    assert (found.on_duty, found.crew, found.vehicle, found.since, found.until) == (
        True,
        ("ann", "bob"),
        "V-1",
        NOW,
        NOW + timedelta(hours=8),
    )
    assert shown_status(found, PACK).group == "available"
    assert tables.crewed_by(connection, "bob") == ["n1"]
    sign_off(connection)
    found = unit(connection)
    assert (found.on_duty, found.crew, found.version) == (False, (), 2)
    assert tables.crewed_by(connection, "bob") == []
    assert audit_rows(connection, "unit_duty") == 2


def test_what_cannot_sign_on(connection: psycopg.Connection[Any]) -> None:
    assert code(sign_on, connection, "n1", ()) == "unit.crew_empty"
    assert code(sign_on, connection, "n1", ("ann",), NOW) == "time.impossible"
    sign_on(connection, "n1", ("ann", "bob"))
    assert code(sign_on, connection, "n2", ("cho", "bob")) == "unit.crew_elsewhere"
    assert code(sign_on, connection, "n1", ("bob",)) == ""  # another crew for the same unit
    assert audit_rows(connection, "unit_duty") == 2


def test_a_bound_unit_cannot_leave(connection: psycopg.Connection[Any]) -> None:
    assert code(sign_off, connection) == "unit.not_on_duty"
    sign_on(connection)
    bind(connection)
    assert code(sign_off, connection) == "unit.bound"


def test_statuses_by_hand(connection: psycopg.Connection[Any]) -> None:
    assert code(set_status, connection, "desk") == "unit.not_on_duty"
    sign_on(connection)
    assert code(set_status, connection, "unheard") == "status.unknown"
    assert code(set_status, connection, "rolling") == "status.by_order"
    assert code(set_status, connection, "home") == "status.by_order"
    for status, group in (("desk", "busy"), ("help", "emergency"), ("idle", "available")):
        set_status(connection, status)
        assert shown_status(unit(connection), PACK).group == group
    assert unit(connection).crew == ("ann",)  # nothing else changed


def test_free_units_are_on_duty_and_not_bound(connection: psycopg.Connection[Any]) -> None:
    sign_on(connection, "n1", ("ann",))
    sign_on(connection, "n2", ("bob",))
    bind(connection, name="n1")
    assert [one.id for one in tables.free_units(connection)] == ["n2"]
    assert [row[:3] for row in tables.open_orders(connection, "n1")] == [(*ORDER, "given")]
    assert unit(connection).order == BoundBy(*ORDER, "given")


# --- what is shown, and who may be sent (pure) -----------------------------------------------

SHOWN = [
    # on duty, set by hand, order's state -> group shown, why it may not be sent
    (False, "home", None, "off", "off_duty"),
    (False, "help", "handling", "off", "off_duty"),
    (True, "idle", None, "available", ""),
    (True, "", None, "available", ""),
    (True, "desk", None, "busy", "busy"),
    (True, "help", None, "emergency", "emergency"),
    (True, "idle", "given", "dispatched", "bound"),
    (True, "idle", "delivered", "dispatched", "bound"),
    (True, "idle", "signed", "under_way", "bound"),
    (True, "idle", "under_way", "under_way", "bound"),
    (True, "desk", "on_scene", "on_scene", "bound"),
    (True, "idle", "handling", "on_scene", "bound"),
    (True, "help", "handling", "emergency", "bound"),  # a call for help is never covered up
]


@pytest.mark.parametrize(("on_duty", "status", "state", "group", "why_not"), SHOWN)
def test_what_a_unit_shows(
    on_duty: bool, status: str, state: str | None, group: str, why_not: str
) -> None:
    one = Unit(
        id="n1",
        call_sign="N1",
        organisation="north",
        kind="patrol",
        mode="road",
        capabilities=(),
        lon=122.0,
        lat=30.0,
        speed_kmh=50,
        on_duty=on_duty,
        status=status,
        crew=("ann",),
        vehicle="",
        since=NOW,
        until=None,
        version=1,
        order=BoundBy(*ORDER, state) if state else None,
    )
    shown = shown_status(one, PACK)
    assert shown.group == group
    assert PACK.statuses[shown.code].group == group
    assert may_be_sent(one, PACK) == why_not
