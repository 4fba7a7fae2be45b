"""`verify` finds and names each kind of change behind the journal's back."""

from __future__ import annotations

import uuid
from typing import Any

import psycopg
import pytest

from muster.journal.fault import Fault, Verdict
from muster.journal.verify import verify
from muster.journal.verify_entries import verify_entries

from .diary import NOTE, OPEN, Note, Open, Shelf

A, B = str(uuid.UUID(int=0xA)), str(uuid.UUID(int=0xB))


@pytest.fixture
def written(shelf: Shelf) -> Shelf:
    for matter in (A, B):
        shelf.do(OPEN, matter, Open(), command=f"open {matter}")
        for n in range(4):
            shelf.do(NOTE, matter, Note(text=f"{n}"), command=f"{matter} {n}")
    return shelf


@pytest.fixture
def forger(owner: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    """The owner, who can do what a stranger cannot: switch the triggers off."""
    owner.execute("ALTER TABLE entry DISABLE TRIGGER append_only")
    return owner


def faults(connection: psycopg.Connection[Any]) -> set[tuple[str, int, str]]:
    """What the walk through the entries alone finds."""
    verdict = Verdict()
    with connection.transaction():
        verify_entries(connection, verdict)
    return {(fault.matter, fault.number, fault.what) for fault in verdict.faults}


def test_what_nobody_touched_is_whole(written: Shelf, owner: psycopg.Connection[Any]) -> None:
    with owner.transaction():
        verdict = verify(owner)
    assert (verdict.entries, verdict.matters, verdict.faults) == (10, 2, ())


FORGERIES = {
    "an entry taken out": (
        "DELETE FROM entry WHERE matter = %s::uuid AND number = 3",
        {(A, 4, "gap"), (A, 4, "previous")},
    ),
    "the first entry taken out": (
        "DELETE FROM entry WHERE matter = %s::uuid AND number = 1",
        {(A, 2, "gap"), (A, 2, "previous")},
    ),
    "bytes changed": (
        "UPDATE entry SET bytes = replace(convert_from(bytes, 'UTF8'), 'ann', 'bob')::bytea"
        " WHERE matter = %s::uuid AND number = 3",
        {(A, 3, "hash"), (A, 3, "column")},
    ),
    "bytes changed, and the hash with them": (
        "WITH forged AS (SELECT replace(convert_from(bytes, 'UTF8'), 'library', 'elsewhere')::bytea"
        " AS bytes FROM entry WHERE matter = %s::uuid AND number = 3)"
        " UPDATE entry SET bytes = forged.bytes, hash = sha256(forged.bytes) FROM forged"
        " WHERE matter = %s::uuid AND number = 3",
        {(A, 4, "previous")},
    ),
    "only the hash changed": (
        "UPDATE entry SET hash = sha256('x') WHERE matter = %s::uuid AND number = 3",
        {(A, 3, "hash"), (A, 4, "previous")},
    ),
    "bytes that are no entry": (
        "UPDATE entry SET bytes = '{}' WHERE matter = %s::uuid AND number = 5",
        {(A, 5, "hash"), (A, 5, "bytes")},
    ),
    "two entries exchanged": (
        "WITH pair AS (SELECT number, bytes, hash FROM entry"
        " WHERE matter = %s::uuid AND number IN (3, 4))"
        " UPDATE entry e SET bytes = b.bytes, hash = b.hash FROM pair b"
        " WHERE e.matter = %s::uuid AND e.number + b.number = 7 AND e.number IN (3, 4)",
        {
            (A, 3, "previous"),
            (A, 3, "column"),
            (A, 4, "previous"),
            (A, 4, "column"),
            (A, 5, "previous"),
        },
    ),
}
COLUMNS = {
    "kind": "'diary.closed'",
    "happened_at": "happened_at - interval '1 hour'",
    "recorded_at": "recorded_at - interval '1 hour'",
    "actor": "'bob'",
    "command": "'another'",
}


@pytest.mark.parametrize("how", FORGERIES)
def test_a_forgery_is_named(written: Shelf, forger: psycopg.Connection[Any], how: str) -> None:
    statement, expected = FORGERIES[how]
    forger.execute(statement.encode(), [A] * statement.count("%s"))
    assert faults(forger) == expected


@pytest.mark.parametrize("column", COLUMNS)
def test_a_column_that_no_longer_says_what_the_bytes_say(
    written: Shelf, forger: psycopg.Connection[Any], column: str
) -> None:
    forger.execute(
        f"UPDATE entry SET {column} = {COLUMNS[column]}"
        f" WHERE matter = '{A}' AND number = 3".encode()
    )
    assert faults(forger) == {(A, 3, "column")}


def test_an_entry_moved_to_another_matter(written: Shelf, forger: psycopg.Connection[Any]) -> None:
    forger.execute(
        "UPDATE entry SET matter = %s::uuid, number = 6 WHERE matter = %s::uuid AND number = 5",
        (B, A),
    )
    assert faults(forger) == {(B, 6, "previous"), (B, 6, "column"), (B, 6, "position")}


def test_a_fault_names_matter_and_number() -> None:
    assert Fault(A, 3, "hash") != Fault(A, 4, "hash")
