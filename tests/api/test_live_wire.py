"""uvicorn with our protocol: whole frames, and a client that takes nothing, over a real network."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import uvicorn
from litestar import Litestar, WebSocket, websocket
from websockets.client import ClientProtocol
from websockets.sync.client import connect
from websockets.uri import parse_uri

from muster.api.live import attend
from muster.api.live_hub import LiveHub
from muster.api.live_wire import EXTENSION, LiveProtocol
from muster.journal.clock import DrivenClock
from muster.journal.context import Actor
from muster.journal.feed import Bell
from muster.telemetry.latest import Latest
from tests.api.picture_world import NOW, Board
from tests.api.test_live_hub import pace_with
from tests.api.test_live_picture import replace, small_world

HELLO = '{"type":"hello"}'


class Hall:
    """A server with a hub over an invented city; everybody who comes is `east-1`."""

    def __init__(self) -> None:
        self.world, self.bell = small_world(), Bell()
        self.hub = LiveHub(
            feed=self.world,
            board=Board(self.world),
            positions=Latest(),
            clock=DrivenClock(NOW),
            bell=self.bell,
            pace=pace_with(beat_s=60.0, sessions_s=60.0, stuck_s=1.0),
        )
        self.wires: list[Any] = []

    def app(self) -> Litestar:
        @websocket("/api/live")
        async def door(socket: WebSocket[Any, Any, Any]) -> None:
            self.wires.append((socket.scope.get("extensions") or {}).get(EXTENSION))
            await attend(self.hub, socket, Actor("east-1"), lambda _actor, _code: None)

        async def start() -> None:
            self.hub.start()

        async def stop() -> None:
            self.hub.stop()

        return Litestar([door], on_startup=[start], on_shutdown=[stop], openapi_config=None)

    def change(self, words: str) -> None:
        """A change as large as the words."""
        old = self.world.incidents["i0"]
        self.world.incidents["i0"] = replace(old, version=old.version + 1, owner="east")
        self.world.units["u0"] = replace(self.world.units["u0"], id="u0")
        self.world.incidents["big" + words] = replace(old, id="big" + words, orders=())
        self.world.happened("big" + words, "incident.changed", hold=False)
        self.bell.ring()


@contextmanager
def open_hall() -> Iterator[tuple[Hall, int]]:
    hall = Hall()
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    config = uvicorn.Config(
        hall.app(),
        ws=LiveProtocol,
        ws_per_message_deflate=False,
        log_config=None,
        timeout_graceful_shutdown=2,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=asyncio.run, args=(server.serve([listening]),))
    thread.start()
    try:
        yield hall, listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        assert not thread.is_alive()


def sleeper(port: int) -> socket.socket:
    """A client that says hello and then takes nothing, with small buffers."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.connect(("127.0.0.1", port))
    protocol = ClientProtocol(parse_uri(f"ws://127.0.0.1:{port}/api/live"))
    protocol.send_request(protocol.connect())
    raw.sendall(b"".join(protocol.data_to_send()))
    protocol.receive_data(raw.recv(4096))
    protocol.events_received()
    protocol.send_text(HELLO.encode())
    raw.sendall(b"".join(protocol.data_to_send()))
    return raw


def test_frames_arrive_as_the_library_reads_them() -> None:
    with open_hall() as (hall, port), connect(f"ws://127.0.0.1:{port}/api/live") as client:
        client.send(HELLO)
        assert msgspec.json.decode(client.recv(20))["type"] == "snapshot"
        assert hall.wires[0] is not None
        for size in (1, 200, 70_000):
            hall.change("x" * size)
            told = msgspec.json.decode(client.recv(20))
            assert [len(row["id"]) for row in told["incidents"]] == [size + 3]


def test_a_client_that_takes_nothing_is_cut_off_and_the_others_miss_nothing() -> None:
    with open_hall() as (hall, port), connect(f"ws://127.0.0.1:{port}/api/live") as client:
        client.send(HELLO)
        client.recv(20)
        asleep = sleeper(port)
        for number in range(40):
            hall.change(f"{number:03}" * 100_000)
            told = msgspec.json.decode(client.recv(20))
            assert told["incidents"][0]["id"].startswith(f"big{number:03}")
        end = time.monotonic() + 20
        while len(hall.hub.clients) > 1 and time.monotonic() < end:
            time.sleep(0.01)
        assert len(hall.hub.clients) == 1
        asleep.settimeout(20)
        taken = 0
        while more := asleep.recv(1 << 16):
            taken += len(more)
        assert taken < 40 * 300_000  # what the network held when it was cut
        asleep.close()
        hall.change("after")
        assert msgspec.json.decode(client.recv(20))["incidents"][0]["id"] == "bigafter"
