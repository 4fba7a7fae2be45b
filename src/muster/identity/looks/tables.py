"""The only SQL of the access log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from psycopg import Connection

from muster.identity.looks.look import Look, LookRow
from muster.journal import chain
from muster.journal.entry import canonical

Database = Connection[Any]

_COLUMNS = (
    "l.number, l.at, l.actor, l.session, l.role, l.organisation, l.what, l.matter::text,"
    " l.subject, l.outcome, l.justification, l.basis, l.purpose, l.marks, l.hash"
)


def append(connection: Database, looks: Sequence[Look]) -> None:
    """Write rows at the end of the chain, in this order, in the caller's transaction.

    Who looked without an authority (a denial) stands under the own organisation.
    """
    homes = _homes(connection, [look.actor.person for look in looks if not look.organisation])
    rows = [_row(look, homes.get(look.actor.person, "")) for look in looks]
    with connection.cursor() as cursor:
        chain.append_all(cursor, "access_log", [(canonical(row), row) for row in rows])


def _row(look: Look, home: str) -> dict[str, Any]:
    return {
        "at": look.at,
        "actor": look.actor.person,
        "session": look.actor.session,
        "role": look.role,
        "organisation": look.organisation or home,
        "what": look.what,
        "matter": look.matter,
        "subject": look.subject,
        "outcome": look.outcome,
        "justification": look.why.code,
        "basis": look.why.basis,
        "purpose": look.purpose,
        "marks": list(look.marks),
    }


def _homes(connection: Database, people: Sequence[str]) -> dict[str, str]:
    if not people:
        return {}
    return dict(
        connection.execute(
            "SELECT id, organisation FROM person WHERE id = ANY(%s)", (list(people),)
        ).fetchall()
    )


def last_shown(
    connection: Database, *, person: str, session: str, matter: str, what: str
) -> datetime | None:
    """When this session of a person was last shown this."""
    row = connection.execute(
        "SELECT max(at) FROM access_log WHERE matter = %s::uuid AND actor = %s AND session = %s"
        " AND what = %s AND outcome = 'shown'",
        (matter, person, session, what),
    ).fetchone()
    return row[0] if row else None


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Filters of the log, empty for all. `before`: numbers below this one."""

    actor: str = ""
    matter: str = ""
    what: str = ""
    outcome: str = ""
    justification: str = ""
    since: datetime | None = None
    until: datetime | None = None
    number: int | None = None
    before: int | None = None
    limit: int = 100


_TESTS = {
    "actor": "l.actor = %s",
    "matter": "l.matter = %s::uuid",
    "what": "l.what = %s",
    "outcome": "l.outcome = %s",
    "justification": "l.justification = %s",
    "since": "l.at >= %s",
    "until": "l.at < %s",
    "number": "l.number = %s",
    "before": "l.number < %s",
}
# Of an area is what somebody of it looked at, and what anybody looked at of its own matters.
_IN_AREA = """EXISTS (SELECT FROM unnest(%s::text[]) a(path) WHERE
 EXISTS (SELECT FROM organisation o WHERE o.id = l.organisation
         AND (o.path = a.path OR starts_with(o.path, a.path || '.')))
 OR EXISTS (SELECT FROM matter_access m WHERE m.matter = l.matter AND m.relation = 'own'
         AND (m.path = a.path OR starts_with(m.path, a.path || '.'))))"""


def rows(connection: Database, wanted: Wanted, paths: Sequence[str] | None) -> list[LookRow]:
    """The newest rows that fit, of the areas `paths` (None: everywhere)."""
    tests, values = _tests(wanted, paths)
    statement = f"SELECT {_COLUMNS} FROM access_log l WHERE {tests} ORDER BY l.number DESC LIMIT %s"
    found = connection.execute(statement.encode(), [*values, wanted.limit]).fetchall()
    return [_look(row) for row in found]


def _tests(wanted: Wanted, paths: Sequence[str] | None) -> tuple[str, list[Any]]:
    tests, values = ["true"], list[Any]()
    for name, test in _TESTS.items():
        value = getattr(wanted, name)
        if value not in ("", None):
            tests.append(test)
            values.append(value)
    if paths is not None:
        tests.append(_IN_AREA)
        values.append(list(paths))
    return " AND ".join(tests), values


def _look(row: tuple[Any, ...]) -> LookRow:
    return LookRow(
        number=row[0],
        at=row[1],
        actor=row[2],
        session=row[3],
        role=row[4],
        organisation=row[5],
        what=row[6],
        matter=row[7],
        subject=row[8],
        outcome=row[9],
        justification=row[10],
        basis=row[11],
        purpose=row[12],
        marks=tuple(row[13]),
        hash=bytes(row[14]).hex(),
    )


# The seed of a row is the hash of the first row after its block of so many numbers.
_SEEDED = f"""SELECT {_COLUMNS}, (SELECT encode(s.hash, 'hex') FROM access_log s
 WHERE s.number > ((l.number - 1) / %s + 1) * %s ORDER BY s.number LIMIT 1)
FROM access_log l WHERE {{tests}} ORDER BY l.number DESC LIMIT %s"""


def seeded(
    connection: Database, wanted: Wanted, paths: Sequence[str] | None, *, block: int
) -> list[tuple[LookRow, str]]:
    """As `rows`, each with the seed of its block; empty while the block is not over."""
    tests, values = _tests(wanted, paths)
    statement = _SEEDED.format(tests=tests)
    values = [block, block, *values, wanted.limit]
    found = connection.execute(statement.encode(), values).fetchall()
    return [(_look(row), row[15] or "") for row in found]
