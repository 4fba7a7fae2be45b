"""A backup made with PostgreSQL 16 is restored into 18: the format belongs to neither."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from muster.journal.backup.archive import Key
from muster.journal.clock import DrivenClock
from muster.journal.verify import verify
from muster.migrations.run import upgrade
from muster.supervise import binaries, postgres
from muster.supervise.child import Program
from tests.instance import Database
from tests.journal.conftest import MASTER, START
from tests.journal.diary import TABLES, Shelf

from .conftest import Place, restore, rows, write


class Sixteen(postgres.Postgres):
    """The older server that the same wheel carries. It knows no locale provider `builtin`."""

    def _program(self, command: list[str]) -> Program:
        return super()._program([word for word in command if "builtin" not in word])


@pytest.fixture
def sixteen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    older = binaries.folder().parent.parent / "pginstall" / "bin"
    with monkeypatch.context() as patched:
        patched.setattr(binaries, "folder", lambda: older)
        patched.setattr(binaries, "MAJOR", 16)
        server = Sixteen(tmp_path / "sixteen")
        server.start()
    try:
        upgrade(server.owner_dsn)
        yield Database("muster", server.owner_dsn, server.app_dsn)
    finally:
        server.stop()


def test_from_16_to_18(sixteen: Database, empty: Database, tmp_path: Path) -> None:
    with psycopg.connect(sixteen.owner_dsn) as owner:
        owner.execute(TABLES)
        version = owner.info.server_version
    assert version // 10_000 == 16
    with ConnectionPool(sixteen.app_dsn, min_size=1, max_size=2, open=True) as pool:
        write(Shelf(pool, clock=DrivenClock(START), master=MASTER), range(30))
    place = Place(sixteen, tmp_path / "out", Key.made(tmp_path / "backup.key"))
    manifest = place.back_up()
    assert manifest.postgresql.startswith("16.")
    restore(place, empty, manifest)
    with psycopg.connect(empty.owner_dsn) as connection:
        assert connection.info.server_version // 10_000 == 18
        assert verify(connection).faults == ()
    assert rows(empty) == rows(sixteen)


@pytest.fixture
def blank(cluster: postgres.Postgres) -> Iterator[list[Database]]:
    """Two databases without anything."""
    names = ["older_schema", "newer_schema"]
    with psycopg.connect(cluster.admin_dsn, autocommit=True) as admin:
        for name in names:
            admin.execute(f"CREATE DATABASE {name} OWNER muster_owner".encode())
        yield [
            Database(name, cluster.dsn("muster_owner", name), cluster.dsn("muster_app", name))
            for name in names
        ]
        for name in names:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def test_from_the_first_release_to_the_newest_schema(blank: list[Database], tmp_path: Path) -> None:
    """Loaded into the schema it was made with, then migrated as the old database would be."""
    older, newer = blank
    upgrade(older.owner_dsn, "0005")
    with psycopg.connect(older.owner_dsn) as owner:
        owner.execute(
            "INSERT INTO organisation VALUES"
            " ('z', NULL, '示例', 'Example', 'city', 'z', 122000000, 30000000)"
        )
        owner.execute("INSERT INTO person VALUES ('p1', '示例甲', 'p1', NULL, 'z', true, true)")
        owner.execute(
            "INSERT INTO command VALUES ('p1', 'c1', 'incident.report', 'd', 'a', '2026-03-01Z')"
        )
    place = Place(older, tmp_path / "out", Key.made(tmp_path / "backup.key"))
    manifest = place.back_up()
    assert manifest.schema == "0005"
    upgrade(newer.owner_dsn, manifest.schema)
    restore(place, newer, manifest)
    assert rows(newer) == rows(older)
    for database in blank:
        upgrade(database.owner_dsn)
    assert rows(newer) == rows(older)
