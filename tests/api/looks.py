"""The access log, as tests read it."""

from __future__ import annotations

import psycopg

from muster.identity.looks import tables
from muster.identity.looks.look import LookRow
from tests.instance import Instance


def looks(server: Instance, after: int = 0, **filters: str) -> list[LookRow]:
    """The rows after a number, the oldest first."""
    with psycopg.connect(server.settings.app_dsn) as connection:
        found = tables.rows(connection, tables.Wanted(limit=100_000, **filters), None)
    return [row for row in reversed(found) if row.number > after]


def last(server: Instance) -> int:
    """The number of the newest row."""
    with psycopg.connect(server.settings.app_dsn) as connection:
        found = tables.rows(connection, tables.Wanted(limit=1), None)
    return found[0].number if found else 0
