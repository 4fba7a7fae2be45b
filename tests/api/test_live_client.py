"""What waits for one client, and what happens when it does not take it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from websockets.frames import Frame, Opcode

from muster.api.live_client import LARGEST_WAITING, MOST_WAITING, Client, Closing
from muster.api.live_messages import BadWord, Hello, Look, Message, box_of, word
from muster.journal.context import Actor

SMALL = Message(b'{"type":"changes"}')
SNAPSHOT = Message(b'{"type":"snapshot"}')
BEAT = Message(b'{"type":"beat"}')


class Other:
    """The other side: takes messages while `open`, by whole frames if it has a wire."""

    def __init__(self, *, wire: bool) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self.took: list[str] = []
        self.frames: list[bytes] = []
        self.aborted = False
        self.lost: list[Client] = []
        self.client = Client(
            Actor("示例"),
            "scope",
            send=self._send,
            wire=self if wire else None,
            afresh=self.lost.append,
        )

    async def _send(self, text: str) -> None:
        await self.open.wait()
        self.took.append(text)

    def write_frame(self, frame: bytes) -> bool:
        if self.open.is_set():
            self.frames.append(frame)
        return self.open.is_set()

    def abort(self) -> None:
        self.aborted = True


Scene = Callable[[Other], Coroutine[Any, Any, None]]


def play(scene: Scene, *, wire: bool = False) -> None:
    async def run() -> None:
        other = Other(wire=wire)
        draining = asyncio.create_task(other.client.drain())
        try:
            await scene(other)
        finally:
            draining.cancel()

    asyncio.run(run())


async def breathe() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.mark.parametrize("wire", [True, False])
def test_everything_arrives_in_order(wire: bool) -> None:
    async def scene(other: Other) -> None:
        other.client.push_opening(SNAPSHOT)
        other.client.push(SMALL)
        await breathe()
        other.client.push_beat(BEAT)
        await breathe()
        wanted = [SNAPSHOT, SMALL, BEAT]
        if wire:
            assert other.frames == [message.frame for message in wanted]
        else:
            assert other.took == [message.text for message in wanted]

    play(scene, wire=wire)


def test_changes_before_the_opening_are_left_out_and_beats_are_not() -> None:
    async def scene(other: Other) -> None:
        other.client.push(SMALL)
        other.client.push_beat(BEAT)
        await breathe()
        assert other.took == [BEAT.text]

    play(scene)


def test_nothing_overtakes_what_waits() -> None:
    async def scene(other: Other) -> None:
        other.open.clear()
        other.client.push_opening(SNAPSHOT)
        other.client.push(SMALL)
        await breathe()
        other.open.set()
        other.client.push(Message(b"late"))
        await breathe()
        assert other.took == [SNAPSHOT.text, SMALL.text, "late"] and other.frames == []
        other.client.push(SMALL)
        assert other.frames == [SMALL.frame]

    play(scene, wire=True)


@pytest.mark.parametrize("wire", [True, False])
@pytest.mark.parametrize(
    ("message", "number"),
    [(SMALL, MOST_WAITING + 2), (Message(b"x" * (LARGEST_WAITING // 4)), 6)],
)
def test_a_stalled_client_is_told_afresh_when_it_takes_again(
    wire: bool, message: Message, number: int
) -> None:
    async def scene(other: Other) -> None:
        client = other.client
        other.open.clear()
        client.push_opening(SNAPSHOT)
        await breathe()
        for _ in range(number):
            client.push(message)
        await breathe()
        assert client.resyncs == 1 and other.lost == []
        client.push(SMALL)
        client.push_beat(BEAT)
        other.open.set()
        await breathe()
        assert other.took == [SNAPSHOT.text]  # only what was under way
        assert other.lost == [client]
        client.push(SMALL)
        client.push_opening(SNAPSHOT)
        client.push(SMALL)
        await breathe()
        arrived = other.took[1:] + [frame[2:].decode() for frame in other.frames]
        assert arrived == [SNAPSHOT.text, SMALL.text]

    play(scene, wire=wire)


def test_one_large_message_is_not_too_much() -> None:
    async def scene(other: Other) -> None:
        large = Message(b"x" * (3 * LARGEST_WAITING))
        other.client.push_opening(large)
        await breathe()
        assert other.took == [large.text] and other.client.resyncs == 0

    play(scene)


def test_how_long_a_client_is_stuck() -> None:
    async def scene(other: Other) -> None:
        assert other.client.stuck_for(1e9) == 0
        other.open.clear()
        other.client.push_opening(SNAPSHOT)
        await breathe()
        assert other.client.stuck_for(1e9) > 0
        other.open.set()
        await breathe()
        assert other.client.stuck_for(1e9) == 0

    play(scene)


def test_the_first_reason_to_close_counts_and_nothing_is_sent_after() -> None:
    async def scene(other: Other) -> None:
        other.client.end(Closing(4401, "session.expired"))
        other.client.end(Closing(1012, "restarting"))
        assert other.client.ended.result().code == 4401
        other.client.push_opening(SNAPSHOT)
        await breathe()
        assert other.took == []

    play(scene)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 200_000])
def test_a_frame_is_what_the_library_makes(size: int) -> None:
    data = b"x" * size
    assert Message(data).frame == Frame(Opcode.TEXT, data).serialize(mask=False)


def test_words_of_clients() -> None:
    assert word('{"type":"hello","cursor":null,"view":[1,2,3,4]}') == Hello(None, (1, 2, 3, 4))
    assert word(b'{"type":"view","view":null}') == Look(None)
    assert word('{"type":"hello"}') == Hello()


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "[]",
        "hello",
        '{"type":"goodbye"}',
        '{"cursor":"1"}',
        '{"type":"view"}',
        '{"type":"view","view":[1,2,3]}',
        '{"type":"view","view":[1,2,3,"4"]}',
        '{"type":"hello","cursor":7}',
        '{"type":"hello","cursor":"' + "9" * 101 + '"}',
        b"\xff\xfe",
    ],
)
def test_words_that_are_none(bad: str | bytes) -> None:
    with pytest.raises(BadWord):
        word(bad)


@pytest.mark.parametrize(
    ("view", "box"),
    [
        ((121, 29, 123, 31), (121, 29, 123, 31)),
        ((-400, -95, 400, 95), (-180, -90, 180, 90)),
        ((170, 0, 190, 10), (170, 0, -170, 10)),
        ((-190, 0, -170, 10), (170, 0, -170, 10)),
        (None, None),
    ],
)
def test_views_are_brought_back_to_the_globe(view: Any, box: Any) -> None:
    assert box_of(view) == box


@pytest.mark.parametrize("view", [(0, 10, 1, 5), (1e6, 0, 1e6, 1), (float("nan"), 0, 1, 1)])
def test_views_that_are_none(view: Any) -> None:
    with pytest.raises(BadWord):
        box_of(view)
