"""Taking words away for good: a matter's key and all its words, or some of its items.

Both are remembered in append-only ledgers (`erasure`, `erased_part`), and done again from them
after a restore: a backup made before still holds what went.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
from psycopg import Connection

from muster.journal.vault import Vault, open_item, seal_item

if TYPE_CHECKING:
    from muster.journal.perform import Writer

_WHOLE = (
    "DELETE FROM vault_key WHERE matter = %s::uuid",
    "DELETE FROM vault_item WHERE matter = %s::uuid",
    "DELETE FROM vault_lookup WHERE matter = %s::uuid",
)
_ITEMS = "DELETE FROM vault_item WHERE matter = %s::uuid AND item = ANY(%s)"
_LOOKUPS = "DELETE FROM vault_lookup WHERE matter = %s::uuid AND kind = ANY(%s)"
_KEY_OF = b"SELECT wrapped FROM vault_key WHERE matter = %s::uuid"
_KEY_GONE = b"DELETE FROM vault_key WHERE matter = %s::uuid"
_KEY_AGAIN = b"INSERT INTO vault_key (matter, wrapped) VALUES (%s::uuid, %s)"
_ITEMS_OF = b"SELECT item, data FROM vault_item WHERE matter = %s::uuid"
_ITEMS_AGAIN = b"""INSERT INTO vault_item (matter, item, data)
SELECT %s::uuid, * FROM unnest(%s::text[], %s::bytea[])"""
_LEDGER = """INSERT INTO erasure (matter, erased_at, actor, reason)
VALUES (%s::uuid, %s, %s, %s) ON CONFLICT DO NOTHING"""
_PART = """INSERT INTO erased_part (matter, number, items, lookups, erased_at, actor, reason)
VALUES (%s::uuid, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"""


class Erasure(msgspec.Struct, frozen=True, omit_defaults=True):
    """`number` 0: a matter's key, words and look-ups were destroyed; else the entry that says so,
    and only `items` and the look-ups of the kinds `lookups` went."""

    matter: str
    erased_at: datetime
    actor: str
    reason: str
    number: int = 0
    items: tuple[str, ...] = ()
    lookups: tuple[str, ...] = ()


def erase(writer: Writer, gone: Erasure) -> None:
    """Delete what an erasure names and write it into its ledger. Doing it again changes nothing."""
    who = (gone.erased_at, gone.actor, gone.reason)
    if gone.number == 0:
        for statement in _WHOLE:
            writer.execute(statement, (gone.matter,))
        writer.execute(_LEDGER, (gone.matter, *who))
        return
    items, lookups = list(gone.items), list(gone.lookups)
    writer.execute(_ITEMS, (gone.matter, items))
    writer.execute(_LOOKUPS, (gone.matter, lookups))
    writer.execute(_PART, (gone.matter, gone.number, items, lookups, *who))


def renew_key(connection: Connection[Any], vault: Vault, matter: str) -> None:
    """Seal what is left of a matter anew, under another key, in the caller's transaction: the key
    that stays opens no copy of what went (an old backup's rows, a replica, a page on a disk)."""
    row = connection.execute(_KEY_OF, (matter,)).fetchone()
    if row is None:
        return
    old = vault.unwrap(matter, bytes(row[0]))
    fresh, wrapped = vault.renewed(matter, old)
    rows = connection.execute(_ITEMS_OF, (matter,)).fetchall()
    names = [item for item, _ in rows]
    sealed = [
        seal_item(
            open_item(bytes(data), old, matter=matter, item=item).encode(),
            fresh,
            matter=matter,
            item=item,
        )
        for item, data in rows
    ]
    connection.execute(_ITEMS, (matter, names))
    connection.execute(_ITEMS_AGAIN, (matter, names, sealed))
    connection.execute(_KEY_GONE, (matter,))
    connection.execute(_KEY_AGAIN, (matter, wrapped))


def ledger(connection: Connection[Any]) -> list[Erasure]:
    """Every erasure there was, oldest first."""
    return _rows(connection, "", ())


def _rows(connection: Connection[Any], where: str, values: Sequence[Any]) -> list[Erasure]:
    rows = connection.execute(
        "SELECT matter::text, 0, '{}'::text[], '{}'::text[], erased_at, actor, reason FROM erasure"
        f" {where} UNION ALL SELECT matter::text, number, items, lookups, erased_at, actor, reason"
        f" FROM erased_part {where} ORDER BY 5, 1, 2".encode(),
        values,
    ).fetchall()
    return [
        Erasure(
            matter=matter,
            number=number,
            items=tuple(items),
            lookups=tuple(lookups),
            erased_at=at.astimezone(UTC),
            actor=actor,
            reason=reason,
        )
        for matter, number, items, lookups, at, actor, reason in rows
    ]


def ciphertexts(connection: Connection[Any], matter: str) -> list[tuple[str, str]]:
    """(item, SHA-256 of its ciphertext in hex) of everything a matter keeps in the vault."""
    return connection.execute(
        "SELECT item, encode(sha256(data), 'hex') FROM vault_item WHERE matter = %s::uuid"
        " ORDER BY item",
        (matter,),
    ).fetchall()


def parts_gone(connection: Connection[Any], matter: str) -> set[str]:
    """Items of a matter that were erased while the rest stayed."""
    rows = connection.execute(
        "SELECT unnest(items) FROM erased_part WHERE matter = %s::uuid", (matter,)
    ).fetchall()
    return {row[0] for row in rows}


class Left(msgspec.Struct, frozen=True):
    """What the vault holds of a matter: keys and look-ups counted, items by name."""

    keys: int
    lookups: int
    items: tuple[str, ...]


def left_of(connection: Connection[Any], matter: str) -> Left:
    """What the vault still holds of a matter."""
    row = connection.execute(
        "SELECT (SELECT count(*) FROM vault_key WHERE matter = %s::uuid),"
        " (SELECT count(*) FROM vault_lookup WHERE matter = %s::uuid)",
        (matter, matter),
    ).fetchone()
    assert row is not None
    return Left(row[0], row[1], tuple(item for item, _ in ciphertexts(connection, matter)))


def ledger_of(connection: Connection[Any], matter: str) -> list[Erasure]:
    """The ledger's rows of one matter."""
    return _rows(connection, "WHERE matter = %s::uuid", (matter, matter))


def stored_of(connection: Connection[Any], matter: str) -> list[tuple[int, bytes, bytes]]:
    """(number, canonical bytes, hash) of every entry of a matter, in order."""
    rows = connection.execute(
        "SELECT number, bytes, hash FROM entry WHERE matter = %s::uuid ORDER BY number", (matter,)
    ).fetchall()
    return [(number, bytes(data), bytes(hashed)) for number, data, hashed in rows]
