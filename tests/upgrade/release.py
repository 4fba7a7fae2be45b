"""The data of an earlier release, loaded into a database as that release left it."""

from __future__ import annotations

import contextlib
import gzip
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from muster.migrations.run import upgrade
from muster.supervise.postgres import Postgres
from tests.instance import Database

HERE = Path(__file__).parent
#: The tables are loaded in any order: references hold because they held where they were dumped.
APART = {"alembic_version", "feed", "position", "reaction_cursor"}


@dataclass(frozen=True)
class Release:
    """`cursor`: where a console was when half of the journal had been told to it; `later`: the
    matters in the other half."""

    database: Database
    data: Path
    notes: dict[str, Any]
    cursor: str
    later: frozenset[str]


@contextlib.contextmanager
def loaded(cluster: Postgres, version: str, revision: str, data: Path) -> Iterator[Release]:
    """A database at `revision` with the dumped rows, and a data folder with the keys."""
    name = "release_" + version.replace(".", "_")
    dumps = HERE / version
    notes = json.loads((dumps / "notes.json").read_text())
    (data / "keys").mkdir(parents=True)
    for file, place in (("mark.json", "."), ("demo_password", "."), ("master.key", "keys")):
        shutil.copyfile(dumps / file, data / place / file)
    with psycopg.connect(cluster.admin_dsn, autocommit=True) as admin:
        made = sql.SQL("CREATE DATABASE {} OWNER muster_owner").format(sql.Identifier(name))
        admin.execute(made)
    try:
        database = Database(
            name, cluster.dsn("muster_owner", name), cluster.dsn("muster_app", name)
        )
        upgrade(database.owner_dsn, revision)
        cursor, later = _fill(cluster.dsn("postgres", name), dumps, notes)
        yield Release(database, data, notes, cursor, later)
    finally:
        with psycopg.connect(cluster.admin_dsn, autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _fill(dsn: str, dumps: Path, notes: dict[str, Any]) -> tuple[str, frozenset[str]]:
    with psycopg.connect(dsn) as connection:
        connection.execute("SET session_replication_role = replica")  # no order of references
        connection.execute("SET timezone = 'UTC'")
        for table in sorted(notes["sizes"].keys() - APART):
            _copy(connection, dumps, table, table)
        connection.execute("CREATE TEMP TABLE moved (LIKE position)")
        _copy(connection, dumps, "position", "moved")
        connection.execute(
            "SELECT position_make_day(day) FROM (SELECT DISTINCT at::date AS day FROM moved) days"
        )
        connection.execute("INSERT INTO position SELECT * FROM moved")
        for sequence, value in notes["sequences"].items():
            connection.execute("SELECT setval(%s::regclass, %s)", (sequence, value))
        connection.commit()
        return _fill_feed(connection, dumps)


def _fill_feed(connection: psycopg.Connection[Any], dumps: Path) -> tuple[str, frozenset[str]]:
    """In its order, but with numbers of this cluster's transactions: of two, so that a console
    can have been between them."""
    connection.execute("CREATE TEMP TABLE told (LIKE feed)")
    _copy(connection, dumps, "feed", "told")
    half = connection.execute("SELECT count(*) / 2 FROM told").fetchone()
    assert half is not None
    connection.commit()
    statement = (
        "INSERT INTO feed (position, matter, number) SELECT position, matter, number"
        " FROM (SELECT *, row_number() OVER (ORDER BY xid, position) AS place FROM told) placed"
        " WHERE (place <= %s) = %s ORDER BY place RETURNING xid::text, position, matter::text"
    )
    first = connection.execute(statement, (half[0], True)).fetchall()
    connection.commit()
    later = connection.execute(statement, (half[0], False)).fetchall()
    _copy(connection, dumps, "reaction_cursor", "reaction_cursor")
    last = f"{later[-1][0]}-{max(row[1] for row in later)}"
    connection.execute("UPDATE reaction_cursor SET cursor = %s", (last,))
    connection.commit()
    cursor = f"{first[-1][0]}-{max(row[1] for row in first)}"
    return cursor, frozenset(row[2] for row in later)


def _copy(connection: psycopg.Connection[Any], dumps: Path, name: str, into: str) -> None:
    query = sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(into))
    with gzip.open(dumps / f"{name}.copy.gz") as file, connection.cursor().copy(query) as copy:
        copy.write(file.read())
