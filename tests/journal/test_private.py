"""Personal words stand only in the vault, sealed; erasing takes them, rebuilding agrees."""

from __future__ import annotations

import hashlib
import hmac
import stat
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography.exceptions import InvalidTag
from psycopg import sql

from muster.journal.entry import Private, private
from muster.journal.perform import read_item
from muster.journal.read import Reading, matter_key
from muster.journal.refusal import Refused
from muster.journal.vault import Vault, open_item, seal

from .diary import NOTE, OPEN, DiaryNoted, Note, Open, Shelf

A, B = str(uuid.UUID(int=0xA)), str(uuid.UUID(int=0xB))
#: Words that stand nowhere else. The phone is invented.
NAME, PHONE, WORDS = "示例-欧阳测试", "00099912345", "示例：钥匙在门垫下"


def holding(connection: psycopg.Connection[Any], text: str) -> list[str]:
    """table.column of every place in the database that holds `text`, as text or as bytes."""
    columns = connection.execute(
        "SELECT table_name, column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = 'public' ORDER BY 1, 2"
    ).fetchall()
    found = []
    for table, column, kind in columns:
        test = "position(%s::bytea IN {c}) > 0" if kind == "bytea" else "strpos({c}::text, %s) > 0"
        statement = sql.SQL(f"SELECT count(*) FROM {{t}} WHERE {test}").format(
            t=sql.Identifier(table), c=sql.Identifier(column)
        )
        value = text.encode() if kind == "bytea" else text
        row = connection.execute(statement, (value,)).fetchone()
        if row is not None and row[0]:
            found.append(f"{table}.{column}")
    return found


@pytest.fixture
def written(shelf: Shelf) -> Shelf:
    shelf.do(OPEN, A, Open(owner=NAME, phone=PHONE), command="open")
    shelf.do(NOTE, A, Note(text=WORDS), command="note")
    shelf.do(OPEN, B, Open(phone=PHONE), command="open b")
    return shelf


def reading(shelf: Shelf, connection: psycopg.Connection[Any]) -> Reading:
    return Reading(connection, shelf.vault, shelf.journal.kinds)


def test_no_plaintext_in_any_column_of_any_table(
    written: Shelf, owner: psycopg.Connection[Any]
) -> None:
    for text in (NAME, PHONE, WORDS):
        assert holding(owner, text) == []


def test_the_search_for_plaintext_finds_what_is_there(
    written: Shelf, owner: psycopg.Connection[Any]
) -> None:
    """Else the test above could not fail."""
    assert {"entry.kind", "entry.bytes", "command.answer"} <= set(holding(owner, "diary.noted"))
    assert "diary.last_item" in holding(owner, "2.text")


def test_who_may_read_opens_the_words(written: Shelf) -> None:
    with written.pool.connection() as connection:
        read = reading(written, connection)
        fact = read.entries(A)[1].fact
        assert isinstance(fact, DiaryNoted)
        assert fact.text.plain is None
        assert read.open([(A, fact.text)]) == {(A, "2.text"): WORDS}
        key = matter_key(connection, written.vault, A)
        assert key is not None
        assert fact.text.mac == hmac.new(key.salt, WORDS.encode(), hashlib.sha256).hexdigest()
        assert read_item(connection, key, matter=A, item=fact.text) == WORDS


def test_blank_is_not_sealed() -> None:
    assert private("") is None and private(None) is None
    assert private("x") == Private(plain="x")


# --- what a row is bound to ------------------------------------------------------------------


def test_a_row_opens_only_for_its_matter_and_item() -> None:
    vault = Vault(b"m" * 32)
    key, wrapped = vault.new_key(A)
    assert vault.unwrap(A, wrapped) == key
    sealed, rows = seal(DiaryNoted(text=Private(plain=WORDS)), key, matter=A, number=7)
    assert isinstance(sealed, DiaryNoted) and sealed.text.item == "7.text"
    data = rows[0].data
    assert open_item(data, key, matter=A, item="7.text") == WORDS
    for matter, item in ((B, "7.text"), (A, "8.text"), (A, "7.other")):
        with pytest.raises(InvalidTag):
            open_item(data, key, matter=matter, item=item)
    with pytest.raises(InvalidTag):
        open_item(data[:-1] + bytes([data[-1] ^ 1]), key, matter=A, item="7.text")


