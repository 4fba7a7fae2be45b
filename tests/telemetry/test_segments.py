"""Positions are sealed minute by minute; whatever is done to them afterwards is found and named."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import Connection
from psycopg_pool import ConnectionPool

from muster.journal import merkle
from muster.journal.clock import DrivenClock
from muster.telemetry import segments, tables
from muster.telemetry.fixes import Fix, Kept, milliseconds
from muster.telemetry.positions import Positions
from muster.telemetry.segments import PositionVerdict, leaf_data, leaf_of, read_leaves, verify
from muster.telemetry.tables import Leaf

NOW = datetime(2026, 11, 23, 8, 0, 20, tzinfo=UTC)
Owner = Connection[Any]


class Telemetry:
    """Positions on a driven clock; a minute passes when `minute` is called."""

    def __init__(self, app_dsn: str, owner_dsn: str) -> None:
        self.clock = DrivenClock(NOW)
        self.pool = ConnectionPool[Owner](app_dsn, min_size=1, max_size=3, open=True)
        self.positions = Positions(self.pool, self.clock)
        self.history = self.positions._history
        self.history.keep_days()
        self.owner_dsn = owner_dsn

    def send(self, unit: str, *ago_s: float, lon: float = 122.1) -> None:
        now = self.clock.now()
        fixes: list[Fix | None] = [
            Fix(lon=lon, lat=30, at=now - timedelta(seconds=ago), speed_kmh=30) for ago in ago_s
        ]
        since = {unit: now - timedelta(days=2)}
        taken = self.positions.report(fixes, self.positions.reporter(lambda: since), now, unit)
        assert taken.accepted == len(ago_s)
        self.positions.flush()

    def minute(self, minutes: int = 1) -> int:
        self.clock.advance(self.clock.now() + timedelta(minutes=minutes))
        return self.history.seal()

    def verified(self, kept_since: date | None = None) -> PositionVerdict:
        with self.pool.connection() as connection:
            return verify(connection, kept_since)

    def tamper(self, *statements: str) -> int:
        """As the database's owner, with the triggers that refuse it switched off."""
        with psycopg.connect(self.owner_dsn) as owner:
            changed = 0
            owner.execute("ALTER TABLE position_segment DISABLE TRIGGER append_only")
            for statement in statements:
                changed += max(0, owner.execute(statement.encode()).rowcount)
            return changed


@pytest.fixture
def telemetry(database: Any) -> Iterator[Telemetry]:
    opened = Telemetry(database.app_dsn, database.owner_dsn)
    yield opened
    opened.pool.close()


def faults(verdict: PositionVerdict) -> list[tuple[str, str, str]]:
    return [(one.what, one.unit, one.minute) for one in verdict.faults]


def test_a_minute_is_sealed_when_it_has_ended(telemetry: Telemetry) -> None:
    telemetry.send("a", 10, 5, 1)
    telemetry.send("b", 2)
    assert telemetry.history.seal() == 0
    assert telemetry.minute() == 1
    assert telemetry.minute() == 0  # nothing came: nothing to seal
    telemetry.send("a", 3)
    assert telemetry.minute() == 1
    with telemetry.pool.connection() as connection:
        first, second = tables.segments(connection)
    assert (first.rows, first.leaves, second.rows) == (4, 2, 1)
    assert second.previous == first.hash
    assert telemetry.verified() == PositionVerdict(2, 5, [], [])


def test_what_comes_late_is_in_a_later_segment_of_its_own_day(telemetry: Telemetry) -> None:
    telemetry.send("a", 10)
    telemetry.minute()
    telemetry.send("a", 75, 3, 9 * 3600)  # the sealed minute, this one, and yesterday
    telemetry.minute()
    with telemetry.pool.connection() as connection:
        rows = list(tables.segments(connection))
    assert [(row.day.day, row.rows) for row in rows] == [(23, 1), (22, 1), (23, 2)]
    assert telemetry.verified().faults == []


def test_anybody_can_make_the_bytes_again(telemetry: Telemetry) -> None:
    """From the documented form alone, without PostgreSQL."""
    telemetry.send("单位-示例", 10, 12.345, lon=-122.123456)
    telemetry.minute()
    with telemetry.pool.connection() as connection:
        (row,) = tables.segments(connection)
    assert row.kept is not None
    at = milliseconds(NOW)
    fixes = [Kept(-122_123_456, 30_000_000, at - ago, 30, None, None) for ago in (12_345, 10_000)]
    made = leaf_of("单位-示例", fixes)
    assert read_leaves(row.kept) == [made]
    assert merkle.root([leaf_data(made)]).hex() == row.root


