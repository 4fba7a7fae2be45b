"""A committed change → 1,000 WebSocket clients, nobody or a tenth stalled, and a bare broadcast.

Ours: a remark on a matter is performed; from its commit until each client has the whole message:
the feed is read, the row is read anew as the clients may see it, encoded and sent by the real hub
through uvicorn. Peer: `websockets.broadcast` of the very same bytes to 1,000 clients of its own,
which reads and encodes nothing. Both serve in this process; the clients are in others, share one
session (one scope) and take turns.

Nine clients in ten listen all the time. The others listen and, in turn, are stalled: connected, not
reading, everything full between the server and them before the first change. `CPU/frame` is what
the sending thread spends for each frame that somebody takes; `ms` is from the commit to each client
that listens all the time. A ratio of 0.5 means that ours takes twice as much. `kept_b` is what is
kept for a stalled client at the end.
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
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from websockets.asyncio.server import ServerConnection, broadcast, serve

from _city import City, load, median, opened, quantile
from _listeners import WANTED, more_files
from muster import app
from muster.api.live_client import Client
from muster.api.live_hub import LiveHub
from muster.api.live_picture import Dismissed, Told
from muster.api.live_wire import LiveProtocol
from muster.api.session import COOKIE
from muster.identity.passwords import Passwords
from muster.identity.sessions import Sessions

BETWEEN_S, SETTLED_S = 0.12, 0.5
LISTENERS = Path(__file__).with_name("_listeners.py")
FILLER = b"\x81\x7f" + (1 << 16).to_bytes(8) + b" " * (1 << 16)
"""A frame that nobody reads."""


@dataclass
class Phase:
    """Some rounds in a row. `frames`: taken of each message. Times in ns."""

    stalled: bool
    frames: int
    begun: list[int]
    cpu: list[int]


def run(clients: int = 1000, rounds: int = 40, turns: int = 2) -> dict[str, Any]:
    """`rounds` changes with and without stalled clients, in so many turns."""
    began = load()
    more_files()
    peer = Peer()
    tenth = clients // 10
    with opened() as city, served(city) as port, peer.served() as peer_port:
        doors = (port, f"{COOKIE}={token(city)}"), (peer_port, "none=0")
        ours = Ours(city)
        with listening("listen", clients - tenth, *doors) as (steady, _):
            for turn in range(2 * turns):
                stalled = turn % 2 == 1
                with listening("stall" if stalled else "listen", tenth, *doors) as (_, ports):
                    for one, of in zip((ours, peer), ports, strict=True):
                        one.begin(Phase(stalled, clients - stalled * tenth, [], []), of)
                    for _ in range(rounds // turns):
                        ours.change()
                        ours.sent()
                        peer.change(ours.message)
                        peer.sent()
                    ours.end()
                    peer.end()
            time.sleep(SETTLED_S)
            arrived = finish(steady)
    taken = Taken(ours, peer, arrived, began)
    return {"rows": [row for stalled in (False, True) for row in taken.rows(stalled)]}


class Server:
    """What ours and the peer have in common: their phases, and clients that are stalled."""

    loop: asyncio.AbstractEventLoop | None = None

    def __init__(self) -> None:
        self.phases, self.kept = list[Phase](), list[float]()
        self._changes = 0
        self._full: dict[int, int] = {}
        self._ports: frozenset[int] = frozenset()

    def begin(self, phase: Phase, ports: Sequence[int]) -> None:
        self.phases.append(phase)
        self._ports = frozenset(ports) if phase.stalled else frozenset()
        self._full = {}
        if phase.stalled:
            for _ in range(2):  # the system takes some more of it a little later
                self._full = self._on_loop(self._fill)
                time.sleep(SETTLED_S)

    def sent(self) -> None:
        """Wait until the change is on its way: two at once would be one message."""
        self._changes += 1
        until = time.monotonic() + 30
        while sum(len(one.cpu) for one in self.phases) < self._changes:
            assert time.monotonic() < until, "a change was not sent"
            time.sleep(0.005)
        time.sleep(BETWEEN_S)

    def end(self) -> None:
        """Raises AssertionError when a stalled client was not, or has been cut off."""
        if not self._ports:
            return
        sizes = self._on_loop(lambda: {port: self.waiting(port) for port in self.stalled()})
        assert set(sizes) == set(self._full), "a stalled client is gone"
        assert min(sizes.values()) > len(FILLER), "a stalled client takes something"
        self.kept.append(median([size - self._full[port] for port, size in sizes.items()]))

    def _fill(self) -> dict[int, int]:
        """Bytes that wait for each stalled client once nothing more goes out to it."""
        stalled = self.stalled()
        assert set(stalled) == self._ports, "a stalled client is gone"
        for transport in stalled.values():
            while transport.get_write_buffer_size() <= len(FILLER):
                transport.write(FILLER)
        return {port: self.waiting(port) for port in stalled}

    def stalled(self) -> dict[int, asyncio.Transport]:
        """By their own port."""
        found = {one.get_extra_info("peername")[1]: one for one in self.transports()}
        return {port: one for port, one in found.items() if port in self._ports}

    def transports(self) -> list[asyncio.Transport]:
        raise NotImplementedError

    def waiting(self, port: int) -> int:
        return self.stalled()[port].get_write_buffer_size()

    def _on_loop(self, what: Callable[[], dict[int, int]]) -> dict[int, int]:
        done: Future[dict[int, int]] = Future()
        assert self.loop is not None
        self.loop.call_soon_threadsafe(lambda: done.set_result(what()))
        return done.result(timeout=30)


class Ours(Server):
    """Performs changes and notes when each was committed. Also what sending costs the server."""

    def __init__(self, city: City) -> None:
        super().__init__()
        self._city, self.message = city, b""
        self._hub: LiveHub | None = None
        self._matter = str(uuid.uuid4())
        city.perform(city.report(self._matter))
        journal = city.system.platform.journal
        appended = journal.appended

        def noted(answer: Any) -> None:
            self.phases[-1].begun.append(time.monotonic_ns())
            appended(answer)

        journal.appended = noted
        self._watch()

    def _watch(self) -> None:
        deliver = LiveHub._deliver

        def timed(hub: LiveHub, told: list[Told | Dismissed]) -> None:
            began = time.thread_time_ns()
            deliver(hub, told)
            took = time.thread_time_ns() - began
            self._hub, self.loop = hub, hub._loop
            for one in told:
                if isinstance(one, Told) and one.message.data.startswith(WANTED):
                    self.message = one.message.data
                    self.phases[-1].cpu.append(took)

        LiveHub._deliver = timed  # type: ignore[assignment,method-assign]

    def change(self) -> None:
        self._city.perform(self._city.remark(self._matter))

    def _clients(self) -> list[tuple[Client, asyncio.Transport]]:
        assert self._hub is not None
        found: list[Any] = [(client, client._wire) for client in self._hub.clients]
        return [(client, wire.transport) for client, wire in found]

    def transports(self) -> list[asyncio.Transport]:
        return [transport for _, transport in self._clients()]

    def waiting(self, port: int) -> int:
        mine = self.stalled()[port]
        return mine.get_write_buffer_size() + sum(
            client._size for client, transport in self._clients() if transport is mine
        )


class Peer(Server):
    """The `websockets` library's own server and broadcast, in a thread of its own."""

    def __init__(self) -> None:
        super().__init__()
        self._connections: set[ServerConnection] = set()
        self._ready: Future[tuple[asyncio.Event, int]] = Future()

    @contextmanager
    def served(self) -> Iterator[int]:
        thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        thread.start()
        stop, port = self._ready.result(timeout=10)
        assert self.loop is not None
        try:
            yield port
        finally:
            self.loop.call_soon_threadsafe(stop.set)
            thread.join(timeout=20)

    async def _serve(self) -> None:
        stop, self.loop = asyncio.Event(), asyncio.get_running_loop()
        options: dict[str, Any] = {"compression": None, "ping_interval": None, "close_timeout": 1}
        async with serve(self._attend, "127.0.0.1", 0, **options) as server:
            self._ready.set_result((stop, next(iter(server.sockets)).getsockname()[1]))
            await stop.wait()

    async def _attend(self, connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send("{}")
        self._connections.add(connection)
        await connection.wait_closed()
        self._connections.discard(connection)

    def transports(self) -> list[asyncio.Transport]:
        return [connection.transport for connection in self._connections]

    def change(self, message: bytes) -> None:
        assert self.loop is not None
        self.loop.call_soon_threadsafe(self._send, message.decode())

    def _send(self, text: str) -> None:
        self.phases[-1].begun.append(time.monotonic_ns())
        began = time.thread_time_ns()
        broadcast(self._connections, text)
        self.phases[-1].cpu.append(time.thread_time_ns() - began)


class Taken:
    """What both took, by whether some were stalled."""

    def __init__(self, ours: Ours, peer: Peer, arrived: list[list[list[int]]], load: float) -> None:
        self._servers, self._arrived = ((ours, arrived[0]), (peer, arrived[1])), arrived
        self._bytes, self._load = len(ours.message), load

    def rows(self, stalled: bool) -> list[dict[str, Any]]:
        who = "a tenth stalled" if stalled else "nobody stalled"
        (cpu, peer_cpu), (mine, theirs) = self._cpu(stalled), self._spans(stalled)
        row = {"name": f"feed, {who}", "load": self._load}
        return [
            row
            | {
                "ours": round(cpu, 2),
                "peer": round(peer_cpu, 2),
                "ratio": round(peer_cpu / cpu, 3),
                "unit": "us CPU/frame",
                "n": len(mine),
                "bytes": self._bytes,
            }
            | self._kept(stalled),
            row
            | {
                "ours": round(median(mine), 2),
                "peer": round(median(theirs), 2),
                "ratio": round(median(theirs) / median(mine), 3),
                "unit": "ms to each client",
                "n": len(mine),
                "p99_ms": round(quantile(mine, 0.99), 2),
                "peer_p99_ms": round(quantile(theirs, 0.99), 2),
            },
        ]

    def _kept(self, stalled: bool) -> dict[str, Any]:
        if not stalled:
            return {}
        (ours, _), (peer, _) = self._servers
        return {"kept_b": round(median(ours.kept)), "peer_kept_b": round(median(peer.kept))}

    def _cpu(self, stalled: bool) -> list[float]:
        """Microseconds of the sending thread for each frame that was taken, ours and theirs."""
        return [
            median(
                [
                    spent / 1000 / phase.frames
                    for phase in server.phases
                    if phase.stalled == stalled
                    for spent in phase.cpu
                ]
            )
            for server, _ in self._servers
        ]

    def _spans(self, stalled: bool) -> list[list[float]]:
        """Milliseconds of every client and round. Raises AssertionError for a missing message."""
        found = []
        for server, arrived in self._servers:
            begun = [(at, one.stalled) for one in server.phases for at in one.begun]
            for times in arrived:
                assert len(times) == len(begun), f"{len(times)} of {len(begun)} messages arrived"
            found.append(
                [
                    (at - start) / 1e6
                    for times in arrived
                    for (start, during), at in zip(begun, times, strict=True)
                    if during == stalled
                ]
            )
        return found


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
        ws_ping_interval=None,  # the clients here do not answer
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
def listening(
    how: str, clients: int, *servers: tuple[int, str]
) -> Iterator[tuple[subprocess.Popen[str], list[list[int]]]]:
    """A process of clients, once all of them have had their first message, and their ports by
    server."""
    words = [str(word) for server in servers for word in server]
    command = [sys.executable, str(LISTENERS), how, str(clients), *words]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            ready = process.stdout.readline()
            assert ready, "the clients could not connect"
            yield process, json.loads(ready)
        finally:
            process.kill()


def finish(listeners: subprocess.Popen[str]) -> list[list[list[int]]]:
    """Stop listening; for each server and client, when each message was there."""
    said, _ = listeners.communicate(timeout=60)
    arrived: list[list[list[int]]] = json.loads(said)
    return arrived


if __name__ == "__main__":
    print(json.dumps({"name": "feed", **run()}, indent=1))
