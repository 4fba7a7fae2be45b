"""The checkpoint that covers an erasure: signed bytes, and the way from the matter's entry to them.

It is read from the folder the checkpoints are written to and must be the database's own. Where
that folder cannot be read now, or its newest checkpoint is older than the erasure, there is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from psycopg import Connection

from muster.journal.checkpoint import decode, stored, stored_keys
from muster.journal.checkpoint_folder import CheckpointFolder, FolderDamaged
from muster.journal.entry import digest
from muster.journal.export import proof_of
from muster.journal.merkle import included
from muster.journal.refusal import Refused
from muster.journal.signing import KeyChain, Signed


class Witness(msgspec.Struct, frozen=True, kw_only=True):
    """Checkpoint `number`, as signed. `entry`: the matter's newest entry then; the leaf
    `<matter> <entry> <hash>` is number `index` of `size`, `path` the hashes beside its way up."""

    number: int
    taken_at: str
    bytes: str
    signature: str
    entry: int
    index: int
    size: int
    path: tuple[str, ...]


@dataclass(frozen=True)
class Known:
    """What the database itself has of a checkpoint: its row, and the public keys."""

    signed: Signed | None
    keys: KeyChain


def known(connection: Connection[Any], number: int) -> Known:
    return Known(stored(connection, number - 1).get(number), KeyChain(stored_keys(connection)))


def witness(
    connection: Connection[Any], folder: CheckpointFolder, matter: str, entry: int
) -> Witness | None:
    """The newest checkpoint, when it covers this entry of the matter."""
    try:
        newest = folder.with_heads()[-1:]
        if not newest:
            return None
        signed = folder.read(newest[0])
        if known(connection, newest[0]).signed != signed:
            return None
        proof = proof_of(folder, newest[0], matter)
    except (FolderDamaged, OSError):
        return None  # journal verify says what is wrong with it; the erasure stands without
    except Refused:
        return None  # the matter is younger than the checkpoint
    if proof["number"] < entry:
        return None
    return Witness(
        number=newest[0],
        taken_at=decode(signed).taken_at,
        bytes=signed.body.decode(),
        signature=signed.signature.hex(),
        entry=proof["number"],
        index=proof["index"],
        size=proof["size"],
        path=tuple(proof["path"]),
    )


def check_witness(
    held: Witness, matter: str, first: int, entries: Mapping[int, tuple[bytes, bytes]], own: Known
) -> list[str]:
    """What is wrong: with the signature, with the way up, or with the entries from `first`, the
    erasure, to the one the checkpoint covers. One line each. Pure."""
    name = f"checkpoint {held.number}"
    try:
        signed = Signed(held.bytes.encode(), bytes.fromhex(held.signature))
        found, path = decode(signed), [bytes.fromhex(one) for one in held.path]
    except (msgspec.DecodeError, ValueError):
        return [f"{name}: cannot be read"]
    wrong = []
    if (found.number, found.taken_at) != (held.number, held.taken_at):
        wrong.append(f"{name}: it does not say what is certified")
    if fault := own.keys.fault(found.number, found.key, signed):
        wrong.append(f"{name}: {fault}")
    if own.signed != signed:
        wrong.append(f"{name}: the database has another")
    if held.entry < first:
        wrong.append(f"{name}: older than the erasure")
    head = entries.get(held.entry, (b"", b""))[1].hex()
    leaf = f"{matter} {held.entry} {head}".encode()
    root = bytes.fromhex(found.root)
    if held.size != found.matters or not included(root, held.index, held.size, leaf, path):
        wrong.append(f"{name}: entry {held.entry} is not under it")
    return wrong + _unchained(name, first, held.entry, entries)


def _unchained(
    name: str, first: int, last: int, entries: Mapping[int, tuple[bytes, bytes]]
) -> list[str]:
    """Whether the entries lead, hash by hash, from the covered one back to the erasure."""
    for number in range(last, first - 1, -1):
        data, hashed = entries.get(number, (b"", b""))
        if digest(data) != hashed.hex():
            return [f"{name}: entry {number} does not lead to it"]
        before = entries.get(number - 1, (b"", b""))[1].hex()
        if number > first and msgspec.json.decode(data)["previous"] != before:
            return [f"{name}: entry {number} does not follow the one before it"]
    return []
