"""The connection a phone keeps open for its positions: WS /api/positions/live.

The server begins with `welcome`: the units one may report for. A batch carries a `number` that
grows; it is answered by `taken` with what became of it, and later, when it is written for certain,
by `kept` with the highest such number: until then the phone keeps it, and after a break sends
again what was not kept. What came twice is known and counted as a duplicate.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from litestar import WebSocket, websocket
from litestar.exceptions import WebSocketDisconnect
from litestar.handlers import WebsocketRouteHandler
from psycopg import Error as DatabaseError

from muster.api.bearer import SCOPE
from muster.api.live import same_origin
from muster.api.live_hub import NO_RIGHT, NO_SESSION, RESTARTING
from muster.api.platform import RunningPlatform
from muster.api.telemetry import TOKEN_SCOPE, Crewed, UnitName, fixes_of
from muster.journal.clock import Clock, monotonic
from muster.journal.context import Actor
from muster.journal.refusal import Refused
from muster.telemetry.fixes import Fix
from muster.telemetry.history import Dropped, Place
from muster.telemetry.positions import Positions, Rejected, Reporter

Socket = WebSocket[Any, Any, Any]
MOST_FIXES: Final = 1000
LARGEST_WORD: Final = 250_000
#: Batches that are not kept yet; with so many under way no more is read from the connection.
WINDOW: Final = 32
#: Seconds between two looks whether the session and the duty still stand, and without a word.
CHECKED_S, SILENT_S = 10.0, 300.0
NOT_UNDERSTOOD, TOO_LARGE, SEND_AGAIN = 1003, 1009, 1013

_number = Annotated[int, msgspec.Meta(ge=1, le=1 << 53)]


class Batch(msgspec.Struct, frozen=True, tag_field="type", tag="fixes"):
    """`number` is larger than the one before. As POST /api/positions, but 1,000 fixes at most."""

    number: _number
    fixes: Annotated[list[Fix | None], msgspec.Meta(max_length=MOST_FIXES)]
    unit: UnitName | None = None


class _Loose(msgspec.Struct, frozen=True, tag_field="type", tag="fixes"):
    number: _number
    fixes: Annotated[list[msgspec.Raw], msgspec.Meta(max_length=MOST_FIXES)]
    unit: UnitName | None = None


class Welcome(msgspec.Struct, frozen=True, tag_field="type", tag="welcome"):
    """`units`: those one may report for. `now`: the server's clock, to set one's own right."""

    units: list[str]
    now: datetime
    most_fixes: int = MOST_FIXES
    window: int = WINDOW


class Taken(msgspec.Struct, frozen=True, tag_field="type", tag="taken"):
    """What became of a batch. It is not written yet."""

    number: int
    accepted: int
    duplicates: int
    rejected: list[Rejected]
    now: datetime


class Kept(msgspec.Struct, frozen=True, tag_field="type", tag="kept"):
    """Everything up to this number is written and may be thrown away."""

    number: int


_encoder = msgspec.json.Encoder()
_words = msgspec.json.Decoder(Batch)
_loose_words = msgspec.json.Decoder(_Loose)


class _Closed(Exception):
    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


def route(platform: RunningPlatform, positions: Positions, crewed: Crewed) -> WebsocketRouteHandler:
    """The door, for the positions of a running system."""

    @websocket("/api/positions/live", opt={SCOPE: TOKEN_SCOPE})
    async def positions_live(socket: Socket, actor: Actor) -> None:
        if not same_origin(socket):
            await socket.receive()
            await socket.close()  # before accepting: the answer is 403
            return
        await socket.accept()

        phone = Phone(
            socket, lambda: positions.reporter(lambda: crewed(actor)), positions, platform.clock
        )
        try:
            await phone.attend()
        except WebSocketDisconnect:
            return
        except _Closed as closed:
            await socket.close(closed.code, closed.reason)
        except Refused as refusal:
            ended = refusal.code.startswith(("session.", "token."))
            code = NO_SESSION if ended else NO_RIGHT
            await socket.close(code, refusal.code)

    return positions_live


class Phone:
    """One open connection. On the event loop; what may wait goes to a thread."""

    def __init__(
        self, socket: Socket, rights: Callable[[], Reporter], positions: Positions, clock: Clock
    ) -> None:
        self._socket, self._rights = socket, rights
        self._positions, self._clock = positions, clock
        self._reporter: Reporter | None = None
        self._checked_at = float("-inf")
        self._under_way: deque[tuple[int, Place]] = deque()
        self._written = asyncio.Event()
        self._last = 0

    async def attend(self) -> None:
        """Until the phone goes. Raises Refused when it may report no more, _Closed."""
        reporter = await self._checked()
        await self._say(Welcome(sorted(reporter.places), self._clock.now()))
        loop = asyncio.get_running_loop()

        def tell() -> None:
            loop.call_soon_threadsafe(self._was_written)

        running: dict[str, asyncio.Task[Any]] = {}
        try:
            with self._positions.telling(tell):
                await self._turns(running)
        finally:
            for one in running.values():
                one.cancel()

    async def _turns(self, running: dict[str, asyncio.Task[Any]]) -> None:
        """Words as they come and while there is room; and after each writing what is kept."""
        heard_at = monotonic()
        while True:
            if len(self._under_way) < WINDOW and "word" not in running:
                running["word"] = asyncio.create_task(self._hear())
            if "written" not in running:
                self._written.clear()
                running["written"] = asyncio.create_task(self._written.wait())
            await asyncio.wait(
                running.values(), timeout=CHECKED_S, return_when=asyncio.FIRST_COMPLETED
            )
            if "word" in running and running["word"].done():
                heard_at = monotonic()
                await self._take(_read(running.pop("word").result()))
            elif monotonic() - heard_at > SILENT_S:
                raise _Closed(RESTARTING, "silent")
            if running["written"].done():
                del running["written"]
            await self._checked()
            await self._keep()

    def _was_written(self) -> None:
        if self._under_way:
            self._written.set()

    async def _hear(self) -> Any:
        return await self._socket.receive()

    async def _checked(self) -> Reporter:
        """Who may be reported for: looked up again when a duty has ended, and every few seconds.
        Raises Refused("position.off_duty") when nobody may be any more."""
        now, reporter = monotonic(), self._reporter
        stale = now - self._checked_at > CHECKED_S
        if reporter is None or stale or not self._positions.stands(reporter):
            try:
                reporter = await asyncio.to_thread(self._rights)
            except DatabaseError:  # away: what was true a moment ago goes on, if we knew anything
                if reporter is None:
                    raise _Closed(SEND_AGAIN, "the database is away") from None
            self._reporter, self._checked_at = reporter, now
        if not reporter.places:
            raise Refused("position.off_duty")
        return reporter

    async def _take(self, batch: Batch) -> None:
        if batch.number <= self._last:
            raise _Closed(NOT_UNDERSTOOD, "the number of a batch grows")
        self._last = batch.number
        reporter = await self._checked()
        now = self._clock.now()
        # Here and not in a thread: it takes less than a thousandth of a second, half of what
        # handing the batch to another processor would cost.
        done, place = self._positions.take(batch.fixes, reporter, now, batch.unit or "")
        self._under_way.append((batch.number, place))
        taken = Taken(batch.number, done.accepted, done.duplicates, done.rejected, now)
        await self._say(taken)

    async def _keep(self) -> None:
        """Say how far everything is written."""
        kept = 0
        try:
            while self._under_way and self._positions.safe(self._under_way[0][1]):
                kept = self._under_way.popleft()[0]
        except Dropped:
            raise _Closed(SEND_AGAIN, "not kept: send it again") from None
        if kept:
            await self._say(Kept(kept))

    async def _say(self, message: msgspec.Struct) -> None:
        await self._socket.send_text(_encoder.encode(message).decode())


def _read(said: Any) -> Batch:
    """Raises WebSocketDisconnect, _Closed."""
    if said["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(detail="gone")
    text: Any = said.get("text") or said.get("bytes") or b""
    raw = text.encode(errors="replace") if isinstance(text, str) else text
    if len(raw) > LARGEST_WORD:
        raise _Closed(TOO_LARGE, f"more than {LARGEST_WORD} bytes")
    try:
        return _words.decode(raw)
    except msgspec.ValidationError:
        pass  # perhaps only some of its fixes
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise _Closed(NOT_UNDERSTOOD, "not a batch of fixes") from None
    try:
        loose = _loose_words.decode(raw)
        return Batch(loose.number, fixes_of(loose.fixes), loose.unit)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise _Closed(NOT_UNDERSTOOD, "not a batch of fixes") from None
