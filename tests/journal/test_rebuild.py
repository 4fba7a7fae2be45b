"""Replaying the journal gives what was kept; and the comparison can tell when it does not."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from muster.journal.rebuild import contents, differences, kept_tables, rebuild

from .conftest import START
from .diary import BOTH, CLOSE, NOTE, OPEN, TAKE, Both, Close, Note, Open, Shelf, Take

A, B = str(uuid.UUID(int=0xA)), str(uuid.UUID(int=0xB))


@pytest.fixture
def lived(shelf: Shelf) -> Shelf:
    for matter in (A, B):
        shelf.do(OPEN, matter, Open(read_by=START + timedelta(days=1)), command=f"open {matter}")
    shelf.do(TAKE, A, Take("boat"), command="take")
    shelf.do(BOTH, A, Both(B, "x"), command="both")
    shelf.do(NOTE, B, Note(text="y", read_by=START + timedelta(days=2)), command="note")
    shelf.do(CLOSE, A, Close(), command="close")
    return shelf


def rebuilt(shelf: Shelf) -> list[str]:
    with shelf.pool.connection() as connection:
        tables = kept_tables(shelf.journal)
        live = contents(connection, tables)
        assert rebuild(shelf.journal, connection) == shelf.count("entry")
        return differences(live, contents(connection, tables))


def test_a_rebuild_finds_what_was_there(lived: Shelf) -> None:
    assert kept_tables(lived.journal) == ["deadline", "diary", "diary_thing"]
    assert (lived.count("diary"), lived.count("diary_thing"), lived.count("deadline")) == (2, 1, 1)
    assert rebuilt(lived) == []
    assert (lived.count("diary"), lived.count("diary_thing"), lived.count("deadline")) == (2, 1, 1)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE diary SET notes = notes + 1",
        "DELETE FROM diary_thing",
        "INSERT INTO diary_thing VALUES ('car', gen_random_uuid())",
        "UPDATE deadline SET due = due + interval '1 microsecond'",
    ],
)
def test_a_kept_row_that_does_not_follow_from_the_journal_is_found(
    lived: Shelf, owner: psycopg.Connection[Any], statement: str
) -> None:
    owner.execute(statement.encode())
    assert rebuilt(lived)
    assert rebuilt(lived) == []  # and put right


def test_a_rebuild_of_nothing_is_nothing(shelf: Shelf) -> None:
    assert rebuilt(shelf) == []
