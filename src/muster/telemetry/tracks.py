"""Copying a unit's track out of the history, with the minute segments that prove it (track.py)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from psycopg import Connection

from muster.journal.merkle import inclusion_proof, leaf_hash
from muster.journal.refusal import Refused
from muster.telemetry import tables
from muster.telemetry.segments import MINUTE, leaf_data, minute_of, minute_text, read_leaves
from muster.telemetry.tables import Leaf, TrackRow
from muster.telemetry.track import Track, TrackLeaf, TrackSegment


def track_of(
    connection: Connection[Any], unit: str, since: datetime, until: datetime
) -> Track | None:
    """What a unit reported in the whole minutes of a span; None when that is nothing.

    Raises Refused: track.unsealed, track.altered.
    """
    begin, end = minute_of(since), minute_of(until)
    begin = begin if begin == since.astimezone(UTC) else begin + MINUTE
    rows = tables.track_rows(connection, unit, begin, end)
    if not rows:
        return None
    return Track(
        unit=unit,
        since=begin,
        until=end,
        positions=sum(row.leaf.rows for row in rows),
        segments=tuple(_segments(connection, rows)),
    )


def _segments(connection: Connection[Any], rows: list[TrackRow]) -> Iterator[TrackSegment]:
    wanted = {(row.received, row.day) for row in rows}
    sealed = {(one.minute, one.day): one for one in tables.segments_of(connection, wanted)}
    for key, group in groupby(rows, key=lambda row: (row.received, row.day)):
        segment = sealed.get(key)
        if segment is None:
            raise Refused("track.unsealed")
        if segment.kept is None:
            raise Refused("track.altered")
        yield TrackSegment(
            number=segment.number,
            previous=segment.previous.hex(),
            body=segment.body.decode(),
            hash=segment.hash.hex(),
            leaves=tuple(_leaves(read_leaves(segment.kept), list(group))),
        )


def _leaves(sealed: list[Leaf], rows: list[TrackRow]) -> Iterator[TrackLeaf]:
    hashes = [leaf_hash(leaf_data(one)) for one in sealed]
    for row in rows:
        if row.leaf not in sealed:
            raise Refused("track.altered")
        index = sealed.index(row.leaf)
        path = tuple(one.hex() for one in inclusion_proof(index, hashes))
        yield TrackLeaf(minute_text(row.leaf.minute), row.rows, index, path)


def chained(connection: Connection[Any], track: Track) -> bool:
    """Whether the segments it names are those of the chain."""
    known = tables.segment_hashes(connection, [one.number for one in track.segments])
    return all(known.get(one.number) == bytes.fromhex(one.hash) for one in track.segments)
