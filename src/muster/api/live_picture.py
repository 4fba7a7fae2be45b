"""The picture everybody is shown, and what of it has changed for whom.

One thread owns it. Each turn reads the feed, asks the board for the current rows of what
changed, once for all clients of the same scope, and hands out encoded messages.

Why a late joiner ends with the same picture as everybody else: the feed's cursor is taken
before any snapshot is read, one thread reads and hands out in one order, rows are always the
current ones, and every entry after the cursor leads to its row being read again.
"""

from __future__ import annotations

import re
import secrets
from collections import deque
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from muster.api.live_messages import Changes, Message, Snapshot, encoded
from muster.journal.clock import Clock, monotonic
from muster.journal.context import Actor
from muster.journal.entry import Entry
from muster.journal.feed import Page
from muster.journal.refusal import Refused
from muster.telemetry.latest import Box

LONGEST_GAP = 5_000
MOST_TOUCHED = 2_000
MOST_PAGES = 20
MOST_ORDERS = 50_000
FRESH_S = 1.0
KEEP_S = 120.0

T = TypeVar("T")


class Feed(Protocol):
    """The journal's feed on connections of its own."""

    def read(self, after: str) -> Page: ...

    def present(self) -> str: ...


class RowOrder(Protocol):
    @property
    def order(self) -> str: ...
    @property
    def unit(self) -> str: ...


class IncidentShown(Protocol):
    """What is needed of an incident's row; it is sent as it is."""

    @property
    def id(self) -> str: ...
    @property
    def open(self) -> bool: ...
    @property
    def orders(self) -> Sequence[RowOrder]: ...


class UnitShown(Protocol):
    """What is needed of a unit's row; it is sent as it is."""

    @property
    def id(self) -> str: ...
    @property
    def on_duty(self) -> bool: ...


class ScopedReader(Protocol):
    """Equal keys see the same."""

    @property
    def scope_key(self) -> Hashable: ...


class Board(Protocol):
    """Current rows as a reader may see them. `ids` None: all open incidents, all units."""

    def reader(self, actor: Actor) -> AbstractContextManager[Any]:
        """Of a `ScopedReader`, one snapshot. Raises Refused when the session has ended."""
        ...

    def incidents(self, reader: Any, ids: Collection[str] | None) -> Sequence[IncidentShown]: ...

    def units(self, reader: Any, ids: Collection[str] | None) -> Sequence[UnitShown]: ...

    def located(self, reader: Any) -> bool:
        """Whether the reader may know where units are."""
        ...


class Member(Protocol):
    """A client as the picture sees it."""

    @property
    def actor(self) -> Actor: ...
    @property
    def view(self) -> Box | None: ...


@dataclass(frozen=True)
class Told:
    """A message for members. An `opening` one replaces all they were to be told before."""

    members: tuple[Any, ...]
    message: Message
    opening: bool = False


@dataclass(frozen=True)
class Dismissed:
    """A member whose session ended or whose rights to read are gone."""

    member: Any
    refusal: str


@dataclass(eq=False)
class Audience:
    """Clients who see the same. `token` and a number make their cursors."""

    key: Hashable
    since: int
    token: str = field(default_factory=lambda: secrets.token_hex(4))
    members: dict[Any, None] = field(default_factory=dict)
    shown: set[str] = field(default_factory=set)
    """Incidents some client may show."""
    gone: dict[str, int] = field(default_factory=dict)
    """Incidents taken away, with the number: a client that was away may still show them."""
    units: dict[str, bool] = field(default_factory=dict)
    """Units told, and whether their position may be."""
    ever_units: set[str] = field(default_factory=set)
    """Units ever told: a client that was away may still show them."""
    located: bool = False
    openings: dict[int | None, tuple[float, Message]] = field(default_factory=dict)
    """Openings of this number, by the cursor's number (None: snapshot), when they were made."""
    left_at: float | None = None

    def cursor(self, number: int) -> str:
        return f"{self.token}-{number}"


@dataclass(frozen=True)
class Step:
    """What one number changed. `units` None: nobody knows which, so all."""

    number: int
    matters: frozenset[str]
    units: frozenset[str] | None
    entries: int


_CURSOR = re.compile(r"([0-9a-f]{8})-([0-9]{1,15})")