TAMPERING: tuple[tuple[str, tuple[str, str, str]], ...] = (
    (
        "UPDATE position SET lat = lat + 1 WHERE unit = 'b' AND at > '2026-11-23 08:01Z'",
        ("altered", "b", "2026-11-23T08:01Z"),
    ),
    (
        "UPDATE position SET speed_kmh = NULL WHERE unit = 'a' AND at < '2026-11-23 08:00:12Z'",
        ("altered", "a", "2026-11-23T08:00Z"),
    ),
    (
        "DELETE FROM position WHERE unit = 'a' AND at < '2026-11-23 08:00:12Z'",
        ("removed", "a", "2026-11-23T08:00Z"),
    ),
    (
        "INSERT INTO position SELECT 'c', at, lon, lat, 1, 1, 1, received FROM position"
        " WHERE unit = 'b' AND at < '2026-11-23 08:01Z'",
        ("added", "c", "2026-11-23T08:00Z"),
    ),
    (
        "INSERT INTO position SELECT 'c', at, lon, lat, 1, 1, 1, received - interval '1 h'"
        " FROM position WHERE unit = 'b' AND at < '2026-11-23 08:01Z'",
        ("added", "c", "2026-11-23T08:00Z"),
    ),
    (
        "UPDATE position_segment SET rows = rows + 1 WHERE number = 1",
        ("column", "", "2026-11-23T08:00Z"),
    ),
    (
        "UPDATE position_segment SET body = body || '\\x20' WHERE number = 1",
        ("chain", "", "2026-11-23T08:00Z"),
    ),
    (
        "DELETE FROM position_leaves WHERE segment = 2",
        ("leaves", "", "2026-11-23T08:01Z"),
    ),
    (
        "UPDATE position_leaves SET leaves = l.leaves FROM position_leaves l WHERE l.segment = 1",
        ("leaves", "", "2026-11-23T08:01Z"),
    ),
    ("DELETE FROM position_segment WHERE number = 1", ("chain", "", "2026-11-23T08:01Z")),
    (
        "DROP TABLE position_20261123",
        ("dropped", "", "2026-11-23"),
    ),
)


@pytest.mark.parametrize(("statement", "named"), TAMPERING)
def test_tampering_is_found_and_named(
    telemetry: Telemetry, statement: str, named: tuple[str, str, str]
) -> None:
    for _ in range(2):
        telemetry.send("a", 10, 5, 1)
        telemetry.send("b", 8)
        telemetry.minute()
    assert telemetry.verified(date(2026, 11, 22)).faults == []
    telemetry.tamper(statement)
    assert named in faults(telemetry.verified(date(2026, 11, 22)))


def test_a_hundred_random_bytes(telemetry: Telemetry) -> None:
    """Any one number of any one position, changed by any amount."""
    for number in range(4):
        telemetry.send("a", *(n / 4 for n in range(40)), lon=122 + number / 100)
        telemetry.send("b", 1)
        telemetry.minute()
    chance = random.Random(11)
    columns: list[tuple[str, Callable[[], str]]] = [
        ("lon", lambda: f"lon # {1 << chance.randrange(20)}"),
        ("lat", lambda: f"lat # {1 << chance.randrange(20)}"),
        ("speed_kmh", lambda: f"(coalesce(speed_kmh, 0) + {chance.randrange(1, 99)})::smallint"),
        ("heading", lambda: f"{chance.randrange(360)}"),
        ("accuracy_m", lambda: f"{chance.randrange(1, 500)}"),
        ("at", lambda: f"at + interval '{chance.randrange(1, 200)} milliseconds'"),
    ]
    for _ in range(100):
        column, change = chance.choice(columns)
        with telemetry.pool.connection() as read:
            rows = read.execute("SELECT unit, at FROM position ORDER BY unit, at").fetchall()
        unit, at = chance.choice(rows)
        where = f" WHERE unit = '{unit}' AND at = '{at.isoformat()}'"
        with psycopg.connect(telemetry.owner_dsn) as owner:
            owner.execute(f"UPDATE position SET {column} = {change()}{where}".encode())
            assert [(one.what, one.unit) for one in verify(owner).faults][:1] == [("altered", unit)]
            owner.rollback()
    assert telemetry.verified().faults == []


def test_what_goes_on_schedule_leaves_the_chain_whole(telemetry: Telemetry) -> None:
    telemetry.send("a", 10)
    telemetry.minute()
    telemetry.minute(minutes=40 * 24 * 60)
    telemetry.history.keep_days()
    telemetry.send("a", 10)
    telemetry.minute()
    verdict = telemetry.verified(kept_since=telemetry.clock.now().date() - timedelta(days=30))
    assert verdict == PositionVerdict(2, 1, [date(2026, 11, 23)], [])
    with telemetry.pool.connection() as connection:
        kept = [row.kept is None for row in tables.segments(connection)]
    assert kept == [True, False]


def test_a_clock_set_back_writes_into_no_sealed_minute(telemetry: Telemetry) -> None:
    telemetry.send("a", 10)
    telemetry.minute(minutes=60)
    telemetry.send("a", 5)
    telemetry.minute()
    telemetry.clock._now = NOW + timedelta(minutes=1)
    telemetry.send("a", 5)
    telemetry.history.seal()
    assert telemetry.verified().faults == []
    telemetry.clock._now = NOW + timedelta(hours=2)
    telemetry.history.seal()
    assert telemetry.verified() == PositionVerdict(3, 3, [], [])


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM position_segment",
        "UPDATE position_segment SET rows = 9",
        "TRUNCATE position_segment CASCADE",
        "DELETE FROM position_leaves",
        "UPDATE position_leaves SET leaves = ''",
        "SELECT position_drop_leaves('2026-11-23')",
    ],
)
def test_nothing_sealed_can_be_changed_by_the_app(telemetry: Telemetry, statement: str) -> None:
    telemetry.send("a", 10)
    telemetry.minute()
    with pytest.raises(psycopg.Error), telemetry.pool.connection() as connection:
        connection.execute(statement.encode())


def test_a_leaf_says_whose_it_is() -> None:
    minute = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
    leaf = Leaf("a", minute, 2, b"\1" * 32)
    assert leaf_data(leaf) == b"a 2026-11-23T08:00Z 2 " + b"01" * 32
    assert segments.minute_of(minute + timedelta(seconds=59)) == minute
