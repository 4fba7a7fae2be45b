"""The erasure ledger outside the database: chained, on the disk, level with the table."""

from __future__ import annotations

import os
import stat
import threading
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from muster.journal import erasures
from muster.journal.erasing import Erasure, erase
from muster.journal.erasures import Ledger, LedgerBroken
from muster.journal.perform import Writer

from .diary import NOTE, OPEN, Note, Open, Shelf

A, B = str(uuid.UUID(int=0xA)), str(uuid.UUID(int=0xB))
AT = datetime(2026, 3, 1, 9, tzinfo=UTC)


def erasure(matter: str, reason: str = "示例法条") -> Erasure:
    return Erasure(matter, AT, "p1", reason)


def numbered(count: int) -> list[Erasure]:
    return [erasure(str(uuid.UUID(int=number))) for number in range(count)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "erasures.jsonl"


def test_what_is_recorded_is_read(path: Path) -> None:
    assert erasures.read(path) == []
    for one in numbered(3):
        erasures.record(path, one)
    assert erasures.read(path) == numbered(3)
    assert path.stat().st_mode & 0o077 == 0


def test_a_matter_stands_once(path: Path) -> None:
    erasures.record(path, erasure(A))
    erasures.record(path, erasure(A, "示例：另一个"))
    assert erasures.read(path) == [erasure(A)]


def test_it_is_on_the_disk_when_recorded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    fsync = os.fsync

    def noted(file: int) -> None:
        synced.append(os.fstat(file).st_size if stat.S_ISREG(os.fstat(file).st_mode) else -1)
        fsync(file)

    monkeypatch.setattr(os, "fsync", noted)
    erasures.record(path, erasure(A))
    assert synced == [-1, path.stat().st_size], "its name in the folder, then all its bytes"


def test_the_head_stands_for_all_lines(path: Path) -> None:
    heads = [erasures.head(path)]
    for one in numbered(3):
        erasures.record(path, one)
        heads.append(erasures.head(path))
    assert len(set(heads)) == 4


def test_a_line_cut_short_by_a_crash_is_written_again(path: Path) -> None:
    erasures.add(path, numbered(2))
    whole = path.read_bytes()
    for cut in range(len(whole) // 2 + 1, len(whole)):
        path.write_bytes(whole[:cut])
        assert erasures.read(path) == numbered(1)
        erasures.add(path, numbered(2))
        assert path.read_bytes() == whole


@pytest.mark.parametrize(
    ("was", "now"),
    [(b"p1", b"p2"), (b'"previous":"', b'"previous":"0'), (b"{", b"[")],
)
def test_an_altered_line_is_named(path: Path, was: bytes, now: bytes) -> None:
    erasures.add(path, numbered(3))
    lines = path.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(was, now, 1)
    path.write_bytes(b"".join(lines))
    with pytest.raises(LedgerBroken) as broken:
        erasures.read(path)
    assert broken.value.line == 2
    with pytest.raises(LedgerBroken):
        erasures.record(path, erasure(A))


def test_a_line_taken_out_is_named(path: Path) -> None:
    erasures.add(path, numbered(3))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[2])
    with pytest.raises(LedgerBroken) as broken:
        erasures.read(path)
    assert broken.value.line == 2


def test_many_writers_make_one_chain(path: Path) -> None:
    wanted = numbered(40)
    gate = threading.Barrier(8)

    def some(offset: int) -> None:
        gate.wait()
        for one in wanted[offset::8]:
            erasures.record(path, one)

    threads = [threading.Thread(target=some, args=(offset,)) for offset in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(erasures.read(path), key=lambda e: e.matter) == wanted


# --- with the table --------------------------------------------------------------------------


def erased_in(owner: psycopg.Connection[Any], matter: str) -> None:
    owner.execute(
        "INSERT INTO erasure (matter, erased_at, actor, reason) VALUES (%s, %s, 'p1', '示例法条')",
        (matter, AT),
    )


def test_each_gets_what_only_the_other_has(
    shelf: Shelf, owner: psycopg.Connection[Any], path: Path
) -> None:
    for matter in (A, B):
        shelf.do(OPEN, matter, Open(phone="00099912345"), command=f"open {matter}")
        shelf.do(NOTE, matter, Note(text="示例"), command=f"note {matter}")
    erased_in(owner, B)  # committed, and then the machine died before the file was written
    erasures.record(path, erasure(A))  # erased, and then the database went back to before
    ledger = Ledger(path, shelf.pool.connection)
    assert ledger.reconcile() == [A]
    assert {one.matter for one in erasures.read(path)} == {A, B}
    with shelf.pool.connection() as connection:
        assert {one.matter for one in erasures.kept(connection)} == {A, B}
        assert set(erasures.kept(connection)) == set(erasures.read(path))
    for table in ("vault_key", "vault_item", "vault_lookup"):
        left = owner.execute(f"SELECT matter::text FROM {table}".encode()).fetchall()
        assert left and {row[0] for row in left} == {B}, table
    assert ledger.reconcile() == []


def test_a_part_erased_again_leaves_the_rest_and_room_for_later_parts(
    shelf: Shelf, owner: psycopg.Connection[Any], path: Path
) -> None:
    """The entry that said it is lost, and the restored journal gives its number to another."""
    shelf.do(OPEN, A, Open(owner="示例", phone="00099912345"), command="open")
    part = Erasure(A, AT, "p1", "示例法条", 2, ("1.phone",), ("phone",))
    erasures.record(path, part)
    ledger = Ledger(path, shelf.pool.connection)
    assert ledger.reconcile() == [A]
    left = owner.execute("SELECT item FROM vault_item").fetchall()
    assert left == [("1.owner",)]
    assert owner.execute("SELECT count(*) FROM vault_lookup").fetchone() == (0,)
    assert owner.execute("SELECT count(*) FROM vault_key").fetchone() == (1,)
    assert ledger.reconcile() == [] and erasures.read(path) == [part]
    later = Erasure(A, AT.replace(hour=10), "p1", "示例法条", 2, ("1.owner",))
    with shelf.pool.connection() as connection:
        erase(Writer(connection), later)
    ledger.erased()
    assert erasures.read(path) == [part, later]
    with shelf.pool.connection() as connection:
        assert erasures.kept(connection)[-1] == later


def test_a_disk_that_takes_nothing_leaves_the_ledger_behind_and_says_so(
    shelf: Shelf, owner: psycopg.Connection[Any], tmp_path: Path
) -> None:
    folder = tmp_path / "not there yet"
    ledger = Ledger(folder / "erasures.jsonl", shelf.pool.connection)
    erased_in(owner, A)
    assert ledger.trouble == ""
    ledger.erased()
    assert "erasures" in ledger.trouble
    with pytest.raises(OSError):
        ledger.catch_up()
    folder.mkdir()
    ledger.catch_up()
    assert ledger.trouble == ""
    assert erasures.read(ledger.path) == [erasure(A)]
