"""Minute segments: what was received in a minute is sealed under one root, chained to the last.

The canonical bytes of positions are fixed, so that anybody can make them again:

    row      at int64 (ms since 1970 UTC) ‖ lon int32 ‖ lat int32 (microdegrees) ‖ speed int16
             (km/h) ‖ heading int16 (degrees) ‖ accuracy int32 (m); big-endian, -1 where unknown
    leaf     the rows of a unit in one minute (of `at`), by moment, one after the other:
             "<unit> <minute> <rows> <SHA-256 of the rows>", minute as YYYY-MM-DDTHH:MMZ
    root     Merkle root (RFC 6962) over the leaves of a segment, by unit and minute
    body     {"day", "leaves", "minute", "root", "rows"} as canonical JSON (RFC 8785)
    hash     SHA-256(previous ‖ body)

PostgreSQL makes the rows' digests: no position passes through this process.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from itertools import groupby
from typing import Any, Final, NamedTuple

import msgspec
from psycopg import Connection

from muster.journal import chain, merkle
from muster.journal.entry import canonical
from muster.journal.fault import Fault
from muster.telemetry import tables
from muster.telemetry.fixes import EPOCH, Kept
from muster.telemetry.tables import Leaf, Received

TABLE: Final = "position_segment"
MINUTE: Final = timedelta(minutes=1)


def minute_of(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(second=0, microsecond=0)


def minute_text(minute: datetime) -> str:
    return minute.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")


def leaf_data(leaf: Leaf) -> bytes:
    text = f"{leaf.unit} {minute_text(leaf.minute)} {leaf.rows} {leaf.digest.hex()}"
    return text.encode()


def row_bytes(fix: Kept) -> bytes:
    """A position's canonical bytes."""
    sides = (-1 if one is None else one for one in fix[3:])
    speed, heading, accuracy = sides
    return b"".join(
        number.to_bytes(size, "big", signed=True)
        for number, size in zip(
            (fix.at_ms, fix.lon, fix.lat, speed, heading, accuracy), (8, 4, 4, 2, 2, 4), strict=True
        )
    )


def leaf_of(unit: str, fixes: Sequence[Kept]) -> Leaf:
    """The leaf of a unit's positions in one minute, by moment."""
    minute = minute_of(EPOCH + timedelta(milliseconds=fixes[0].at_ms))
    return Leaf(unit, minute, len(fixes), sha256(b"".join(map(row_bytes, fixes))).digest())


def seal(connection: Connection[Any], before: datetime) -> int:
    """Seal every minute that ended by `before` and is not sealed yet, in the caller's transaction;
    returns how many segments. Waits for writers and keeps new ones waiting."""
    tables.lock_writing(connection, alone=True)
    last = tables.sealed_until(connection)
    since = None if last is None else last + MINUTE
    found = tables.received(connection, since, minute_of(before))
    made = 0
    for (minute, day), rows in groupby(found, key=lambda one: (one.received, one.day)):
        _append(connection, minute, day, [one.leaf for one in rows])
        made += 1
    return made


def _append(connection: Connection[Any], minute: datetime, day: date, leaves: list[Leaf]) -> None:
    columns = {
        "minute": minute,
        "day": day,
        "rows": sum(one.rows for one in leaves),
        "leaves": len(leaves),
        "root": merkle.root(map(leaf_data, leaves)).hex(),
    }
    with connection.cursor() as cursor:
        chain.append(cursor, TABLE, body_of(columns), columns)
    kept = [(one.unit, minute_text(one.minute), one.rows, one.digest.hex()) for one in leaves]
    tables.keep_leaves(connection, minute, day, msgspec.json.encode(kept))


def body_of(columns: dict[str, Any]) -> bytes:
    said = {**columns, "minute": minute_text(columns["minute"]), "day": str(columns["day"])}
    return canonical(said)


def read_leaves(data: bytes) -> list[Leaf]:
    """Leaves as `position_leaves` holds them. Raises ValueError."""
    try:
        found = msgspec.json.decode(data, type=list[tuple[str, str, int, str]])
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from None
    return [
        Leaf(unit, datetime.fromisoformat(minute), rows, bytes.fromhex(digest))
        for unit, minute, rows, digest in found
    ]


# --- verify ------------------------------------------------------------------------------------


@dataclass(frozen=True, order=True)
class PositionFault:
    """One thing that is not as it was sealed. `what`: altered, removed, added (positions of `unit`
    in `minute`); chain, root, column, leaves (the segment `minute` itself); dropped (a day)."""

    minute: str
    what: str
    unit: str = ""
    detail: str = ""


