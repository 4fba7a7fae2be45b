"""Many clients of the live feed for a long time, a tenth of them taking nothing, for bench/load.py.

    python bench/_watchers.py PORT COUNT STALLED COOKIE…

connects COUNT clients, at most eight with each cookie, and prints "ready" when all that listen have
had their first message. The last STALLED say hello and never read; when the server cuts one off it
comes again. A client that listens and is cut off comes again too, and that is counted. The end of
the input stops it; it prints one line of JSON: {"messages", "bytes", "quiet_s" (the longest a
listening client heard nothing), "lost" (connections of those that listen), "cut" (of those that
do not)}.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time

from _listeners import HELLO, MASK, more_files

HEAD = (
    "GET /api/live HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Version: 13\r\nCookie: {cookie}\r\n\r\n"
)
PONG = bytes((0x8A, 0x80)) + MASK
PER_COOKIE = 8


class Watcher:
    """One client; `stalled`: it takes nothing."""

    def __init__(self, port: int, cookie: str, *, stalled: bool) -> None:
        self.port, self.cookie, self.stalled = port, cookie, stalled
        self.socket = socket.socket()
        if stalled:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(("127.0.0.1", port))
        self.socket.sendall(HEAD.format(port=port, cookie=cookie).encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            piece = self.socket.recv(1)  # what follows the head is left where it is
            if not piece:
                break
            answer += piece
        if not answer.startswith(b"HTTP/1.1 101"):
            raise ConnectionError(answer.decode(errors="replace").partition("\r\n")[0])
        self.socket.sendall(bytes((0x81, 0x80 | len(HELLO))) + MASK + HELLO)
        self.socket.setblocking(False)
        self.heard_at = time.monotonic()


class Crowd:
    def __init__(self, port: int, count: int, stalled: int, cookies: list[str]) -> None:
        self.poll, self.by_file = select.epoll(), dict[int, Watcher]()
        self.messages = self.bytes = self.lost = self.cut = 0
        self.quiet_s = 0.0
        self.waiting: set[int] = set()
        for number in range(count):
            cookie = cookies[number // PER_COOKIE]
            self.add(Watcher(port, cookie, stalled=number >= count - stalled))

    def add(self, one: Watcher) -> None:
        number = one.socket.fileno()
        self.by_file[number] = one
        gone = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
        self.poll.register(number, gone if one.stalled else gone | select.EPOLLIN)
        if not one.stalled:
            self.waiting.add(number)

    def listen(self) -> None:
        """Take what comes until the input ends."""
        self.poll.register(sys.stdin.fileno(), select.EPOLLIN)
        said = False
        while True:
            for number, event in self.poll.poll(1.0):
                if number == sys.stdin.fileno():
                    return
                self.happened(self.by_file[number], event)
            if not self.waiting and not said:
                said = True
                self.lost, self.quiet_s = 0, 0.0
                print("ready", flush=True)

    def happened(self, one: Watcher, event: int) -> None:
        data = b""
        if event & select.EPOLLIN and not one.stalled:
            try:
                data = one.socket.recv(1 << 18)
            except ConnectionError:
                data = b""
        if one.stalled or not data:
            self.again(one)
            return
        now = time.monotonic()
        self.quiet_s, one.heard_at = max(self.quiet_s, now - one.heard_at), now
        self.messages += 1
        self.bytes += len(data)
        self.waiting.discard(one.socket.fileno())
        if b"\x89\x04" in data or b"\x89\x00" in data:  # the server asks whether we are there
            self.pong(one, data)

    def pong(self, one: Watcher, data: bytes) -> None:
        at = data.rfind(b"\x89\x04")
        said = data[at + 2 : at + 6] if at >= 0 else b""
        try:
            one.socket.sendall(bytes((0x8A, 0x80 | len(said))) + MASK + said)
        except OSError:
            pass

    def again(self, one: Watcher) -> None:
        number = one.socket.fileno()
        self.poll.unregister(number)
        self.waiting.discard(number)
        del self.by_file[number]
        one.socket.close()
        self.cut, self.lost = self.cut + one.stalled, self.lost + (not one.stalled)
        for _ in range(50):
            try:
                self.add(Watcher(one.port, one.cookie, stalled=one.stalled))
                return
            except OSError:
                time.sleep(0.05)
        raise ConnectionError("the server takes nobody any more")


def main() -> None:
    port, count, stalled = map(int, sys.argv[1:4])
    more_files()
    crowd = Crowd(port, count, stalled, sys.argv[4:])
    crowd.listen()
    names = ("messages", "bytes", "quiet_s", "lost", "cut")
    print(json.dumps({name: getattr(crowd, name) for name in names}), flush=True)


if __name__ == "__main__":
    main()
