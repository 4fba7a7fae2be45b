"""The door of the live feed: WS /api/live.

A client says hello with the cursor it has, gets a snapshot or what it missed, then numbered
changes, positions about once a second, and a beat every five seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Hashable, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from litestar import WebSocket, websocket
from litestar.exceptions import WebSocketDisconnect
from litestar.handlers import WebsocketRouteHandler

from muster.api.action import UnitRow, unit_rows
from muster.api.live_client import Client, Closing
from muster.api.live_hub import NO_RIGHT, NO_SESSION, JournalFeed, LiveHub, Pace
from muster.api.live_messages import LARGEST_WORD, BadWord, Hello, box_of, word
from muster.api.live_positions import Whereabouts
from muster.api.live_wire import EXTENSION
from muster.api.platform import Platform
from muster.command.incidents.tables import IncidentRow, Wanted, rows, rows_of
from muster.identity.reader import Reader
from muster.journal.context import Actor
from muster.journal.feed import Bell
from muster.journal.refusal import Refused

Socket = WebSocket[Any, Any, Any]

HELLO_WITHIN_S = 10.0
TOO_MANY = 4429
GOODBYE_S = 2.0
NOT_UNDERSTOOD, TOO_LATE, TOO_LARGE = 1003, 1008, 1009
ALL = 1_000_000


class PlatformBoard:
    """The rows of the board, as `live_picture.Board` wants them."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def reader(self, actor: Actor) -> AbstractContextManager[Reader]:
        return self._platform.reader(actor)

    def incidents(self, reader: Reader, ids: Collection[str] | None) -> Sequence[IncidentRow]:
        return rows(reader, Wanted(limit=ALL)) if ids is None else rows_of(reader, list(ids))

    def units(self, reader: Reader, ids: Collection[str] | None) -> Sequence[UnitRow]:
        wanted = None if ids is None else list(ids)
        return unit_rows(self._platform, reader.connection, reader.scope, wanted)

    def located(self, reader: Reader) -> bool:
        return reader.scope.allows_at("read.positions", None)


def hub_of(
    platform: Platform, positions: Whereabouts, bell: Bell, *, pace: Pace | None = None
) -> LiveHub:
    """The hub of a running system. Start it on the event loop; ring `bell` after each commit and
    call `unit_changed` after each change of a unit's row."""
    return LiveHub(
        feed=JournalFeed(platform.pool, platform.kinds),
        board=PlatformBoard(platform),
        positions=positions,
        clock=platform.clock,
        bell=bell,
        pace=pace,
    )


Denied: TypeAlias = Callable[[Actor, str], None]
"""Records that somebody was refused, with the code of the refusal."""


def route(hub: LiveHub, denied: Denied = lambda _actor, _code: None) -> WebsocketRouteHandler:
    """The door, for a hub."""

    @websocket("/api/live")
    async def live(socket: Socket, actor: Actor) -> None:
        if not same_origin(socket):
            await socket.receive()
            await socket.close()  # before accepting: the answer is 403
            return
        await attend(hub, socket, actor, denied)

    return live


def same_origin(socket: Socket) -> bool:
    """Whether the page that opens the connection is ours. Clients that are no browser say
    nothing of where they come from."""
    origin = socket.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == socket.headers.get("Host")


async def attend(hub: LiveHub, socket: Socket, actor: Actor, denied: Denied) -> None:
    """Serve one client until it goes or is closed."""
    await socket.accept()
    try:
        key = await asyncio.to_thread(hub.scope_key, actor)
    except Refused as refusal:
        await asyncio.to_thread(denied, actor, refusal.code)
        code = NO_SESSION if refusal.code.startswith("session.") else NO_RIGHT
        await socket.close(code, refusal.code)
        return
    if not hub.admit(actor.session):
        await socket.close(TOO_MANY, "live.too_many")
        return
    try:
        await _serve(hub, socket, actor, key)
    finally:
        hub.dismiss(actor.session)


async def _serve(hub: LiveHub, socket: Socket, actor: Actor, key: Hashable) -> None:
    extensions: dict[str, Any] = socket.scope.get("extensions") or {}
    client = Client(
        actor,
        key,
        send=socket.send_text,
        wire=extensions.get(EXTENSION),
        afresh=lambda lost: hub.enter(lost, None),
    )
    running: list[asyncio.Task[Any]] = [
        asyncio.create_task(_listen(hub, socket, client)),
        asyncio.create_task(client.drain()),
    ]
    try:
        await asyncio.wait([*running, client.ended], return_when=asyncio.FIRST_COMPLETED)
    finally:
        hub.leave(client)
        for one in running:
            one.cancel()
        ends = await asyncio.gather(*running, return_exceptions=True)
    await _goodbye(socket, client, ends)


async def _listen(hub: LiveHub, socket: Socket, client: Client) -> Closing | None:
    """Take a client's words until it goes (None) or says something wrong."""
    try:
        async with asyncio.timeout(HELLO_WITHIN_S):
            hello = await _word(socket)
        if not isinstance(hello, Hello):
            raise BadWord("the first word is hello")
        client.view = box_of(hello.view)
        hub.enter(client, hello.cursor)
        while True:
            said = await _word(socket)
            if isinstance(said, Hello):
                raise BadWord("hello was said already")
            hub.look(client, box_of(said.view))
    except TimeoutError:
        return Closing(TOO_LATE, "no hello")
    except _TooLarge:
        return Closing(TOO_LARGE, f"more than {LARGEST_WORD} bytes")
    except BadWord as bad:
        return Closing(NOT_UNDERSTOOD, str(bad))
    except WebSocketDisconnect:
        return None


class _TooLarge(Exception):
    pass


async def _word(socket: Socket) -> Any:
    said = await socket.receive()
    if said["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(detail="gone")
    text: Any = said.get("text") or said.get("bytes") or b""
    raw = text.encode() if isinstance(text, str) else text
    if len(raw) > LARGEST_WORD:
        raise _TooLarge
    return word(raw)


async def _goodbye(socket: Socket, client: Client, ends: Sequence[Any]) -> None:
    """Close with the reason there is; nothing when the client has gone by itself."""
    closing = client.ended.result() if client.ended.done() else None
    if closing is None:
        for end in ends:
            if isinstance(end, Closing):
                closing = end
            elif isinstance(end, Exception) and not _gone(end):
                raise end
    if closing is None:
        return
    if not closing.cut:
        try:
            async with asyncio.timeout(GOODBYE_S):
                await socket.close(closing.code, closing.reason)
            return
        except TimeoutError:
            pass
        except Exception as error:
            if not _gone(error):
                raise
            return
    client.abort()


def _gone(error: BaseException) -> bool:
    """Whether sending failed only because the client is not there any more."""
    return isinstance(error, WebSocketDisconnect | OSError)
