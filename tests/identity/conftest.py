"""An installed invented city in a fresh database, used as the server's own role."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from psycopg_pool import ConnectionPool

from tests.identity.city import City, installed
from tests.instance import Database


@pytest.fixture
def city(database: Database) -> Iterator[City]:
    with ConnectionPool(database.app_dsn, min_size=1, max_size=8, open=True) as pool:
        yield installed(pool)
