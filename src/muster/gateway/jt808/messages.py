"""Frames to messages and back: the header, positions, registration, answers. Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

import msgspec

from muster.gateway.jt808.frames import Fault, sealed

ANSWER, HEARTBEAT, LOG_OUT = 0x0001, 0x0002, 0x0003
REGISTER, AUTHENTICATE, POSITION, BATCH = 0x0100, 0x0102, 0x0200, 0x0704
GENERAL, REGISTERED = 0x8001, 0x8100

#: Results of a general answer.
DONE, FAILED, WRONG, UNSUPPORTED = 0, 1, 2, 3
#: Results of a registration.
WELCOME, NO_SUCH_TERMINAL = 0, 4

#: Moments are in the time of China, by the standard.
CHINA: Final = timezone(timedelta(hours=8))

LENGTH: Final = Fault("header.length")
PHONE: Final = Fault("header.phone")
ENCRYPTED: Final = Fault("header.encrypted")
PART: Final = Fault("header.part")
SHORT: Final = Fault("message.short")
TIME: Final = Fault("position.time")
PLACE: Final = Fault("position.place")

_BODY, _ENCRYPTION, _PARTS, _YEAR_2019 = 0x03FF, 0x1C00, 0x2000, 0x4000
_BASIC: Final = struct.Struct(">IIIIHHH6s")
_WORDS: Final = struct.Struct(">HH")
_LOCATED, _SOUTH, _WEST, _SHIFTED = 0x2, 0x4, 0x8, 0x20
_EMERGENCY: Final = 0x1
_MILEAGE, _SIGNAL, _SATELLITES = 0x01, 0x30, 0x31


class Message(msgspec.Struct, frozen=True):
    """One message, or one part of several. `bcd`: the terminal's phone as it was written; `year`:
    2013 (2011 has the same header) or 2019. `part` counts from 1; `parts` is 1 for a whole one."""

    kind: int
    bcd: bytes
    year: int
    serial: int
    body: bytes
    parts: int = 1
    part: int = 1

    @property
    def phone(self) -> str:
        """Without leading zeros: the same terminal in either header."""
        return self.bcd.hex().lstrip("0")


def message(frame: bytes) -> Message | Fault:
    """A frame's header and body. Never raises."""
    kind, properties = _WORDS.unpack_from(frame)
    year, begin, phone_bytes = (2019, 5, 10) if properties & _YEAR_2019 else (2013, 4, 6)
    after = begin + phone_bytes + 2 + (4 if properties & _PARTS else 0)
    if len(frame) != after + (properties & _BODY):
        return LENGTH
    if properties & _ENCRYPTION:
        return ENCRYPTED
    bcd = frame[begin : begin + phone_bytes]
    if not _digits(bcd) or not any(bcd):
        return PHONE
    (serial,) = struct.unpack_from(">H", frame, begin + phone_bytes)
    parts, part = _WORDS.unpack_from(frame, after - 4) if properties & _PARTS else (1, 1)
    if not 1 <= part <= parts:
        return PART
    return Message(kind, bcd, year, serial, frame[after:], parts, part)


def _digits(bcd: bytes) -> bool:
    return bcd.hex().isdigit()


class Position(msgspec.Struct, frozen=True):
    """A position as a terminal tells it: degrees in the datum it measured (`shifted`: it says that
    it moved them, which is GCJ-02), metres, tenths of km/h, degrees from north. `located`: whether
    it knows where it is at all. `emergency`: somebody pressed the alarm button. What the standard
    adds beside: metres driven, bars of signal, satellites; None where not said. `items_broken`:
    what stands behind the basic part could not all be read."""

    at: datetime
    lon: float
    lat: float
    altitude_m: int
    speed_tenths: int
    heading: int | None
    located: bool
    shifted: bool
    emergency: bool
    mileage_m: int | None = None
    signal: int | None = None
    satellites: int | None = None
    items_broken: bool = False

    @property
    def at_ms(self) -> int:
        """Milliseconds since 1970 UTC."""
        return int(self.at.timestamp()) * 1000


