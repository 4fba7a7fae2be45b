"""Fixes written by binary COPY come back as they were."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from muster.telemetry import tables
from muster.telemetry.fixes import EPOCH, NONE, Columns, milliseconds

NOW = datetime(2026, 11, 23, 8, 0, 1, 250_000, tzinfo=UTC)
START = milliseconds(datetime(2026, 11, 23, tzinfo=UTC))
UNITS = ["a", "单位-示例", "pt-shenjiamen-01", "x" * 64, "b"]

Row = tuple[int, int, int, int, int, int, int]
maybe = st.just(NONE)
rows = st.lists(
    st.tuples(
        st.integers(0, len(UNITS) - 1),
        st.integers(START, START + 86_399_999),
        st.integers(-180_000_000, 180_000_000),
        st.integers(-90_000_000, 90_000_000),
        maybe | st.integers(0, 2000),
        maybe | st.integers(0, 359),
        maybe | st.integers(0, 100_000),
    ),
    min_size=1,
    max_size=20,
    unique_by=lambda row: row[:2],
)


@pytest.fixture
def connection(database: Any) -> Iterator[Connection[Any]]:
    with psycopg.connect(database.app_dsn) as opened:
        tables.make_days(opened, [NOW.date()])
        opened.commit()
        yield opened


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows, st.integers(0, 20))
def test_what_is_written_comes_back(connection: Connection[Any], given: list[Row], n: int) -> None:
    columns = Columns(*(np.array(column) for column in zip(*given, strict=True)))
    known = columns.take(slice(0, min(n, len(given))))
    with connection.transaction(force_rollback=True):
        if len(known):
            assert tables.write(connection, known, UNITS, NOW) == len(known)
        # With some of them there already the slow way is taken, which must do the same.
        assert tables.write(connection, columns, UNITS, NOW) == len(given) - len(known)
        found = connection.execute(
            "SELECT unit, at, lon, lat, coalesce(speed_kmh, -1), coalesce(heading, -1),"
            " coalesce(accuracy_m, -1), received FROM position"
        ).fetchall()
    wanted = [(UNITS[row[0]], *row[1:], NOW) for row in given]
    assert sorted(
        (row[0], (row[1] - EPOCH) // timedelta(milliseconds=1), *row[2:]) for row in found
    ) == sorted(wanted)
