"""Reading matters. Only identity's reader makes a `Reading` for people; the system's own
processes (clock, reactions, verify) read on their own connections."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from muster.journal.entry import Entry, Kinds, Private, decode
from muster.journal.erasing import stored_of
from muster.journal.vault import MatterKey, Vault, open_item


@dataclass(frozen=True)
class Reading:
    """A connection that may read matters."""

    connection: Connection[Any]
    vault: Vault
    kinds: Kinds

    def entries(self, matter: str, after: int = 0, limit: int = 5000) -> list[Entry]:
        """Entries of a matter with numbers above `after`, in order."""
        rows = self.connection.execute(
            b"SELECT bytes, hash FROM entry WHERE matter = %s::uuid AND number > %s"
            b" ORDER BY number LIMIT %s",
            (matter, after, limit),
        ).fetchall()
        return [decode(bytes(data), self.kinds, bytes(hashed).hex()) for data, hashed in rows]

    def stored(self, matter: str) -> list[tuple[int, bytes, bytes]]:
        """(number, canonical bytes, hash) of every entry of a matter, in order."""
        return stored_of(self.connection, matter)

    def open(self, wanted: Iterable[tuple[str, Private]]) -> dict[tuple[str, str], str]:
        """Plaintexts by (matter, item). Erased items are missing from the answer."""
        pairs = [(matter, value.item) for matter, value in wanted if value.item]
        if not pairs:
            return {}
        matters = sorted({matter for matter, _ in pairs})
        keys = {
            matter: self.vault.unwrap(matter, bytes(wrapped))
            for matter, wrapped in self.connection.execute(
                b"SELECT matter::text, wrapped FROM vault_key WHERE matter = ANY(%s::uuid[])",
                (matters,),
            ).fetchall()
        }
        rows = self.connection.execute(
            b"SELECT v.matter::text, v.item, v.data FROM vault_item v"
            b" JOIN unnest(%s::uuid[], %s::text[]) w(matter, item)"
            b" ON v.matter = w.matter AND v.item = w.item",
            ([matter for matter, _ in pairs], [item for _, item in pairs]),
        ).fetchall()
        return {
            (matter, item): open_item(bytes(data), keys[matter], matter=matter, item=item)
            for matter, item, data in rows
            if matter in keys
        }

    def matters_by_lookup(self, kind: str, text: str) -> list[str]:
        """Matters that hold a value, found by its keyed hash."""
        rows = self.connection.execute(
            b"SELECT matter::text FROM vault_lookup WHERE kind = %s AND keyed = %s",
            (kind, self.vault.lookup_hash(kind, text)),
        ).fetchall()
        return [row[0] for row in rows]


def matter_key(connection: Connection[Any], vault: Vault, matter: str) -> MatterKey | None:
    row = connection.execute(
        b"SELECT wrapped FROM vault_key WHERE matter = %s::uuid", (matter,)
    ).fetchone()
    return vault.unwrap(matter, bytes(row[0])) if row else None
