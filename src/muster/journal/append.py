"""The new entries of one command: numbered, chained, sealed, written."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from psycopg import Connection

from muster.journal import vault
from muster.journal.context import Planned
from muster.journal.entry import (
    FIRST_PREVIOUS,
    Entry,
    Envelope,
    Fact,
    Private,
    canonical,
    decode,
    digest,
)

if TYPE_CHECKING:
    from muster.journal.perform import Asked, Found, Journal

_APPEND = b"""WITH e AS (
    INSERT INTO entry (matter, number, kind, happened_at, recorded_at, actor, command, bytes, hash)
    SELECT * FROM unnest(%s::uuid[], %s::int[], %s::text[], %s::timestamptz[], %s::timestamptz[],
                         %s::text[], %s::text[], %s::bytea[], %s::bytea[])
    RETURNING position, matter, number)
INSERT INTO feed (position, matter, number) SELECT position, matter, number FROM e"""


class Batch:
    """Collects a command's facts as entries of their matters, then writes them at once."""

    def __init__(self, journal: Journal, asked: Asked, found: Found, now: datetime) -> None:
        self._journal, self._asked, self._found, self._now = journal, asked, found, now
        self._last: dict[str, tuple[int, str]] = {}
        self._keys: dict[str, vault.MatterKey] = {}
        self._new_keys: list[tuple[str, bytes]] = []
        self._sealed: list[vault.Sealed] = []
        self._lookups: list[tuple[str, bytes, str]] = []
        self._envelopes: list[tuple[Envelope, bytes, str]] = []
        self.entries: list[Entry] = []

    def add(self, planned: Planned) -> None:
        matter = planned.matter or self._asked.matter
        number, previous = self._tail(matter)
        self._look_up(planned.fact, matter)
        fact = self._seal(planned.fact, matter, number + 1)
        envelope = Envelope(
            matter=matter,
            number=number + 1,
            kind=fact.kind,
            version=fact.version,
            happened_at=planned.happened_at or self._asked.happened_at or self._now,
            clock_offset_ms=self._asked.clock_offset_ms,
            recorded_at=self._now,
            actor=self._asked.actor.person,
            authority=self._found.authority,
            cause=self._asked.cause,
            command=self._asked.command,
            body=msgspec.Raw(canonical(fact)),
            previous=previous,
        )
        data = canonical(envelope)
        hashed = digest(data)
        self._last[matter] = (number + 1, hashed)
        self._envelopes.append((envelope, data, hashed))
        self.entries.append(decode(data, self._journal.kinds, hashed))

    def _tail(self, matter: str) -> tuple[int, str]:
        if matter not in self._last:
            entries = self._found.entries.get(matter)
            last = (entries[-1].number, entries[-1].hash) if entries else (0, FIRST_PREVIOUS)
            self._last[matter] = last
        return self._last[matter]

    def _key(self, matter: str) -> vault.MatterKey:
        if matter not in self._keys:
            wrapped = self._found.wrapped.get(matter)
            if wrapped is None:
                key, wrapped = self._journal.vault.new_key(matter)
                self._new_keys.append((matter, wrapped))
            else:
                key = self._journal.vault.unwrap(matter, wrapped)
            self._keys[matter] = key
        return self._keys[matter]

    def _seal(self, fact: Fact, matter: str, number: int) -> Fact:
        if not any(isinstance(getattr(fact, n), Private) for n in fact.__struct_fields__):
            return fact
        sealed, rows = vault.seal(fact, self._key(matter), matter=matter, number=number)
        self._sealed += rows
        return sealed

    def _look_up(self, fact: Fact, matter: str) -> None:
        for name, kind in fact.lookups.items():
            value = getattr(fact, name)
            if isinstance(value, Private) and value.plain:
                keyed = self._journal.vault.lookup_hash(kind, value.plain)
                self._lookups.append((kind, keyed, matter))

    def by_matter(self) -> dict[str, list[Entry]]:
        grouped: dict[str, list[Entry]] = {}
        for entry in self.entries:
            grouped.setdefault(entry.matter, []).append(entry)
        return grouped

    def write(self, connection: Connection[Any]) -> None:
        for matter, wrapped in self._new_keys:
            connection.execute(
                b"INSERT INTO vault_key (matter, wrapped) VALUES (%s::uuid, %s)", (matter, wrapped)
            )
        if self._sealed:
            connection.execute(
                b"INSERT INTO vault_item (matter, item, data)"
                b" SELECT * FROM unnest(%s::uuid[], %s::text[], %s::bytea[])",
                (
                    [row.matter for row in self._sealed],
                    [row.item for row in self._sealed],
                    [row.data for row in self._sealed],
                ),
            )
        for kind, keyed, matter in self._lookups:
            connection.execute(
                b"INSERT INTO vault_lookup (kind, keyed, matter) VALUES (%s, %s, %s::uuid)"
                b" ON CONFLICT DO NOTHING",
                (kind, keyed, matter),
            )
        if self._envelopes:
            connection.execute(_APPEND, self._columns())

    def _columns(self) -> tuple[list[Any], ...]:
        rows = self._envelopes
        return (
            [e.matter for e, _, _ in rows],
            [e.number for e, _, _ in rows],
            [e.kind for e, _, _ in rows],
            [e.happened_at for e, _, _ in rows],
            [e.recorded_at for e, _, _ in rows],
            [e.actor for e, _, _ in rows],
            [e.command for e, _, _ in rows],
            [data for _, data, _ in rows],
            [bytes.fromhex(hashed) for _, _, hashed in rows],
        )
