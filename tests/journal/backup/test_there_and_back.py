"""What was backed up is there again after a restore, whoever made the tables."""

from __future__ import annotations

import os
from typing import Any

import psycopg

from muster.journal import feed
from muster.journal.backup.archive import read_manifest
from muster.journal.verify import verify
from tests.instance import Database
from tests.journal.conftest import MASTER
from tests.journal.diary import NOTE, Note, Shelf

from .conftest import PHONE, WORDS, Place, restore, rows

LATER = """CREATE TABLE later_part (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    parent bigint REFERENCES later_part,
    words text NOT NULL, bits bytea, amount numeric, tags text[], more jsonb,
    doubled integer GENERATED ALWAYS AS (length(words) * 2) STORED
);
CREATE TABLE later_detail (part bigint NOT NULL REFERENCES later_part, at timestamptz NOT NULL);
CREATE INDEX later_detail_at ON later_detail (at);
"""


def test_every_row_is_there_again(written: Shelf, place: Place, empty: Database) -> None:
    manifest = place.back_up()
    assert manifest.entries == 60 and manifest.position == 60
    count = restore(place, empty, manifest)
    assert rows(empty) == rows(place.database)
    assert count == sum(table.rows for table in manifest.tables)
    with psycopg.connect(empty.owner_dsn) as connection:
        verdict = verify(connection)
    assert (verdict.entries, verdict.faults) == (60, ())


def test_a_table_of_a_later_part_is_in_without_asking(
    written: Shelf, place: Place, empty: Database
) -> None:
    for database in (place.database, empty):
        with psycopg.connect(database.owner_dsn) as owner:
            owner.execute(LATER.encode())
    with psycopg.connect(place.database.owner_dsn) as owner:
        for number in range(200):
            # The first points at the last: no order of rows would satisfy a check per row.
            owner.execute(
                "INSERT INTO later_part (words, bits, amount, tags, more) VALUES (%s, %s, %s, %s,"
                " %s)",
                ("a\tb\nc\\d\r'示例'", os.urandom(40), number / 7, ["x", "y\n"], '{"a": "\\n"}'),
            )
        owner.execute("UPDATE later_part SET parent = 201 - id")
        owner.execute("INSERT INTO later_detail SELECT id, '2026-03-01Z' FROM later_part")
    restore(place, empty, place.back_up())
    found = rows(empty)
    assert len(found["later_part"]) == len(found["later_detail"]) == 200
    assert found == rows(place.database)
    with psycopg.connect(empty.owner_dsn) as owner:
        owner.execute("INSERT INTO later_part (words) VALUES ('the sequence goes on')")
        assert owner.execute("SELECT max(id) FROM later_part").fetchone() == (201,)
        indexes = owner.execute("SELECT to_regclass('later_detail_at') IS NOT NULL").fetchone()
        assert indexes == (True,)
        foreign = owner.execute(
            "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conrelid IN"
            " ('later_part'::regclass, 'later_detail'::regclass)"
        ).fetchone()
        assert foreign == (2,)


SHAPE = """SELECT c.relname, a.attname, a.attnotnull, a.attidentity::text, a.atthasdef
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL SELECT c.relname, k.conname, k.convalidated, k.contype::text, false
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
WHERE k.connamespace = 'public'::regnamespace
UNION ALL SELECT tablename, indexdef, true, '', false FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT c.relname, t.tgname, true, t.tgenabled::text, false
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal
ORDER BY 1, 2, 4"""


def test_loading_leaves_the_tables_as_the_migrations_made_them(
    written: Shelf, place: Place, empty: Database
) -> None:
    """Keys, indexes, constraints and triggers, some of which step aside meanwhile."""
    with psycopg.connect(empty.owner_dsn) as owner:
        before = owner.execute(SHAPE.encode()).fetchall()
    restore(place, empty, place.back_up())
    with psycopg.connect(empty.owner_dsn) as owner:
        assert owner.execute(SHAPE.encode()).fetchall() == before
    assert len(before) > 300


