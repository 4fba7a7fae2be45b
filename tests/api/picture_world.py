"""An invented city for the live picture: a feed, a board, and clients that apply what they hear."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import msgspec
import psycopg

from muster.api.live_picture import Dismissed, Picture, Told
from muster.journal.clock import DrivenClock
from muster.journal.context import Actor
from muster.journal.feed import Page
from muster.journal.refusal import Refused

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


class OrderRow(msgspec.Struct, frozen=True):
    order: str
    unit: str


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    owner: str
    open: bool = True
    orders: tuple[OrderRow, ...] = ()
    version: int = 1


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    owner: str
    on_duty: bool = True
    version: int = 1


class Away(psycopg.OperationalError):
    """The invented database is gone."""


@dataclass(frozen=True)
class View:
    """What an invented reader sees: rows of these owners."""

    scope_key: Hashable
    owners: frozenset[str]


@dataclass
class World:
    """Rows as they are now, and the entries that led to them, in the order of the feed.

    `held` entries are committed, their rows are there, but the feed does not show them yet.
    """

    incidents: dict[str, Incident] = field(default_factory=dict)
    units: dict[str, Unit] = field(default_factory=dict)
    grants: dict[str, frozenset[str]] = field(default_factory=dict)
    entries: list[Any] = field(default_factory=list)
    held: list[Any] = field(default_factory=list)
    ended: set[str] = field(default_factory=set)
    calls_until_away: int | None = None
    reads: int = 0
    page: int = 3

    def _call(self) -> None:
        self.reads += 1
        if self.calls_until_away is not None:
            self.calls_until_away -= 1
            if self.calls_until_away < 0:
                raise Away("away")

    # --- the feed

    def read(self, after: str) -> Page:
        self._call()
        found = self.entries[int(after) : int(after) + self.page]
        cursor = str(int(after) + len(found))
        return Page(found, cursor, more=len(found) == self.page)

    def present(self) -> str:
        self._call()
        return str(len(self.entries))

    def waiting(self) -> str | None:
        self._call()
        return "x" if self.held else None

    # --- the board

    @contextmanager
    def reader(self, actor: Actor) -> Iterator[View]:
        self._call()
        if actor.person in self.ended:
            raise Refused("session.expired")
        owners = self.grants[actor.person]
        yield View(tuple(sorted(owners)), owners)

    def incidents_of(self, view: View, ids: Collection[str] | None) -> list[Incident]:
        self._call()
        return [
            row
            for row in self.incidents.values()
            if row.owner in view.owners and (row.open if ids is None else row.id in ids)
        ]

    def units_of(self, view: View, ids: Collection[str] | None) -> list[Unit]:
        self._call()
        return [
            row
            for row in self.units.values()
            if row.owner in view.owners and (ids is None or row.id in ids)
        ]

    # --- what happens

    def happened(self, matter: str, kind: str, hold: bool, **fact: str) -> None:
        entry = SimpleNamespace(matter=matter, kind=kind, fact=SimpleNamespace(**fact))
        (self.held if hold else self.entries).append(entry)

    def release(self) -> None:
        self.entries += self.held
        self.held.clear()


class Board:
    """`live_picture.Board` over a world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.reader = world.reader

    def incidents(self, reader: View, ids: Collection[str] | None) -> Sequence[Incident]:
        return self._world.incidents_of(reader, ids)

    def units(self, reader: View, ids: Collection[str] | None) -> Sequence[Unit]:
        return self._world.units_of(reader, ids)

    def located(self, reader: View) -> bool:
        return True


@dataclass(eq=False)
class Console:
    """A client: what it shows follows only from the messages it has taken."""

    actor: Actor
    view: Any = None
    opened: bool = False
    cursor: str | None = None
    incidents: dict[str, Any] = field(default_factory=dict)
    units: dict[str, Any] = field(default_factory=dict)
    waiting: list[Any] = field(default_factory=list)
    said: list[Any] = field(default_factory=list)
    refusal: str = ""

    def hear(self, told: Told) -> None:
        if told.opening:
            self.waiting.clear()
            self.opened = True
        if self.opened:
            self.waiting.append(msgspec.json.decode(told.message.data))

    def take(self) -> None:
        """Apply everything that waits."""
        for message in self.waiting:
            self._apply(message)
        self.waiting.clear()

    def _apply(self, message: Any) -> None:
        self.said.append(message)
        if message["type"] == "snapshot":
            self.incidents, self.units = {}, {}
        elif message["type"] != "changes":
            return
        self.cursor = message["cursor"]
        self.incidents.update({row["id"]: row for row in message["incidents"]})
        self.units.update({row["id"]: row for row in message["units"]})
        for matter in message.get("gone", ()):
            self.incidents.pop(matter, None)

    def disconnect(self) -> None:
        """What was under way is lost; the console keeps what it shows, and its cursor."""
        self.waiting.clear()
        self.opened = False


class Stage:
    """A picture over a world, its messages delivered at once."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.told: list[Told] = []
        self.picture = Picture(world, Board(world), DrivenClock(NOW), self._emit)
        self.consoles: list[Console] = []

    def _emit(self, what: Told | Dismissed) -> None:
        if isinstance(what, Dismissed):
            what.member.refusal = what.refusal
            self.consoles.remove(what.member)
            return
        self.told.append(what)
        for member in what.members:
            member.hear(what)

    def key_of(self, person: str) -> Hashable:
        return tuple(sorted(self.world.grants[person]))

    def join(self, person: str, console: Console | None = None) -> Console:
        joining = console or Console(Actor(person))
        self.consoles.append(joining)
        self.picture.enter(joining, self.key_of(person), joining.cursor)
        return joining

    def part(self, console: Console) -> None:
        console.disconnect()
        self.consoles.remove(console)
        self.picture.leave(console)

    def check_sessions(self) -> None:
        """What the hub does every few seconds: scopes that changed begin anew."""
        for console in self.consoles:
            self.picture.enter(console, self.key_of(console.actor.person), None)

    def settle(self) -> None:
        """Turn until nothing more is told."""
        for _ in range(3):
            self.picture.turn()
        for console in self.consoles:
            console.take()

    def fresh(self, person: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """What a fresh load shows."""
        with self.world.reader(Actor(person)) as view:
            incidents = self.world.incidents_of(view, None)
            units = self.world.units_of(view, None)
        return {row.id: _told(row) for row in incidents}, {row.id: _told(row) for row in units}


def _told(row: Incident | Unit) -> Any:
    return msgspec.json.decode(msgspec.json.encode(row))
