"""The vault against the entries: every sealed text is there, whole, and where it belongs."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from cryptography.exceptions import InvalidTag
from psycopg import Connection

from muster.journal.entry import Kinds
from muster.journal.fault import Fault, Verdict
from muster.journal.vault import MatterKey, Vault, open_item
from muster.journal.verify_entries import Beside, Seen

_ITEMS = b"SELECT matter::text, item, %s FROM vault_item ORDER BY matter, item"
_KEYS = b"""SELECT coalesce(k.matter, x.matter)::text, k.wrapped, x.matter IS NOT NULL
FROM vault_key k FULL JOIN erasure x ON x.matter = k.matter ORDER BY 1"""
_LOOKUPS = b"SELECT matter::text, kind, keyed FROM vault_lookup ORDER BY matter, kind, keyed"
_PARTS = b"SELECT matter::text, unnest(items) FROM erased_part ORDER BY matter"


class VaultBeside(Beside):
    """Walks keys, items, look-ups and erasures in step with the matters. With `vault`, every text
    is opened and its MAC compared with the one in the entry; with `kinds` as well, the look-ups
    must be those of the texts."""

    def __init__(
        self,
        connection: Connection[Any],
        verdict: Verdict,
        vault: Vault | None = None,
        kinds: Kinds | None = None,
    ) -> None:
        self._vault, self._verdict = vault, verdict
        self._fields = lookup_fields(kinds or {})
        self._purging = {kind for (kind, _), fact in (kinds or {}).items() if fact.purges_lookups}
        data = b"data" if vault else b"NULL::bytea"
        self._items = _Stream(connection, "verify_items", _ITEMS % data)
        self._keys = _Stream(connection, "verify_keys", _KEYS)
        self._lookups = _Stream(connection, "verify_lookups", _LOOKUPS)
        self._parts = _Stream(connection, "verify_parts", _PARTS)
        verdict.opened = vault is not None

    def begin(self, matter: str) -> tuple[Mapping[int, str], Iterable[Fault]]:
        return {}, list(self._passed(matter))

    def _passed(self, matter: str | None) -> Iterator[Fault]:
        """What there is of matters that have no entry."""
        for row in self._items.before(matter):
            yield Fault(row[0], 0, "unnamed", "vault_item", row[1])
        for row in self._keys.before(matter):
            if row[1] is not None:
                yield Fault(row[0], 0, "unnamed", "vault_key")
        for row in self._lookups.before(matter):
            yield Fault(row[0], 0, "unnamed", "vault_lookup", row[1])
        for _ in self._parts.before(matter):
            pass

    def end(self, matter: str, seen: Seen) -> Iterable[Fault]:
        found = {row[1]: row[2] for row in self._items.of(matter)}
        lookups = {(row[1], bytes(row[2])) for row in self._lookups.of(matter)}
        gone = {row[1] for row in self._parts.of(matter)}
        keys = self._keys.of(matter)
        wrapped, erased = (keys[0][1], keys[0][2]) if keys else (None, False)
        self._verdict.vault_items += len(found)
        if erased:
            return []  # verify_erasures tells what is left of it
        faults = list(_there(matter, seen, found, gone))
        if seen.items and wrapped is None:
            faults.append(Fault(matter, 0, "missing", "vault_key"))
        elif self._vault is not None and wrapped is not None:
            faults += self._opened(matter, seen, found, (bytes(wrapped), lookups))
        return faults

    def _opened(
        self,
        matter: str,
        seen: Seen,
        found: Mapping[str, bytes],
        more: tuple[bytes, set[tuple[str, bytes]]],
    ) -> Iterator[Fault]:
        wrapped, lookups = more
        assert self._vault is not None
        try:
            key = self._vault.unwrap(matter, wrapped)
        except InvalidTag:
            yield Fault(matter, 0, "seal", "vault_key")
            return
        due: set[tuple[str, bytes]] = set()
        for item in sorted(seen.items.keys() & found.keys()):
            number, mac, kind = seen.items[item]
            what, plain = opened(bytes(found[item]), key, (matter, item, mac))
            if what:
                yield Fault(matter, number, what, "vault_item", item)
            word = self._fields.get((kind, item.partition(".")[2]))
            if word and plain:
                due.add((word, self._vault.lookup_hash(word, plain)))
        if not self._fields:
            return
        if not seen.kinds & self._purging:
            for word, _ in sorted(due - lookups):
                yield Fault(matter, 0, "missing", "vault_lookup", word)
        for word, _ in sorted(lookups - due):
            yield Fault(matter, 0, "unnamed", "vault_lookup", word)

    def close(self) -> Iterable[Fault]:
        return self._passed(None)


def _there(matter: str, seen: Seen, found: Mapping[str, bytes], gone: set[str]) -> Iterator[Fault]:
    """Every text that an entry names is there unless it was erased, and no other."""
    for item in sorted(seen.items.keys() - found.keys() - gone):
        yield Fault(matter, seen.items[item][0], "missing", "vault_item", item)
    for item in sorted(found.keys() - seen.items.keys()):
        yield Fault(matter, 0, "unnamed", "vault_item", item)
    for item in sorted(found.keys() & gone):
        yield Fault(matter, 0, "items", "erased_part", item)


class _Stream:
    """Rows in the order of their first column, the matter."""

    def __init__(self, connection: Connection[Any], name: str, query: bytes) -> None:
        self._rows = self._read(connection, name, query)
        self._row = next(self._rows, None)

    def _read(self, connection: Connection[Any], name: str, query: bytes) -> Iterator[Any]:
        with connection.cursor(name=name, binary=True) as cursor:
            cursor.itersize = 2000
            cursor.execute(query)
            yield from cursor

    def _next(self) -> Any:
        row, self._row = self._row, next(self._rows, None)
        return row

    def before(self, matter: str | None) -> Iterator[Any]:
        """The rows of matters before this one; all that are left for None."""
        while self._row is not None and (matter is None or self._row[0] < matter):
            yield self._next()

    def of(self, matter: str) -> list[Any]:
        found = []
        while self._row is not None and self._row[0] == matter:
            found.append(self._next())
        return found


def lookup_fields(kinds: Kinds) -> dict[tuple[str, str], str]:
    """(kind of fact, field) → under which word the field can be looked up."""
    return {
        (kind, name): word
        for (kind, _), fact in kinds.items()
        for name, word in fact.lookups.items()
    }


def opened(data: bytes, key: MatterKey, named: tuple[str, str, str]) -> tuple[str | None, str]:
    """What is wrong with one sealed text (seal, or mac; None for nothing), and the text."""
    matter, item, mac = named
    try:
        plain = open_item(data, key, matter=matter, item=item)
    except (InvalidTag, ValueError):
        return "seal", ""
    same = hmac.compare_digest(hmac.new(key.salt, plain.encode(), hashlib.sha256).hexdigest(), mac)
    return (None if same else "mac"), plain


def items_of_kind(
    connection: Connection[Any], vault: Vault, kind: str, field: str
) -> list[tuple[str, int, Callable[[], str]]]:
    """(matter, number, what opens it) of one private field of every fact of a kind, where it is
    still there. Opening raises InvalidTag when it was altered."""
    rows = connection.execute(
        "SELECT e.matter::text, e.number, k.wrapped, v.item, v.data FROM entry e"
        " JOIN vault_key k ON k.matter = e.matter JOIN vault_item v ON v.matter = e.matter"
        " AND v.item = e.number || '.' || %s WHERE e.kind = %s ORDER BY 1, 2",
        (field, kind),
    ).fetchall()

    def opener(matter: str, wrapped: bytes, item: str, data: bytes) -> Callable[[], str]:
        return lambda: open_item(data, vault.unwrap(matter, wrapped), matter=matter, item=item)

    return [
        (matter, number, opener(matter, bytes(wrapped), item, bytes(data)))
        for matter, number, wrapped, item, data in rows
    ]
