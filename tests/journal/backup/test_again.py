"""Interrupted backups go on, later ones write only what changed, and what is gone is gone."""

from __future__ import annotations

import threading
import uuid
from typing import Any

import psycopg
import pytest

from muster.journal.backup.archive import MANIFEST, PROGRESS, read_manifest
from muster.journal.backup.copy_out import Figures
from muster.journal.backup.faults import Unfit
from tests.instance import Database
from tests.journal.diary import NOTE, OPEN, Note, Open, Shelf

from .conftest import Place, restore, rows, write

A = str(uuid.UUID(int=1))


class Killed(BaseException):
    """As kill -9 would: nothing is caught, nothing is tidied."""


def killed_after(rows_read: int) -> Any:
    def told(figures: Figures) -> None:
        if figures.rows >= rows_read:
            raise Killed

    return told


def test_an_interrupted_backup_is_no_backup_and_goes_on(
    written: Shelf, place: Place, empty: Database
) -> None:
    place.told = killed_after(150)
    with pytest.raises(Killed):
        place.back_up()
    assert not (place.folder / MANIFEST).exists()
    with pytest.raises(Unfit) as unfit:
        read_manifest(place.folder, place.key)
    assert unfit.value.code == "not_a_backup"
    done = place.chunk_files()
    assert done and (place.folder / PROGRESS).exists()
    write(written, range(30, 35))
    place.told = lambda _figures: None
    manifest = place.back_up()
    assert place.figures.reused >= 5
    assert not (place.folder / PROGRESS).exists()
    restore(place, empty, manifest)
    assert rows(empty) == rows(place.database)


def test_nothing_changed_nothing_written(written: Shelf, place: Place) -> None:
    first = place.back_up()
    files = place.chunk_files()
    second = place.back_up()
    assert place.figures.chunks == 0 and place.chunk_files() == files
    assert second.backup == first.backup and second.tables == first.tables
    assert second.snapshot_at > first.snapshot_at


def test_a_later_backup_adds_what_is_new(written: Shelf, place: Place, empty: Database) -> None:
    place.back_up()
    ranges = place.figures.chunks
    write(written, range(30, 34))
    manifest = place.back_up()
    assert 0 < place.figures.chunks < ranges
    kept = {chunk.id for _, chunk in manifest.chunks()}
    assert set(place.chunk_files()) == kept
    restore(place, empty, manifest)
    assert rows(empty) == rows(place.database)


def test_a_gap_that_a_slow_transaction_fills_later_is_copied(
    written: Shelf, place: Place, empty: Database
) -> None:
    """Positions are taken before the commit: one below the newest may appear later."""
    with psycopg.connect(place.database.owner_dsn) as slow:
        slow.execute(
            "INSERT INTO entry (matter, number, kind, happened_at, recorded_at, actor, command,"
            " bytes, hash) SELECT gen_random_uuid(), 1, kind, happened_at, recorded_at, actor,"
            " command, bytes, hash FROM entry LIMIT 1"
        )
        write(written, range(30, 60))
        before = place.back_up()
        slow.commit()
    after = place.back_up()
    assert after.entries == before.entries + 1
    entry = next(table for table in after.tables if table.name == "entry")
    assert entry.rows == sum(chunk.rows for chunk in entry.chunks)
    again = {chunk.id for _, chunk in before.chunks()} & {chunk.id for chunk in entry.chunks}
    assert again, "other ranges are used again"
    restore(place, empty, after)
    assert rows(empty) == rows(place.database)


def test_a_row_changed_behind_an_equal_number_is_copied(
    written: Shelf, place: Place, empty: Database
) -> None:
    """One row goes and another comes: counting alone would not see it, so tables in which rows
    may go are compared whole."""
    place.back_up()
    with psycopg.connect(place.database.owner_dsn) as owner:
        owner.execute("DELETE FROM vault_item WHERE matter = %s", (A,))
        owner.execute("INSERT INTO vault_item VALUES (%s, '9.text', 'x')", (A,))
        owner.execute("UPDATE diary SET notes = 7 WHERE matter = %s", (A,))
    restore(place, empty, place.back_up())
    assert rows(empty) == rows(place.database)


