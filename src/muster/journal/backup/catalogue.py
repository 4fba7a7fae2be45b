"""The tables of a database, as the database itself knows them: whoever adds one is in the
backup without asking."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, sql

from muster.journal.backup.archive import Counter, Partition
from muster.journal.backup.faults import Unfit

#: Made by the migrations themselves.
REVISION_TABLE = "alembic_version"

_TABLES = """SELECT c.oid, c.relname, coalesce(pg_table_size(c.oid), 0),
greatest(c.reltuples, 0)::bigint
FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
AND c.relname <> %s ORDER BY c.relispartition DESC, c.relname"""
_COLUMNS = """SELECT attname FROM pg_attribute
WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum"""
_BYTES = """SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = %s AND attnum > 0
AND NOT attisdropped AND atttypid = 'bytea'::regtype)"""
# Bits of tgtype: 1 for each row, 8 on DELETE, 16 on UPDATE.
_APPEND_ONLY = """SELECT EXISTS (SELECT FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
WHERE t.tgrelid = %s AND p.proname = 'refuse_change' AND t.tgenabled = 'A'
AND t.tgtype & 25 = 25)"""
_KEY = """SELECT a.attname FROM pg_index i
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
WHERE i.indrelid = %s AND i.indisunique AND i.indisvalid AND i.indnkeyatts = 1
AND i.indpred IS NULL AND i.indexprs IS NULL AND a.attnotnull
AND a.atttypid IN ('int4'::regtype, 'int8'::regtype) ORDER BY i.indisprimary DESC LIMIT 1"""
_PARTITIONS = """SELECT c.relname, p.relname, pg_get_expr(c.relpartbound, c.oid)
FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid JOIN pg_class p ON p.oid = i.inhparent
WHERE c.relnamespace = 'public'::regnamespace AND c.relispartition AND c.relkind = 'r'
ORDER BY c.relname"""
_REFERENCES = """SELECT r.relname, f.relname FROM pg_constraint k
JOIN pg_class r ON r.oid = k.conrelid JOIN pg_class f ON f.oid = k.confrelid
WHERE k.contype = 'f' AND k.connamespace = 'public'::regnamespace"""
_FOREIGN, _UNIQUE = ["f"], ["p", "u"]  # kinds of constraints
_CONSTRAINTS = """SELECT r.relname, k.conname, pg_get_constraintdef(k.oid) FROM pg_constraint k
JOIN pg_class r ON r.oid = k.conrelid
WHERE k.contype::text = ANY(%s) AND k.connamespace = 'public'::regnamespace
AND k.conparentid = 0 AND r.relkind = 'r' AND NOT r.relispartition ORDER BY 1, 2"""
_INDEXES = """SELECT c.relname, pg_get_indexdef(c.oid) FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
WHERE c.relnamespace = 'public'::regnamespace AND t.relkind = 'r' AND NOT t.relispartition
AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = c.oid AND k.contype IN ('p', 'u'))
ORDER BY 1"""
_SEQUENCES = "SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' ORDER BY 1"


@dataclass(frozen=True)
class Source:
    """A table to be copied. `key`: a unique number by which an append-only table is cut, its
    first column then; empty for any other table. `bytes_too`: it has columns of bytes."""

    name: str
    columns: tuple[str, ...]
    size: int
    rows_guessed: int
    key: str
    bytes_too: bool


def tables(connection: Connection[Any], left_out: Iterable[str]) -> tuple[list[Source], list[str]]:
    """The tables to be copied, partitions one by one, and the names of those left out: the given
    ones and what refers to them. Partitions come first: they go on a schedule."""
    omitted = _with_referring(connection, set(left_out))
    found, gone = [], []
    for oid, name, size, guessed in _rows(connection, _TABLES, (REVISION_TABLE,)):
        columns = tuple(row[0] for row in _rows(connection, _COLUMNS, (oid,)))
        append_only = bool(_rows(connection, _APPEND_ONLY, (oid,))[0][0])
        if name in omitted:
            if append_only:
                raise Unfit("omitted", table=name)
            gone.append(name)
            continue
        keys = _rows(connection, _KEY, (oid,)) if append_only else []
        key = keys[0][0] if keys else ""
        first = (key,) if key else ()
        columns = (*first, *(one for one in columns if one != key))
        bytes_too = bool(_rows(connection, _BYTES, (oid,))[0][0])
        found.append(Source(name, columns, size, guessed, key, bytes_too))
    return found, gone


def _with_referring(connection: Connection[Any], names: set[str]) -> set[str]:
    references = _rows(connection, _REFERENCES)
    while more := {who for who, whom in references if whom in names} - names:
        names = names | more
    return names


def partitions(connection: Connection[Any]) -> tuple[Partition, ...]:
    return tuple(Partition(*row) for row in _rows(connection, _PARTITIONS))


def make_partitions(connection: Connection[Any], wanted: Iterable[Partition]) -> None:
    """Make the partitions that are missing, as the owner."""
    there = {one.name for one in partitions(connection)}
    for one in wanted:
        if one.name not in there:
            connection.execute(
                sql.SQL("CREATE TABLE {} PARTITION OF {} {}").format(
                    sql.Identifier(one.name),
                    sql.Identifier(one.parent),
                    sql.SQL(one.bound),
                )
            )


def counters(connection: Connection[Any]) -> tuple[Counter, ...]:
    """Where the sequences stand now, whatever the snapshot says: never behind its rows."""
    found = []
    for (name,) in _rows(connection, _SEQUENCES):
        row = connection.execute(
            sql.SQL("SELECT last_value, is_called FROM {}").format(sql.Identifier(name))
        ).fetchone()
        assert row is not None
        found.append(Counter(name, *row))
    return tuple(found)


def set_counters(connection: Connection[Any], wanted: Iterable[Counter]) -> None:
    for one in wanted:
        name = sql.Identifier("public", one.name).as_string(connection)
        connection.execute("SELECT setval(%s::regclass, %s, %s)", (name, one.last, one.called))


@dataclass(frozen=True)
class Aside:
    """What makes loading slow, or asks for an order of tables, taken away and put back after:
    (table, name, definition) of constraints, (name, definition) of other indexes."""

    foreign: Sequence[tuple[str, str, str]]
    unique: Sequence[tuple[str, str, str]]
    indexes: Sequence[tuple[str, str]]


def set_aside(connection: Connection[Any]) -> Aside:
    """Indexes are made faster from all rows than row by row, as pg_restore does it."""
    aside = Aside(
        _rows(connection, _CONSTRAINTS, (_FOREIGN,)),
        _rows(connection, _CONSTRAINTS, (_UNIQUE,)),
        _rows(connection, _INDEXES),
    )
    for table, name, _ in (*aside.foreign, *aside.unique):
        connection.execute(
            sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(
                sql.Identifier(table), sql.Identifier(name)
            )
        )
    for name, _ in aside.indexes:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    return aside


def put_back(connection: Connection[Any], aside: Aside) -> None:
    _constrain(connection, aside.unique)
    for _, definition in aside.indexes:
        connection.execute(definition.encode())
    _constrain(connection, aside.foreign)


def _constrain(connection: Connection[Any], wanted: Sequence[tuple[str, str, str]]) -> None:
    for table, name, definition in wanted:
        connection.execute(
            sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(
                sql.Identifier(table),
                sql.Identifier(name),
                sql.SQL(definition),
            )
        )


def is_empty(connection: Connection[Any]) -> bool:
    """Whether the database holds nothing of its own."""
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace)"
    ).fetchone()
    return row is not None and not row[0]


def schema(connection: Connection[Any]) -> str:
    """The newest migration the database has had."""
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    assert row is not None
    return str(row[0])


def identity(connection: Connection[Any]) -> str:
    """Tells this database from every other, one restored from its backup among them."""
    row = connection.execute(
        "SELECT s.system_identifier::text, d.oid::text FROM pg_control_system() s,"
        " pg_database d WHERE d.datname = current_database()"
    ).fetchone()
    assert row is not None
    return f"{row[0]}-{row[1]}"


def _rows(
    connection: Connection[Any], statement: str, values: Sequence[Any] = ()
) -> list[tuple[Any, ...]]:
    return connection.execute(statement.encode(), values).fetchall()