def test_a_key_opens_only_with_its_master_key_and_matter() -> None:
    _, wrapped = Vault(b"m" * 32).new_key(A)
    with pytest.raises(InvalidTag):
        Vault(b"n" * 32).unwrap(A, wrapped)
    with pytest.raises(InvalidTag):
        Vault(b"m" * 32).unwrap(B, wrapped)


def test_another_master_key_reads_and_writes_nothing(
    written: Shelf, make_shelf: Callable[..., Shelf]
) -> None:
    stranger = make_shelf(master=b"n" * 32)
    with stranger.pool.connection() as connection:
        read = reading(stranger, connection)
        fact = read.entries(A)[1].fact
        assert isinstance(fact, DiaryNoted)
        with pytest.raises(InvalidTag):
            read.open([(A, fact.text)])
    with pytest.raises(InvalidTag):
        stranger.do(NOTE, A, Note(text="x"), command="c")
    assert stranger.count("entry") == 3


def test_two_seals_of_the_same_words_differ() -> None:
    vault = Vault(b"m" * 32)
    (one, _), (two, _) = vault.new_key(A), vault.new_key(A)
    assert one.key != two.key and one.salt != two.salt
    fact = DiaryNoted(text=Private(plain=WORDS))
    first, again = (seal(fact, one, matter=A, number=1)[1][0].data for _ in range(2))
    assert first != again


def test_the_master_key_file(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "master.key"
    _, wrapped = Vault.open_file(path).new_key(A)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(path.read_bytes()) == 32
    Vault.open_file(path).unwrap(A, wrapped)
    path.write_bytes(b"short")
    with pytest.raises(ValueError, match="32 bytes"):
        Vault.open_file(path)


def test_a_half_made_key_file_is_never_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "master.key"

    def killed(_handle: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", killed)
        with pytest.raises(KeyboardInterrupt):
            Vault.open_file(path)
    assert not path.exists()
    Vault.open_file(path)


# --- looking up ------------------------------------------------------------------------------


def test_a_phone_is_found_again_by_its_keyed_hash(written: Shelf) -> None:
    with written.pool.connection() as connection:
        read = reading(written, connection)
        assert sorted(read.matters_by_lookup("phone", PHONE)) == [A, B]
        assert read.matters_by_lookup("phone", "00099900000") == []
        assert read.matters_by_lookup("plate", PHONE) == []


def test_the_keyed_hash_needs_the_master_key() -> None:
    one, other = Vault(b"m" * 32), Vault(b"n" * 32)
    assert one.lookup_hash("phone", PHONE) == one.lookup_hash("phone", PHONE)
    assert one.lookup_hash("phone", PHONE) != other.lookup_hash("phone", PHONE)
    assert one.lookup_hash("phone", PHONE) != one.lookup_hash("plate", PHONE)


# --- erasing ---------------------------------------------------------------------------------


def erase(connection: psycopg.Connection[Any], matter: str) -> None:
    """What the erasing keeper of a kind of matter does."""
    for statement in (
        "DELETE FROM vault_key WHERE matter = %s::uuid",
        "DELETE FROM vault_item WHERE matter = %s::uuid",
        "DELETE FROM vault_lookup WHERE matter = %s::uuid",
    ):
        connection.execute(statement.encode(), (matter,))
    connection.execute(
        "INSERT INTO erasure (matter, erased_at, actor, reason) VALUES (%s::uuid, now(), 'x', 'x')",
        (matter,),
    )


def test_after_erasing_the_chain_stands_and_the_words_are_gone(written: Shelf) -> None:
    with written.pool.connection() as connection:
        sealed = [
            (A, entry.fact.text)
            for entry in reading(written, connection).entries(A)
            if isinstance(entry.fact, DiaryNoted)
        ]
        erase(connection, A)
    with written.pool.connection() as connection:
        read = reading(written, connection)
        assert len(read.entries(A)) == 2
        assert read.open(sealed) == {}
        assert read.matters_by_lookup("phone", PHONE) == [B]
        assert matter_key(connection, written.vault, A) is None


def test_nothing_more_is_written_into_an_erased_matter(written: Shelf) -> None:
    with written.pool.connection() as connection:
        erase(connection, A)
    with pytest.raises(Refused) as refused:
        written.do(NOTE, A, Note(text="again"), command="c")
    assert refused.value.code == "matter.erased"
    assert (written.count("entry"), written.count("vault_key")) == (3, 1)