class Picture:
    """`enter`, `leave` and `unit_changed` only note; `turn` does the work and raises what the
    database raises, after which it may be called again: nothing noted is lost."""

    def __init__(
        self, feed: Feed, board: Board, clock: Clock, emit: Callable[[Told | Dismissed], None]
    ) -> None:
        self._feed, self._board, self._clock, self._emit = feed, board, clock, emit
        self.audiences: dict[Hashable, Audience] = {}
        self._joining: dict[Any, tuple[Hashable, str | None]] = {}
        self._rung: set[str] = set()
        self._cursor: str | None = None
        self._number = 0
        self._steps: deque[Step] = deque()
        self._held_entries = 0
        self._floor = 0
        self._units_of: dict[str, str] = {}

    def enter(self, member: Member, key: Hashable, cursor: str | None) -> None:
        """A client with this scope wants to be told, from a cursor or afresh."""
        self._joining[member] = (key, cursor)

    def leave(self, member: Member) -> None:
        self._joining.pop(member, None)
        for audience in self.audiences.values():
            if member in audience.members:
                del audience.members[member]
                audience.left_at = monotonic()

    def unit_changed(self, units: Iterable[str]) -> None:
        """Rows of units that no entry tells about have changed."""
        self._rung.update(units)

    def turn(self) -> None:
        """Tell what changed, then let in who waits."""
        self._forget_left()
        if not self.audiences and not self._joining:
            # Nobody watches: the next to come begins at the feed's present.
            self._cursor = None
            self._rung.clear()
            return
        if self._cursor is None:
            self._cursor = self._feed.present()
        self._advance(self._cursor)
        for member, (key, cursor) in list(self._joining.items()):
            self._admit(member, key, cursor)

    # --- what changed ----------------------------------------------------------------------

    def _advance(self, cursor: str) -> None:
        entries: list[Entry] = []
        for _ in range(MOST_PAGES):
            page = self._feed.read(cursor)
            entries += page.entries
            cursor = page.cursor
            if not page.more:
                break
        matters = frozenset(entry.matter for entry in entries)
        rung, (named, orders) = set(self._rung), self._concerned(entries)
        if matters or rung:
            self._number += 1
            for audience in list(self.audiences.values()):
                audience.openings.clear()
                if audience.members:
                    self._tell(audience, matters, rung | named, orders)
            units = self._resolved(rung | named, orders)
            known = None if units is None else frozenset(units)
            self._note(Step(self._number, matters, known, len(entries)))
        self._rung -= rung
        self._cursor = cursor

    def _concerned(self, entries: Iterable[Entry]) -> tuple[set[str], set[str]]:
        """Units and orders that entries about orders name; learns whose an order is."""
        units, orders = set[str](), set[str]()
        for entry in entries:
            if not entry.kind.startswith("order."):
                continue
            unit, order = getattr(entry.fact, "unit", ""), getattr(entry.fact, "order", "")
            if unit and order:
                self._learn(order, unit)
            if unit:
                units.add(unit)
            else:
                orders.add(order)
        return units, orders

    def _learn(self, order: str, unit: str) -> None:
        if len(self._units_of) >= MOST_ORDERS and order not in self._units_of:
            self._units_of.pop(next(iter(self._units_of)))
        self._units_of[order] = unit

    def _resolved(self, units: Iterable[str], orders: Iterable[str]) -> set[str] | None:
        """The units, with those of the orders; None when an order is nobody's we know."""
        found = set(units)
        for order in orders:
            unit = self._units_of.get(order)
            if unit is None:
                return None
            found.add(unit)
        return found

    def _note(self, step: Step) -> None:
        self._steps.append(step)
        self._held_entries += max(1, step.entries)
        while self._held_entries > LONGEST_GAP:
            old = self._steps.popleft()
            self._held_entries -= max(1, old.entries)
            self._floor = old.number
        for audience in self.audiences.values():
            if len(audience.gone) > LONGEST_GAP:
                audience.gone = {i: n for i, n in audience.gone.items() if n > self._floor}

    def _tell(
        self, audience: Audience, matters: frozenset[str], units: set[str], orders: set[str]
    ) -> None:
        if len(matters) > MOST_TOUCHED:
            self._reading(audience, lambda reader: self._reset(audience, reader))
            return

        def use(reader: Any) -> None:
            rows = self._incidents(reader, matters) if matters else []
            concerned = self._resolved(units, orders)
            shown: Sequence[UnitShown] = ()
            if concerned is None or concerned:
                shown = self._board.units(reader, concerned)
                wanted = audience.units.keys() if concerned is None else concerned
                if (wanted & audience.units.keys()) - {row.id for row in shown}:
                    # A unit is no longer this audience's to see: only a snapshot says so.
                    self._reset(audience, reader)
                    return
            self._emit_changes(audience, matters, rows, shown)

        self._reading(audience, use)

    def _emit_changes(
        self,
        audience: Audience,
        matters: frozenset[str],
        rows: Sequence[IncidentShown],
        units: Sequence[UnitShown],
    ) -> None:
        there = [row for row in rows if row.open]
        ids = {row.id for row in there}
        gone = sorted((matters & audience.shown) - ids)
        self._show_units(audience, units)
        if not there and not gone and not units:
            return
        self._show(audience, ids, gone)
        cursor = audience.cursor(self._number)
        message = encoded(Changes(cursor, there, gone, units))
        self._emit(Told(tuple(audience.members), message))

    def _show(self, audience: Audience, ids: Iterable[str], gone: Iterable[str]) -> None:
        for matter in gone:
            audience.shown.discard(matter)
            audience.gone[matter] = self._number
        for matter in ids:
            audience.shown.add(matter)
            audience.gone.pop(matter, None)

    def _show_units(self, audience: Audience, rows: Iterable[UnitShown]) -> None:
        audience.units.update({row.id: row.on_duty for row in rows})
        audience.ever_units |= audience.units.keys()

    def _incidents(self, reader: Any, ids: Collection[str] | None) -> Sequence[IncidentShown]:
        rows = self._board.incidents(reader, ids)
        for row in rows:
            for order in row.orders:
                self._learn(order.order, order.unit)
        return rows

    # --- who reads ---------------------------------------------------------------------------

    def _reading(self, audience: Audience, use: Callable[[Any], T]) -> T | None:
        """Read for an audience on behalf of one of its members; None when nobody is left.

        Members whose session ended are dismissed, members who see otherwise now are moved.
        """
        for member in list(audience.members):
            try:
                with self._board.reader(member.actor) as reader:
                    if reader.scope_key == audience.key:
                        return use(reader)
                    self._joining[member] = (reader.scope_key, None)
            except Refused as refusal:
                self._emit(Dismissed(member, refusal.code))
            del audience.members[member]
        audience.left_at = monotonic()
        return None

    def _forget_left(self) -> None:
        now = monotonic()
        for key, audience in list(self.audiences.items()):
            left = audience.left_at
            if not audience.members and (left is None or now - left > KEEP_S):
                del self.audiences[key]

    # --- who comes ---------------------------------------------------------------------------

    def _admit(self, member: Member, key: Hashable, cursor: str | None) -> None:
        audience = self.audiences.get(key) or Audience(key, self._number, left_at=monotonic())
        after = self._resumable(audience, cursor)
        found = audience.openings.get(after)
        if found is None or monotonic() - found[0] > FRESH_S:
            try:
                with self._board.reader(member.actor) as reader:
                    if reader.scope_key != key:
                        self._joining[member] = (reader.scope_key, None)
                        return
                    found = monotonic(), self._opening(audience, reader, after)
            except Refused as refusal:
                del self._joining[member]
                self._emit(Dismissed(member, refusal.code))
                return
            audience.openings[after] = found
        del self._joining[member]
        self.leave(member)
        self.audiences[key] = audience
        audience.members[member], audience.left_at = None, None
        self._emit(Told((member,), found[1], opening=True))

    def _resumable(self, audience: Audience, cursor: str | None) -> int | None:
        """The number after which to go on, or None where only a snapshot will do."""
        found = _CURSOR.fullmatch(cursor or "")
        if found is None or found[1] != audience.token:
            return None
        number = int(found[2])
        known = max(audience.since, self._floor) <= number <= self._number
        return number if known else None

    def _opening(self, audience: Audience, reader: Any, after: int | None) -> Message:
        missed = None if after is None else self._missed(after)
        if missed is None or len(missed[0]) > MOST_TOUCHED:
            return self._snapshot(audience, reader)
        matters, concerned = missed
        rows = self._incidents(reader, matters) if matters else []
        units: Sequence[UnitShown] = ()
        if concerned is None or concerned:
            units = self._board.units(reader, concerned)
            ever = audience.ever_units
            if (ever if concerned is None else ever & concerned) - {row.id for row in units}:
                return self._snapshot(audience, reader)
        self._show_units(audience, units)
        there = [row for row in rows if row.open]
        ids = {row.id for row in there}
        gone = (matters & (audience.shown | audience.gone.keys())) - ids
        # Those who stayed are told by a turn of their own: nothing is taken away from them here.
        self._show(audience, ids, ())
        return encoded(Changes(audience.cursor(self._number), there, sorted(gone), units))

    def _missed(self, after: int) -> tuple[frozenset[str], set[str] | None]:
        """Matters and units (None: all) touched after a number."""
        matters, units = set[str](), set[str]()
        unknown = False
        for step in self._steps:
            if step.number > after:
                matters |= step.matters
                units |= step.units or set()
                unknown = unknown or step.units is None
        return frozenset(matters), None if unknown else units

    def _snapshot(self, audience: Audience, reader: Any, *, for_all: bool = False) -> Message:
        incidents = self._incidents(reader, None)
        units = self._board.units(reader, None)
        located, now = self._board.located(reader), self._clock.now()
        self._show(audience, (row.id for row in incidents), ())
        if for_all or not audience.members:
            audience.units.clear()
        # Those who stayed may still show a unit that is gone since: their next turn must see it.
        self._show_units(audience, units)
        audience.located = located
        return encoded(Snapshot(audience.cursor(self._number), now, incidents, units))

    def _reset(self, audience: Audience, reader: Any) -> None:
        message = self._snapshot(audience, reader, for_all=True)
        self._emit(Told(tuple(audience.members), message, opening=True))
