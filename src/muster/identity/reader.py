"""The only way people read matters.

    with reader(pool, actor, vault, kinds) as read:
        condition, values = read.visible_sql("i.matter")

A reader is bound to one read-only snapshot and one scope: what it returns was visible to the
actor at that moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, LiteralString

from psycopg import Connection, IsolationLevel
from psycopg_pool import ConnectionPool

from muster.identity import tables
from muster.identity.access import access_of
from muster.identity.authoriser import scope_of
from muster.identity.authority import READ, RETENTION, Access
from muster.identity.scope import SUMMARY, Scope
from muster.journal.context import Actor
from muster.journal.entry import Entry, Kinds, Private
from muster.journal.read import Reading
from muster.journal.refusal import Refused
from muster.journal.vault import Vault

Pool = ConnectionPool[Connection[Any]]


@dataclass(frozen=True)
class Reader(Reading):
    """A `Reading` that shows only what `scope` may see."""

    actor: Actor
    scope: Scope
    _known: dict[str, Access] = field(default_factory=dict, repr=False)

    @property
    def scope_key(self) -> Scope:
        """Equal for people who see the same: live clients with one key share messages."""
        return self.scope

    @property
    def masked(self) -> bool:
        """Whether callers' names and phones are hidden in every matter."""
        return self.scope.masked

    @property
    def party_only(self) -> bool:
        """Whether all matters are seen as an asked-in partner or volunteer only."""
        return self.scope.party_only

    def access(self, matter: str) -> Access:
        """Whose the matter is; empty when it does not exist."""
        return self._access([matter])[matter]

    def may_see(self, matter: str) -> bool:
        return self.scope.sees(self.access(matter))

    def masked_in(self, matter: str) -> bool:
        """Whether the caller's name and phone are hidden in this matter.

        For a role whose right hangs on crewing a unit (`authority.by_crew`) the door still has to
        look at the crew.
        """
        return self.scope.masked_in(self.access(matter))

    def may(self, matter: str) -> frozenset[str]:
        """The operations and rights the actor has in a matter, whatever state it is in."""
        return self.scope.allowed(self.access(matter))

    def require(self, matters: Iterable[str]) -> None:
        """Raises Refused("matter.unknown") when one of the matters is not visible."""
        if not all(self.scope.sees(found) for found in self._access(list(matters)).values()):
            raise Refused("matter.unknown")

    def visible_of(self, matters: Iterable[str]) -> frozenset[str]:
        """Those of some matters that the actor may see."""
        found = self._access(list(matters))
        return frozenset(matter for matter, access in found.items() if self.scope.sees(access))

    def visible_sql(self, column: LiteralString = "matter") -> tuple[str, list[Any]]:
        """A condition that filters a list by a column of matters, and its parameters."""
        return tables.visible(column, self.scope.areas(READ))

    def reach_sql(self, operation: str, column: LiteralString) -> tuple[str, list[Any]]:
        """As `visible_sql`, for a right other than seeing the matter: its rows name no content.
        Raises Refused("authority.denied") when the actor has the right nowhere."""
        areas = self.scope.areas(operation)
        if not areas:
            raise Refused("authority.denied", operation=operation)
        return tables.visible(column, areas)

    def entries(self, matter: str, after: int = 0, limit: int = 5000) -> list[Entry]:
        """As `Reading.entries`. Raises Refused("matter.unknown")."""
        self.require([matter])
        return super().entries(matter, after, limit)

    def stored(self, matter: str) -> list[tuple[int, bytes, bytes]]:
        """As `Reading.stored`, also of a sealed matter for whoever may read about its keeping:
        entries hold no words about people. Raises Refused("matter.unknown")."""
        access = self.access(matter)
        if not (self.scope.sees(access) or self.scope.allows(RETENTION, access)):
            raise Refused("matter.unknown")
        return super().stored(matter)

    def open(self, wanted: Iterable[tuple[str, Private]]) -> dict[tuple[str, str], str]:
        """As `Reading.open`; masking is the caller's. Raises Refused("matter.unknown")."""
        pairs = list(wanted)
        self.require({matter for matter, _ in pairs})
        return super().open(pairs)

    def matters_by_lookup(self, kind: str, text: str) -> list[str]:
        """As `Reading.matters_by_lookup`, the visible ones."""
        found = self._access(super().matters_by_lookup(kind, text))
        return [matter for matter, rows in found.items() if self.scope.sees(rows)]

    def _access(self, matters: Sequence[str]) -> dict[str, Access]:
        missing = [matter for matter in matters if matter not in self._known]
        if missing:
            self._known.update(access_of(self.connection, missing))
        return {matter: self._known[matter] for matter in matters}


def counted_sql(scope: Scope, column: LiteralString) -> tuple[str, list[Any]]:
    """A condition on a column of matters: those whose numbers `scope` is told of."""
    return ("true", []) if scope.counts_all else tables.visible(column, scope.areas(SUMMARY))


@contextmanager
def reader(connection_pool: Pool, actor: Actor, vault: Vault, kinds: Kinds) -> Iterator[Reader]:
    """A reader for a person. Raises Refused: session.expired, authority.denied when none of the
    grants lets the person read any matter."""
    with _snapshot(connection_pool) as connection:
        scope = scope_of(connection, actor)
        if not scope.areas(READ):
            raise Refused("authority.denied", operation=READ)
        yield Reader(connection, vault, kinds, actor, scope)


@contextmanager
def system_reader(connection_pool: Pool, vault: Vault, kinds: Kinds) -> Iterator[Reading]:
    """Reading for the server's own work (clock, reactions, live feed): sees every matter.

    Nothing it returns may be sent to a person before their `Scope` has been asked.
    """
    with _snapshot(connection_pool) as connection:
        yield Reading(connection, vault, kinds)


@contextmanager
def _snapshot(connection_pool: Pool) -> Iterator[Connection[Any]]:
    """One read-only snapshot, so that a page and its cursor belong together."""
    with connection_pool.connection() as connection:
        connection.read_only = True
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        try:
            yield connection
        finally:
            # A closed connection is the pool's to replace; its settings die with it.
            if not connection.closed:
                connection.rollback()
                connection.read_only = None
                connection.isolation_level = None
