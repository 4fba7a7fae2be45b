"""Where somebody is signed in, and ending it: one's own sessions only."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from psycopg import Connection

from muster.identity.sign_in import tables
from muster.identity.sign_in.policy import in_force
from muster.identity.sign_in.standing import ends_at
from muster.identity.sign_in.tables import SessionRow
from muster.journal.audit import change
from muster.journal.clock import real_now
from muster.journal.refusal import Refused

Database = Connection[Any]


def own_sessions(
    connection: Database, person: str, *, now: Callable[[], datetime] = real_now
) -> list[SessionRow]:
    """Those that live by the policy of this moment, the one used last first."""
    moment = now()
    found = tables.sessions_of(connection, person, moment)
    return [
        row
        for row in found
        if ends_at(in_force(row.standing.said), row.created_at, row.last_seen) > moment
    ]


def end_one(connection: Database, person: str, session: str) -> int:
    """End one. Somebody else's is as unknown as none. Raises Refused("session.unknown")."""
    found = [row for row in own_sessions(connection, person) if row.id == session]
    if not found:
        raise Refused("session.unknown")
    return _end(connection, person, found, "ended by the owner")


def end_others(connection: Database, person: str, here: bytes) -> int:
    """End all but the one with the token hash `here`; devices become strangers again."""
    tables.forget_devices(connection, person)
    others = [row for row in own_sessions(connection, person) if row.token_hash != here]
    return _end(connection, person, others, "others ended by the owner")


def _end(connection: Database, person: str, rows: list[SessionRow], reason: str) -> int:
    for row in rows:
        key = {"token_hash": row.token_hash}
        change(connection, "session", key, None, actor=person, reason=reason)
    return len(rows)
