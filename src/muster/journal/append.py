"""The new entries of one command: numbered, chained, sealed, written."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

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
    from muster.journal.perform import Asked, Found, Journal, Writer

_ANSWER = """INSERT INTO command
    (actor, command, operation, input_digest, answer, recorded_at, mac)
VALUES (%s, %s, %s, %s, %s, %s, %s)"""
_FEED = "f AS (INSERT INTO feed (position, matter, number) SELECT position, matter, number FROM e)"
_ENTRY = """WITH e AS (
    INSERT INTO entry (matter, number, kind, happened_at, recorded_at, actor, command, bytes, hash)
    {source}
    RETURNING position, matter, number),
{feed}
{answer}"""
_ONE = _ENTRY.format(
    source="VALUES (%s::uuid, %s, %s, %s, %s, %s, %s, %s, %s)", feed=_FEED, answer=_ANSWER
)
_MANY = _ENTRY.format(
    source="""SELECT * FROM unnest(%s::uuid[], %s::int[], %s::text[], %s::timestamptz[],
        %s::timestamptz[], %s::text[], %s::text[], %s::bytea[], %s::bytea[])""",
    feed=_FEED,
    answer=_ANSWER,
)
_KEY = "INSERT INTO vault_key (matter, wrapped) VALUES (%s::uuid, %s)"
_ITEM = "INSERT INTO vault_item (matter, item, data) VALUES (%s::uuid, %s, %s)"
_ITEMS = """INSERT INTO vault_item (matter, item, data)
SELECT * FROM unnest(%s::uuid[], %s::text[], %s::bytea[])"""
_LOOKUP = """INSERT INTO vault_lookup (kind, keyed, matter) VALUES (%s, %s, %s::uuid)
ON CONFLICT DO NOTHING"""
_PURGE = "DELETE FROM vault_lookup WHERE matter = ANY(%s::uuid[])"


def command_row(
    actor: str, command: str, operation: str, input_digest: str, answer: bytes, at: datetime
) -> bytes:
    """The bytes of a command's row that its MAC is over."""
    return canonical([actor, command, operation, input_digest, answer, at.astimezone(UTC)])


class Batch:
    """Collects a command's facts as entries of their matters, then writes them at once."""

    def __init__(self, journal: Journal, asked: Asked, found: Found, now: datetime) -> None:
        self._journal, self._asked, self._found, self._now = journal, asked, found, now
        self._last: dict[str, tuple[int, str]] = {}
        self._keys: dict[str, vault.MatterKey] = {}
        self._new_keys: list[tuple[str, bytes]] = []
        self._sealed: list[vault.Sealed] = []
        self._lookups: list[tuple[str, bytes, str]] = []
        self._purged: set[str] = set()
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
        if fact.purges_lookups:
            self._purged.add(matter)
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

    def write(self, writer: Writer, answer: bytes) -> None:
        """Queue keys, words, look-ups, entries with their feed rows, and the answer."""
        for matter, wrapped in self._new_keys:
            writer.execute(_KEY, (matter, wrapped))
        if len(self._sealed) == 1:
            row = self._sealed[0]
            writer.execute(_ITEM, (row.matter, row.item, row.data))
        elif self._sealed:
            rows = self._sealed
            columns = ([r.matter for r in rows], [r.item for r in rows], [r.data for r in rows])
            writer.execute(_ITEMS, columns)
        if self._purged:
            writer.execute(_PURGE, (sorted(self._purged),))
        for lookup in self._lookups:
            writer.execute(_LOOKUP, lookup)
        asked, sealing = self._asked, self._journal.vault
        answered: tuple[Any, ...] = (
            asked.actor.person,
            asked.command,
            asked.operation.name,
            sealing.input_digest(asked.said),
            answer,
            self._now,
        )
        answered += (sealing.command_mac(command_row(*answered)),)
        if not self._envelopes:
            writer.execute(_ANSWER, answered)
        elif len(self._envelopes) == 1:
            writer.execute(_ONE, (*self._rows()[0], *answered))
        else:
            columns_of = [list(column) for column in zip(*self._rows(), strict=True)]
            writer.execute(_MANY, (*columns_of, *answered))

    def _rows(self) -> list[tuple[Any, ...]]:
        return [
            (
                e.matter,
                e.number,
                e.kind,
                e.happened_at,
                e.recorded_at,
                e.actor,
                e.command,
                data,
                bytes.fromhex(hashed),
            )
            for e, data, hashed in self._envelopes
        ]
