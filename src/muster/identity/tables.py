"""The only SQL of identity. Rows come back as plain tuples; who may see them is not asked here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString

import msgspec
from psycopg import Connection

from muster.identity.scope import Area

Database = Connection[Any]

# --- authority ---------------------------------------------------------------------------------

# One statement of tagged rows: it is part of the first round trip of every command.
_RIGHTS = """SELECT 'session', s.person, NULL, NULL FROM session s
WHERE s.token_hash = %s AND s.person = %s AND s.expires_at > %s
UNION ALL
SELECT 'grant', g.role, g.organisation, o.path FROM role_grant g
JOIN person p ON p.id = g.person AND p.active
JOIN organisation o ON o.id = g.organisation
WHERE g.person = %s AND g.revoked_at IS NULL AND g.valid_from <= %s
  AND (g.valid_until IS NULL OR g.valid_until > %s)
UNION ALL
SELECT 'matter', m::text, a.path, a.relation
FROM unnest(%s::uuid[]) m LEFT JOIN matter_access a ON a.matter = m"""
_ORGANISATIONS = " UNION ALL SELECT 'organisation', o.id, o.path, NULL FROM organisation o"
_ROOT = "SELECT 'root', id, path, NULL FROM organisation WHERE parent IS NULL"


def rights_query(
    person: str,
    token_hash: bytes,
    matters: Sequence[str],
    *,
    now: datetime,
    organisations: Sequence[str] | None = (),
) -> tuple[str, Sequence[Any]]:
    """Rows ('session', person), ('grant', role, organisation, path) for each live grant,
    ('matter', matter, path or NULL, relation or NULL), and ('organisation', id, path) for the
    organisations named (None: all)."""
    values: list[Any] = [token_hash, person, now, person, now, now, list(matters)]
    if organisations is None:
        return _RIGHTS + _ORGANISATIONS, values
    if organisations:
        return _RIGHTS + _ORGANISATIONS + " WHERE o.id = ANY(%s)", [*values, list(organisations)]
    return _RIGHTS, values


def root_query() -> tuple[str, Sequence[Any]]:
    """Rows ('root', id, path) of the organisations nothing is above."""
    return _ROOT, ()


def visible(column: LiteralString, areas: Sequence[Area]) -> tuple[str, list[Any]]:
    """A condition on a column of matters, with its parameters; false when there is no area.

    '/' follows '.' in the "C" order, so everything under a path is one range of the index. The
    column stands outside the subquery: inside, `matter` would mean the subquery's own column and
    everything would be visible.
    """
    conditions, values = [], []
    for area in areas:
        inside = "(a.path = %s OR a.path > %s AND a.path < %s)"
        conditions.append(f"({inside} AND a.relation = ANY(%s))")
        values += [area.path, area.path + ".", area.path + "/", list(area.relations)]
    if not conditions:
        return "false", []
    either = " OR ".join(conditions)
    text = f"{column} IN (SELECT a.matter FROM matter_access a WHERE {either})"
    return text, values


def access_rows(connection: Database, matters: Sequence[str]) -> list[tuple[str, str, str]]:
    """(matter, path, relation) of matters."""
    return connection.execute(
        "SELECT matter::text, path, relation FROM matter_access WHERE matter = ANY(%s::uuid[])",
        (list(matters),),
    ).fetchall()


# Keys of the rows are ids or paths of organisations: a path's last word is the id. LEFT JOIN:
# an unknown organisation fails on NOT NULL instead of hiding the matter.
ACCESS_REMOVE = """DELETE FROM matter_access
WHERE matter = %s::uuid AND substring(path from '[^.]+$') = ANY(%s::text[])"""
ACCESS_ADD = """INSERT INTO matter_access (matter, path, relation)
SELECT %s::uuid, o.path, n.relation FROM unnest(%s::text[], %s::text[]) n(id, relation)
LEFT JOIN organisation o ON o.id = n.id
ON CONFLICT (matter, path) DO UPDATE SET relation = EXCLUDED.relation"""


def follow_moves(connection: Database) -> None:
    """Bring the matters of moved organisations to the new paths."""
    connection.execute(
        "UPDATE matter_access a SET path = o.path FROM organisation o"
        " WHERE o.id = substring(a.path from '[^.]+$') AND a.path <> o.path"
    )


# --- organisations -----------------------------------------------------------------------------


class Organisation(msgspec.Struct, frozen=True):
    """单位. `path`: the ids from the top down, joined by dots. lon, lat: microdegrees, WGS-84."""

    id: str
    parent: str | None
    name_zh: str
    name_en: str
    tier: str
    path: str
    lon: int
    lat: int


def organisations(connection: Database) -> list[Organisation]:
    """All, superiors first."""
    rows = connection.execute(
        "SELECT id, parent, name_zh, name_en, tier, path, lon, lat FROM organisation ORDER BY path"
    ).fetchall()
    return [Organisation(*row) for row in rows]


def organisation_path(connection: Database, organisation: str) -> str | None:
    row = connection.execute(
        "SELECT path FROM organisation WHERE id = %s", (organisation,)
    ).fetchone()
    return row[0] if row else None


# --- people and grants -------------------------------------------------------------------------


class Person(msgspec.Struct, frozen=True):
    """人员. `invented`: from a city pack, for demonstrations."""

    id: str
    name: str
    username: str
    organisation: str
    active: bool
    invented: bool


class GrantRow(msgspec.Struct, frozen=True):
    """授权, as it is kept. `path` is the organisation's. `confirmed_by`: the second person, or
    which act of the system gave it."""

    id: str
    person: str
    role: str
    organisation: str
    path: str
    valid_from: datetime
    valid_until: datetime | None
    revoked_at: datetime | None
    asked_by: str | None = None
    confirmed_by: str | None = None


_PERSON = "SELECT p.id, p.name, p.username, p.organisation, p.active, p.invented FROM person p"
_GRANT = """SELECT g.id::text, g.person, g.role, g.organisation, o.path, g.valid_from,
g.valid_until, g.revoked_at, g.asked_by, g.confirmed_by FROM role_grant g
JOIN organisation o ON o.id = g.organisation"""


def person(connection: Database, person_id: str) -> Person | None:
    row = connection.execute(f"{_PERSON} WHERE p.id = %s", (person_id,)).fetchone()
    return Person(*row) if row else None


class Account(msgspec.Struct, frozen=True):
    """What a sign-in is checked against. `password_until`: the password is only to choose another,
    until then."""

    person: Person
    password_hash: str | None
    password_until: datetime | None

    def usable(self, now: datetime) -> bool:
        """Whether the account is open and its password not one that ran out."""
        return self.person.active and (self.password_until is None or self.password_until > now)


def person_by_username(connection: Database, username: str) -> Account | None:
    row = connection.execute(
        "SELECT id, name, username, organisation, active, invented, password_hash, password_until"
        " FROM person WHERE username = %s",
        (username,),
    ).fetchone()
    return Account(Person(*row[:6]), *row[6:]) if row else None


def people(connection: Database, paths: Sequence[str], *, after: str, limit: int) -> list[Person]:
    """People of the organisations at or under `paths`, by id, those with ids above `after`."""
    rows = connection.execute(
        f"{_PERSON} JOIN organisation o ON o.id = p.organisation"
        " WHERE p.id > %s AND EXISTS (SELECT FROM unnest(%s::text[]) a(path)"
        " WHERE o.path = a.path OR starts_with(o.path, a.path || '.')) ORDER BY p.id LIMIT %s",
        (after, list(paths), limit),
    ).fetchall()
    return [Person(*row) for row in rows]


def names(connection: Database, ids: Sequence[str]) -> dict[str, str]:
    """Name by person id."""
    return dict(
        connection.execute(
            "SELECT id, name FROM person WHERE id = ANY(%s)", (list(ids),)
        ).fetchall()
    )


def people_named(connection: Database, name: str) -> list[str]:
    rows = connection.execute("SELECT id FROM person WHERE name = %s", (name,)).fetchall()
    return [row[0] for row in rows]


def password_hashes(connection: Database) -> dict[str, str | None]:
    """Password hash by person id."""
    return dict(connection.execute("SELECT id, password_hash FROM person").fetchall())


def all_people(connection: Database) -> dict[str, Person]:
    return {row[0]: Person(*row) for row in connection.execute(_PERSON).fetchall()}


def grants_of(connection: Database, people_ids: Sequence[str]) -> list[GrantRow]:
    """Every grant of some people that was not revoked, also past and future ones."""
    rows = connection.execute(
        f"{_GRANT} WHERE g.person = ANY(%s) AND g.revoked_at IS NULL ORDER BY g.valid_from, g.id",
        (list(people_ids),),
    ).fetchall()
    return [GrantRow(*row) for row in rows]


def grant(connection: Database, grant_id: str) -> GrantRow | None:
    """One grant, also a revoked one."""
    row = connection.execute(f"{_GRANT} WHERE g.id = %s::uuid", (grant_id,)).fetchone()
    return GrantRow(*row) if row else None


def grant_ids(connection: Database) -> set[str]:
    return {row[0] for row in connection.execute("SELECT id::text FROM role_grant").fetchall()}


def somebody_holds(connection: Database, role: str, now: datetime) -> bool:
    """Whether an active person with a password holds the role at the top now."""
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM role_grant g JOIN person p ON p.id = g.person"
        " JOIN organisation o ON o.id = g.organisation"
        " WHERE g.role = %s AND o.parent IS NULL AND p.active AND p.password_hash IS NOT NULL"
        " AND g.revoked_at IS NULL AND g.valid_from <= %s"
        " AND (g.valid_until IS NULL OR g.valid_until > %s))",
        (role, now, now),
    ).fetchone()
    return bool(row and row[0])


def holders(connection: Database, role: str, now: datetime) -> list[tuple[str, str]]:
    """(person, path) of every live grant of a role to somebody with an open account."""
    return connection.execute(
        "SELECT g.person, o.path FROM role_grant g JOIN person p ON p.id = g.person AND p.active"
        " JOIN organisation o ON o.id = g.organisation WHERE g.role = %s AND g.revoked_at IS NULL"
        " AND g.valid_from <= %s AND (g.valid_until IS NULL OR g.valid_until > %s)",
        (role, now, now),
    ).fetchall()


# --- sessions ----------------------------------------------------------------------------------


def session_hashes(connection: Database, person_id: str) -> list[bytes]:
    rows = connection.execute(
        "SELECT token_hash FROM session WHERE person = %s", (person_id,)
    ).fetchall()
    return [bytes(row[0]) for row in rows]


# --- the first administrator -------------------------------------------------------------------


def unused_links(connection: Database) -> list[bytes]:
    rows = connection.execute("SELECT token_hash FROM first_link WHERE used_at IS NULL").fetchall()
    return [bytes(row[0]) for row in rows]


def lock_link(connection: Database, token_hash: bytes, now: datetime) -> bool:
    """Whether an unused, unexpired link has this hash; it is locked until the commit."""
    row = connection.execute(
        "SELECT true FROM first_link WHERE token_hash = %s AND used_at IS NULL"
        " AND expires_at > %s FOR UPDATE",
        (token_hash, now),
    ).fetchone()
    return row is not None


# --- audit -------------------------------------------------------------------------------------


def audit_rows(
    connection: Database, before: int | None, limit: int
) -> list[tuple[int, datetime, bytes, bytes]]:
    """(number, recorded_at, body, hash), the newest first, those below `before`."""
    return connection.execute(
        "SELECT number, recorded_at, body, hash FROM audit"
        " WHERE %s::bigint IS NULL OR number < %s ORDER BY number DESC LIMIT %s",
        (before, before, limit),
    ).fetchall()
