"""The vault against the entries: every sealed text is there, whole, and where it belongs."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cryptography.exceptions import InvalidTag
from psycopg import Connection

from muster.journal.erasing import parts_gone
from muster.journal.fault import Fault, Verdict
from muster.journal.vault import MatterKey, Vault, open_item
from muster.journal.verify_entries import Beside

_ITEMS = b"SELECT matter::text, item, %s FROM vault_item ORDER BY matter, item"
_KEYS = b"""SELECT coalesce(k.matter, x.matter)::text, k.wrapped, x.matter IS NOT NULL
FROM vault_key k FULL JOIN erasure x ON x.matter = k.matter ORDER BY 1"""


class VaultBeside(Beside):
    """Walks keys, items and the erasure ledger in step with the matters. With `vault`, every text
    is opened and its MAC compared with the one in the entry."""

    def __init__(
        self, connection: Connection[Any], verdict: Verdict, vault: Vault | None = None
    ) -> None:
        self._vault, self._verdict, self._connection = vault, verdict, connection
        self._items = self._grouped(connection)
        self._keys = self._stream(connection, "verify_keys", _KEYS)
        self._item = next(self._items, None)
        self._key = next(self._keys, None)
        verdict.opened = vault is not None

    def _stream(self, connection: Connection[Any], name: str, query: bytes) -> Iterator[Any]:
        with connection.cursor(name=name, binary=True) as cursor:
            cursor.itersize = 2000
            cursor.execute(query)
            yield from cursor

    def _grouped(self, connection: Connection[Any]) -> Iterator[tuple[str, dict[str, bytes]]]:
        data = b"data" if self._vault else b"NULL::bytea"
        matter = ""
        found: dict[str, bytes] = {}
        for one, item, sealed in self._stream(connection, "verify_items", _ITEMS % data):
            if one != matter:
                if matter:
                    yield matter, found
                matter, found = one, {}
            found[item] = sealed
        if matter:
            yield matter, found

    def begin(self, matter: str) -> tuple[Mapping[int, str], Iterable[Fault]]:
        return {}, list(self._passed(matter))

    def _passed(self, matter: str | None) -> Iterator[Fault]:
        """Items and keys of matters that have no entry."""
        while self._item is not None and (matter is None or self._item[0] < matter):
            for item in self._item[1]:
                yield Fault(self._item[0], 0, "unnamed", "vault_item", item)
            self._item = next(self._items, None)
        while self._key is not None and (matter is None or self._key[0] < matter):
            if self._key[1] is not None:
                yield Fault(self._key[0], 0, "unnamed", "vault_key")
            self._key = next(self._keys, None)

    def end(self, matter: str, last: int, items: Mapping[str, tuple[int, str]]) -> Iterable[Fault]:
        found: dict[str, bytes] = {}
        wrapped: bytes | None = None
        erased = False
        if self._item is not None and self._item[0] == matter:
            found = self._item[1]
            self._item = next(self._items, None)
        if self._key is not None and self._key[0] == matter:
            _, wrapped, erased = self._key
            self._key = next(self._keys, None)
        self._verdict.vault_items += len(found)
        if erased:
            return []  # verify_erasures tells what is left of it
        return self._compared(matter, items, found, wrapped)

    def _compared(
        self,
        matter: str,
        items: Mapping[str, tuple[int, str]],
        found: Mapping[str, bytes],
        wrapped: bytes | None,
    ) -> Iterator[Fault]:
        if items and wrapped is None:
            yield Fault(matter, 0, "missing", "vault_key")
        missing = items.keys() - found.keys()
        if missing:
            missing -= parts_gone(self._connection, matter)
        for item in sorted(missing):
            yield Fault(matter, items[item][0], "missing", "vault_item", item)
        for item in sorted(found.keys() - items.keys()):
            yield Fault(matter, 0, "unnamed", "vault_item", item)
        if self._vault is None or wrapped is None:
            return
        try:
            key = self._vault.unwrap(matter, bytes(wrapped))
        except InvalidTag:
            yield Fault(matter, 0, "seal", "vault_key")
            return
        for item in sorted(items.keys() & found.keys()):
            number, mac = items[item]
            what = opened(bytes(found[item]), key, (matter, item, mac))
            if what:
                yield Fault(matter, number, what, "vault_item", item)

    def close(self) -> Iterable[Fault]:
        return self._passed(None)


def opened(data: bytes, key: MatterKey, named: tuple[str, str, str]) -> str | None:
    """None, or what is wrong with one sealed text: seal, or mac."""
    matter, item, mac = named
    try:
        plain = open_item(data, key, matter=matter, item=item)
    except (InvalidTag, ValueError):
        return "seal"
    same = hmac.compare_digest(hmac.new(key.salt, plain.encode(), hashlib.sha256).hexdigest(), mac)
    return None if same else "mac"
