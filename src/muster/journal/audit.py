"""Tables that are not journals change only here: the row and its audit row, together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, LiteralString

import msgspec
from psycopg import Connection, sql

from muster.journal import chain
from muster.journal.clock import real_now
from muster.journal.entry import canonical

Row = Mapping[str, Any]


def change(
    connection: Connection[Any],
    table: LiteralString,
    key: Row,
    values: Row | None,
    *,
    actor: str,
    reason: str,
) -> None:
    """Insert, update (same key) or delete (`values` None) one row and write its audit row.

    `key` names the primary key's columns. Columns that `values` does not name stay as they are,
    also when somebody else has just changed them: name only what is meant to change. Runs in the
    caller's transaction. The audit row holds before and after as text and chains to the audit row
    before it; columns named `*_hash` and `*_secret` are shown only as "set".
    """
    names = list(key)
    where = sql.SQL(" AND ").join(sql.SQL("{} = %s").format(sql.Identifier(n)) for n in names)
    with connection.cursor() as cursor:
        # Before the row: two transactions of several changes each would wait for one another.
        chain.lock(cursor, "audit")
        cursor.execute(
            sql.SQL("SELECT to_jsonb(t) FROM {} t WHERE {} FOR UPDATE").format(
                sql.Identifier(table), where
            ),
            list(key.values()),
        )
        found = cursor.fetchone()
        before = _row_of(found)
        if values is None:
            cursor.execute(
                sql.SQL("DELETE FROM {} WHERE {}").format(sql.Identifier(table), where),
                list(key.values()),
            )
        elif found is not None:
            _update(cursor, table, key, values)
        else:
            _insert(cursor, table, key, values)
        after = {**(before or {}), **key, **values} if values is not None else None
        _append(cursor, (table, dict(key), before, after, actor, reason))


def _row_of(found: Any) -> Row | None:
    if found is None:
        return None
    value: Row = found[0] if not isinstance(found, Mapping) else next(iter(found.values()))
    return value


def _insert(cursor: Any, table: LiteralString, key: Row, values: Row) -> None:
    columns = [*key, *values]
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join(sql.Placeholder() for _ in columns),
    )
    cursor.execute(statement, [*key.values(), *values.values()])


def _update(cursor: Any, table: LiteralString, key: Row, values: Row) -> None:
    if not values:
        return
    pairs = sql.SQL("{} = %s")
    statement = sql.SQL("UPDATE {} SET {} WHERE {}").format(
        sql.Identifier(table),
        sql.SQL(", ").join(pairs.format(sql.Identifier(name)) for name in values),
        sql.SQL(" AND ").join(pairs.format(sql.Identifier(name)) for name in key),
    )
    cursor.execute(statement, [*values.values(), *key.values()])


def _shown(row: Row | None) -> Row | None:
    if row is None:
        return None
    hidden = ("_hash", "_secret")
    return {n: ("set" if n.endswith(hidden) and v is not None else v) for n, v in row.items()}


def _append(cursor: Any, record: tuple[str, Row, Row | None, Row | None, str, str]) -> None:
    table, key, before, after, actor, reason = record
    at = real_now()
    body = canonical(
        msgspec.to_builtins(
            {
                "table": table,
                "key": {n: str(v) for n, v in key.items()},
                "before": _texts(_shown(before)),
                "after": _texts(_shown(after)),
                "actor": actor,
                "reason": reason,
                "recorded_at": at,
            }
        )
    )
    columns = {"recorded_at": at, "table_name": table, "actor": actor, "reason": reason}
    chain.append(cursor, "audit", body, columns)


def _texts(row: Row | None) -> dict[str, str | None] | None:
    return None if row is None else {n: None if v is None else str(v) for n, v in row.items()}
