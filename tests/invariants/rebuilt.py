"""Rebuild equals live: replay the journal into empty kept tables and compare with what is there.

    assert_rebuild_equals_live(system)    from any test that has an open system
    rebuild_equals_live                   the fixture that does it after every test of a folder
                                          whose conftest.py imports it

The comparison runs in one snapshot that is rolled back, so it may look at a running server.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest
from psycopg import IsolationLevel
from psycopg.errors import SerializationFailure

from muster import app
from muster.geography.pack import load
from muster.identity.authoriser import IdentityAuthoriser
from muster.journal.clock import RealClock
from muster.journal.entry import kinds_of
from muster.journal.perform import Journal
from muster.journal.rebuild import contents, differences, kept_tables, rebuild
from muster.journal.vault import Vault
from tests.instance import Instance

TRIES = 10


@cache
def bare_journal(city: str) -> Journal:
    """A journal that can fold and keep, but has no database and no keys of its own."""
    return Journal(
        pool=cast(Any, None),
        vault=Vault(b"\0" * 32),
        clock=RealClock(),
        kinds=kinds_of(app.FACTS),
        matter_kinds=app.matter_kinds(load(Path(city))),
        authoriser=IdentityAuthoriser(),
    )


def rebuild_differences(journal: Journal, app_dsn: str) -> list[str]:
    """What a rebuild would find otherwise, one line a row. Changes nothing.

    A running server may write a kept row just then: the snapshot notices and is taken again.
    """
    for _ in range(TRIES):
        try:
            return _compared(journal, app_dsn)
        except SerializationFailure:
            continue
    raise AssertionError(f"the tables did not stand still for {TRIES} tries")


def _compared(journal: Journal, app_dsn: str) -> list[str]:
    with psycopg.connect(app_dsn) as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        tables = kept_tables(journal)
        live = contents(connection, tables)
        rebuild(journal, connection)
        again = contents(connection, tables)
        connection.rollback()
    return differences(live, again)


def assert_rebuild_equals_live(system: app.System) -> None:
    """Compare the kept tables of an open system with a rebuild of them."""
    found = rebuild_differences(system.platform.journal, system.settings.app_dsn)
    assert not found, "a rebuild differs from what is kept:\n" + "\n".join(found)


def assert_server_equals_rebuild(server: Instance) -> None:
    """The same for a server process."""
    found = rebuild_differences(bare_journal(server.settings.city), server.settings.app_dsn)
    assert not found, "a rebuild differs from what is kept:\n" + "\n".join(found)


@pytest.fixture(autouse=True)
def rebuild_equals_live(request: pytest.FixtureRequest) -> Iterator[None]:
    """After every test with an open system or a running server: rebuild and compare."""
    system: app.System | None = None
    server: Instance | None = None
    if "system" in request.fixturenames:
        system = request.getfixturevalue("system")
    if "live_server" in request.fixturenames:
        server = request.getfixturevalue("live_server")
    yield
    if system is not None:
        assert_rebuild_equals_live(system)
    if server is not None:
        assert_server_equals_rebuild(server)
