"""What a terminal is answered, and when: without sockets, with the clock in hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.gateway.counts import Counts
from muster.gateway.devices import Device, DevicesWrong, devices
from muster.gateway.jt808.conversation import MOST_FAULTS, Conversation, Platform
from muster.gateway.jt808.frames import MOST_WRITTEN
from muster.gateway.outbox import Carried
from muster.geography.datum import wgs84_to_gcj02
from tests.gateway.terminal import PHONE, Answer, Terminal, answer, batch, position

AT = datetime(2026, 11, 24, 3, 14, 7, tzinfo=UTC)
UNIT = "pt-shenjiamen-01"


class Talk:
    """A conversation with everything it said and carried."""

    def __init__(self, year: int = 2013, datum: Any = "wgs84") -> None:
        self.listed = {PHONE: Device(UNIT, datum)}
        self.counts = Counts()
        self.said: list[Answer] = []
        self.carried: list[Carried] = []
        self.terminal = Terminal(year=year)
        platform = Platform(lambda: self.listed, b"secret", self.counts)
        self.conversation = Conversation(
            platform, lambda frame: self.said.append(answer(frame)), self.carried.append
        )

    def hear(self, data: bytes, now: float = 0.0) -> list[Answer]:
        before = len(self.said)
        self.conversation.hear(data, now)
        return self.said[before:]

    def sign_in(self) -> None:
        (said,) = self.hear(self.terminal.register())
        (said,) = self.hear(self.terminal.authenticate(said.code))
        assert said.result == 0


def signed_in(year: int = 2013, datum: Any = "wgs84") -> Talk:
    talk = Talk(year, datum)
    talk.sign_in()
    return talk


@pytest.mark.parametrize("year", [2013, 2019])
def test_from_registration_to_log_out(year: int) -> None:
    talk = Talk(year)
    (registered,) = talk.hear(talk.terminal.register())
    assert (registered.kind, registered.to, registered.result) == (0x8100, 0, 0)
    (said,) = talk.hear(talk.terminal.authenticate(registered.code))
    assert (said.kind, said.about, said.to, said.result) == (0x8001, 0x0102, 1, 0)
    assert talk.hear(talk.terminal.frame(0x0002))[0].result == 0
    assert talk.hear(talk.terminal.frame(0x0003))[0].result == 0
    assert talk.conversation.over and not talk.counts.drops


@pytest.mark.parametrize("year", [2013, 2019])
def test_a_position_is_answered_when_the_server_has_it_and_not_before(year: int) -> None:
    talk = signed_in(year)
    assert talk.hear(talk.terminal.frame(0x0200, position(AT))) == []
    (carried,) = talk.carried
    (fix,) = carried.fixes
    assert (fix.unit, fix.lon, fix.lat, fix.at) == (UNIT, 122.301, 29.947, 1795490047000)
    assert (fix.speed_kmh, fix.heading, carried.alarm) == (36.0, 87, None)
    carried.accepted()
    assert (talk.said[-1].about, talk.said[-1].to, talk.said[-1].result) == (0x0200, 2, 0)


def test_a_device_that_sends_shifted_positions() -> None:
    lon, lat = wgs84_to_gcj02(122.301, 29.947)
    asked = position(AT, lon, lat)
    plain, shifted = signed_in(), signed_in(datum="gcj02")
    for talk in (plain, shifted):
        talk.hear(talk.terminal.frame(0x0200, asked))
    assert abs(plain.carried[0].fixes[0].lon - 122.301) > 0.003
    said = signed_in()  # it says itself that its positions are moved
    said.hear(said.terminal.frame(0x0200, position(AT, lon, lat, status=0x22)))
    for talk in (shifted, said):
        fix = talk.carried[0].fixes[0]
        assert (fix.lon, fix.lat) == pytest.approx((122.301, 29.947), abs=2e-6)


def test_an_alarm_goes_along_even_without_a_place() -> None:
    talk = signed_in()
    talk.hear(talk.terminal.frame(0x0200, position(AT, alarm=1)))
    talk.hear(talk.terminal.frame(0x0200, position(AT, 0, 0, alarm=1, status=0)))
    assert [(one.alarm, len(one.fixes)) for one in talk.carried] == [
        (1795490047000, 1),
        (1795490047000, 0),
    ]


def test_no_place_is_counted_and_answered() -> None:
    talk = signed_in()
    (said,) = talk.hear(talk.terminal.frame(0x0200, position(AT, 0, 0, status=0)))
    assert said.result == 0 and not talk.carried
    assert talk.counts.drops == {"position.no_fix": 1}


def test_a_batch_from_where_there_was_no_network_in_parts() -> None:
    talk = signed_in()
    bodies = [position(AT.replace(second=second)) for second in range(40)]
    frames = talk.terminal.parted(0x0704, batch(*bodies, b"short"), 500)
    assert len(frames) == 3
    assert [one.result for one in talk.hear(frames[0] + frames[2])] == [0, 0]
    assert not talk.carried
    assert talk.hear(frames[1]) == []
    assert len(talk.carried[0].fixes) == 40
    assert talk.counts.drops == {"message.short": 1}
    talk.carried[0].accepted()
    assert talk.said[-1].to == 3 and talk.conversation.held == 0


def test_parts_that_never_come_are_given_up() -> None:
    talk = signed_in()
    frames = talk.terminal.parted(0x0704, batch(*[position(AT)] * 40), 500)
    talk.hear(frames[0], now=1.0)
    assert talk.conversation.held > 0
    talk.hear(b"", now=62.0)
    assert talk.conversation.held == 0 and talk.counts.drops == {"parts.unfinished": 1}


def test_parts_are_bounded() -> None:
    talk = signed_in()
    big = b"\x00" * 1000
    assert talk.hear(talk.terminal.frame(0x0704, big, parts=65, part=1))[0].result == 2
    for _ in range(10):
        talk.terminal.serial += 100
        talk.hear(talk.terminal.frame(0x0704, big, parts=64, part=1))
    assert talk.conversation.held <= 4000
    assert talk.counts.drops["parts.too_many"] == 7
    # Pictures are not kept at all.
    assert talk.hear(talk.terminal.frame(0x0801, big, parts=9, part=1))[0].result == 3
    assert talk.conversation.held <= 4000


def test_who_is_not_registered_is_refused_counted_and_ended() -> None:
    talk = Talk()
    talk.terminal.phone = "13900000009"
    (said,) = talk.hear(talk.terminal.register())
    assert (said.kind, said.result, said.code) == (0x8100, 4, b"")
    assert talk.conversation.over and talk.counts.drops == {"device.unknown": 1}


def test_nothing_is_taken_before_the_code() -> None:
    talk = Talk()
    assert talk.hear(talk.terminal.frame(0x0200, position(AT)))[0].result == 1
    assert talk.hear(talk.terminal.authenticate(b"guess"))[0].result == 1
    assert talk.hear(talk.terminal.frame(0x0200, position(AT)))[0].result == 1
    assert not talk.carried and not talk.conversation.over
    assert talk.counts.drops == {"device.unauthenticated": 2, "device.code": 1}


def test_a_terminal_speaks_for_itself_only() -> None:
    talk = signed_in()
    talk.listed["13900000002"] = Device("pt-shenjiamen-02", "wgs84")
    other = Terminal("13900000002")
    assert talk.hear(other.frame(0x0200, position(AT)))[0].result == 1
    assert not talk.carried


def test_a_device_taken_from_the_list_is_refused_from_then_on() -> None:
    talk = signed_in()
    talk.listed.clear()
    assert talk.hear(talk.terminal.frame(0x0200, position(AT)))[0].result == 1
    assert talk.conversation.over and not talk.carried


def test_what_is_not_spoken_here_is_said_so() -> None:
    talk = signed_in()
    assert talk.hear(talk.terminal.frame(0x0900, b"\x00own"))[0].result == 3
    assert talk.hear(talk.terminal.frame(0x0001, b"\x00" * 5)) == []
    assert talk.counts.drops == {"message.unsupported": 1}


def test_malformed_is_dropped_and_the_next_is_heard() -> None:
    talk = signed_in()
    good = talk.terminal.frame(0x0002)
    bad = good[:-2] + bytes((good[-2] ^ 1,)) + good[-1:]
    assert talk.hear(bad + good)[0].result == 0
    assert talk.counts.drops == {"frame.checksum": 1}
    talk.hear(bad * MOST_FAULTS)
    assert talk.conversation.over and talk.counts.drops["connection.faults"] == 1


@given(st.lists(st.binary(max_size=3000), max_size=8), st.booleans(), st.sampled_from([2013, 2019]))
def test_random_bytes_end_nothing_else(pieces: list[bytes], known: bool, year: int) -> None:
    talk = signed_in(year) if known else Talk(year)
    for number, piece in enumerate(pieces):
        talk.hear(piece, now=float(number))
        assert talk.conversation.held <= MOST_WRITTEN + 4 * 64 * 1023


KINDS = st.sampled_from([0x0001, 0x0002, 0x0100, 0x0102, 0x0200, 0x0704, 0x0801, 0x0900])


@given(
    st.lists(st.tuples(KINDS, st.binary(max_size=300), st.integers(0, 4), st.integers(0, 5))),
    st.sampled_from([2013, 2019]),
)
def test_right_frames_with_wrong_insides(
    asked: list[tuple[int, bytes, int, int]], year: int
) -> None:
    talk = signed_in(year)
    for kind, body, parts, part in asked:
        for said in talk.hear(talk.terminal.frame(kind, body, parts=parts, part=part)):
            assert said.phone == PHONE
    assert talk.conversation.held <= 4 * 64 * 1023


# --- the file of devices -----------------------------------------------------------------------


def test_every_fault_of_the_file_is_named_with_its_line() -> None:
    lines = [
        "phone,unit,datum",
        "# 示例",
        "013900000001,pt-shenjiamen-01,",
        "13900000001,pt-shenjiamen-02,wgs84",
        "1390000000x,,bd09",
        "1,2",
    ]
    with pytest.raises(DevicesWrong) as wrong:
        devices(lines)
    assert [one.split(" ")[0] for one in wrong.value.faults] == [
        "devices.csv:4:",
        "devices.csv:5:",
        "devices.csv:5:",
        "devices.csv:5:",
        "devices.csv:6:",
    ]
    assert devices(lines[:3]) == {PHONE: Device(UNIT, "wgs84")}
    with pytest.raises(DevicesWrong, match=r"devices.csv:1: phone,unit,datum"):
        devices(["unit,phone"])
