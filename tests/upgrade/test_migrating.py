"""The upgrade itself: wholly or not at all, one at a time, and never of what is newer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from muster.migrations import run
from muster.supervise.external import revision
from muster.supervise.postgres import Postgres
from tests.instance import Database, settings_for


@pytest.fixture
def old(cluster: Postgres) -> Iterator[Database]:
    """An empty database as the first release made it."""
    name = "migrating"
    with psycopg.connect(cluster.admin_dsn, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} OWNER muster_owner").format(sql.Identifier(name)))
    database = Database(name, cluster.dsn("muster_owner", name), cluster.dsn("muster_app", name))
    run.upgrade(database.owner_dsn, "0005")
    yield database
    with psycopg.connect(cluster.admin_dsn, autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def shape(database: Database) -> list[tuple[object, ...]]:
    """Every column of every table."""
    with psycopg.connect(database.owner_dsn) as connection:
        return connection.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = 'public' ORDER BY 1, 2"
        ).fetchall()


def test_an_upgrade_that_fails_leaves_the_old_state(old: Database) -> None:
    """A table of the last version is in the way: what the versions before it made goes, too."""
    before = shape(old)
    in_the_way = _last_made_table()
    with psycopg.connect(old.owner_dsn) as connection:
        connection.execute(sql.SQL("CREATE TABLE {} (x int)").format(sql.Identifier(in_the_way)))
    with pytest.raises(Exception, match=in_the_way):
        run.upgrade(old.owner_dsn)
    with psycopg.connect(old.owner_dsn) as connection:
        connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(in_the_way)))
    assert revision(old.owner_dsn) == "0005"
    assert shape(old) == before
    run.upgrade(old.owner_dsn)
    assert revision(old.owner_dsn) == run.newest()


def _last_made_table() -> str:
    """The table that the newest version with a table of its own makes."""
    import re

    for path in sorted(run.VERSIONS.glob("[0-9]*.py"), reverse=True):
        if made := re.findall(r"CREATE TABLE (\w+) \(", path.read_text()):
            return str(made[-1])
    raise AssertionError("no version makes a table")


def test_two_that_start_at_once_upgrade_once(old: Database) -> None:
    failed: list[BaseException] = []

    def start() -> None:
        command = [
            sys.executable,
            "-P",
            "-c",
            "import sys; from muster.migrations.run import upgrade; upgrade(sys.argv[1])",
            old.owner_dsn,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            failed.append(AssertionError(done.stderr[-2000:]))

    both = [threading.Thread(target=start) for _ in range(3)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert failed == []
    assert revision(old.owner_dsn) == run.newest()


def test_a_newer_database_is_left_alone(old: Database, tmp_path: Path) -> None:
    with psycopg.connect(old.owner_dsn) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    before = shape(old)
    settings = settings_for(old, tmp_path / "data")
    environment = {
        **os.environ,
        "MUSTER_SETTINGS": json.dumps(
            {"owner_dsn": old.owner_dsn, "app_dsn": old.app_dsn, "data": settings.data}
            | {"city": settings.city, "clock": "scaled", "demo": True}
        ),
        "MUSTER_PREPARED": str(tmp_path / "prepared"),
    }
    command = [sys.executable, "-P", "-m", "muster.cli.prepare"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "by a newer Muster (9999" in done.stderr and "更新版本" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "prepared").exists() and shape(old) == before


def test_what_is_missing_and_what_is_newer() -> None:
    assert run.check(None) and run.check("0005")
    assert not run.check(run.newest())
    with pytest.raises(run.Newer):
        run.check("9999")
