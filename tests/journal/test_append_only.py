"""Nobody updates, deletes or truncates: not the app role, not the owner, not a replica session."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from muster.supervise.postgres import Postgres
from tests.instance import Database

from .diary import OPEN, Open, Shelf

#: table -> a column
CHAINED = {
    "entry": "kind",
    "command": "operation",
    "audit": "reason",
    "erasure": "reason",
    "access_log": "purpose",
    "checkpoint": "hash",
    "signing_key": "signature",
    "disclosure": "reason",
    "position_segment": "root",
}
A = "00000000-0000-0000-0000-00000000000a"
VERBS = ("UPDATE {t} SET {c} = 'x'", "DELETE FROM {t}", "TRUNCATE {t}", "TRUNCATE {t} CASCADE")


@pytest.fixture
def filled(shelf: Shelf) -> Shelf:
    shelf.do(OPEN, A, Open(owner="示例"), command="open")
    with shelf.pool.connection() as connection:
        connection.execute(
            "INSERT INTO erasure (matter, erased_at, actor, reason)"
            " VALUES (%s::uuid, now(), 'x', 'x')",
            (A,),
        )
        connection.execute(
            "INSERT INTO audit (table_name, actor, reason, body, previous, hash)"
            " VALUES ('t', 'a', 'r', '', '', '')"
        )
        connection.execute(
            "INSERT INTO access_log (at, actor, session, role, organisation, what, subject,"
            " outcome, justification, basis, purpose, marks, body, previous, hash)"
            " VALUES (now(), 'a', '', '', '', 'w', '', 'shown', 'j', '', '', '{}', '', '', '')"
        )
        connection.execute(
            "INSERT INTO checkpoint (number, body, hash, signature) VALUES (1, '', '', '')"
        )
        connection.execute("INSERT INTO signing_key (number, body, signature) VALUES (1, '', '')")
        connection.execute(
            "INSERT INTO disclosure VALUES (%s::uuid, %s::uuid, now(), 'x', 'x', 1, false, 1, '')",
            (A, A),
        )
        connection.execute(
            "INSERT INTO position_segment (minute, day, rows, leaves, root, body, previous, hash)"
            " VALUES (now(), now(), 1, 1, '', '', '', '')"
        )
    assert all(shelf.count(table) for table in CHAINED)
    return shelf


def refused(dsn: str, statement: str) -> str:
    """The message with which the database refuses."""
    with psycopg.connect(dsn) as connection:
        with pytest.raises(InsufficientPrivilege) as error:
            connection.execute(statement.encode())
        return str(error.value.diag.message_primary)


def attempts() -> list[tuple[str, str, str]]:
    """(table, verb, statement) of every forbidden thing to try."""
    return [
        (table, verb.split()[0], verb.format(t=table, c=column))
        for table, column in CHAINED.items()
        for verb in VERBS
    ]


def test_the_app_role_has_no_right_to(filled: Shelf, database: Database) -> None:
    for table, _, statement in attempts():
        assert refused(database.app_dsn, statement) == f"permission denied for table {table}"


def test_the_owner_meets_the_trigger(filled: Shelf, database: Database) -> None:
    for table, verb, statement in attempts():
        message = refused(database.owner_dsn, statement)
        assert message == f"{verb} on {table} is refused: it is append-only"


def test_the_app_role_meets_the_trigger_when_somebody_gives_it_the_right(
    filled: Shelf, database: Database, owner: psycopg.Connection[Any]
) -> None:
    owner.execute(f"GRANT UPDATE, DELETE, TRUNCATE ON {', '.join(CHAINED)} TO muster_app".encode())
    for _, _, statement in attempts():
        assert "append-only" in refused(database.app_dsn, statement)


def test_a_replica_session_of_the_superuser_meets_it_too(
    filled: Shelf, cluster: Postgres, database: Database
) -> None:
    """ENABLE ALWAYS: ordinary triggers are silent in such a session."""
    for _, _, statement in attempts():
        with psycopg.connect(cluster.dsn("postgres", database.name)) as connection:
            connection.execute("SET session_replication_role = replica")
            with pytest.raises(InsufficientPrivilege, match="append-only"):
                connection.execute(statement.encode())


ELSE = (
    "ALTER TABLE entry DISABLE TRIGGER append_only",
    "DROP TRIGGER append_only ON entry",
    "DROP TABLE entry",
    "ALTER TABLE entry ALTER COLUMN kind TYPE varchar",
    "CREATE TABLE mine (a int)",
    "SET ROLE muster_owner",
    "UPDATE feed SET position = 0",
    "DELETE FROM feed",
    "TRUNCATE vault_item",
    "UPDATE vault_item SET data = ''",
    "SELECT setval('journal_position', 1)",
)


def test_what_else_the_app_role_may_not(filled: Shelf, database: Database) -> None:
    for statement in ELSE:
        assert refused(database.app_dsn, statement)


def test_the_app_role_s_rights_on_the_journal_are_these(owner: psycopg.Connection[Any]) -> None:
    expected = {
        "entry": "INSERT SELECT",
        "command": "INSERT SELECT",
        "audit": "INSERT SELECT",
        "access_log": "INSERT SELECT",
        "erasure": "INSERT SELECT",
        "checkpoint": "INSERT SELECT",
        "signing_key": "INSERT SELECT",
        "disclosure": "INSERT SELECT",
        "feed": "INSERT SELECT",
        "vault_key": "DELETE INSERT SELECT",
        "vault_item": "DELETE INSERT SELECT",
        "vault_lookup": "DELETE INSERT SELECT",
        "deadline": "DELETE INSERT SELECT UPDATE",
        "reaction_cursor": "DELETE INSERT SELECT UPDATE",
    }
    rows = owner.execute(
        "SELECT table_name, string_agg(privilege_type, ' ' ORDER BY privilege_type)"
        " FROM information_schema.role_table_grants"
        " WHERE grantee = 'muster_app' AND table_name = ANY(%s) GROUP BY 1",
        (list(expected),),
    ).fetchall()
    assert dict(rows) == expected
