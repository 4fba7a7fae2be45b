"""The history of positions, in one partition a day, and the counted rejects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from psycopg import Connection
from psycopg.errors import UniqueViolation

from muster.telemetry.fixes import EPOCH, Kept, milliseconds


class Written(NamedTuple):
    """One row of the history."""

    unit: str
    fix: Kept

    @property
    def at(self) -> datetime:
        return EPOCH + timedelta(milliseconds=self.fix.at_ms)


_COLUMNS = b"unit, at, lon, lat, speed_kmh, heading, accuracy_m"
_COPY = b"COPY position (" + _COLUMNS + b") FROM STDIN"
_INSERT = (
    b"INSERT INTO position (" + _COLUMNS + b") SELECT * FROM unnest(%s::text[], %s::timestamptz[],"
    b" %s::int[], %s::int[], %s::smallint[], %s::smallint[], %s::int[]) ON CONFLICT DO NOTHING"
)


def write(connection: Connection[Any], rows: Sequence[Written]) -> int:
    """Append rows to the history in the caller's transaction; returns how many were new.

    COPY first, for it is the fast way; only when a row is there already (a phone sent a batch
    again) the slow way that leaves such rows out.
    """
    values = [(row.unit, row.at, *_numbers(row.fix)) for row in rows]
    try:
        with connection.transaction(), connection.cursor().copy(_COPY) as copy:
            for value in values:
                copy.write_row(value)
        return len(values)
    except UniqueViolation:
        columns = [list(column) for column in zip(*values, strict=True)]
        return connection.execute(_INSERT, columns).rowcount


def _numbers(fix: Kept) -> tuple[int | None, ...]:
    return fix.lon, fix.lat, fix.speed_kmh, fix.heading, fix.accuracy_m


def count_rejects(connection: Connection[Any], counts: Mapping[tuple[str, date], int]) -> None:
    """Add to the counts of refused fixes by (code, day)."""
    connection.execute(
        "INSERT INTO telemetry_reject (code, day, count)"
        " SELECT * FROM unnest(%s::text[], %s::date[], %s::bigint[])"
        " ON CONFLICT (code, day) DO UPDATE"
        " SET count = telemetry_reject.count + EXCLUDED.count",
        (
            [code for code, _ in counts],
            [day for _, day in counts],
            list(counts.values()),
        ),
    )


def make_days(connection: Connection[Any], days: Iterable[date]) -> None:
    """Make the partitions of these days (UTC) where they are missing."""
    for day in sorted(days):
        connection.execute("SELECT position_make_day(%s)", (day,))


def drop_days(connection: Connection[Any], before: date) -> int:
    """Drop the partitions of days before `before`; returns how many."""
    row = connection.execute("SELECT position_drop_days(%s)", (before,)).fetchone()
    assert row is not None
    return int(row[0])


def newest(connection: Connection[Any], since: datetime, until: datetime) -> list[Written]:
    """The newest fix of every unit in a span, to begin with after a start."""
    rows = connection.execute(
        "SELECT DISTINCT ON (unit) unit, at, lon, lat, speed_kmh, heading, accuracy_m"
        " FROM position WHERE at BETWEEN %s AND %s ORDER BY unit, at DESC",
        (since, until),
    ).fetchall()
    return [
        Written(unit, Kept(lon, lat, milliseconds(at), speed, heading, accuracy))
        for unit, at, lon, lat, speed, heading, accuracy in rows
    ]


def day_of(moment: datetime) -> date:
    """The day (UTC) whose partition holds a moment."""
    return moment.astimezone(UTC).date()
