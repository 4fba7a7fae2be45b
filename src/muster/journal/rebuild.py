"""Replay the journal into the kept tables, and compare."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from psycopg import Connection, sql

from muster.journal.entry import Entry, decode
from muster.journal.perform import Journal, Writer

Tables = dict[str, list[tuple[Any, ...]]]


def kept_tables(journal: Journal) -> list[str]:
    """Every table that follows from the journal, `deadline` included."""
    named = {
        table
        for kind in journal.matter_kinds.values()
        for keeper in kind.keepers
        for table in keeper.tables
    }
    return sorted(named | {"deadline"})


def contents(connection: Connection[Any], tables: Sequence[str]) -> Tables:
    """The rows of tables, sorted, for comparing."""
    found: Tables = {}
    for table in tables:
        name = sql.Identifier(table)
        rows = connection.execute(sql.SQL("SELECT t::text FROM {} t").format(name)).fetchall()
        found[table] = sorted(rows)
    return found


def rebuild(journal: Journal, connection: Connection[Any]) -> int:
    """Empty the kept tables and replay all entries by position, in the caller's transaction.

    Returns the number of entries replayed.
    """
    for table in kept_tables(journal):
        name = sql.Identifier(table)
        connection.execute(sql.SQL("DELETE FROM {}").format(name))
    writer = Writer(connection)
    states: dict[str, Any] = {}
    count = 0
    for (_, matter), group in groupby(_all(connection, journal), lambda e: (e.command, e.matter)):
        entries = list(group)
        states[matter] = journal.keep(writer, matter, states.get(matter), entries)
        count += len(entries)
    return count


def _all(connection: Connection[Any], journal: Journal) -> Iterator[Entry]:
    with connection.cursor(name="rebuild") as cursor:
        cursor.execute("SELECT bytes, hash FROM entry ORDER BY position")
        for data, hashed in cursor:
            yield decode(bytes(data), journal.kinds, bytes(hashed).hex())


def compare(journal: Journal, connection: Connection[Any]) -> Iterator[str]:
    """Rebuild beside the kept tables and tell the rows that differ: "table: only kept: …" or
    "table: only rebuilt: …". Changes nothing and locks no row of theirs.

    The rebuild writes temporary tables of the same names, which come first in the search path;
    what it does besides is undone. Call it in one snapshot, as the owner.
    """
    tables = kept_tables(journal)
    with connection.transaction(force_rollback=True):
        for table in tables:
            connection.execute(
                sql.SQL("CREATE TEMP TABLE {t} (LIKE public.{t} INCLUDING ALL)").format(
                    t=sql.Identifier(table)
                )
            )
        rebuild(journal, connection)
        for table in tables:
            for which, left, right in (
                ("kept", "public", "pg_temp"),
                ("rebuilt", "pg_temp", "public"),
            ):
                rows = connection.execute(
                    sql.SQL(
                        "SELECT t::text FROM {l}.{t} t EXCEPT ALL SELECT t::text FROM {r}.{t} t"
                    ).format(
                        t=sql.Identifier(table), l=sql.Identifier(left), r=sql.Identifier(right)
                    )
                ).fetchall()
                for row in rows:
                    yield f"{table}: only {which}: {row[0]}"


def differences(live: Tables, again: Tables) -> list[str]:
    """What a rebuild found otherwise, one line a row; empty when all is equal."""
    found = []
    for table, rows in live.items():
        was, now = set(rows), set(again.get(table, []))
        found += [f"{table}: only before the rebuild: {row[0]}" for row in sorted(was - now)]
        found += [f"{table}: only after the rebuild: {row[0]}" for row in sorted(now - was)]
    return found
