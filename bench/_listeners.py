"""Many WebSocket clients in one process, as cheap as they can be, for bench/feed.py.

    python bench/_listeners.py listen|stall COUNT PORT COOKIE PORT COOKIE …

connects COUNT clients to each server, says hello, and prints the clients' own ports by server, as
JSON, when every client has had its first message. The end of its input stops it; it prints one line
of JSON: for every server, for every client, when each message of the type "changes" was there (ns
of the monotonic clock). `stall`: after the handshake they never read.

Nothing is looked at while it listens: every piece is kept with its time and read at the end.
"""

from __future__ import annotations

import base64
import json
import os
import resource
import select
import socket
import struct
import sys
import time
from collections.abc import Callable

HELLO = b'{"type":"hello"}'
MASK = b"\0\0\0\0"
WANTED = b'{"type":"changes"'

Piece = tuple[int, bytes]


def main() -> None:
    stalled, count = sys.argv[1] == "stall", int(sys.argv[2])
    servers = list(zip(sys.argv[3::2], sys.argv[4::2], strict=True))
    more_files()
    heard: list[list[Heard]] = [
        [Heard(int(port), cookie, stalled=stalled) for _ in range(count)]
        for port, cookie in servers
    ]
    everybody = [one for server in heard for one in server]

    def ready() -> None:
        ports = [[one.socket.getsockname()[1] for one in server] for server in heard]
        print(json.dumps(ports), flush=True)

    (stall if stalled else listen)(everybody, ready)
    print(json.dumps([[one.arrivals() for one in server] for server in heard]), flush=True)


def more_files() -> None:
    """Allow as many open files as the machine lets us have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 16384 if hard == resource.RLIM_INFINITY else min(hard, 16384)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


class Heard:
    """One client: its socket, and what came when."""

    def __init__(self, port: int, cookie: str, *, stalled: bool) -> None:
        self.socket = socket.socket()
        if stalled:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(("127.0.0.1", port))
        key = base64.b64encode(os.urandom(16)).decode()
        request = (
            f"GET /api/live HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"Cookie: {cookie}\r\n\r\n"
        )
        self.socket.sendall(request.encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self.socket.recv(1 if stalled else 4096)
        head, _, rest = answer.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            raise ConnectionError(head.decode(errors="replace").splitlines()[0])
        self.pieces: list[Piece] = [(0, rest)] if rest else []
        self.socket.sendall(bytes((0x81, 0x80 | len(HELLO))) + MASK + HELLO)
        self.socket.setblocking(False)

    def arrivals(self) -> list[int]:
        """When each wanted message was there as a whole."""
        found, data = [], bytearray()
        for at, piece in self.pieces:
            data += piece
            while (frame := first_frame(data)) is not None:
                start, end = frame
                if data[start : start + len(WANTED)] == WANTED:
                    found.append(at)
                del data[:end]
        return found


def first_frame(data: bytearray) -> tuple[int, int] | None:
    """Where the payload of the first whole frame begins and ends; None while it is not whole."""
    if len(data) < 2:
        return None
    size, start = data[1] & 0x7F, 2
    if size == 126 and len(data) >= 4:
        size, start = struct.unpack_from("!H", data, 2)[0], 4
    elif size == 127 and len(data) >= 10:
        size, start = struct.unpack_from("!Q", data, 2)[0], 10
    elif size > 125:
        return None
    return (start, start + size) if len(data) >= start + size else None


def stall(everybody: list[Heard], ready: Callable[[], None]) -> None:
    """Leave everything where it is until the input ends."""
    for one in everybody:
        there = select.poll()
        there.register(one.socket, select.POLLIN)
        there.poll()
    ready()
    sys.stdin.read()


def listen(everybody: list[Heard], ready: Callable[[], None]) -> None:
    """Take what comes until the input ends."""
    poll = select.epoll()
    by_file = {one.socket.fileno(): one for one in everybody}
    for number in by_file:
        poll.register(number, select.EPOLLIN)
    poll.register(sys.stdin.fileno(), select.EPOLLIN)
    waiting = {number for number, one in by_file.items() if not one.pieces}
    said = False
    while True:
        for number, _ in poll.poll():
            if number == sys.stdin.fileno():
                return
            one = by_file[number]
            data = one.socket.recv(1 << 18)
            at = time.monotonic_ns()
            if not data:
                raise ConnectionError("a server hung up")
            one.pieces.append((at, data))
            waiting.discard(number)
        if not waiting and not said:
            said = True
            ready()


if __name__ == "__main__":
    main()
