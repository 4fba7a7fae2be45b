"""Connections that never say what they want are closed; those that do are served."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import uvicorn

from muster.api.patience import PatientProtocol

HEAD = b"POST / HTTP/1.1\r\nHost: example\r\nContent-Length: 4\r\n"


@dataclass
class Door:
    """A server on loopback that answers what it was sent."""

    port: int
    hold: threading.Event

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)


def served(patience_s: float) -> tuple[Door, Callable[[], None]]:
    class Protocol(PatientProtocol):
        pass

    Protocol.patience_s = patience_s
    hold = threading.Event()
    hold.set()

    async def echo(scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        while not hold.is_set():
            await asyncio.sleep(0.01)
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": body})

    config = uvicorn.Config(
        echo, port=0, http=Protocol, lifespan="off", log_config=None, timeout_keep_alive=30
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
    port = server.servers[0].sockets[0].getsockname()[1]

    def stop() -> None:
        server.should_exit = True
        thread.join(timeout=30)

    return Door(port, hold), stop


@pytest.fixture
def hasty() -> Iterator[Door]:
    door, stop = served(0.3)
    yield door
    stop()


@pytest.fixture
def calm() -> Iterator[Door]:
    door, stop = served(600.0)
    yield door
    stop()


def ends(connection: socket.socket) -> bytes:
    """What comes until the other side closes. Raises TimeoutError if it does not."""
    heard = b""
    try:
        while piece := connection.recv(65_536):
            heard += piece
    except ConnectionResetError:
        pass
    return heard


SLOW = (b"", b"P", HEAD, HEAD + b"\r\n", HEAD + b"\r\nab", HEAD + b"X-More: ")


@pytest.mark.parametrize("said", SLOW)
def test_who_does_not_go_on_is_closed(hasty: Door, said: bytes) -> None:
    with hasty.connect() as connection:
        connection.sendall(said)
        assert b"200 OK" not in ends(connection)


def test_a_byte_now_and_then_is_not_enough(hasty: Door) -> None:
    """The wait does not begin anew with every byte."""
    stop = threading.Event()
    with hasty.connect() as connection:
        connection.sendall(HEAD)

        def trickle() -> None:
            while not stop.wait(0.05):
                try:
                    connection.sendall(b"X: y\r\n")
                except OSError:
                    return

        writer = threading.Thread(target=trickle)
        writer.start()
        try:
            assert ends(connection) == b""
        finally:
            stop.set()
            writer.join()


def test_who_is_slow_on_a_kept_connection_is_closed(hasty: Door) -> None:
    with hasty.connect() as connection:
        connection.sendall(HEAD + b"\r\nabcd")
        assert connection.recv(65_536).endswith(b"abcd")
        connection.sendall(HEAD)
        assert ends(connection) == b""


def test_a_long_answer_is_waited_for(hasty: Door) -> None:
    """The patience is for the request; our own work may take longer."""
    hasty.hold.clear()
    with hasty.connect() as connection:
        connection.sendall(HEAD + b"\r\nabcd")
        with pytest.raises(TimeoutError):
            connection.settimeout(1.0)
            connection.recv(1)
        hasty.hold.set()
        connection.settimeout(30)
        assert connection.recv(65_536).endswith(b"abcd")


def test_requests_in_pieces_are_served(calm: Door) -> None:
    with calm.connect() as connection:
        for _ in range(3):
            for piece in (HEAD[:9], HEAD[9:], b"\r\nab", b"cd"):
                connection.sendall(piece)
            assert connection.recv(65_536).endswith(b"abcd")


def test_a_head_without_end_is_refused(calm: Door) -> None:
    with calm.connect() as connection:
        try:
            connection.sendall(HEAD + b"X-Long: " + b"a" * 1_000_000)
        except ConnectionError:
            pass
        assert b"200 OK" not in ends(connection)
    with calm.connect() as connection:
        connection.sendall(HEAD + b"X-Long: " + b"a" * 30_000 + b"\r\n\r\nabcd")
        assert connection.recv(65_536).endswith(b"abcd")
