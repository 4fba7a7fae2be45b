"""One client of the live feed: what waits for it, and what happens when it does not take it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Protocol

from muster.api.live_messages import Message
from muster.journal.clock import monotonic
from muster.journal.context import Actor
from muster.telemetry.latest import Box

MOST_WAITING = 64
LARGEST_WAITING = 1 << 20


class Wire(Protocol):
    """A connection that takes whole frames at once (`live_wire.LiveProtocol`)."""

    def write_frame(self, frame: bytes) -> bool:
        """Whether the frame was taken. False while earlier bytes wait, and when closed."""
        ...

    def abort(self) -> None:
        """Cut the connection without waiting for the other side."""
        ...


@dataclass(frozen=True)
class Closing:
    """Why a connection is closed. `cut`: the other side takes nothing, so do not say goodbye."""

    code: int
    reason: str
    cut: bool = False


class Client:
    """Used on the event loop only, but for `view`, which the feed's thread reads.

    When more than 64 messages or 1 MiB wait, they are thrown away: the client is told afresh
    (`afresh`) as soon as it takes what was already under way. Nobody else notices.
    """

    def __init__(
        self,
        actor: Actor,
        key: Hashable,
        *,
        send: Callable[[str], Awaitable[None]],
        wire: Wire | None,
        afresh: Callable[[Client], None],
    ) -> None:
        self.actor, self.key = actor, key
        self.view: Box | None = None
        self.ended: asyncio.Future[Closing] = asyncio.get_running_loop().create_future()
        self.resyncs = 0
        self._send, self._wire, self._afresh = send, wire, afresh
        self._waiting: deque[Message] = deque()
        self._size = 0
        self._opened = False
        self._lost = False
        self._sending_since: float | None = None
        self._wakeup = asyncio.Event()

    def push(self, message: Message) -> None:
        """A change. Left out before the opening and after a loss: an opening follows."""
        if self._opened and not self._lost:
            self._take(message)

    def push_opening(self, message: Message) -> None:
        """A snapshot, or what was missed: replaces everything that waits."""
        self._waiting.clear()
        self._size = 0
        self._opened, self._lost = True, False
        self._take(message)

    def push_beat(self, message: Message) -> None:
        """A beat: also before the opening, never behind anything else."""
        if not self._waiting and not self._lost:
            self._take(message)

    def _take(self, message: Message) -> None:
        if self.ended.done():
            return
        idle = not self._waiting and self._sending_since is None
        if idle and self._wire is not None and self._wire.write_frame(message.frame):
            return
        size = len(message.data)
        full = len(self._waiting) >= MOST_WAITING or self._size + size > LARGEST_WAITING
        if self._waiting and full:
            self._waiting.clear()
            self._size, self._lost = 0, True
            self.resyncs += 1
        else:
            self._waiting.append(message)
            self._size += size
        self._wakeup.set()

    async def drain(self) -> None:
        """Send what waits, until cancelled. Raises what sending raises when the client is gone."""
        while True:
            await self._wakeup.wait()
            self._wakeup.clear()
            while self._waiting:
                message = self._waiting.popleft()
                self._size -= len(message.data)
                self._sending_since = monotonic()
                await self._send(message.text)
                self._sending_since = None
            if self._lost:
                self._opened = self._lost = False
                self._afresh(self)

    def stuck_for(self, now: float) -> float:
        """Seconds since the message under way began to be sent; 0 when none is."""
        return 0.0 if self._sending_since is None else now - self._sending_since

    def end(self, closing: Closing) -> None:
        """Let the handler close the connection. The first reason counts."""
        if not self.ended.done():
            self.ended.set_result(closing)

    def abort(self) -> None:
        if self._wire is not None:
            self._wire.abort()
