"""Who looked: rows are chained, written before `record` returns, and the same look is one row."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import psycopg
import pytest

from muster.identity.access_log import AccessLog, write
from muster.identity.looks import tables
from muster.identity.looks.look import Justification, Look, LookRow
from muster.journal.context import Actor
from muster.journal.database import open_pool
from tests.instance import Database

NOW = datetime(2026, 5, 1, 8, tzinfo=UTC)
MATTER = "00000000-0000-0000-0000-00000000000a"
WHY = Justification("order", "order:示例")


def look(person: str = "p1", **changes: Any) -> Look:
    fields: dict[str, Any] = {
        "at": NOW,
        "actor": Actor(person, "aa"),
        "what": "matter.opened",
        "outcome": "shown",
        "matter": MATTER,
        "role": "officer",
        "organisation": "o",
        "why": WHY,
    }
    return Look(**{**fields, **changes})


@pytest.fixture
def log(database: Database) -> Iterator[AccessLog]:
    opened = AccessLog(open_pool(database.app_dsn, most=1))
    yield opened
    opened.close()


def rows(database: Database) -> list[LookRow]:
    with psycopg.connect(database.app_dsn) as connection:
        return tables.rows(connection, tables.Wanted(limit=10_000), None)


def test_a_row_is_there_when_record_returns(log: AccessLog, database: Database) -> None:
    log.record(look(marks=("off_duty",), subject="示例", purpose="示例"))
    (row,) = rows(database)
    assert (row.actor, row.session, row.matter, row.outcome) == ("p1", "aa", MATTER, "shown")
    assert (row.justification, row.basis, row.marks) == ("order", "order:示例", ("off_duty",))


@pytest.mark.parametrize(
    ("changes", "count"),
    [
        ({}, 1),
        ({"at": NOW + timedelta(minutes=14)}, 1),
        ({"at": NOW + timedelta(minutes=15)}, 2),
        ({"outcome": "masked"}, 2),
        ({"why": Justification()}, 2),
        ({"actor": Actor("p1", "bb")}, 2),
        ({"actor": Actor("p2", "aa")}, 2),
        ({"matter": MATTER[:-1] + "b"}, 2),
        ({"what": "caller.unmasked"}, 2),
    ],
)
def test_the_same_look_within_a_quarter_of_an_hour_is_one_row(
    log: AccessLog, database: Database, changes: dict[str, Any], count: int
) -> None:
    log.record(look())
    log.record(look(**changes))
    assert len(rows(database)) == count


@pytest.mark.parametrize("what", ["access_log.read", "caller.unmasked", "export"])
def test_some_looks_are_a_row_each_time(log: AccessLog, database: Database, what: str) -> None:
    for _ in range(3):
        log.record(look(what=what))
    assert len(rows(database)) == 3


def test_many_at_once_are_all_there_and_chained(log: AccessLog, database: Database) -> None:
    def work(person: str) -> None:
        for n in range(10):
            log.record(look(person, subject=f"{n}"))

    threads = [threading.Thread(target=work, args=(f"p{n}",)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({(row.actor, row.subject) for row in rows(database)}) == 120
    chained(database, 120)


def chained(database: Database, count: int) -> None:
    """Every row stands on the one before it, and its columns say what its bytes say."""
    last = b"\0" * 32
    with psycopg.connect(database.app_dsn) as connection:
        found = connection.execute(
            "SELECT to_jsonb(l), body, previous, hash FROM access_log l ORDER BY number"
        ).fetchall()
    assert len(found) == count
    for columns, body, previous, hashed in found:
        assert previous == last and hashed == hashlib.sha256(previous + body).digest()
        last = hashed
        said = msgspec.json.decode(body)
        assert datetime.fromisoformat(said.pop("at")) == datetime.fromisoformat(columns["at"])
        assert said == {name: columns[name] for name in said}
        assert set(said) == set(columns) - {"number", "at", "body", "previous", "hash"}


def test_what_cannot_be_written_is_not_shown(database: Database) -> None:
    """The database is away: `record` raises, and the same look is asked again afterwards."""
    log = AccessLog(open_pool(database.app_dsn, most=1))
    log.close()
    for _ in range(2):
        with pytest.raises(Exception, match="closed"):
            log.record(look())


def test_words_the_log_does_not_know_are_defects() -> None:
    with pytest.raises(ValueError, match="no word"):
        look(what="peeked")
    with pytest.raises(ValueError, match="no word"):
        look(why=Justification("because"))


def test_the_chain_goes_on_over_restarts(log: AccessLog, database: Database) -> None:
    log.record(look())
    with open_pool(database.app_dsn, most=1) as pool:
        write(pool, [look("p2"), look("p3")])
    log.record(look("p4"))
    assert [row.actor for row in reversed(rows(database))] == ["p1", "p2", "p3", "p4"]
    chained(database, 4)
