"""The TCP side: thousands of connections, each bounded in bytes, time and patience."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from muster.gateway.jt808.conversation import Conversation, Platform
from muster.gateway.outbox import Outbox
from muster.journal.clock import monotonic

READ_BYTES: Final = 4096
#: Answers nobody reads, until the connection is ended.
MOST_UNREAD: Final = 64 * 1024
FLUSH_S: Final = 10.0


@dataclass(frozen=True, kw_only=True)
class Limits:
    """`idle_s`: silence after which a connection is half open and closed; `sign_in_s`: to
    authenticate in; bytes a second, and how many at once, before reading slows down."""

    connections: int = 10_000
    idle_s: float = 600.0
    sign_in_s: float = 60.0
    bytes_per_s: float = 16 * 1024
    burst: float = 128 * 1024
    networks: tuple[IPv4Network | IPv6Network, ...] = ()


class Listener:
    """The connections of a gateway. One event loop."""

    def __init__(self, platform: Platform, outbox: Outbox, limits: Limits) -> None:
        self._platform, self._outbox, self._limits = platform, outbox, limits
        self._by_phone: dict[str, asyncio.StreamWriter] = {}
        self._served: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; the port it is. Raises OSError."""
        self._server = await asyncio.start_server(
            self._serve, host, port, limit=2 * READ_BYTES, backlog=1024
        )
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Read no more, let the server have what was read and the devices hear of it, and close."""
        assert self._server is not None
        self._server.close()
        self._stopping = True
        with suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_S):
                await self._outbox.empty()
        for served in list(self._served):
            served.cancel()
        await asyncio.gather(*self._served, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        counts = self._platform.counts
        served = asyncio.current_task()
        assert served is not None
        if not self._welcome(writer):
            writer.transport.abort()
            return
        self._served.add(served)
        counts.open += 1
        counts.add("connections")
        conversation = Conversation(self._platform, _sayer(writer), self._outbox.put)
        try:
            await self._listen(conversation, reader, writer)
        except (ConnectionError, TimeoutError):
            counts.drop("connection.lost")
        finally:
            counts.open -= 1
            self._served.discard(served)
            if self._by_phone.get(conversation.phone) is writer:
                del self._by_phone[conversation.phone]
            await _close(writer)

    def _welcome(self, writer: asyncio.StreamWriter) -> bool:
        counts, limits = self._platform.counts, self._limits
        if counts.open >= limits.connections:
            counts.drop("connection.too_many")
            return False
        peer = writer.get_extra_info("peername")
        here = ip_address(peer[0].partition("%")[0]) if peer else None
        if isinstance(here, IPv6Address) and here.ipv4_mapped is not None:
            here = here.ipv4_mapped
        if limits.networks and (here is None or not any(here in one for one in limits.networks)):
            counts.drop("connection.foreign")
            return False
        return True

    async def _listen(
        self, conversation: Conversation, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        counts, limits = self._platform.counts, self._limits
        began = last = monotonic()
        left, known = limits.burst, ""
        while not conversation.over:
            await self._outbox.room()
            data = await self._read(conversation, reader, began)
            if not data:
                if conversation.held:
                    counts.drop("frame.truncated")
                return
            now = monotonic()
            left = min(limits.burst, left + (now - last) * limits.bytes_per_s) - len(data)
            last = now
            conversation.hear(data, now)
            if conversation.phone != known:
                known = conversation.phone
                self._only(known, writer)
            if writer.transport.get_write_buffer_size() > MOST_UNREAD:
                counts.drop("connection.not_reading")
                writer.transport.abort()
                return
            if left < 0:
                counts.add("slowed")
                await asyncio.sleep(-left / limits.bytes_per_s)

    async def _read(
        self, conversation: Conversation, reader: asyncio.StreamReader, began: float
    ) -> bytes:
        """The next bytes; none at the end, after too long a silence, and when we are to stop."""
        patience = self._limits.idle_s
        if not conversation.phone:
            patience = min(patience, self._limits.sign_in_s - (monotonic() - began))
        try:
            async with asyncio.timeout(max(0.0, patience)):
                data = await reader.read(READ_BYTES)
        except TimeoutError:
            reason = "connection.silent" if conversation.phone else "connection.no_sign_in"
            self._platform.counts.drop(reason)
            return b""
        if self._stopping:
            # What was read before is on its way; its answers shall still be heard.
            await asyncio.Event().wait()
        return data

    def _only(self, phone: str, writer: asyncio.StreamWriter) -> None:
        """A terminal has one connection: the one before is half open, and ended."""
        before = self._by_phone.get(phone)
        if before is not None and before is not writer:
            self._platform.counts.drop("connection.replaced")
            before.transport.abort()
        self._by_phone[phone] = writer


def _sayer(writer: asyncio.StreamWriter) -> Callable[[bytes], None]:
    def say(frame: bytes) -> None:
        if not writer.is_closing():
            writer.write(frame)

    return say


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError, TimeoutError):
        async with asyncio.timeout(5.0):
            await writer.wait_closed()
