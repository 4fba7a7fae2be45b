"""The history of positions, in one partition a day, and the counted rejects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import numpy as np
from psycopg import Connection
from psycopg.errors import UniqueViolation

from muster.telemetry import binary
from muster.telemetry.fixes import EPOCH, Columns, Kept, milliseconds

_COLUMNS = b"unit, at, received, lon, lat, speed_kmh, heading, accuracy_m"
_COPY = b"COPY position (" + _COLUMNS + b") FROM STDIN (FORMAT binary)"
_INSERT = (
    b"INSERT INTO position (" + _COLUMNS + b") SELECT unit, timestamptz 'epoch' + at *"
    b" interval '1 millisecond', %s, lon, lat, nullif(speed, -1), nullif(heading, -1),"
    b" nullif(accuracy, -1) FROM unnest(%s::text[], %s::bigint[], %s::int[], %s::int[],"
    b" %s::smallint[], %s::smallint[], %s::int[])"
    b" AS fix (unit, at, lon, lat, speed, heading, accuracy) ON CONFLICT DO NOTHING"
)


class Written(NamedTuple):
    """One row of the history, read back."""

    unit: str
    fix: Kept


def write(
    connection: Connection[Any], fixes: Columns, units: Sequence[str], received: datetime
) -> int:
    """Append fixes to the history in the caller's transaction; returns how many were new.

    COPY first, for it is the fast way; only when a row is there already (a phone sent a batch
    again) the slow way that leaves such rows out.
    """
    stream = binary.rows(fixes, units, milliseconds(received))
    try:
        with connection.transaction(), connection.cursor().copy(_COPY) as copy:
            copy.write(stream)
        return len(fixes)
    except UniqueViolation:
        named = [units[number] for number in fixes.unit.tolist()]
        names = ("at", "lon", "lat", "speed", "heading", "accuracy")
        columns = [getattr(fixes, name).tolist() for name in names]
        return connection.execute(_INSERT, (received, named, *columns)).rowcount


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


def days_of(fixes: Columns) -> set[date]:
    """The days (UTC) whose partitions hold these fixes."""
    days = np.unique(fixes.at // 86_400_000).tolist()
    return {date.fromordinal(EPOCH.toordinal() + day) for day in days}
