"""`incident`: the board's row of each matter, kept from its state; and the look-ups over it.

The row holds no words about people: place and caller are opened from the vault by whoever
may read them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec
from psycopg import Connection

from muster.action.orders.state import Order
from muster.command.incidents.state import Incident
from muster.identity.reader import Reader, counted_sql
from muster.identity.scope import Scope
from muster.journal.entry import Private
from muster.journal.perform import Change, Keeper, Writer


class Place(msgspec.Struct, frozen=True):
    """WGS-84 degrees and how people call it."""

    lon: float
    lat: float
    label: str = ""


class Due(msgspec.Struct, frozen=True):
    """The next clock of a matter, and when it runs out."""

    name: str
    at: datetime


class RowOrder(msgspec.Struct, frozen=True):
    """An order on the board."""

    order: str
    unit: str
    call_sign: str
    state: str


class IncidentRow(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the board. `version` is the number of the matter's last entry."""

    id: str
    number: str
    level: int
    category: str
    category_final: str
    state: str
    organisation: str
    jurisdiction: str
    channel: str
    reported_at: datetime
    recorded_at: datetime
    state_since: datetime
    due: Due | None
    missed: tuple[str, ...]
    place: Place | None
    cell: str
    orders: tuple[RowOrder, ...]
    merged_into: str | None
    escalated: bool
    open: bool
    erased: bool
    version: int


def keep(writer: Writer, change: Change) -> None:
    """Upsert the row of one matter."""
    state: Incident = change.after
    due = min(state.due.items(), key=lambda item: (item[1], item[0]), default=None)
    orders = [_row_order(order) for order in state.orders.values()]
    writer.execute(
        _UPSERT,
        (
            change.matter,
            state.number,
            state.organisation,
            state.jurisdiction,
            state.level,
            state.category,
            state.category_final,
            state.state,
            state.open,
            state.channel,
            state.reported_at,
            state.recorded_at,
            state.state_since,
            due[0] if due else None,
            due[1] if due else None,
            list(state.missed),
            state.cell,
            state.place.item,
            msgspec.json.encode(orders).decode(),
            state.merged_into,
            state.escalated,
            state.erased,
            state.version,
        ),
    )


def _row_order(order: Order) -> RowOrder:
    return RowOrder(order.order, order.unit, order.call_sign, order.state)


_COLUMNS = (
    "matter, number, organisation, jurisdiction, level, category, category_final, state, open,"
    " channel, reported_at, recorded_at, state_since, due_name, due_at, missed, cell, place_item,"
    " orders, merged_into, escalated, erased, version"
)
_CHANGING = [name.strip() for name in _COLUMNS.split(",")][1:]
_UPSERT = (
    f"INSERT INTO incident ({_COLUMNS}) VALUES (%s::uuid{', %s' * 17}, %s::jsonb, %s::uuid"
    f"{', %s' * 3}) ON CONFLICT (matter) DO UPDATE SET "
    + ", ".join(f"{name} = EXCLUDED.{name}" for name in _CHANGING)
)


KEEPER = Keeper("incidents", ("incident",), keep)

