"""The rows of calls and of desks. Calls are what an exchange says, not what people decide: their
rows are not audited one by one; who sits where and who was called back is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from psycopg import Connection
from psycopg.types.json import Jsonb

from muster.journal.audit import change

Database = Connection[Any]


class CallRow(msgspec.Struct, frozen=True, kw_only=True):
    """A call as it is kept. `number_secret`: sealed; None when withheld, or in a matter."""

    id: str
    source: str
    call: str
    organisation: str
    state: str
    extension: str
    ringing_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    heard_at: datetime
    number_secret: bytes | None
    number_hash: bytes | None
    matter: str | None
    called_back: str
    steps: Any


_COLUMNS = """id::text, source, call, organisation, state, extension, ringing_at, answered_at,
ended_at, heard_at, number_secret, number_hash, matter::text, called_back, steps"""
_SELECT = f"SELECT {_COLUMNS} FROM telephone_call"
_DESK = """SELECT d.organisation, d.extension FROM telephone_desk d
JOIN session s ON s.id = d.session"""
_NAMES = CallRow.__struct_fields__


def _row(row: tuple[Any, ...]) -> CallRow:
    return CallRow(**dict(zip(_NAMES, row, strict=True)))


def of_exchange(connection: Database, source: str, call: str) -> CallRow | None:
    """Locked until the transaction ends."""
    found = connection.execute(
        f"{_SELECT} WHERE source = %s AND call = %s FOR UPDATE".encode(),
        (source, call),
    ).fetchone()
    return _row(found) if found else None


def find(connection: Database, call_id: str) -> CallRow | None:
    """Locked until the transaction ends."""
    found = connection.execute(
        f"{_SELECT} WHERE id = %s FOR UPDATE".encode(), (call_id,)
    ).fetchone()
    return _row(found) if found else None


def keep(connection: Database, row: CallRow) -> None:
    """As it is now, a new one too."""
    connection.execute(
        """INSERT INTO telephone_call (id, source, call, organisation, state, extension, ringing_at,
        answered_at, ended_at, heard_at, number_secret, number_hash, steps)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        ON CONFLICT (id) DO UPDATE SET state = EXCLUDED.state, extension = EXCLUDED.extension,
        ringing_at = EXCLUDED.ringing_at, answered_at = EXCLUDED.answered_at,
        ended_at = EXCLUDED.ended_at, number_secret = EXCLUDED.number_secret,
        number_hash = EXCLUDED.number_hash, steps = EXCLUDED.steps""",
        (
            row.id,
            row.source,
            row.call,
            row.organisation,
            row.state,
            row.extension,
            row.ringing_at,
            row.answered_at,
            row.ended_at,
            row.heard_at,
            row.number_secret,
            row.number_hash,
            Jsonb(row.steps),
        ),
    )


def to_show(
    connection: Database, organisations: Sequence[str], extensions: Sequence[str], since: datetime
) -> list[CallRow]:
    """Calls that ring or are spoken, at these extensions ('': in the queue), oldest first."""
    rows = connection.execute(
        f"""SELECT {_COLUMNS} FROM telephone_call WHERE organisation = ANY(%s)
        AND extension = ANY(%s) AND heard_at > %s AND state IN ('ringing', 'answered')
        ORDER BY heard_at LIMIT 50""".encode(),
        (list(organisations), list(extensions), since),
    ).fetchall()
    return [_row(row) for row in rows]


def to_call_back(
    connection: Database, organisations: Sequence[str], rang_before: datetime
) -> list[CallRow]:
    """Calls that were abandoned, or rang before a moment and nothing was heard since; not those
    whose number was answered afterwards or is withheld."""
    rows = connection.execute(
        f"""SELECT {_COLUMNS} FROM telephone_call c WHERE organisation = ANY(%s)
        AND called_back = '' AND number_secret IS NOT NULL
        AND (state = 'abandoned' OR (state = 'ringing' AND heard_at < %s))
        AND NOT EXISTS (SELECT FROM telephone_call l WHERE l.number_hash = c.number_hash
            AND l.organisation = c.organisation AND l.answered_at > c.heard_at)
        ORDER BY heard_at LIMIT 50""".encode(),
        (list(organisations), rang_before),
    ).fetchall()
    return [_row(row) for row in rows]


def waiting_times(
    connection: Database, organisations: Sequence[str], since: datetime
) -> tuple[list[float], int]:
    """Seconds from ringing to answer of the calls since then, and how many were abandoned."""
    rows = connection.execute(
        """SELECT extract(epoch FROM answered_at - ringing_at)::float8, state FROM telephone_call
        WHERE organisation = ANY(%s) AND heard_at >= %s""",
        (list(organisations), since),
    ).fetchall()
    spans = [max(0.0, seconds) for seconds, _ in rows if seconds is not None]
    return spans, sum(state == "abandoned" for _, state in rows)


def joined(connection: Database, call_id: str, matter: str) -> None:
    """The matter's vault has the number now: here it is forgotten. Its keyed hash stays, to know
    the number again, and goes with the row."""
    connection.execute(
        "UPDATE telephone_call SET matter = %s, number_secret = NULL WHERE id = %s",
        (matter, call_id),
    )


def called_back(
    connection: Database, call_id: str, outcome: str, *, at: datetime, actor: str, reason: str
) -> None:
    values = {"called_back": outcome, "called_back_at": at, "called_back_by": actor}
    change(connection, "telephone_call", {"id": call_id}, values, actor=actor, reason=reason)


def forget_old(connection: Database, before: datetime) -> int:
    """How many calls went."""
    return connection.execute("DELETE FROM telephone_call WHERE heard_at < %s", (before,)).rowcount


def sit_down(
    connection: Database,
    organisation: str,
    extension: str,
    *,
    person: str,
    session: bytes,
    at: datetime,
) -> None:
    """The extension is this session's from now on, whoever had it; a session has one extension."""
    leave(connection, session, actor=person)
    key = {"organisation": organisation, "extension": extension}
    row = connection.execute("SELECT id FROM session WHERE token_hash = %s", (session,)).fetchone()
    assert row is not None, "it was authorised just now"
    values = {"person": person, "session": row[0], "since": at}
    change(connection, "telephone_desk", key, values, actor=person, reason="at the desk")


def leave(connection: Database, session: bytes, *, actor: str) -> None:
    """Give up the session's extension; without one nothing happens."""
    rows = connection.execute(
        f"{_DESK} WHERE s.token_hash = %s".encode(),
        (session,),
    ).fetchall()
    for organisation, extension in rows:
        key = {"organisation": organisation, "extension": extension}
        change(connection, "telephone_desk", key, None, actor=actor, reason="left the desk")


def desk_of(connection: Database, session: bytes, now: datetime) -> tuple[str, str] | None:
    """(organisation, extension) of a session that lives: signing out and handing over end it."""
    found = connection.execute(
        f"{_DESK} WHERE s.token_hash = %s AND s.expires_at > %s AND s.person = d.person".encode(),
        (session, now),
    ).fetchone()
    return (found[0], found[1]) if found else None
