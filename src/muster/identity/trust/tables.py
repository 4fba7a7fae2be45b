"""The SQL of trust: requests that wait, and who stands behind a grant or an account."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from psycopg import Connection

Database = Connection[Any]


class TrustRow(msgspec.Struct, frozen=True):
    """A request not yet decided. `what`: grant (role, organisation, valid_until) or identity
    (issuer, subject)."""

    id: str
    person: str
    what: str
    reason: str
    asked_by: str
    asked_at: datetime
    expires_at: datetime
    role: str | None = None
    organisation: str | None = None
    valid_until: datetime | None = None
    issuer: str | None = None
    subject: str | None = None


class Held(msgspec.Struct, frozen=True):
    """A live grant of somebody, with who stands behind it."""

    id: str
    role: str
    organisation: str
    path: str
    confirmed_by: str | None


_REQUEST = """SELECT t.id::text, t.person, t.what, t.reason, t.asked_by, t.asked_at, t.expires_at,
t.role, t.organisation, t.valid_until, t.issuer, t.subject
FROM trust_request t JOIN person p ON p.id = t.person AND p.active"""
_OPEN = "t.decided_at IS NULL AND t.expires_at > %(now)s"


def waiting(connection: Database, now: datetime) -> list[TrustRow]:
    """The oldest first. Those about closed accounts do not count."""
    rows = connection.execute(
        f"{_REQUEST} WHERE {_OPEN} ORDER BY t.asked_at, t.id", {"now": now}
    ).fetchall()
    return [TrustRow(*row) for row in rows]


def request(connection: Database, request_id: str, now: datetime) -> TrustRow | None:
    """Locked until the commit: of two that decide at once one does."""
    row = connection.execute(
        f"{_REQUEST} WHERE t.id = %(id)s::uuid AND {_OPEN} FOR UPDATE OF t",
        {"id": request_id, "now": now},
    ).fetchone()
    return TrustRow(*row) if row else None


def held(connection: Database, person: str, now: datetime) -> list[Held]:
    """The live grants of somebody with an open account."""
    rows = connection.execute(
        "SELECT g.id::text, g.role, g.organisation, o.path, g.confirmed_by FROM role_grant g"
        " JOIN person p ON p.id = g.person AND p.active"
        " JOIN organisation o ON o.id = g.organisation"
        " WHERE g.person = %s AND g.revoked_at IS NULL AND g.valid_from <= %s"
        " AND (g.valid_until IS NULL OR g.valid_until > %s) ORDER BY g.valid_from, g.id",
        (person, now, now),
    ).fetchall()
    return [Held(*row) for row in rows]


def paths_held(connection: Database, person: str, now: datetime) -> list[str]:
    """Where somebody holds a role now or later, whether or not the account is open."""
    rows = connection.execute(
        "SELECT DISTINCT o.path FROM role_grant g JOIN organisation o ON o.id = g.organisation"
        " WHERE g.person = %s AND g.revoked_at IS NULL"
        " AND (g.valid_until IS NULL OR g.valid_until > %s) ORDER BY o.path",
        (person, now),
    ).fetchall()
    return [row[0] for row in rows]


def given_alone(connection: Database, roles: Sequence[str], now: datetime) -> list[str]:
    """Who holds one of the roles that nobody confirmed."""
    rows = connection.execute(
        "SELECT DISTINCT g.person FROM role_grant g JOIN person p ON p.id = g.person AND p.active"
        " WHERE g.role = ANY(%s) AND g.confirmed_by IS NULL AND g.revoked_at IS NULL"
        " AND (g.valid_until IS NULL OR g.valid_until > %s) ORDER BY g.person",
        (list(roles), now),
    ).fetchall()
    return [row[0] for row in rows]


def vouched_by(connection: Database, person: str) -> str | None:
    """Who handed an account's sign-in to its person."""
    row = connection.execute("SELECT vouched_by FROM person WHERE id = %s", (person,)).fetchone()
    return row[0] if row else None


def has_password(connection: Database, person: str) -> bool:
    row = connection.execute(
        "SELECT password_hash IS NOT NULL FROM person WHERE id = %s", (person,)
    ).fetchone()
    return bool(row and row[0])
