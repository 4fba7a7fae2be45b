"""What every test may ask for: a real PostgreSQL, a fresh migrated database, a running Muster."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from muster import app
from muster.migrations.run import upgrade
from muster.supervise import postgres
from tests.instance import ROOT, Database, Instance, copied, free_port, settings_for

_names = itertools.count(1)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres.Postgres]:
    """The test run's own PostgreSQL, with the migrated template database `muster`."""
    with postgres.running(tmp_path_factory.mktemp("cluster")) as server:
        upgrade(server.owner_dsn)
        yield server


@pytest.fixture
def database(cluster: postgres.Postgres) -> Iterator[Database]:
    """A fresh copy of the migrated database, dropped afterwards."""
    with copied(cluster, "muster", f"test_{next(_names)}") as fresh:
        yield fresh


@pytest.fixture(scope="session")
def prepared(
    cluster: postgres.Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, dict[str, tuple[str, str]]]]:
    """The name of a template database with the 舟山 pack and its invented people, and the demo
    accounts by role."""
    name = "prepared"
    with copied(cluster, "muster", name) as fresh:
        settings = settings_for(fresh, tmp_path_factory.mktemp("prepared"))
        made = app.prepare(settings)
        yield name, {one.role: (one.username, one.password) for one in made.accounts}


@pytest.fixture
def city_database(
    cluster: postgres.Postgres, prepared: tuple[str, dict[str, tuple[str, str]]]
) -> Iterator[Database]:
    """A fresh database with organisations, units and people of 舟山."""
    with copied(cluster, prepared[0], f"test_{next(_names)}") as fresh:
        yield fresh


@pytest.fixture
def system(city_database: Database, tmp_path: Path) -> Iterator[app.System]:
    """The open parts of a Muster in this process, on a driven clock, without HTTP."""
    opened = app.open_system(settings_for(city_database, tmp_path / "data", clock="driven"))
    opened.start()
    yield opened
    opened.stop()


@pytest.fixture
def live_server(
    city_database: Database, prepared: tuple[str, dict[str, tuple[str, str]]], tmp_path: Path
) -> Iterator[Instance]:
    """A running server process with the built web page, if there is one."""
    web = ROOT / "web" / "dist"
    settings = settings_for(
        city_database,
        tmp_path / "data",
        port=free_port(),
        web=str(web) if web.is_dir() else None,
    )
    instance = Instance(settings, tmp_path / "server.log", accounts=prepared[1])
    instance.start()
    yield instance
    instance.stop()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The open data beside the project. Where it is missing, the test says so and is skipped;
    where it is there, nothing may be skipped."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the open data folder ../shared/data is not on this machine")
    return folder
