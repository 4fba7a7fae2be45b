"""Entries in an order in which none is missed.

Tailing a sequence misses entries: commits do not come in the order of their numbers.
Each feed row carries its transaction id; a reader sees only rows below the oldest
transaction still running. The cursor is opaque: "<transaction id>-<position>".
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from muster.journal.entry import Entry, Kinds, decode
from muster.journal.refusal import Refused

START = "0-0"
BATCH = 1000

_READ = b"""SELECT f.xid::text, f.position, e.bytes, e.hash FROM feed f
JOIN entry e ON e.matter = f.matter AND e.number = f.number
WHERE (f.xid, f.position) > (%s::xid8, %s::bigint)
  AND f.xid < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY f.xid, f.position LIMIT %s"""
_NOW = b"""SELECT pg_snapshot_xmin(pg_current_snapshot())::text"""
_HELD = b"SELECT EXISTS (SELECT FROM feed WHERE xid >= pg_snapshot_xmin(pg_current_snapshot()))"


@dataclass(frozen=True)
class Page:
    entries: list[Entry]
    cursor: str
    more: bool


def parse(cursor: str) -> tuple[str, int]:
    """Raises Refused("cursor.invalid") for anything that is not a cursor."""
    xid, _, position = cursor.partition("-")
    plain = cursor.isascii() and xid.isdigit() and position.isdigit()
    if not plain or len(xid) >= 19 or len(position) >= 19:
        raise Refused("cursor.invalid")
    return xid, int(position)


def read(connection: Connection[Any], kinds: Kinds, after: str, limit: int = BATCH) -> Page:
    """The entries after a cursor, oldest first."""
    xid, position = parse(after)
    rows = connection.execute(_READ, (xid, position, limit)).fetchall()
    entries = [decode(bytes(data), kinds, bytes(hashed).hex()) for _, _, data, hashed in rows]
    cursor = f"{rows[-1][0]}-{rows[-1][1]}" if rows else after
    return Page(entries, cursor, more=len(rows) == limit)


def present(connection: Connection[Any]) -> str:
    """A cursor before which nothing new can appear. Take it before reading a snapshot."""
    row = connection.execute(_NOW).fetchone()
    assert row is not None
    return f"{row[0]}-0"


def held_back(connection: Connection[Any]) -> bool:
    """Whether committed entries wait behind a transaction that is still running."""
    row = connection.execute(_HELD).fetchone()
    return bool(row and row[0])


class Bell:
    """Rung after each commit of this process; waiters wake at once."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._rung = 0
        self.listeners: list[Callable[[], None]] = []

    def ring(self) -> None:
        with self._condition:
            self._rung += 1
            self._condition.notify_all()

    def wait(self, seen: int, timeout: float) -> int:
        """Block until rung after `seen` or `timeout` seconds; returns the count to pass next."""
        with self._condition:
            self._condition.wait_for(lambda: self._rung != seen, timeout)
            return self._rung


_BEFORE = """CREATE TEMP TABLE feed_before ON COMMIT PRESERVE ROWS AS
SELECT xid, position, matter, number FROM feed"""
_AGAIN = """WITH added AS (INSERT INTO feed (position, matter, number)
    SELECT position, matter, number FROM feed_before
    WHERE (xid, position) > (%s::xid8, %s::bigint)
      AND (xid, position) <= (%s::xid8, %s::bigint) ORDER BY position
    RETURNING xid, position)
SELECT max(xid::text), max(position) FROM added"""
_LAST = "9" * 18


def renumber(connection: Connection[Any]) -> None:
    """After a restore: give the feed transaction ids of this cluster, as the owner of the tables.

    The ids of the old cluster may lie ahead of this one's, and then nobody would see anything.
    What a kept cursor had passed stays behind it and what it had not stays ahead, so that no
    reaction is lost or done twice; beyond that the order is the entries' own. Commits.
    """
    kept = connection.execute("SELECT name, cursor FROM reaction_cursor").fetchall()
    cuts = sorted({_pair(cursor) for _, cursor in kept})
    connection.execute("DROP TABLE IF EXISTS feed_before")
    connection.execute(_BEFORE)
    connection.execute("TRUNCATE feed")
    connection.commit()
    now, low = START, (0, 0)
    moved: dict[tuple[int, int], str] = {}
    for high in [*cuts, (int(_LAST), int(_LAST))]:
        row = connection.execute(_AGAIN, (str(low[0]), low[1], str(high[0]), high[1])).fetchone()
        if row is not None and row[0] is not None:
            now = f"{row[0]}-{row[1]}"
        moved[high], low = now, high
        connection.commit()  # the next rows have a later transaction id
    for name, cursor in kept:
        connection.execute(
            "UPDATE reaction_cursor SET cursor = %s WHERE name = %s", (moved[_pair(cursor)], name)
        )
    connection.execute("DROP TABLE feed_before")
    connection.commit()


def _pair(cursor: str) -> tuple[int, int]:
    xid, position = parse(cursor)
    return int(xid), position
