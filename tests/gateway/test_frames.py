"""Bytes to messages: by hand from the standard's layout, by published examples, by anything."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.gateway.jt808 import messages
from muster.gateway.jt808.frames import MOST_WRITTEN, Fault, Frames, sealed
from muster.gateway.jt808.messages import Message, Position
from tests.gateway.terminal import PHONE, Terminal, batch, framed, plain_of
from tests.gateway.terminal import position as body_of

AT = datetime(2026, 11, 24, 3, 14, 7, tzinfo=UTC)


def frames(data: bytes) -> list[bytes | Fault]:
    return list(Frames().feed(data))


def one(data: bytes) -> Message:
    (frame,) = frames(data)
    assert isinstance(frame, bytes)
    found = messages.message(frame)
    assert isinstance(found, Message)
    return found


def place(found: Position | Fault) -> Position:
    assert isinstance(found, Position)
    return found


# --- by hand -----------------------------------------------------------------------------------

#: kind 0002, no body, phone 013900000001, serial 007e (escaped); checksum: the exclusive or of
#: 00 02 00 00 01 39 00 00 00 01 00 7e is 45.
HEARTBEAT = bytes.fromhex("7e 0002 0000 013900000001 007d02 45 7e")


def test_a_frame_by_hand() -> None:
    found = one(HEARTBEAT)
    assert (found.kind, found.phone, found.serial, found.body) == (2, PHONE, 0x7E, b"")
    assert (found.year, found.parts, found.part) == (2013, 1, 1)


#: alarm 1, status located + east of Greenwich and south, 33.5 S 151.25 E, 12 m, 45.6 km/h, 359
#: degrees, 2026-11-24 11:14:07 at UTC+8; mileage 123.4 km, signal 24, 11 satellites.
BY_HAND = bytes.fromhex(
    "00000001 00000006 01ff2b60 0903e450 000c 01c8 0167 2611241114070104000004d2 300118 31010b"
)


def test_a_position_by_hand() -> None:
    found = place(messages.position(BY_HAND))
    assert (found.lat, found.lon) == (-33.5, 151.25)
    assert (found.at, found.at_ms) == (AT, 1795490047000)
    assert (found.altitude_m, found.speed_tenths, found.heading) == (12, 456, 359)
    assert (found.mileage_m, found.signal, found.satellites) == (123400, 24, 11)
    assert (found.located, found.emergency, found.shifted, found.items_broken) == (
        True,
        True,
        False,
        False,
    )


def test_a_header_of_2019_by_hand() -> None:
    plain = bytes.fromhex("0200 4022 01 00000000013900000001 0005") + BY_HAND[:28] + BY_HAND[34:]
    found = one(framed(plain))
    assert (found.year, found.phone, found.serial) == (2019, PHONE, 5)
    assert place(messages.position(found.body)).satellites == 11


def test_status_bits_are_sides_of_the_world() -> None:
    for status, lat, lon in ((2, 1, 1), (6, -1, 1), (10, 1, -1), (14, -1, -1)):
        found = place(messages.position(body_of(AT, 1, 1, status=status)))
        assert (found.lat, found.lon) == (lat, lon)
    assert not place(messages.position(body_of(AT, status=0))).located
    assert place(messages.position(body_of(AT, status=0x22))).shifted


# --- published examples ------------------------------------------------------------------------
# What two makers show in their own documents; the numbers in them are theirs.

LOCK = (  # position with items of its own, from a page about an electronic lock
    "7e0200005200200260432300a400020000000c00020158b91b06cb70610046000000592109221637580104000000"
    "0103020000250400000001300111310110e30100d51b022002604323279593786160001220000012342795937861580012867e"
)
AUTHENTICATION = "7E0102000D0020026043250001383330303230303236303433 32137E"
GENERAL = "7E80010005002002604323000900EE020000437E"
BATCH_2019 = (
    "7e0704403f01000000000139123443290000000200001c000000010000000101d907f2073d336c029a002100592410"
    "29213903001c000000010000000101d907f3073d336d03090043005a241029213903f87e"
)
POSITION_2019 = (
    "7e02004026010000000001391234432900000000006f0000001601dc9a0707456246007b0042000325012922334402"
    "02006401040000000c417e"
)
GENERAL_2019 = "7e8001400501000000000139123443290000006f020000dc7e"
REGISTERED_2019 = "7e8100400d01000000000139123443290000006f006f6b2e2e6f6b2e2e6f6bd27e"


def published(text: str) -> Message:
    return one(bytes.fromhex(text.replace(" ", "")))


def test_a_published_authentication() -> None:
    found = published(AUTHENTICATION)
    assert (found.kind, found.phone, found.serial) == (0x0102, "2002604325", 1)
    assert messages.code_of(found) == b"8300200260432"


def test_a_published_position_with_a_makers_own_items() -> None:
    found = place(messages.position(published(LOCK).body))
    assert (found.lat, found.lon, found.altitude_m) == (22.591771, 113.995873, 70)
    assert (found.mileage_m, found.signal, found.satellites) == (100, 17, 16)
    assert found.at == datetime(2021, 9, 22, 8, 37, 58, tzinfo=UTC)


def test_a_published_batch() -> None:
    found = published(BATCH_2019)
    assert (found.kind, found.year, found.phone) == (0x0704, 2019, "13912344329")
    first, second = map(place, messages.batch(found.body))
    assert (first.lat, first.lon, first.altitude_m) == (31.000562, 121.451372, 666)
    assert (second.lat, second.lon, second.altitude_m) == (31.000563, 121.451373, 777)
    assert (first.speed_tenths, first.heading, second.speed_tenths) == (33, 89, 67)
    assert first.at == datetime(2024, 10, 29, 13, 39, 3, tzinfo=UTC)


def test_a_published_position() -> None:
    found = place(messages.position(published(POSITION_2019).body))
    assert (found.lat, found.lon) == (-31.234567, 121.987654)  # its status 22 says south
    assert (found.speed_tenths, found.heading, found.mileage_m) == (66, 3, 1200)
    assert found.at == datetime(2025, 1, 29, 14, 33, 44, tzinfo=UTC)
    assert found.located and found.emergency  # its alarm word is 111


def test_answers_are_those_published() -> None:
    asked = Message(0x0200, bytes.fromhex("002002604323"), 2013, 0x00EE, b"")
    assert messages.general(asked, 9, 0).hex() == GENERAL.lower()
    asked = Message(0x0200, bytes.fromhex("00000000013912344329"), 2019, 0x006F, b"")
    assert messages.general(asked, 0, 0).hex() == GENERAL_2019
    assert messages.registered(asked, 0, 0, b"ok..ok..ok").hex() == REGISTERED_2019


# --- what goes wrong ---------------------------------------------------------------------------


def reason(data: bytes) -> str:
    """Of the only fault."""
    (found,) = frames(data)
    fault = found if isinstance(found, Fault) else messages.message(found)
    assert isinstance(fault, Fault)
    return fault.reason


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (HEARTBEAT[:-2] + b"\x44\x7e", "frame.checksum"),
        (b"\x7e\x00\x02\x7e", "frame.too_short"),
        (b"\x7e" + b"\x00" * (MOST_WRITTEN + 1), "frame.too_long"),
        (b"\x7e" + b"\x00" * 1100 + b"\x7e", "frame.too_long"),
        (b"\x7e" + HEARTBEAT[1:-2] + b"\x7d\x03\x7e", "frame.escape"),
        (b"\x7e" + HEARTBEAT[1:-2] + b"\x7d\x7e", "frame.escape"),
        (b"GET / HTTP/1.1\r\n\r\n", "frame.no_start"),
        (framed(bytes.fromhex("0002 0001 013900000001 0001")), "header.length"),
        (framed(bytes.fromhex("0002 0000 01390000000a 0001")), "header.phone"),
        (framed(bytes.fromhex("0002 0000 000000000000 0001")), "header.phone"),
        (framed(bytes.fromhex("0002 0400 013900000001 0001")), "header.encrypted"),
        (framed(bytes.fromhex("0002 2000 013900000001 0001 0000 0000")), "header.part"),
        (framed(bytes.fromhex("0002 2000 013900000001 0001 0002 0003")), "header.part"),
        (framed(bytes.fromhex("0002 2000 013900000001 0001")), "header.length"),
    ],
)
def test_each_fault_is_named_once(data: bytes, wanted: str) -> None:
    assert reason(data) == wanted


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (BY_HAND[:27], "message.short"),
        (BY_HAND[:22] + bytes.fromhex("261324111407"), "position.time"),
        (BY_HAND[:22] + bytes.fromhex("26112411140a"), "position.time"),
        (BY_HAND[:22] + bytes(6), "position.time"),
        (BY_HAND[:8] + b"\xff" * 4 + BY_HAND[12:], "position.place"),
        (BY_HAND[:12] + b"\xff" * 4 + BY_HAND[16:], "position.place"),
    ],
)
def test_each_fault_of_a_position_is_named(body: bytes, wanted: str) -> None:
    assert messages.position(body) == Fault(wanted)


def test_items_that_lie_cost_only_themselves() -> None:
    found = place(messages.position(BY_HAND[:34] + b"\x30\xff\x00"))
    assert (found.mileage_m, found.signal, found.items_broken) == (123400, None, True)
    assert place(messages.position(BY_HAND[:28] + b"\x01")).items_broken


def test_a_bad_position_costs_only_itself_in_a_batch() -> None:
    good = body_of(AT)
    found = list(messages.batch(batch(good, good[:20], good)))
    assert [isinstance(each, Position) for each in found] == [True, False, True]
    lying = batch(good, good)[:-3]
    assert [isinstance(each, Position) for each in messages.batch(lying)] == [True, False]
    assert list(messages.batch(b"\xff\xff\x00")) == [messages.SHORT]
    assert list(messages.batch(b"")) == [messages.SHORT]


def test_frames_may_share_a_flag_and_noise_ends_at_the_next() -> None:
    terminal = Terminal()
    first, second = terminal.frame(2), terminal.frame(2)
    wanted = [plain_of(first), plain_of(second)]
    assert frames(first + second) == wanted
    assert frames(first + second[1:]) == wanted
    assert frames(b"noise" + first + b"noise" + second) == [
        Fault("frame.no_start"),
        wanted[0],
        Fault("frame.too_short"),
        wanted[1],
    ]
    endless = b"\x7e" + b"\x01" * 5000
    assert frames(endless + first + second) == [Fault("frame.too_long"), *wanted]


# --- anything ----------------------------------------------------------------------------------

PLAINS = st.binary(min_size=12, max_size=1044)


@given(PLAINS)
def test_sealed_is_opened_again(plain: bytes) -> None:
    assert frames(sealed(plain)) == [plain]
    assert sealed(plain) == framed(plain)


@given(st.lists(PLAINS | st.binary(max_size=40), max_size=6), st.lists(st.integers(1, 60)))
def test_a_stream_split_anywhere_is_the_same_stream(plains: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(framed(one) for one in plains)
    split, said, at = Frames(), list[bytes | Fault](), 0
    for size in cuts:
        said += split.feed(stream[at : at + size])
        at += size
    said += split.feed(stream[at:])
    assert said == frames(stream)


def test_an_escaped_escape_before_a_two_is_no_flag() -> None:
    plain = HEARTBEAT[1:5] * 3 + b"\x7d\x02\x7d\x01\x7e\x01"
    assert frames(framed(plain)) == [plain]


def test_split_at_every_byte() -> None:
    stream = Terminal().frame(0x0200, BY_HAND) + HEARTBEAT
    whole = frames(stream)
    assert len(whole) == 2
    for at in range(len(stream)):
        split = Frames()
        assert [*split.feed(stream[:at]), *split.feed(stream[at:])] == whole
    each = Frames()
    assert [found for at in range(len(stream)) for found in each.feed(stream[at : at + 1])] == whole


@given(st.lists(st.binary(max_size=5000), max_size=8))
def test_random_bytes_break_nothing_and_are_not_kept(pieces: list[bytes]) -> None:
    stream = Frames()
    for piece in pieces:
        for frame in stream.feed(piece):
            found = frame if isinstance(frame, Fault) else messages.message(frame)
            if isinstance(found, Message):
                messages.position(found.body)
                list(messages.batch(found.body))
                messages.code_of(found)
        assert stream.held <= MOST_WRITTEN


@given(st.integers(0, 0xFFFF), st.binary(max_size=200), st.booleans())
def test_lying_lengths(properties: int, body: bytes, kind: bool) -> None:
    plain = bytes.fromhex("0704" if kind else "0200") + properties.to_bytes(2, "big")
    found = messages.message(plain + bytes.fromhex("013900000001 0001") + body)
    assert isinstance(found, Message | Fault)
    if isinstance(found, Message):
        assert len(found.body) == properties & 0x3FF


@given(st.binary(max_size=400))
def test_any_body_is_a_position_or_a_fault(body: bytes) -> None:
    assert isinstance(messages.position(body), Position | Fault)
    assert all(isinstance(found, Position | Fault) for found in messages.batch(body))
    messages.position(BY_HAND[:28] + body)


def test_a_truncated_frame_is_none() -> None:
    whole = Terminal().frame(0x0200, BY_HAND)
    for end in range(1, len(whole)):
        assert frames(whole[:end]) == []
