"""Real consoles at the real live feed: they show what the messages say."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

import msgspec
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.instance import Instance
from tests.stories.desk import Person

WAIT_S = 30.0


def live(server: Instance, person: Person | None, **headers: str) -> ClientConnection:
    """A connection to the feed with the person's session, nothing said yet."""
    cookie = {"Cookie": person.headers["Cookie"]} if person is not None else {}
    url = server.url.replace("http", "ws", 1) + "/api/live"
    more: dict[str, Any] = {"compression": None, "max_size": None, "max_queue": None}
    opened: ClientConnection = connect(
        url, additional_headers={**cookie, **headers}, ping_interval=None, **more
    )
    return opened.__enter__()


class Console:
    """Somebody's board. `look` is the view it says hello with."""

    def __init__(self, server: Instance, person: Person) -> None:
        self._server, self.person = server, person
        self.cursor: str | None = None
        self.incidents: dict[str, Any] = {}
        self.units: dict[str, Any] = {}
        self.positions: dict[str, Any] = {}
        self.said: list[str] = []
        self.feed = ""
        self.closed: tuple[int, str] | None = None
        self.socket: ClientConnection | None = None

    def come(self, view: Any = None) -> Console:
        """Connect, from where it was."""
        self.socket = live(self._server, self.person)
        self.say({"type": "hello", "cursor": self.cursor, "view": view})
        return self

    def say(self, words: Any) -> None:
        assert self.socket is not None
        # The server may have closed already; `hear` then tells how.
        with contextlib.suppress(ConnectionClosed):
            self.socket.send(msgspec.json.encode(words).decode())

    def part(self) -> None:
        assert self.socket is not None
        self.socket.close()
        self.socket = None

    def hear(self, timeout: float = WAIT_S) -> str:
        """Take the next message; its type, or "closed"."""
        assert self.socket is not None
        try:
            message = msgspec.json.decode(self.socket.recv(timeout))
        except ConnectionClosed as closed:
            assert closed.rcvd is not None
            self.closed = closed.rcvd.code, closed.rcvd.reason
            self.said.append("closed")
            return "closed"
        self._apply(message)
        self.said.append(message["type"])
        return str(message["type"])

    def _apply(self, message: Any) -> None:
        if message["type"] == "beat":
            self.feed = message["feed"]
        if message["type"] == "positions":
            self.positions.update({row[0]: row[1:] for row in message["positions"]})
        if message["type"] == "snapshot":
            self.incidents, self.units = {}, {}
        if message["type"] in ("snapshot", "changes"):
            self.cursor = message["cursor"]
            self.incidents.update({row["id"]: row for row in message["incidents"]})
            self.units.update({row["id"]: row for row in message["units"]})
            for matter in message.get("gone", ()):
                self.incidents.pop(matter, None)

    def until(self, true: Callable[[], bool]) -> None:
        """Take messages until something that must come is there."""
        end = time.monotonic() + WAIT_S
        while not true():
            assert time.monotonic() < end, (self.said[-20:], self.incidents)
            if self.hear() == "closed":
                assert true(), self.closed
                return

    def fresh(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What a page loaded now would show."""
        incidents = self.person.get("/api/incidents?scope=open&limit=500")["items"]
        units = self.person.get("/api/units")["items"]
        return {row["id"]: row for row in incidents}, {row["id"]: row for row in units}
