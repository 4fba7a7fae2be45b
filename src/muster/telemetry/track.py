"""A unit's track of some minutes as a text that proves itself: positions, leaves, segments.

    {"is": "muster.track/1", "unit", "since", "until", "positions", "segments": [
        {"number", "previous", "body", "hash", "leaves": [
            {"minute", "rows" (base64 of the canonical bytes), "index", "path"}]}]}

rows → leaf → Merkle path → the root in a segment's body → its hash, which the chain of segments
holds and signed checkpoints cover. `verify_track.py` checks it with nothing but Python.
"""

from __future__ import annotations

from datetime import UTC, datetime
from struct import Struct
from typing import Final

import msgspec

IS: Final = "muster.track/1"
#: A position's canonical bytes, as segments.py tells them.
_ROW: Final = Struct(">qiihhi")


class TrackLeaf(msgspec.Struct, frozen=True):
    """The unit's positions in one minute, and the way up to the segment's root (hex)."""

    minute: str
    rows: bytes
    index: int
    path: tuple[str, ...]


class TrackSegment(msgspec.Struct, frozen=True):
    """A sealed minute segment: its number in the chain, and the bytes that were hashed."""

    number: int
    previous: str
    body: str
    hash: str
    leaves: tuple[TrackLeaf, ...]


class Track(msgspec.Struct, frozen=True, kw_only=True):
    """`since`, `until`: whole minutes."""

    form: str = msgspec.field(name="is", default=IS)
    unit: str
    since: datetime
    until: datetime
    positions: int
    segments: tuple[TrackSegment, ...]


class TrackPosition(msgspec.Struct, frozen=True):
    """WGS-84 degrees; speed in km/h, heading in degrees, accuracy in metres, None where unknown."""

    at: datetime
    lon: float
    lat: float
    speed_kmh: int | None
    heading: int | None
    accuracy_m: int | None


def read_track(text: str) -> Track:
    return msgspec.json.decode(text, type=Track)


def positions_of(track: Track) -> list[TrackPosition]:
    """In the order of their moments."""
    rows = b"".join(leaf.rows for segment in track.segments for leaf in segment.leaves)
    return sorted((_position(*row) for row in _ROW.iter_unpack(rows)), key=lambda one: one.at)


def _position(
    at: int, lon: int, lat: int, speed: int, heading: int, accuracy: int
) -> TrackPosition:
    sides = (None if one < 0 else one for one in (speed, heading, accuracy))
    moment = datetime.fromtimestamp(at / 1000, UTC)
    return TrackPosition(moment, lon / 1e6, lat / 1e6, *sides)
