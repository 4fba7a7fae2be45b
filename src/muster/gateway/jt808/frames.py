"""Bytes of a stream to frames and back: flags, escapes, checksum. Pure.

A frame stands between two flags 0x7e; inside, 0x7e is written 7d 02 and 0x7d is written 7d 01; its
last byte is the exclusive or of those before. Two frames may share a flag. So whatever stands
between two flags is a frame or a fault, and the next flag always begins anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from operator import xor
from typing import Final

import msgspec

FLAG: Final = b"\x7e"
_ESCAPE: Final = b"\x7d"
#: Header with ten bytes of phone and a part's numbers, a body of 1,023 bytes, the checksum.
MOST_BYTES: Final = 21 + 1023 + 1
LEAST_BYTES: Final = 12 + 1
#: Every byte of a frame may be escaped.
MOST_WRITTEN: Final = 2 * MOST_BYTES


class Fault(msgspec.Struct, frozen=True):
    """Something that was not a frame, or not a message, and was dropped."""

    reason: str


NO_START: Final = Fault("frame.no_start")
TOO_LONG: Final = Fault("frame.too_long")
TOO_SHORT: Final = Fault("frame.too_short")
BAD_ESCAPE: Final = Fault("frame.escape")
CHECKSUM: Final = Fault("frame.checksum")


class Frames:
    """Takes a stream in pieces of any size; holds at most one unfinished frame."""

    def __init__(self) -> None:
        self._held = b""
        self._lost = True  # before the first flag, and inside a frame without end
        self._noise = False

    @property
    def held(self) -> int:
        return len(self._held)

    def feed(self, data: bytes) -> Iterator[bytes | Fault]:
        """The frames that are complete now, without flags, escapes and checksum; and faults."""
        *whole, rest = data.split(FLAG)
        for piece in whole:
            written, self._held = self._held + piece, b""
            if self._lost:
                if written and not self._noise:
                    yield NO_START
                self._lost = self._noise = False
            elif written:
                yield opened(written)
        if self._lost:
            if rest and not self._noise:
                self._noise = True
                yield NO_START
        elif len(self._held) + len(rest) > MOST_WRITTEN:
            self._held, self._lost, self._noise = b"", True, True
            yield TOO_LONG
        else:
            self._held += rest


def opened(written: bytes) -> bytes | Fault:
    """A frame as written between its flags, to header and body."""
    if len(written) > MOST_WRITTEN:
        return TOO_LONG
    plain = written
    if _ESCAPE in written:
        right = written.count(b"\x7d\x01") + written.count(b"\x7d\x02")
        if right != written.count(_ESCAPE):
            return BAD_ESCAPE
        # In this order: 7d 01 02 is an escaped 7d and a 02.
        plain = written.replace(b"\x7d\x02", FLAG).replace(b"\x7d\x01", _ESCAPE)
    if len(plain) < LEAST_BYTES:
        return TOO_SHORT
    if len(plain) > MOST_BYTES:
        return TOO_LONG
    if reduce(xor, plain):
        return CHECKSUM
    return plain[:-1]


def sealed(plain: bytes) -> bytes:
    """Header and body to a frame as it goes over the wire."""
    whole = plain + bytes((reduce(xor, plain),))
    return FLAG + whole.replace(_ESCAPE, b"\x7d\x01").replace(FLAG, b"\x7d\x02") + FLAG
