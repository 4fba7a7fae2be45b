"""A journal of diaries on a fresh database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from muster.journal.clock import DrivenClock
from tests.instance import Database

from .diary import TABLES, Shelf

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
MASTER = b"m" * 32


@pytest.fixture
def owner(database: Database) -> Iterator[psycopg.Connection[Any]]:
    """A connection as the owner role, each statement its own transaction."""
    with psycopg.connect(database.owner_dsn, autocommit=True) as connection:
        connection.execute(TABLES)
        yield connection


@pytest.fixture
def make_shelf(
    database: Database, owner: psycopg.Connection[Any]
) -> Iterator[Callable[..., Shelf]]:
    """Makes journals over the test's database, each with a pool of its own: one a process."""
    pools: list[ConnectionPool[Any]] = []

    def make(**changes: Any) -> Shelf:
        size = changes.pop("connections", 20)
        pool = ConnectionPool(database.app_dsn, min_size=1, max_size=size, timeout=60, open=True)
        pools.append(pool)
        values: dict[str, Any] = {"clock": DrivenClock(START), "master": MASTER, **changes}
        return Shelf(pool, **values)

    yield make
    for pool in pools:
        pool.close()


@pytest.fixture
def shelf(make_shelf: Callable[..., Shelf]) -> Shelf:
    return make_shelf()
