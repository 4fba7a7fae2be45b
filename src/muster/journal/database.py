"""The server's connections, and what the database must promise."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection
from psycopg_pool import ConnectionPool

from muster.journal.audit import change
from muster.journal.perform import lock_key

POOL_SIZE = 24
#: A deadline is performed within a second; a busy moment is no trouble yet.
OVERDUE = timedelta(seconds=30)


def open_pool(dsn: str, *, most: int = POOL_SIZE) -> ConnectionPool[Connection[Any]]:
    """The server's connections, at most so many, as the app role, in UTC."""
    return ConnectionPool(
        dsn,
        min_size=min(2, most),
        max_size=most,
        timeout=10,
        kwargs={"options": "-c timezone=UTC -c idle_in_transaction_session_timeout=30000"},
        open=True,
    )


def lock(connection: Connection[Any], resource: str) -> None:
    """Wait for a contested resource (`unit:…`), as `perform` does, until the transaction ends."""
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (lock_key(resource),))


def unsafe_settings(connection: Connection[Any]) -> list[str]:
    """Settings of the server under which an acknowledged command could be lost."""
    rows = connection.execute(
        "SELECT name, setting FROM pg_settings WHERE setting = 'off'"
        " AND name IN ('fsync', 'full_page_writes', 'synchronous_commit')"
    ).fetchall()
    return [f"database: {name} is {setting}" for name, setting in rows]


def last_recorded(connection: Connection[Any]) -> datetime | None:
    """When the newest entry was recorded; None in an empty journal."""
    row = connection.execute("SELECT max(recorded_at) FROM entry").fetchone()
    return row[0] if row else None


@dataclass(frozen=True)
class Figures:
    """What an engineer watches. `position`: of the newest entry. `overdue`: deadlines that should
    have been performed. `rejected`: positions refused, by reason. `checkpoint`: when the last was
    taken, None before the first."""

    position: int
    overdue: int
    rejected: tuple[tuple[str, int], ...]
    checkpoint: datetime | None


_FIGURES = b"""SELECT (SELECT coalesce(max(position), 0) FROM entry),
    (SELECT count(*) FROM deadline WHERE due < %s),
    (SELECT (convert_from(body, 'UTF8')::jsonb->>'taken_at')::timestamptz FROM checkpoint
     ORDER BY number DESC LIMIT 1)"""
_REJECTED = b"SELECT code, sum(count)::bigint FROM telemetry_reject GROUP BY code ORDER BY code"


def figures(connection: Connection[Any], now: datetime) -> Figures:
    """Two small queries, each by an index or over a few rows."""
    row = connection.execute(_FIGURES, (now - OVERDUE,)).fetchone()
    assert row is not None
    rejected = tuple((code, int(number)) for code, number in connection.execute(_REJECTED))
    return Figures(int(row[0]), int(row[1]), rejected, row[2])


def record_clock_jump(connection: Connection[Any], at: datetime, seconds: float) -> None:
    """Note, with its audit row, that the machine's clock was set while we ran: `at` is what it
    said afterwards, `seconds` how far it moved. Times before and after do not fit together."""
    change(
        connection,
        "clock_jump",
        {"id": uuid.uuid4()},
        {"at": at, "milliseconds": round(seconds * 1000)},
        actor="system:clock",
        reason="the machine's clock was set",
    )
