"""The history of positions, in one partition a day, and the counted rejects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple

import numpy as np
from psycopg import Connection
from psycopg.errors import UniqueViolation

from muster.journal.perform import lock_key
from muster.telemetry import binary
from muster.telemetry.fixes import EPOCH, OLDEST_MS, Columns, Kept, milliseconds

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
    try:
        with connection.transaction(), connection.cursor().copy(_COPY) as copy:
            for piece in binary.rows(fixes, units, milliseconds(received)):
                copy.write(piece)
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


# --- minute segments -----------------------------------------------------------------------------


class Leaf(NamedTuple):
    """The positions of a unit in one minute: how many, and the SHA-256 of their bytes."""

    unit: str
    minute: datetime
    rows: int
    digest: bytes


class Received(NamedTuple):
    """A leaf of the segment of the minute in which its positions were received."""

    received: datetime
    day: date
    leaf: Leaf


class SegmentRow(NamedTuple):
    """A sealed segment; `kept`: its leaves as JSON, None once they have gone with their day."""

    number: int
    minute: datetime
    day: date
    rows: int
    leaves: int
    root: str
    body: bytes
    previous: bytes
    hash: bytes
    kept: bytes | None


#: A position's canonical bytes: see segments.py.
_BYTES = (
    "int8send((extract(epoch FROM at) * 1000)::bigint) || int4send(lon) || int4send(lat)"
    " || int2send(coalesce(speed_kmh, -1)::smallint) || int2send(coalesce(heading, -1)::smallint)"
    " || int4send(coalesce(accuracy_m, -1))"
)
_LEAVES = (
    "SELECT date_trunc('minute', received, 'UTC'), (at AT TIME ZONE 'UTC')::date, unit,"
    " date_trunc('minute', at, 'UTC'), count(*),"
    f" sha256(string_agg({_BYTES}, ''::bytea ORDER BY at)) FROM position"
)
_GROUPED = ' GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, unit COLLATE "C", 4'
#: Nothing older is taken in, so nothing older was received since.
_OLDEST = timedelta(milliseconds=OLDEST_MS)


def lock_writing(connection: Connection[Any], *, alone: bool = False) -> None:
    """Until the transaction ends. Writers of positions share it; who seals has it alone, so that
    nothing is being written into a minute that is sealed."""
    shared = "" if alone else "_shared"
    statement = f"SELECT pg_advisory_xact_lock{shared}(%s)"
    connection.execute(statement.encode(), (lock_key("positions:writing"),))


def sealed_until(connection: Connection[Any]) -> datetime | None:
    """The last minute that is sealed."""
    row = connection.execute("SELECT max(minute) FROM position_segment").fetchone()
    assert row is not None
    found: datetime | None = row[0]
    return found


def received(
    connection: Connection[Any], since: datetime | None, until: datetime
) -> list[Received]:
    """The leaves of what was received from `since` (None: ever) to before `until`, by segment."""
    if since is None:
        where, values = " WHERE received < %s", (until,)
    else:
        where = " WHERE received >= %s AND received < %s AND at >= %s"
        values = (since, until, since - _OLDEST)  # type: ignore[assignment]
    found = connection.execute((_LEAVES + where + _GROUPED).encode(), values)
    return [Received(row[0], row[1], Leaf(*row[2:])) for row in found]


def received_of(connection: Connection[Any], day: date) -> list[Received]:
    """The leaves of one day (UTC) of positions, as they are now."""
    where = " WHERE received IS NOT NULL AND at >= %s AND at < %s"
    begin = EPOCH + timedelta(days=day.toordinal() - EPOCH.toordinal())
    values = (begin, begin + timedelta(days=1))
    found = connection.execute((_LEAVES + where + _GROUPED).encode(), values)
    return [Received(row[0], row[1], Leaf(*row[2:])) for row in found]


def keep_leaves(connection: Connection[Any], minute: datetime, day: date, leaves: bytes) -> None:
    """The leaves of a segment just appended."""
    connection.execute(
        "INSERT INTO position_leaves (segment, leaves)"
        " SELECT number, %s FROM position_segment WHERE minute = %s AND day = %s",
        (leaves, minute, day),
    )


def segments(connection: Connection[Any]) -> Iterator[SegmentRow]:
    """The whole chain, in order."""
    with connection.cursor(name="segments") as cursor:
        cursor.execute(
            "SELECT s.number, s.minute, s.day, s.rows, s.leaves, s.root, s.body, s.previous,"
            " s.hash, l.leaves FROM position_segment s LEFT JOIN position_leaves l"
            " ON l.segment = s.number ORDER BY s.number"
        )
        for row in cursor:
            yield SegmentRow(*row)


def days_there(connection: Connection[Any]) -> set[date]:
    """The days (UTC) that have a partition."""
    found = connection.execute(
        "SELECT to_date(right(c.relname, 8), 'YYYYMMDD') FROM pg_inherits i"
        " JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'position'::regclass"
    ).fetchall()
    return {row[0] for row in found}


def drop_leaves(connection: Connection[Any], before: date) -> int:
    """Drop the leaves of days before `before`, whose partitions have gone."""
    row = connection.execute("SELECT position_drop_leaves(%s)", (before,)).fetchone()
    assert row is not None
    return int(row[0])


# --- a track to be kept --------------------------------------------------------------------------


class TrackRow(NamedTuple):
    """A leaf as it is now with its positions' bytes; which segment it is in."""

    received: datetime
    day: date
    leaf: Leaf
    rows: bytes


_TRACK = (
    "SELECT date_trunc('minute', received, 'UTC'), (at AT TIME ZONE 'UTC')::date,"
    f" date_trunc('minute', at, 'UTC'), count(*), string_agg({_BYTES}, ''::bytea ORDER BY at)"
    " FROM position WHERE unit = %s AND at >= %s AND at < %s AND received IS NOT NULL"
    " GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
)
_SEGMENTS_OF = (
    "SELECT s.number, s.minute, s.day, s.rows, s.leaves, s.root, s.body, s.previous, s.hash,"
    " l.leaves FROM position_segment s LEFT JOIN position_leaves l ON l.segment = s.number"
    " WHERE (s.minute, s.day) IN (SELECT * FROM unnest(%s::timestamptz[], %s::date[]))"
)


def track_rows(
    connection: Connection[Any], unit: str, since: datetime, until: datetime
) -> list[TrackRow]:
    """What one unit reported in a span, by segment and minute."""
    found = connection.execute(_TRACK.encode(), (unit, since, until)).fetchall()
    return [
        TrackRow(
            received, day, Leaf(unit, minute, count, sha256(bytes(data)).digest()), bytes(data)
        )
        for received, day, minute, count, data in found
    ]


def segments_of(
    connection: Connection[Any], wanted: Iterable[tuple[datetime, date]]
) -> list[SegmentRow]:
    """The segments of some minutes and days."""
    minutes, days = zip(*sorted(wanted), strict=True)
    found = connection.execute(_SEGMENTS_OF.encode(), (list(minutes), list(days))).fetchall()
    return [SegmentRow(*row) for row in found]


def segment_hashes(connection: Connection[Any], numbers: Sequence[int]) -> dict[int, bytes]:
    found = connection.execute(
        "SELECT number, hash FROM position_segment WHERE number = ANY(%s)", (list(numbers),)
    ).fetchall()
    return {number: bytes(hashed) for number, hashed in found}