@dataclass
class PositionVerdict:
    """`segments` in the chain, `rows` compared; `gone`: days dropped on schedule, whose positions
    cannot be compared any more."""

    segments: int
    rows: int
    gone: list[date]
    faults: list[PositionFault]


class _Segment(NamedTuple):
    minute: datetime
    day: date
    leaves: list[Leaf] | None


def verify(connection: Connection[Any], kept_since: date | None = None) -> PositionVerdict:
    """Compare what there is with what was sealed, and the chain with itself.

    Days go oldest first: one that is gone while an older one is there was dropped by somebody.
    `kept_since`: days from then on must be there.
    """
    faults: list[PositionFault] = []
    segments = list(_chain(connection, faults))
    there = tables.days_there(connection)
    gone = sorted({one.day for one in segments} - there)
    oldest = min([*there, *([kept_since] if kept_since else [])], default=date.max)
    faults += [PositionFault(str(day), "dropped") for day in gone if day >= oldest]
    last = max((one.minute for one in segments), default=EPOCH)
    rows = 0
    for day in sorted(there):
        sealed = {one.minute: one.leaves for one in segments if one.day == day}
        found = [one for one in tables.received_of(connection, day) if one.received <= last]
        rows += sum(one.leaf.rows for one in found)
        faults += _compare(sealed, found, {one.minute for one in faults})
    return PositionVerdict(len(segments), rows, gone, sorted(faults))


def faults_beside(connection: Connection[Any]) -> tuple[PositionVerdict, list[Fault]]:
    """As `verify`, the faults as the journal's are told; those of the chain are its own to find."""
    verdict = verify(connection)
    own = [one for one in verdict.faults if one.what not in ("chain", "column")]
    named = [(one, " ".join(filter(None, (one.unit, one.minute, one.detail)))) for one in own]
    return verdict, [Fault("", 0, one.what, "position", detail) for one, detail in named]


def _chain(connection: Connection[Any], faults: list[PositionFault]) -> Iterable[_Segment]:
    previous = chain.FIRST_PREVIOUS
    for row in tables.segments(connection):
        minute = minute_text(row.minute)
        columns = {name: getattr(row, name) for name in ("minute", "day", "rows", "leaves", "root")}
        if row.previous != previous or sha256(row.previous + row.body).digest() != row.hash:
            faults.append(PositionFault(minute, "chain", detail=f"segment {row.number}"))
        elif body_of(columns) != row.body:
            faults.append(PositionFault(minute, "column", detail=f"segment {row.number}"))
        previous = row.hash
        yield _Segment(row.minute, row.day, _leaves(row, minute, faults))


def _leaves(row: tables.SegmentRow, minute: str, faults: list[PositionFault]) -> list[Leaf] | None:
    if row.kept is None:
        return None
    try:
        leaves = read_leaves(row.kept)
        root = merkle.root(map(leaf_data, leaves)).hex()
    except ValueError:
        root = ""
    if root == row.root:
        return leaves
    faults.append(PositionFault(minute, "leaves", detail=f"segment {row.number}"))
    return None


def _compare(
    sealed: dict[datetime, list[Leaf] | None], received: list[Received], named: set[str]
) -> Iterable[PositionFault]:
    """The leaves of one day's rows as they are now against those that were sealed. `named`:
    segments whose leaves are known not to be theirs."""
    found: dict[datetime, dict[tuple[str, datetime], Leaf]] = {minute: {} for minute in sealed}
    for one in received:
        found.setdefault(one.received, {})[one.leaf.unit, one.leaf.minute] = one.leaf
    for minute, there in found.items():
        known = sealed.get(minute, [])
        if known is not None:
            yield from _differences({(one.unit, one.minute): one for one in known}, there)
        elif minute_text(minute) not in named:
            yield PositionFault(minute_text(minute), "leaves", detail="missing")


def _differences(
    sealed: dict[tuple[str, datetime], Leaf], there: dict[tuple[str, datetime], Leaf]
) -> Iterable[PositionFault]:
    for key in sealed.keys() | there.keys():
        unit, minute = key
        was, is_ = sealed.get(key), there.get(key)
        if was == is_:
            continue
        before, after = (0 if one is None else one.rows for one in (was, is_))
        what = "altered" if before == after else "removed" if after < before else "added"
        detail = f"{after} positions, {before} were sealed"
        yield PositionFault(minute_text(minute), what, unit, detail)
