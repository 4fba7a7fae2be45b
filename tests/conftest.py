"""What every test may ask for: a real PostgreSQL, a fresh migrated database, a running Muster."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from muster.migrations.run import upgrade
from muster.supervise import postgres

ROOT = Path(__file__).resolve().parent.parent
_names = itertools.count(1)


@dataclass(frozen=True)
class Database:
    """libpq addresses of one fresh, migrated database."""

    name: str
    owner_dsn: str
    app_dsn: str


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres.Postgres]:
    """The test run's own PostgreSQL, with the migrated template database `muster`."""
    with postgres.running(tmp_path_factory.mktemp("cluster")) as server:
        upgrade(server.owner_dsn)
        yield server


@pytest.fixture
def database(cluster: postgres.Postgres) -> Iterator[Database]:
    """A fresh copy of the migrated database, dropped afterwards."""
    name = f"test_{next(_names)}"
    with psycopg.connect(cluster.admin_dsn, autocommit=True) as admin:
        copy = sql.SQL("CREATE DATABASE {} TEMPLATE muster OWNER muster_owner")
        admin.execute(copy.format(sql.Identifier(name)))
    yield Database(name, cluster.dsn("muster_owner", name), cluster.dsn("muster_app", name))
    with psycopg.connect(cluster.admin_dsn, autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The open data beside the project. Where it is missing, the test says so and is skipped;
    where it is there, nothing may be skipped."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the open data folder ../shared/data is not on this machine")
    return folder