def position(body: bytes) -> Position | Fault:
    """The body of 0x0200. Never raises."""
    if len(body) < _BASIC.size:
        return SHORT
    alarm, status, lat, lon, altitude, speed, heading, bcd = _BASIC.unpack_from(body)
    at = moment(bcd)
    if at is None:
        return TIME
    if lat > 90_000_000 or lon > 180_000_000:
        return PLACE
    items, broken = _items(body[_BASIC.size :])
    mileage = items.get(_MILEAGE)
    return Position(
        at=at,
        lon=(-lon if status & _WEST else lon) / 1e6,
        lat=(-lat if status & _SOUTH else lat) / 1e6,
        altitude_m=altitude,
        speed_tenths=speed,
        heading=heading % 360 if heading <= 360 else None,
        located=bool(status & _LOCATED),
        shifted=bool(status & _SHIFTED),
        emergency=bool(alarm & _EMERGENCY),
        mileage_m=None if mileage is None else mileage * 100,
        signal=items.get(_SIGNAL),
        satellites=items.get(_SATELLITES),
        items_broken=broken,
    )


#: Bytes of the items that are read.
_SIZES: Final = {_MILEAGE: 4, _SIGNAL: 1, _SATELLITES: 1}


def _items(data: bytes) -> tuple[dict[int, int], bool]:
    """What stands behind a position, and whether some of it says more bytes than there are."""
    found: dict[int, int] = {}
    at = 0
    while at < len(data):
        end = at + 2 + data[at + 1] if at + 1 < len(data) else len(data) + 1
        if end > len(data):
            return found, True
        if _SIZES.get(data[at]) == end - at - 2:
            found[data[at]] = int.from_bytes(data[at + 2 : end], "big")
        at = end
    return found, False


def moment(bcd: bytes) -> datetime | None:
    """Six bytes YY MM DD hh mm ss; None where they are no moment."""
    text = bcd.hex()
    if not text.isdigit():
        return None
    year, month, day, hour, minute, second = (int(text[at : at + 2]) for at in range(0, 12, 2))
    try:
        found = datetime(2000 + year, month, day, hour, minute, second, tzinfo=CHINA)
    except ValueError:
        return None
    return found.astimezone(UTC)


def batch(body: bytes) -> Iterator[Position | Fault]:
    """The positions of 0x0704, as they were measured or sent again from where there was no
    network. A bad one is a fault of its own; a length that lies ends the list."""
    if len(body) < 3:
        yield SHORT
        return
    (count,) = struct.unpack_from(">H", body)
    at = 3
    for _ in range(count):
        if at + 2 > len(body):
            yield SHORT
            return
        (size,) = struct.unpack_from(">H", body, at)
        at += 2
        if at + size > len(body):
            yield SHORT
            return
        yield position(body[at : at + size])
        at += size


def code_of(asked: Message) -> bytes | None:
    """The code of 0x0102; None where the message cannot hold one."""
    if asked.year != 2019:
        return asked.body
    if not asked.body or len(asked.body) < 1 + asked.body[0]:
        return None
    return asked.body[1 : 1 + asked.body[0]]


#: 0x0100 of 2011, 2013 and 2019: the least it holds before the plate.
_REGISTERS: Final = {2013: 25, 2019: 76}


def registers(asked: Message) -> bool:
    """Whether the body of 0x0100 is long enough to be one."""
    return len(asked.body) >= _REGISTERS[asked.year]


def general(to: Message, serial: int, result: int) -> bytes:
    """0x8001: what became of a message."""
    return _answer(GENERAL, to, serial, struct.pack(">HHB", to.serial, to.kind, result))


def registered(to: Message, serial: int, result: int, code: bytes = b"") -> bytes:
    """0x8100, with the code to authenticate with where `result` is WELCOME."""
    return _answer(REGISTERED, to, serial, struct.pack(">HB", to.serial, result) + code)


def _answer(kind: int, to: Message, serial: int, body: bytes) -> bytes:
    """In the header of who asked."""
    if to.year == 2019:
        head = struct.pack(">HHB", kind, _YEAR_2019 | len(body), 1)
    else:
        head = struct.pack(">HH", kind, len(body))
    return sealed(head + to.bcd + struct.pack(">H", serial & 0xFFFF) + body)
