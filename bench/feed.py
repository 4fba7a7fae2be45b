"""A committed change → 1,000 WebSocket clients, p50 and p99, against a bare broadcast.

Ours: a remark on a matter is performed; from its commit until each client has the whole message:
the feed is read, the row is read anew as the clients may see it, encoded and sent by the real hub
through uvicorn. Peer: `websockets.broadcast` of the very same bytes to 1,000 clients of its own,
which reads and encodes nothing. Both serve in this process; the clients are in a second one, share
one session (one scope) and take turns. A ratio of 0.5 means that ours takes twice as long.

`cpu_us` and `peer_cpu_us` are the microseconds of the sending thread for each frame.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from websockets.asyncio.server import ServerConnection, broadcast, serve

from _city import City, load, median, opened, quantile
from _listeners import WANTED, more_files
from muster import app
from muster.api.live_hub import LiveHub
from muster.api.live_picture import Dismissed, Told
from muster.api.live_wire import LiveProtocol
from muster.api.session import COOKIE
from muster.identity.passwords import Passwords
from muster.identity.sessions import Sessions

BETWEEN_S = 0.12
LISTENERS = Path(__file__).with_name("_listeners.py")


def run(clients: int = 1000, rounds: int = 40) -> dict[str, Any]:
    """Milliseconds from commit to client, over all clients and rounds."""
    began = load()
    more_files()
    peer = Peer()
    with opened() as city, served(city) as port, peer.served() as peer_port:
        cookie, ours = f"{COOKIE}={token(city)}", Ours(city)
        with listening(clients, (port, cookie), (peer_port, "none=0")) as listeners:
            for _ in range(rounds):
                ours.change()
                time.sleep(BETWEEN_S)
                peer.change(ours.message)
                time.sleep(BETWEEN_S)
            arrived = finish(listeners)
    mine = spans(ours.committed, arrived[0])
    theirs = spans(peer.begun, arrived[1])
    return {
        "ours": round(median(mine), 2),
        "peer": round(median(theirs), 2),
        "ratio": round(median(theirs) / median(mine), 3),
        "unit": f"ms to each of {clients} clients",
        "n": len(mine),
        "load": began,
        "p50_ms": round(median(mine), 2),
        "p99_ms": round(quantile(mine, 0.99), 2),
        "peer_p50_ms": round(median(theirs), 2),
        "peer_p99_ms": round(quantile(theirs, 0.99), 2),
        "cpu_us": round(median(ours.cpu_ns) / 1000 / clients, 2),
        "peer_cpu_us": round(median(peer.cpu_ns) / 1000 / clients, 2),
        "bytes": len(ours.message),
    }


def spans(begun: Sequence[int], arrived: Sequence[Sequence[int]]) -> list[float]:
    """Milliseconds of every client and round. Raises AssertionError when a message is missing."""
    for times in arrived:
        assert len(times) == len(begun), f"{len(times)} of {len(begun)} messages arrived"
    return [(at - start) / 1e6 for times in arrived for start, at in zip(begun, times, strict=True)]


class Ours:
    """Performs changes and notes when each was committed. Also what sending costs the server."""

    def __init__(self, city: City) -> None:
        self._city, self.committed = city, list[int]()
        self.message, self.cpu_ns = b"", list[int]()
        self._matter = str(uuid.uuid4())
        city.perform(city.report(self._matter))
        journal = city.system.platform.journal
        appended = journal.appended

        def noted(answer: Any) -> None:
            self.committed.append(time.monotonic_ns())
            appended(answer)

        journal.appended = noted
        self._watch()

    def _watch(self) -> None:
        deliver = LiveHub._deliver

        def timed(hub: LiveHub, told: list[Told | Dismissed]) -> None:
            began = time.thread_time_ns()
            deliver(hub, told)
            took = time.thread_time_ns() - began
            for one in told:
                if isinstance(one, Told) and one.message.data.startswith(WANTED):
                    self.message = one.message.data
                    self.cpu_ns.append(took)

        LiveHub._deliver = timed  # type: ignore[assignment,method-assign]

    def change(self) -> None:
        self._city.perform(self._city.remark(self._matter))


class Peer:
    """The `websockets` library's own server and broadcast, in a thread of its own."""

    def __init__(self) -> None:
        self.begun, self.cpu_ns = list[int](), list[int]()
        self._connections: set[ServerConnection] = set()
        self._ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event, int]] = Future()

    @contextmanager
    def served(self) -> Iterator[int]:
        thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        thread.start()
        loop, stop, port = self._ready.result(timeout=10)
        try:
            yield port
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join(timeout=20)

    async def _serve(self) -> None:
        stop = asyncio.Event()
        options: dict[str, Any] = {"compression": None, "ping_interval": None, "close_timeout": 1}
        async with serve(self._attend, "127.0.0.1", 0, **options) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            self._ready.set_result((asyncio.get_running_loop(), stop, port))
            await stop.wait()

    async def _attend(self, connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send("{}")
        self._connections.add(connection)
        await connection.wait_closed()
        self._connections.discard(connection)

    def change(self, message: bytes) -> None:
        self._ready.result()[0].call_soon_threadsafe(self._send, message.decode())

    def _send(self, text: str) -> None:
        self.begun.append(time.monotonic_ns())
        began = time.thread_time_ns()
        broadcast(self._connections, text)
        self.cpu_ns.append(time.thread_time_ns() - began)


@contextmanager
def served(city: City) -> Iterator[int]:
    """The whole application on a free port, in a thread of this process."""
    door = socket.socket()
    door.bind(("127.0.0.1", 0))
    door.listen(2048)
    config = uvicorn.Config(
        app.application(city.system),
        log_config=None,
        access_log=False,
        ws=LiveProtocol,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=2,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([door])))
    thread.start()
    try:
        yield door.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(timeout=30)


def token(city: City) -> str:
    """A session of the dispatcher."""
    platform = city.system.platform
    sessions = Sessions(platform.pool, Passwords(testing=True))
    with platform.pool.connection() as connection:
        return sessions.open_for(connection, city.dispatcher.person)[0]


@contextmanager
def listening(clients: int, *servers: tuple[int, str]) -> Iterator[subprocess.Popen[str]]:
    """The process of the clients, once all of them have had their first message."""
    words = [str(word) for server in servers for word in server]
    command = [sys.executable, str(LISTENERS), str(clients), *words]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n", "the clients could not connect"
            yield process
        finally:
            process.kill()


def finish(listeners: subprocess.Popen[str]) -> list[list[list[int]]]:
    """Stop listening; for each server and client, when each message was there."""
    said, _ = listeners.communicate(timeout=60)
    arrived: list[list[list[int]]] = json.loads(said)
    return arrived


if __name__ == "__main__":
    print(json.dumps({"name": "feed", **run()}))
