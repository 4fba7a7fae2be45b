"""`change`: the row and its audit row together, chained, without secrets."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import psycopg
import pytest
from psycopg.errors import NotNullViolation

from muster.journal.audit import change
from tests.instance import Database

from .diary import together

SCRATCH = """
CREATE TABLE scratch (
    a text NOT NULL, b integer NOT NULL, name text NOT NULL, since timestamptz,
    word_hash text, api_secret bytea, tags text[] NOT NULL DEFAULT '{}', PRIMARY KEY (a, b)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON scratch TO muster_app;
"""
KEY = {"a": "x", "b": 1}


@pytest.fixture
def connection(
    owner: psycopg.Connection[Any], database: Database
) -> Iterator[psycopg.Connection[Any]]:
    owner.execute(SCRATCH)
    with psycopg.connect(database.app_dsn) as opened:
        yield opened


def write(connection: psycopg.Connection[Any], values: Any, key: Any = KEY) -> None:
    change(connection, "scratch", key, values, actor="ann", reason="示例")


def audited(connection: psycopg.Connection[Any]) -> list[dict[str, Any]]:
    rows = connection.execute("SELECT body FROM audit ORDER BY number").fetchall()
    return [msgspec.json.decode(body) for (body,) in rows]


def scratch(connection: psycopg.Connection[Any]) -> list[Any]:
    return connection.execute("SELECT a, b, name FROM scratch ORDER BY a, b").fetchall()


def test_insert_update_delete(connection: psycopg.Connection[Any]) -> None:
    write(connection, {"name": "one"})
    write(connection, {"name": "two", "tags": ["t"]})
    assert scratch(connection) == [("x", 1, "two")]
    write(connection, None)
    assert scratch(connection) == []
    first, second, third = audited(connection)
    assert first["before"] is None and first["after"]["name"] == "one"
    assert (second["before"]["name"], second["after"]["name"]) == ("one", "two")
    assert third["before"]["name"] == "two" and third["after"] is None
    for body in (first, second, third):
        assert (body["table"], body["actor"], body["reason"]) == ("scratch", "ann", "示例")
        assert body["key"] == {"a": "x", "b": "1"}


def test_what_a_write_leaves_out_stays_and_is_shown(connection: psycopg.Connection[Any]) -> None:
    since = datetime(2026, 3, 1, tzinfo=UTC)
    write(connection, {"name": "one", "since": since})
    write(connection, {"name": "two"})
    assert audited(connection)[1]["after"]["since"] is not None
    row = connection.execute("SELECT since FROM scratch").fetchone()
    assert row == (since,)


def test_a_key_without_values_is_a_row_too(connection: psycopg.Connection[Any]) -> None:
    connection.execute("SAVEPOINT s")
    with pytest.raises(NotNullViolation):
        write(connection, {})
    connection.execute("ROLLBACK TO s")
    assert audited(connection) == []


def test_secrets_are_shown_only_as_set(connection: psycopg.Connection[Any]) -> None:
    write(connection, {"name": "n", "word_hash": "HASHED-WORD", "api_secret": b"SECRET-BYTES"})
    write(connection, {"name": "n", "word_hash": "OTHER-WORD", "api_secret": None})
    raw = connection.execute("SELECT string_agg(convert_from(body, 'UTF8'), '') FROM audit")
    row = raw.fetchone()
    assert row is not None
    assert not any(word in row[0] for word in ("HASHED", "OTHER", "SECRET"))
    first, second = audited(connection)
    assert first["after"]["word_hash"] == first["after"]["api_secret"] == "set"
    assert second["before"]["api_secret"] == "set" and second["after"]["api_secret"] is None


def test_a_refused_write_leaves_no_audit_row(connection: psycopg.Connection[Any]) -> None:
    with pytest.raises(NotNullViolation), connection.transaction():
        write(connection, {"name": None})
    assert (audited(connection), scratch(connection)) == ([], [])


def test_an_undone_transaction_leaves_neither(connection: psycopg.Connection[Any]) -> None:
    write(connection, {"name": "one"})
    connection.rollback()
    assert (audited(connection), scratch(connection)) == ([], [])


def chain(connection: psycopg.Connection[Any]) -> None:
    """Every audit row stands on the one before it."""
    last = b"\0" * 32
    rows = connection.execute("SELECT body, previous, hash FROM audit ORDER BY number").fetchall()
    assert rows
    for body, previous, hashed in rows:
        assert previous == last
        assert hashed == hashlib.sha256(previous + body).digest()
        last = hashed


def test_the_chain(connection: psycopg.Connection[Any]) -> None:
    for n in range(5):
        write(connection, {"name": f"{n}"}, {"a": "x", "b": n % 2})
    chain(connection)


def test_eight_writers_do_not_fork_the_chain(
    connection: psycopg.Connection[Any], database: Database
) -> None:
    def work(index: int) -> None:
        with psycopg.connect(database.app_dsn) as own:
            for n in range(6):
                write(own, {"name": f"{n}"}, {"a": "x", "b": index})
                own.commit()

    assert together(8, work) == [None] * 8
    assert len(audited(connection)) == 48
    chain(connection)
