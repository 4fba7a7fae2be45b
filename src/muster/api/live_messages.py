"""What is said over the live feed, in both directions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from math import isfinite
from typing import Annotated, Any, TypeAlias

import msgspec

from muster.telemetry.latest import Box

LARGEST_WORD = 4096

View: TypeAlias = tuple[float, float, float, float]
Text = Annotated[str, msgspec.Meta(max_length=100)]


class Hello(msgspec.Struct, frozen=True, tag_field="type", tag="hello"):
    """The first word of a client. `cursor`: of the last message it has, None for a fresh start.
    `view`: west, south, east, north in degrees of the map it shows, None for everything."""

    cursor: Text | None = None
    view: View | None = None


class Look(msgspec.Struct, frozen=True, tag_field="type", tag="view"):
    """The map shows another view now."""

    view: View | None


class Snapshot(msgspec.Struct, frozen=True, tag_field="type", tag="snapshot"):
    """Everything the client may see. It throws away what it had before."""

    cursor: str
    now: datetime
    incidents: Sequence[Any]
    units: Sequence[Any]


class Changes(msgspec.Struct, frozen=True, tag_field="type", tag="changes"):
    """Rows to put in place of those with the same id; `gone`: incidents to take away."""

    cursor: str
    incidents: Sequence[Any]
    gone: Sequence[str]
    units: Sequence[Any]


class Beat(msgspec.Struct, frozen=True, tag_field="type", tag="beat"):
    """Every five seconds. `feed` is "stalled" while changes do not come through."""

    now: datetime
    feed: str


class Message:
    """An encoded message. Encoded once, framed once, sent to many."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    @cached_property
    def frame(self) -> bytes:
        """A whole WebSocket text frame (RFC 6455 5.2), unmasked as servers send it."""
        size = len(self.data)
        if size < 126:
            head = bytes((0x81, size))
        elif size < 65536:
            head = b"\x81\x7e" + size.to_bytes(2, "big")
        else:
            head = b"\x81\x7f" + size.to_bytes(8, "big")
        return head + self.data

    @cached_property
    def text(self) -> str:
        return self.data.decode()


_encoder = msgspec.json.Encoder()
_words = msgspec.json.Decoder(Hello | Look)


def encoded(message: Snapshot | Changes | Beat) -> Message:
    return Message(_encoder.encode(message))


def positions_message(fragments: Sequence[bytes]) -> Message:
    """The message "positions" of rows encoded by `fragment`."""
    return Message(b'{"type":"positions","positions":[' + b",".join(fragments) + b"]}")


def fragment(unit: str, lon: int, lat: int, heading: int, at_ms: int) -> bytes:
    """One row of the message "positions": microdegrees in, degrees out; heading -1 is none."""
    shown = heading if heading >= 0 else None
    return _encoder.encode((unit, lon / 1_000_000, lat / 1_000_000, shown, at_ms))


class BadWord(Exception):
    """A client said something that cannot be understood; the text tells what."""


def word(text: str | bytes) -> Hello | Look:
    """Raises BadWord."""
    try:
        said: Hello | Look = _words.decode(text)
    except (msgspec.DecodeError, UnicodeError):
        raise BadWord("not a hello or a view") from None
    return said


def box_of(view: View | None) -> Box | None:
    """The view as a box on the globe; None when it shows all of it. Raises BadWord.

    Maps zoomed far out show the world more than once: such edges are brought back.
    """
    if view is None:
        return None
    west, south, east, north = view
    if not all(isfinite(edge) and abs(edge) <= 10_000 for edge in view) or south > north:
        raise BadWord("not a view: west, south, east, north in degrees")
    south, north = max(south, -90.0), min(north, 90.0)
    if east - west >= 360:
        return -180.0, south, 180.0, north
    return _wrapped(west), south, _wrapped(east), north


def _wrapped(lon: float) -> float:
    return lon if -180 <= lon <= 180 else (lon + 180) % 360 - 180
