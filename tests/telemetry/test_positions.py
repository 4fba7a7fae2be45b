"""Reporting, the history in a real database, and starting again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import psycopg
import pytest
from psycopg import Connection
from psycopg_pool import ConnectionPool

from muster.journal.clock import DrivenClock
from muster.telemetry import tables
from muster.telemetry.fixes import Columns, Fix, milliseconds
from muster.telemetry.history import FULL, Dropped, History
from muster.telemetry.positions import Positions, Reported, Reporter

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
Pool = ConnectionPool[Connection[Any]]


def fix(ago_s: float = 0, lon: float = 122.1, lat: float = 30.0) -> Fix:
    return Fix(lon=lon, lat=lat, at=NOW - timedelta(seconds=ago_s), speed_kmh=30)


def by(positions: Positions, *units: str, since: datetime = NOW - timedelta(days=1)) -> Reporter:
    return positions.reporter(lambda: dict.fromkeys(units, since))


def report(positions: Positions, unit: str, fixes: list[Fix]) -> Reported:
    return positions.report(fixes, by(positions, unit), NOW, unit)


def refused(reported: Reported) -> list[tuple[int, str]]:
    return [(one.index, one.code) for one in reported.rejected]


@pytest.fixture
def clock() -> DrivenClock:
    return DrivenClock(NOW)


@pytest.fixture
def pool(database: Any) -> Iterator[Pool]:
    with ConnectionPool(database.app_dsn, min_size=1, max_size=4, open=True) as opened:
        yield opened


@pytest.fixture
def positions(pool: Pool, clock: DrivenClock) -> Iterator[Positions]:
    opened = Positions(pool, clock)
    opened.start()
    yield opened
    opened.stop()


def rows(pool: Pool, statement: str = "SELECT unit, at FROM position ORDER BY unit, at") -> Any:
    with pool.connection() as connection:
        return connection.execute(statement.encode()).fetchall()


def counted(pool: Pool) -> dict[str, int]:
    return dict(rows(pool, "SELECT code, count FROM telemetry_reject"))


def partitions(pool: Pool) -> list[str]:
    found = rows(
        pool,
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
        " WHERE i.inhparent = 'position'::regclass ORDER BY 1",
    )
    return [row[0] for row in found]


def test_a_batch_is_in_the_latest_and_in_the_history(positions: Positions, pool: Pool) -> None:
    reported = report(positions, "a", [fix(2), fix(1), fix(90_000), fix(1)])
    assert (reported.accepted, reported.duplicates) == (2, 1)
    assert refused(reported) == [(2, "position.too_old")]
    latest = positions.latest("a")
    assert latest is not None and latest.at == NOW - timedelta(seconds=1)
    assert positions.latest("b") is None
    positions.flush()
    assert rows(pool) == [
        ("a", NOW - timedelta(seconds=2)),
        ("a", NOW - timedelta(seconds=1)),
    ]
    assert counted(pool) == {"position.too_old": 1, "position.duplicate": 1}


def test_rejects_are_added_up_by_day(positions: Positions, pool: Pool, clock: DrivenClock) -> None:
    for _ in range(2):
        report(positions, "a", [fix(90_000), fix(lon=0, lat=0)])
        positions.flush()
    clock.advance(NOW + timedelta(days=1))
    report(positions, "a", [fix(90_000)])
    positions.flush()
    assert rows(pool, "SELECT code, day, count FROM telemetry_reject ORDER BY 1, 2") == [
        ("position.no_fix", date(2026, 11, 23), 2),
        ("position.too_old", date(2026, 11, 23), 2),
        ("position.too_old", date(2026, 11, 24), 1),
    ]


def test_a_batch_sent_again_changes_nothing(positions: Positions, pool: Pool) -> None:
    batch = [fix(3), fix(2), fix(1)]
    report(positions, "a", batch)
    positions.flush()
    report(positions, "a", [*batch, fix(0)])
    positions.flush()
    assert len(rows(pool)) == 4
    assert counted(pool)["position.duplicate"] == 3


def test_what_memory_forgot_the_history_knows(
    positions: Positions, pool: Pool, clock: DrivenClock
) -> None:
    batch = [fix(n) for n in range(40)]
    report(positions, "a", batch)
    positions.stop()
    again = Positions(pool, clock)
    again.start()
    try:
        assert report(again, "a", [*batch, fix(0.5)]).accepted == 41
        again.flush()
    finally:
        again.stop()
    assert len(rows(pool)) == 41
    assert counted(pool) == {"position.duplicate": 40}


def test_a_late_fix_is_kept_and_moves_nothing_back(positions: Positions, pool: Pool) -> None:
    report(positions, "a", [fix(1, lon=122.2)])
    assert report(positions, "a", [fix(60), fix(30)]).accepted == 2
    latest = positions.latest("a")
    assert latest is not None and latest.lon == 122.2
    positions.flush()
    assert len(rows(pool)) == 3


def test_a_batch_of_several_units_takes_those_one_may_speak_for(
    positions: Positions, pool: Pool
) -> None:
    batch = [
        Fix(lon=122.1, lat=30, at=milliseconds(NOW) - n, unit=unit) for n, unit in enumerate("abcb")
    ]
    reported = positions.report(batch, by(positions, "a", "b"), NOW)
    assert reported.accepted == 3 and refused(reported) == [(2, "position.off_duty")]
    positions.flush()
    assert [row[0] for row in rows(pool)] == ["a", "b", "b"]
    assert positions.latest("c") is None


def test_what_was_before_the_duty_is_refused(positions: Positions, pool: Pool) -> None:
    reporter = by(positions, "a", since=NOW - timedelta(minutes=10))
    reported = positions.report([fix(601), fix(660), fix(599)], reporter, NOW, "a")
    assert reported.accepted == 2 and refused(reported) == [(1, "position.off_duty")]


def test_a_duty_that_ends_meanwhile_ends_the_reporting(positions: Positions, pool: Pool) -> None:
    reporter = by(positions, "a", "b")
    report(positions, "a", [fix(9)])
    positions.forget("a")
    assert not positions.stands(reporter)
    batch = [
        Fix(lon=122.1, lat=30, at=NOW, unit="a"),
        Fix(lon=122.1, lat=30, at=NOW, unit="b"),
    ]
    assert refused(positions.report(batch, reporter, NOW)) == [(0, "position.off_duty")]
    assert positions.latest("a") is None and positions.latest("b") is not None
    assert refused(report(positions, "a", [fix(1)])) == []
    positions.flush()
    assert len(rows(pool)) == 3


def test_jumps_are_kept_and_counted(positions: Positions, pool: Pool) -> None:
    assert report(positions, "a", [fix(10), fix(0, lat=30.1)]).accepted == 2  # 11 km in 10 s
    positions.flush()
    assert counted(pool) == {"position.jump": 1}


def test_a_place_is_safe_once_it_is_written(positions: Positions, pool: Pool) -> None:
    _, place = positions.take([fix(1)], by(positions, "a"), NOW, "a")
    told: list[bool] = []
    assert not positions.safe(place)
    with positions.telling(lambda: told.append(positions.safe(place))):
        positions.flush()
    assert positions.safe(place) and told[0]


def test_an_outage_of_the_database_loses_nothing(
    positions: Positions, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = tables.write

    def away(*_: Any) -> int:
        raise psycopg.OperationalError("away")

    monkeypatch.setattr(tables, "write", away)
    report(positions, "a", [fix(2), fix(90_000)])
    with pytest.raises(psycopg.OperationalError):
        positions.flush()
    report(positions, "a", [fix(1)])
    assert positions.latest("a") is not None
    monkeypatch.setattr(tables, "write", real)
    positions.flush()
    assert len(rows(pool)) == 2 and counted(pool) == {"position.too_old": 1}


def test_a_full_queue_drops_the_oldest_and_counts_them(pool: Pool, clock: DrivenClock) -> None:
    history = History(pool, clock, ["a"], limit=3)
    first, second = columns(2), columns(3, later=10)
    lost, place = history.add(first), history.add(second)
    with pytest.raises(Dropped):
        history.safe(lost)
    history.flush()
    assert history.safe(place)
    with pytest.raises(Dropped):  # and stays lost: who asks late must not drop it either
        history.safe(lost)
    assert len(rows(pool)) == 3
    assert counted(pool) == {FULL: 2}


def columns(number: int, later: int = 0) -> Columns:
    at = milliseconds(NOW) + 1000 * (np.arange(number) + later)
    zero, none = np.zeros(number, np.int32), np.full(number, -1, np.int16)
    return Columns(zero, at, zero + 122_100_000, zero + 30_000_000, none, none, none)


def test_the_latest_are_there_after_a_start(
    positions: Positions, pool: Pool, clock: DrivenClock
) -> None:
    report(positions, "a", [fix(9), fix(5, lon=122.2)])
    report(positions, "b", [fix(7)])
    report(positions, "old", [fix(23 * 3600)])
    positions.stop()
    clock.advance(NOW + timedelta(hours=2))
    again = Positions(pool, clock)
    again.start(shown=lambda unit: unit != "b")
    try:
        latest = again.latest("a")
        assert latest is not None
        assert (latest.lon, latest.speed_kmh) == (122.2, 30)
        assert latest.at == NOW - timedelta(seconds=5)
        assert again.latest_many(["a", "b", "old"]).keys() == {"a"}
    finally:
        again.stop()


def test_stopping_writes_what_is_queued(pool: Pool, clock: DrivenClock) -> None:
    positions = Positions(pool, clock)
    positions.start()
    report(positions, "a", [fix()])
    positions.stop()
    assert len(rows(pool)) == 1


def test_days_are_made_ahead_and_dropped_when_kept_long_enough(
    pool: Pool, clock: DrivenClock
) -> None:
    history = History(pool, clock, [], keep_days=2)
    history.keep_days()
    assert partitions(pool) == [f"position_202611{day}" for day in (22, 23, 24, 25)]
    clock.advance(NOW + timedelta(days=2))
    history.keep_days()
    assert partitions(pool) == [f"position_202611{day}" for day in range(23, 28)]


def test_a_day_without_a_partition_gets_one(pool: Pool, clock: DrivenClock) -> None:
    history = History(pool, clock, ["a"])
    history.add(columns(1))
    history.flush()
    assert partitions(pool) == ["position_20261123"]


def test_a_fix_lies_in_the_day_of_utc(positions: Positions, pool: Pool) -> None:
    report(positions, "a", [fix(8 * 3600), fix(8 * 3600 + 1)])
    positions.flush()
    assert rows(pool, "SELECT tableoid::regclass::text FROM position ORDER BY at") == [
        ("position_20261122",),
        ("position_20261123",),
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM position",
        "UPDATE position SET lon = 0",
        "TRUNCATE position",
        "DROP TABLE position_20261123",
        "DELETE FROM position_20261123",
        "DELETE FROM telemetry_reject",
        "CREATE TABLE position_20300101 (x int)",
    ],
)
def test_the_app_role_only_appends(pool: Pool, clock: DrivenClock, statement: str) -> None:
    History(pool, clock, []).keep_days()
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        rows(pool, statement)


@pytest.mark.parametrize("before", [date(2026, 11, 25), date(2026, 11, 26), date(2099, 1, 1)])
def test_the_newest_two_days_cannot_be_dropped(
    pool: Pool, clock: DrivenClock, before: date
) -> None:
    History(pool, clock, []).keep_days()
    with pytest.raises(psycopg.errors.InvalidParameterValue), pool.connection() as connection:
        tables.drop_days(connection, before)
    assert len(partitions(pool)) == 4


def test_only_the_app_role_may_call_the_functions(database: Any) -> None:
    with psycopg.connect(database.owner_dsn) as connection:
        granted = connection.execute(
            "SELECT p.proname, array_to_string(p.proacl, ' ') FROM pg_proc p"
            " WHERE p.proname LIKE 'position\\_%' AND prosecdef"
        ).fetchall()
    assert len(granted) == 3
    for _, rights in granted:
        assert "muster_app=X" in rights and " =X" not in f" {rights}"


def test_positions_are_kept_for_two_days_at_least(pool: Pool, clock: DrivenClock) -> None:
    with pytest.raises(ValueError):
        History(pool, clock, [], keep_days=1)


def test_a_forgotten_unit_has_no_position(positions: Positions) -> None:
    report(positions, "a", [fix()])
    assert [one.unit for one in positions.in_view((122, 29, 123, 31))] == ["a"]
    positions.forget("a")
    assert positions.latest("a") is None
    assert positions.in_view((122, 29, 123, 31)) == []
