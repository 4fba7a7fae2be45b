"""The live hub of one process: a thread that reads the feed, and the clients on the event loop."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Protocol

from psycopg import Connection
from psycopg import Error as DatabaseError
from psycopg_pool import ConnectionPool

from muster.api.live_client import Client, Closing
from muster.api.live_messages import Beat, encoded
from muster.api.live_picture import Board, Dismissed, Feed, Picture, Told
from muster.api.live_positions import PositionTeller, Whereabouts
from muster.journal import feed as journal_feed
from muster.journal.clock import Clock, monotonic
from muster.journal.context import Actor
from muster.journal.entry import Kinds
from muster.journal.feed import Bell, Page
from muster.journal.refusal import Refused
from muster.telemetry.latest import Box

log = logging.getLogger("muster.live")

NO_SESSION, NO_RIGHT, STUCK, RESTARTING = 4401, 4403, 1013, 1012
BACK_OFF_S = (0.25, 0.5, 1.0, 2.0)
AT_ONCE = 4


class WatchedFeed(Feed, Protocol):
    def waiting(self) -> str | None:
        """None, or the oldest running transaction behind which committed entries wait."""
        ...


class JournalFeed:
    """The journal's feed over the server's pool."""

    def __init__(self, pool: ConnectionPool[Connection[Any]], kinds: Kinds) -> None:
        self._pool, self._kinds = pool, kinds

    def read(self, after: str) -> Page:
        with self._pool.connection() as connection:
            return journal_feed.read(connection, self._kinds, after)

    def present(self) -> str:
        with self._pool.connection() as connection:
            return journal_feed.present(connection)

    def waiting(self) -> str | None:
        with self._pool.connection() as connection:
            held = journal_feed.held_back(connection)
            return journal_feed.present(connection) if held else None


@dataclass(frozen=True)
class Pace:
    """Seconds: between looks at the feed when no bell rings; at least between two rounds of
    changes; between rounds of positions; of beats; of checking sessions. After `held_s` behind a
    long transaction, or `quiet_s` without a successful look, the feed is called stalled; after
    `stuck_s` in one message a client is cut off."""

    poll_s: float = 0.25
    spacing_s: float = 0.05
    positions_s: float = 1.0
    beat_s: float = 5.0
    sessions_s: float = 10.0
    held_s: float = 2.0
    quiet_s: float = 3.0
    stuck_s: float = 30.0


class LiveHub:
    """`unit_changed` and `trouble` from any thread; everything else on the event loop."""

    def __init__(
        self,
        *,
        feed: WatchedFeed,
        board: Board,
        positions: Whereabouts,
        clock: Clock,
        bell: Bell,
        pace: Pace | None = None,
    ) -> None:
        self._feed, self._board, self._clock, self._bell = feed, board, clock, bell
        self._pace = pace or Pace()
        self._picture = Picture(feed, board, clock, self._emit)
        self._teller = PositionTeller(positions, self._emit)
        self._lock = threading.Lock()
        self._noted: list[Callable[[], None]] = []
        self._outbox: list[Told | Dismissed] = []
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._rounds: list[asyncio.Task[None]] = []
        self._looked_at = monotonic()
        self._next_positions = self._next_watch = 0.0
        self._held: tuple[str, float] | None = None
        self.clients: set[Client] = set()
        #: Windows of one session; more are a mistake, or somebody who wants us busy.
        self.most_a_session = 8
        self._connected: Counter[str] = Counter()
        self.trouble = ""

    # --- life --------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the thread and the rounds; call it on the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._looked_at = monotonic()
        self._thread = threading.Thread(target=self._run, name="live", daemon=True)
        self._thread.start()
        self._rounds = [
            self._loop.create_task(self._beats()),
            self._loop.create_task(self._sessions()),
        ]

    def stop(self) -> None:
        """End the thread, and ask every client to come back later."""
        self._stopping.set()
        self._bell.ring()
        for one in self._rounds:
            one.cancel()
        for client in list(self.clients):
            client.end(Closing(RESTARTING, "restarting"))
        if self._thread is not None:
            self._thread.join(timeout=10)

    # --- what clients and other parts tell the hub -------------------------------------------

    def unit_changed(self, unit: str) -> None:
        """A unit's row changed without an entry: duty, status, register."""
        self._note(lambda: self._picture.unit_changed([unit]))

    def scope_key(self, actor: Actor) -> Hashable:
        """Blocking. Raises Refused: the session ended, or nothing may be read at all."""
        with self._board.reader(actor) as reader:
            key: Hashable = reader.scope_key
            return key

    def enter(self, client: Client, cursor: str | None) -> None:
        """Tell this client from now on, from a cursor or afresh."""
        self.clients.add(client)
        key = client.key
        self._note(lambda: self._picture.enter(client, key, cursor))

    def look(self, client: Client, view: Box | None) -> None:
        """The client shows another view: it gets the positions in it with the next round."""
        client.view = view
        self._note(lambda: self._teller.looked(client))

    def admit(self, session: str) -> bool:
        """Count one more connection of a session; False when it has so many already."""
        if self._connected[session] >= self.most_a_session:
            return False
        self._connected[session] += 1
        return True

    def dismiss(self, session: str) -> None:
        """An admitted connection has ended."""
        self._connected[session] -= 1
        if not self._connected[session]:
            del self._connected[session]

    def leave(self, client: Client) -> None:
        self.clients.discard(client)
        self._note(lambda: self._picture.leave(client))

    def _note(self, what: Callable[[], None]) -> None:
        with self._lock:
            self._noted.append(what)
        self._bell.ring()

    # --- the thread --------------------------------------------------------------------------

    def _run(self) -> None:
        seen, failures, told_at = 0, 0, float("-inf")
        while not self._stopping.is_set():
            seen = self._bell.wait(seen, self._pace.poll_s)
            self._stopping.wait(max(0.0, told_at + self._pace.spacing_s - monotonic()))
            try:
                if self._turn():
                    told_at = monotonic()
                self.trouble, failures = "", 0
            except Exception as error:
                # Nothing is lost: the picture keeps its cursor and who waits. Clients are told.
                trouble = f"live: {type(error).__name__}"
                if trouble != self.trouble:
                    log.error("the live feed waits: %s", type(error).__name__, exc_info=error)
                self.trouble = trouble
                self._hand_out()
                self._stopping.wait(BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)])
                failures += 1

    def _turn(self) -> bool:
        """One look at everything; returns whether anything but positions was told."""
        with self._lock:
            noted, self._noted = self._noted, []
        for what in noted:
            what()
        try:
            self._picture.turn()
        finally:
            told = bool(self._outbox)
            if monotonic() >= self._next_positions:
                self._next_positions = monotonic() + self._pace.positions_s
                self._teller.tell(self._picture.audiences.values())
        self._hand_out()
        self._watch()
        self._looked_at = monotonic()
        return told

    def _watch(self) -> None:
        """Once a second: is something held back by a transaction that does not end?"""
        now = monotonic()
        if now < self._next_watch or not self._picture.audiences:
            return
        self._next_watch = now + 1.0
        behind = self._feed.waiting()
        if behind is None:
            self._held = None
        elif self._held is None or self._held[0] != behind:
            self._held = behind, now

    def _emit(self, what: Told | Dismissed) -> None:
        self._outbox.append(what)
        if isinstance(what, Told) and what.opening:
            self._teller.opened(what.members)

    def _hand_out(self) -> None:
        if self._outbox and self._loop is not None and not self._stopping.is_set():
            self._loop.call_soon_threadsafe(self._deliver, self._outbox)
        self._outbox = []

    # --- the event loop ----------------------------------------------------------------------

    def _deliver(self, told: list[Told | Dismissed]) -> None:
        for one in told:
            if isinstance(one, Dismissed):
                self._end(one.member, one.refusal)
            elif one.opening:
                for client in one.members:
                    client.push_opening(one.message)
            else:
                for client in one.members:
                    client.push(one.message)

    def _end(self, client: Client, refusal: str) -> None:
        code = NO_SESSION if refusal.startswith("session.") else NO_RIGHT
        client.end(Closing(code, refusal))

    @property
    def feed_state(self) -> str:
        """ "ok", or "stalled" while changes do not come through."""
        now, pace = monotonic(), self._pace
        held = self._held
        stalled = (
            bool(self.trouble)
            or now - self._looked_at > pace.quiet_s
            or (held is not None and now - held[1] > pace.held_s)
        )
        return "stalled" if stalled else "ok"

    async def _beats(self) -> None:
        """Beats for everybody; clients that take nothing for too long are cut off."""
        next_beat = monotonic() + self._pace.beat_s
        while True:
            await asyncio.sleep(min(1.0, self._pace.beat_s))
            now = monotonic()
            for client in list(self.clients):
                if client.stuck_for(now) > self._pace.stuck_s:
                    client.end(Closing(STUCK, "too slow", cut=True))
            if now >= next_beat:
                next_beat = now + self._pace.beat_s
                beat = encoded(Beat(self._clock.now(), self.feed_state))
                for client in list(self.clients):
                    client.push_beat(beat)

    async def _sessions(self) -> None:
        """Close clients whose session ended; let those who may see otherwise now begin anew."""
        while True:
            await asyncio.sleep(self._pace.sessions_s / 2)
            by_actor: dict[Actor, list[Client]] = {}
            for client in self.clients:
                by_actor.setdefault(client.actor, []).append(client)
            actors = list(by_actor)
            for start in range(0, len(actors), AT_ONCE):
                some = actors[start : start + AT_ONCE]
                keys = await asyncio.gather(*(asyncio.to_thread(self._checked, a) for a in some))
                if None in keys:
                    break  # the database is away, and the beats say so
                for actor, key in zip(some, keys, strict=True):
                    self._apply(by_actor[actor], key)

    def _checked(self, actor: Actor) -> Hashable | Refused | None:
        try:
            return self.scope_key(actor)
        except Refused as refusal:
            return refusal
        except DatabaseError:
            return None

    def _apply(self, clients: list[Client], key: Hashable | Refused) -> None:
        for client in clients:
            if isinstance(key, Refused):
                self._end(client, key.code)
            elif key != client.key and client in self.clients:
                client.key = key
                self.enter(client, None)
