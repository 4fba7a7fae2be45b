"""Chained rows: each row holds the hash of the one before it, so that none can be altered,
removed or put elsewhere without a trace.

A chained table has the columns `number` (identity), `body`, `previous` and `hash`;
hash = SHA-256(previous ‖ body), and the first row's previous is 32 zero bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, LiteralString

from psycopg import Cursor, sql

from muster.journal.entry import digest
from muster.journal.perform import lock_key

FIRST_PREVIOUS: Final = b"\0" * 32


def lock(cursor: Cursor[Any], table: LiteralString) -> None:
    """Wait for the end of a chain, until the transaction ends. Take it before any row that two
    writers could both want: each would wait for the other."""
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", (lock_key(f"chain:{table}"),))


def append(
    cursor: Cursor[Any], table: LiteralString, body: bytes, columns: Mapping[str, Any]
) -> bytes:
    """Write one row with `columns` beside the chain's own; returns its hash. Locks the chain."""
    return append_all(cursor, table, [(body, columns)])


def append_all(
    cursor: Cursor[Any], table: LiteralString, rows: Sequence[tuple[bytes, Mapping[str, Any]]]
) -> bytes:
    """Write rows (body, columns), at least one, all with the same columns, in this order; returns
    the hash of the last."""
    lock(cursor, table)
    cursor.execute(
        sql.SQL("SELECT hash FROM {} ORDER BY number DESC LIMIT 1").format(sql.Identifier(table))
    )
    last: Any = cursor.fetchone()
    previous = bytes(_first(last)) if last else FIRST_PREVIOUS
    names = [*rows[0][1], "body", "previous", "hash"]
    values = []
    for body, columns in rows:
        chained = bytes.fromhex(digest(previous + body))
        values.append([*columns.values(), body, previous, chained])
        previous = chained
    cursor.executemany(
        sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, names)),
            sql.SQL(", ").join(sql.Placeholder() for _ in names),
        ),
        values,
    )
    return previous


def _first(row: Any) -> Any:
    return next(iter(row.values())) if isinstance(row, Mapping) else row[0]
