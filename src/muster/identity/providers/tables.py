"""The rows of outside providers: who is who there, sign-ins under way, what came of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from psycopg import Connection

Database = Connection[Any]


class IdentityRow(msgspec.Struct, frozen=True):
    """A person at a provider."""

    issuer: str
    subject: str
    person: str
    bound_at: datetime
    confirmed_by: str | None = None


class VisitRow(msgspec.Struct, frozen=True):
    """A sign-in under way. `person`: who binds an identity, in which session; None: somebody signs
    in."""

    provider: str
    return_to: str
    person: str | None
    session_hash: bytes | None = None


class OutcomeRow(msgspec.Struct, frozen=True):
    """What came back from a provider. `acr`, `amr`: how it says that it knew the person."""

    number: int
    at: datetime
    provider: str
    outcome: str
    person: str | None
    address: str
    acr: str
    amr: str


_IDENTITY = "SELECT issuer, subject, person, bound_at, confirmed_by FROM provider_identity"


def identity(connection: Database, issuer: str, subject: str) -> IdentityRow | None:
    row = connection.execute(
        f"{_IDENTITY} WHERE issuer = %s AND subject = %s", (issuer, subject)
    ).fetchone()
    return IdentityRow(*row) if row else None


def identities_of(connection: Database, person: str) -> list[IdentityRow]:
    rows = connection.execute(
        f"{_IDENTITY} WHERE person = %s ORDER BY bound_at, issuer, subject", (person,)
    ).fetchall()
    return [IdentityRow(*row) for row in rows]


def bound_alone(connection: Database, person: str) -> list[IdentityRow]:
    """Those no second person confirmed."""
    return [one for one in identities_of(connection, person) if one.confirmed_by is None]


def begin_visit(
    connection: Database, browser_hash: bytes, visit: VisitRow, expires_at: datetime
) -> None:
    """Not audited: nothing was decided, and in ten minutes it is gone."""
    connection.execute(
        "INSERT INTO provider_visit (browser_hash, provider, return_to, person, session_hash,"
        " expires_at) VALUES (%s, %s, %s, %s, %s, %s)",
        (browser_hash, *msgspec.structs.astuple(visit), expires_at),
    )


def take_visit(connection: Database, browser_hash: bytes, now: datetime) -> VisitRow | None:
    """A visit under way; it is gone with this, so that nobody takes it twice."""
    row = connection.execute(
        "DELETE FROM provider_visit WHERE browser_hash = %s"
        " RETURNING provider, return_to, person, session_hash, expires_at",
        (browser_hash,),
    ).fetchone()
    return VisitRow(*row[:4]) if row and row[4] > now else None


def visits(connection: Database, now: datetime) -> int:
    """How many are under way; those that ended are dropped."""
    connection.execute("DELETE FROM provider_visit WHERE expires_at <= %s", (now,))
    row = connection.execute("SELECT count(*) FROM provider_visit").fetchone()
    return int(row[0]) if row else 0


def add_outcome(connection: Database, row: OutcomeRow, forget: datetime) -> None:
    """Kept for a while, not audited: it counts what others tried."""
    connection.execute("DELETE FROM provider_outcome WHERE at < %s", (forget,))
    connection.execute(
        "INSERT INTO provider_outcome (at, provider, outcome, person, address, acr, amr)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (row.at, row.provider, row.outcome, row.person, row.address, row.acr, row.amr),
    )


def outcomes(connection: Database, limit: int) -> list[OutcomeRow]:
    """The latest, newest first."""
    rows = connection.execute(
        "SELECT number, at, provider, outcome, person, address, acr, amr FROM provider_outcome"
        " ORDER BY number DESC LIMIT %s",
        (limit,),
    ).fetchall()
    return [OutcomeRow(*row) for row in rows]