def test_a_wrapped_key_does_not_survive_in_an_older_chunk(written: Shelf, place: Place) -> None:
    from muster.journal.backup.archive import Sealer

    with psycopg.connect(place.database.owner_dsn) as owner:
        row = owner.execute("SELECT wrapped FROM vault_key WHERE matter = %s", (A,)).fetchone()
        assert row is not None
        wrapped = bytes(row[0]).hex().encode()
        first = place.back_up()
        sealer = Sealer(place.folder, place.key, first.backup)
        held = {c.id for n, c in first.chunks() if wrapped in sealer.open(n, c)}
        assert len(held) == 1
        for table in ("vault_key", "vault_item", "vault_lookup"):
            owner.execute(f"DELETE FROM {table} WHERE matter = %s".encode(), (A,))
        owner.commit()
    second = place.back_up()
    assert not held & set(place.chunk_files())
    assert all(wrapped not in sealer.open(name, chunk) for name, chunk in second.chunks())


def test_the_backup_before_stays_good_until_the_new_one_stands(
    written: Shelf, place: Place, empty: Database
) -> None:
    before = rows(place.database)
    first = place.back_up()
    write(written, range(30, 50))
    place.told = killed_after(250)
    with pytest.raises(Killed):
        place.back_up()
    assert read_manifest(place.folder, place.key) == first
    restore(place, empty, first)
    assert rows(empty) == before


def test_a_rotten_chunk_is_not_used_again(written: Shelf, place: Place, empty: Database) -> None:
    for chunk in place.back_up().tables[0].chunks, place.back_up().tables[-1].chunks:
        for one in chunk:
            path = place.folder / "chunks" / one.id
            path.write_bytes(path.read_bytes()[:-1] + b"\x00")
    for table in place.back_up().tables:
        for one in table.chunks:
            path = place.folder / "chunks" / one.id
            data = bytearray(path.read_bytes())
            data[-1] ^= 1
            path.write_bytes(data)
    manifest = place.back_up()
    assert place.figures.reused == 0
    restore(place, empty, manifest)
    assert rows(empty) == rows(place.database)


def test_another_database_is_not_mixed_in(written: Shelf, place: Place, empty: Database) -> None:
    """A restored database goes on from an earlier point with the same positions: its rows would
    be taken for the old one's."""
    manifest = place.back_up()
    restore(place, empty, manifest)
    elsewhere = Place(empty, place.folder, place.key)
    with pytest.raises(Unfit) as unfit:
        elsewhere.back_up()
    assert unfit.value.code == "elsewhere"
    assert read_manifest(place.folder, place.key) == manifest


def test_one_backup_at_a_time(written: Shelf, place: Place) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def told(_figures: Figures) -> None:
        inside.set()
        assert go_on.wait(60)

    place.told = told
    first = threading.Thread(target=place.back_up)
    first.start()
    assert inside.wait(60)
    with pytest.raises(Unfit) as unfit:
        Place(place.database, place.folder, place.key).back_up()
    go_on.set()
    first.join()
    assert unfit.value.code == "busy"


def test_a_folder_with_other_files_is_left_alone(written: Shelf, place: Place) -> None:
    place.folder.mkdir()
    (place.folder / "thesis.txt").write_text("示例")
    with pytest.raises(Unfit) as unfit:
        place.back_up()
    assert unfit.value.code == "not_empty"
    assert [path.name for path in place.folder.iterdir()] == ["thesis.txt"]


def test_a_partition_dropped_meanwhile_is_left_out(
    written: Shelf, place: Place, empty: Database
) -> None:
    with psycopg.connect(place.database.owner_dsn) as owner:
        for day in ("2026-03-01", "2026-03-02", "2026-03-03"):
            owner.execute("SELECT position_make_day(%s)", (day,))

    def told(figures: Figures) -> None:
        if figures.table == "position_20260302":
            with psycopg.connect(place.database.owner_dsn) as owner:
                # Also the one copied already: its lock was given back.
                owner.execute("DROP TABLE IF EXISTS position_20260301, position_20260303")

    place.told = told
    manifest = place.back_up()
    names = {one.name for one in manifest.partitions}
    assert names == {"position_20260301", "position_20260302"}
    restore(place, empty, manifest)


def test_new_words_after_a_kill_at_every_step(
    written: Shelf, place: Place, empty: Database
) -> None:
    """Killed again and again, each time a little further; the end is whole."""
    for step in range(20, 270, 40):
        place.told = killed_after(step)
        written.do(OPEN, str(uuid.UUID(int=step << 32)), Open(), command=f"k{step}")
        with pytest.raises(Killed):
            place.back_up()
    place.told = lambda _figures: None
    manifest = place.back_up()
    restore(place, empty, manifest)
    assert rows(empty) == rows(place.database)
    assert set(place.chunk_files()) == {chunk.id for _, chunk in manifest.chunks()}
    written.do(NOTE, A, Note(text="示例"), command="after")
