"""Commands: what was asked is known by a keyed hash, and the row bears a seal."""

from __future__ import annotations

import uuid
from typing import Any

import psycopg
import pytest

from muster.journal.entry import canonical, digest
from muster.journal.refusal import Refused
from muster.journal.vault import KEYED
from muster.journal.verify import Wanted, verify

from .diary import NOTE, OPEN, Note, Open, Shelf

A = str(uuid.UUID(int=0xA))
WORDS = "示例：钥匙在门垫下"


def commands(owner: psycopg.Connection[Any]) -> dict[str, tuple[str, bytes | None]]:
    rows = owner.execute("SELECT command, input_digest, mac FROM command").fetchall()
    return {command: (known, mac) for command, known, mac in rows}


@pytest.fixture
def noted(shelf: Shelf) -> Shelf:
    shelf.do(OPEN, A, Open(), command="open")
    shelf.do(NOTE, A, Note(text=WORDS), command="note")
    return shelf


def test_no_hash_of_what_was_typed_can_be_guessed(
    noted: Shelf, owner: psycopg.Connection[Any]
) -> None:
    known, mac = commands(owner)["note"]
    plain = canonical(["diary.note", A, Note(text=WORDS)])
    assert known.startswith(KEYED) and digest(plain) not in known
    assert known == noted.vault.input_digest(plain) and mac is not None


def test_the_same_again_is_answered_and_another_is_refused(noted: Shelf) -> None:
    again = noted.do(NOTE, A, Note(text=WORDS), command="note")
    assert [entry.number for entry in again.entries] == [2]
    with pytest.raises(Refused, match=r"command\.reused"):
        noted.do(NOTE, A, Note(text="示例：别的"), command="note")
    assert noted.count("entry") == 2


def test_a_command_of_release_0_1_0_is_still_answered(
    noted: Shelf, owner: psycopg.Connection[Any]
) -> None:
    """Its row holds a plain hash and no seal."""
    plain = digest(canonical(["diary.note", A, Note(text=WORDS)]))
    owner.execute("ALTER TABLE command DISABLE TRIGGER USER")
    owner.execute(
        "UPDATE command SET input_digest = %s, mac = NULL WHERE command = 'note'", (plain,)
    )
    again = noted.do(NOTE, A, Note(text=WORDS), command="note")
    assert [entry.number for entry in again.entries] == [2]
    with pytest.raises(Refused, match=r"command\.reused"):
        noted.do(NOTE, A, Note(text="示例：别的"), command="note")
    verdict = verify(owner, Wanted(vault=noted.vault))
    assert verdict.faults == () and verdict.unsealed == 1


def test_another_master_key_breaks_every_seal(noted: Shelf, owner: psycopg.Connection[Any]) -> None:
    from muster.journal.vault import Vault

    verdict = verify(owner, Wanted(vault=Vault(b"n" * 32)))
    assert {(fault.table, fault.what) for fault in verdict.faults} == {
        ("command", "mac"),
        ("vault_key", "seal"),
    }