def test_days_of_positions_come_with_their_partitions(
    written: Shelf, place: Place, empty: Database
) -> None:
    with psycopg.connect(place.database.owner_dsn) as owner:
        for day in ("2026-03-01", "2026-03-02"):
            owner.execute("SELECT position_make_day(%s)", (day,))
            owner.execute(
                "INSERT INTO position (unit, at, lon, lat) VALUES ('u1', %s, 122000000, 30000000)",
                (f"{day} 12:00Z",),
            )
    restore(place, empty, place.back_up())
    with psycopg.connect(empty.owner_dsn) as owner:
        owner.execute("SET timezone = 'UTC'")
        counted = owner.execute(
            "SELECT tableoid::regclass::text, count(*) FROM position GROUP BY 1 ORDER BY 1"
        ).fetchall()
        bounds = owner.execute(
            "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname LIKE 'position_2%'"
            " ORDER BY relname LIMIT 1"
        ).fetchone()
    assert counted == [("position_20260301", 1), ("position_20260302", 1)]
    assert bounds is not None and "2026-03-01 00:00:00+00" in bounds[0]


def test_the_restored_journal_goes_on(
    written: Shelf, place: Place, empty: Database, make_shelf: Any
) -> None:
    """Sequences stand where they stood, a repeated command gets its first answer, new entries
    follow, and the triggers that refuse changes are there."""
    matter = "00000000-0000-0000-0000-000000000001"
    first = written.do(NOTE, matter, Note(text="示例"), command="again")
    restore(place, empty, place.back_up())
    place.database = empty
    from psycopg_pool import ConnectionPool

    with ConnectionPool(empty.app_dsn, min_size=1, max_size=4, open=True) as pool:
        restored = Shelf(pool, clock=written.journal.clock, master=MASTER)
        assert restored.do(NOTE, matter, Note(text="示例"), command="again") == first
        fresh = restored.do(NOTE, matter, Note(text="示例：新的"), command="fresh")
        with pool.connection() as connection:
            newest = connection.execute("SELECT max(position) FROM entry").fetchone()
            assert newest == (62,)
            page = feed.read(connection, restored.journal.kinds, feed.START)
    assert len(page.entries) == 62
    assert (page.entries[-1].matter, page.entries[-1].number) == (matter, fresh.entries[0].number)


def test_no_key_and_no_word_is_in_a_backup(written: Shelf, place: Place) -> None:
    manifest = place.back_up()
    secrets = (MASTER, MASTER.hex().encode(), place.key.path.read_bytes())
    words = (WORDS.encode(), PHONE.encode(), b"DiaryOpened", b"diary.opened")
    for path in place.folder.rglob("*"):
        data = path.read_bytes() if path.is_file() else b""
        for secret in (*secrets, *words):
            assert secret not in data, path
    # In the opened chunks the words are sealed still, and the master key is nowhere.
    from muster.journal.backup.archive import Sealer

    sealer = Sealer(place.folder, place.key, manifest.backup)
    opened = b"".join(sealer.open(name, chunk) for name, chunk in manifest.chunks())
    assert b"o29" in opened
    for secret in (*secrets, WORDS.encode(), WORDS.encode().hex().encode(), PHONE.encode()):
        assert secret not in opened


def test_sessions_stay_behind(written: Shelf, place: Place) -> None:
    manifest = place.back_up()
    assert "session" in manifest.omitted
    assert not {"session", "alembic_version"} & {table.name for table in manifest.tables}


def test_what_stands_in_files_comes_along(written: Shelf, place: Place, tmp_path: Any) -> None:
    from muster.journal.backup.copy_in import load_files

    blob = tmp_path / "data" / "files" / "ab" / "cdef"
    blob.parent.mkdir(parents=True)
    blob.write_bytes(b"\x00sealed\n" * 1000)
    (tmp_path / "data" / "keys").mkdir()
    (tmp_path / "data" / "keys" / "master.key").write_bytes(MASTER)
    manifest = place.back_up()
    assert [file.path for file in manifest.files] == ["files/ab/cdef"]
    place.back_up()
    assert place.figures.reused >= 1
    load_files(place.folder, place.key, manifest, tmp_path / "new")
    assert (tmp_path / "new" / "files" / "ab" / "cdef").read_bytes() == blob.read_bytes()
    assert not (tmp_path / "new" / "keys").exists()
    blob.unlink()
    assert place.back_up().files == ()
    assert read_manifest(place.folder, place.key).files == ()


def test_backing_up_holds_nobody_back(written: Shelf, place: Place) -> None:
    """Commands go on while the snapshot stands, and the feed shows them at once."""
    seen = []

    def meanwhile(_figures: Any) -> None:
        number = len(seen)
        written.do(
            NOTE, "00000000-0000-0000-0000-000000000001", Note(text="示例"), command=f"m{number}"
        )
        with written.pool.connection() as connection:
            seen.append(feed.held_back(connection))

    place.told = meanwhile
    manifest = place.back_up()
    assert len(seen) > 10 and not any(seen)
    assert manifest.entries == 60  # of the snapshot