_FIELDS = (
    "i.matter::text, number, level, category, category_final, state, organisation, jurisdiction,"
    " channel, reported_at, recorded_at, state_since, due_name, due_at, missed, place_item, cell,"
    " orders::text, merged_into::text, escalated, open, erased, version"
)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Filters of a list. `before`: the `recorded_at,id` of the last row of the page before."""

    open_only: bool = True
    states: tuple[str, ...] = ()
    levels: tuple[int, ...] = ()
    organisations: tuple[str, ...] = ()
    number: str = ""
    before: tuple[datetime, str] | None = None
    limit: int = 200


def rows(reader: Reader, wanted: Wanted) -> list[IncidentRow]:
    """The newest rows that fit and that the reader may see."""
    seen, values = reader.visible_sql("i.matter")
    tests, more = [seen], list(values)
    if wanted.open_only:
        tests.append("i.open")
    for test, value in (
        ("i.state = ANY(%s)", list(wanted.states)),
        ("i.level = ANY(%s)", list(wanted.levels)),
        ("i.organisation = ANY(%s)", list(wanted.organisations)),
    ):
        if value:
            tests.append(test)
            more.append(value)
    if wanted.number:
        tests.append("strpos(i.number, %s) > 0")
        more.append(wanted.number)
    if wanted.before:
        tests.append("(i.recorded_at, i.matter) < (%s, %s::uuid)")
        more += list(wanted.before)
    statement = (
        f"SELECT {_FIELDS} FROM incident i WHERE {' AND '.join(tests)}"
        " ORDER BY i.recorded_at DESC, i.matter DESC LIMIT %s"
    )
    return _fetch(reader, statement, [*more, wanted.limit])


def open_count(reader: Reader) -> int:
    """How many open matters the reader may see."""
    seen, values = reader.visible_sql("i.matter")
    statement = f"SELECT count(*) FROM incident i WHERE i.open AND {seen}"
    row = reader.connection.execute(statement.encode(), values).fetchone()
    return int(row[0]) if row else 0


def rows_of(reader: Reader, matters: Sequence[str]) -> list[IncidentRow]:
    """The rows of these matters that the reader may see, open or not."""
    seen, values = reader.visible_sql("i.matter")
    statement = f"SELECT {_FIELDS} FROM incident i WHERE i.matter = ANY(%s::uuid[]) AND {seen}"
    return _fetch(reader, statement, [list(matters), *values])


def open_near(reader: Reader, cells: Sequence[str], since: datetime) -> list[IncidentRow]:
    """Open matters in these cells reported since then: what a call may be a duplicate of."""
    seen, values = reader.visible_sql("i.matter")
    statement = (
        f"SELECT {_FIELDS} FROM incident i WHERE i.open AND i.cell = ANY(%s)"
        f" AND i.reported_at >= %s AND {seen} ORDER BY i.reported_at LIMIT 200"
    )
    return _fetch(reader, statement, [list(cells), since, *values])


def _fetch(reader: Reader, statement: str, values: Sequence[Any]) -> list[IncidentRow]:
    found = reader.connection.execute(statement.encode(), values).fetchall()
    wanted = [(row[0], Private(item=row[15])) for row in found]
    places = reader.open(wanted)
    # What another matter is called is for who may see it, also where the two were merged.
    mains = reader.visible_of({row[18] for row in found if row[18]})
    return [_row(row, places.get((row[0], row[15])), mains) for row in found]


def _row(row: tuple[Any, ...], place: str | None, mains: Collection[str]) -> IncidentRow:
    return IncidentRow(
        id=row[0],
        number=row[1],
        level=row[2],
        category=row[3],
        category_final=row[4],
        state=row[5],
        organisation=row[6],
        jurisdiction=row[7],
        channel=row[8],
        reported_at=row[9],
        recorded_at=row[10],
        state_since=row[11],
        due=Due(row[12], row[13]) if row[12] else None,
        missed=tuple(row[14]),
        place=msgspec.json.decode(place, type=Place) if place else None,
        cell=row[16],
        orders=msgspec.json.decode(row[17], type=tuple[RowOrder, ...]),
        merged_into=row[18] if row[18] in mains else None,
        escalated=row[19],
        open=row[20],
        erased=row[21],
        version=row[22],
    )


class Counts(msgspec.Struct, frozen=True):
    """City-wide numbers without anybody's matter in them."""

    by_level: dict[str, int]
    by_state: dict[str, int]
    reported: int
    closed: int


def counts(connection: Connection[Any], since: datetime, scope: Scope) -> Counts:
    """Open matters by level and state; reported and closed since then. Of the whole city, or for
    partners, volunteers and tokens of what they may see."""
    seen, values = counted_sql(scope, "i.matter")
    levels = connection.execute(
        f"SELECT level::text, count(*) FROM incident i WHERE open AND {seen} GROUP BY 1".encode(),
        values,
    ).fetchall()
    states = connection.execute(
        f"SELECT state, count(*) FROM incident i WHERE open AND {seen} GROUP BY 1".encode(), values
    ).fetchall()
    today = connection.execute(
        "SELECT count(*), count(*) FILTER (WHERE state IN ('closed', 'called_back', 'archived'))"
        f" FROM incident i WHERE recorded_at >= %s AND {seen}".encode(),
        [since, *values],
    ).fetchone()
    assert today is not None
    return Counts(dict(levels), dict(states), today[0], today[1])


def number_of(connection: Connection[Any], matter: str) -> str:
    """The number given to a matter that the caller has just reported."""
    row = connection.execute(
        "SELECT number FROM incident WHERE matter = %s::uuid", (matter,)
    ).fetchone()
    return str(row[0]) if row else ""


def next_number(connection: Any, adcode: str, now: datetime) -> str:
    """接警单编号: area code, date, serial. Serials are taken once and may leave gaps."""
    row = connection.execute("SELECT nextval('incident_number')").fetchone()
    return f"{adcode}{now:%Y%m%d}{row[0]:06d}"


def is_open(connection: Any, matter: str) -> bool:
    """Whether a matter is still worked on."""
    row = connection.execute(
        "SELECT open FROM incident WHERE matter = %s::uuid", (matter,)
    ).fetchone()
    return bool(row and row[0])
