"""One matter as a file that proves itself: exact bytes, hashes, the way up to a signed checkpoint.

The file is read and checked by `verify_matter.py`, which needs nothing but Python, and told in
docs/evidence.md. Its entries end at the checkpoint: what came later is not proven, so not in it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg import Connection

from muster.journal import audit
from muster.journal.checkpoint import decode, moment, stored
from muster.journal.checkpoint_folder import CheckpointFolder
from muster.journal.entry import digest
from muster.journal.merkle import inclusion_proof, leaf_hash
from muster.journal.read import matter_key
from muster.journal.refusal import Refused
from muster.journal.signing import Signed
from muster.journal.vault import Vault, open_item
from muster.journal.verify_entries import ITEM

MATTER: Final = "muster.matter/1"
#: How many checkpoints stand in the file at most, the newest last.
CHECKPOINTS: Final = 1000
NOTE: Final = (
    "用 verify_matter.py 核验：python3 verify_matter.py 本文件 / "
    "check it with verify_matter.py: python3 verify_matter.py THIS_FILE"
)


@dataclass(frozen=True)
class Disclosed:
    """Who takes a matter out, and why. `opened`: with the personal texts."""

    matter: str
    by: str
    reason: str
    at: datetime
    opened: bool = False


@dataclass(frozen=True)
class Exported:
    data: bytes
    entries: int
    texts: int
    checkpoint: int


def export(
    connection: Connection[Any],
    folder: CheckpointFolder,
    disclosed: Disclosed,
    vault: Vault | None = None,
    since: int = 0,
) -> Exported:
    """The file of a matter as it was at the newest checkpoint of a folder, and the row and audit
    row that say who took it, in the caller's transaction. `vault`: opens the texts. `since`: the
    first checkpoint to put in, so that one held elsewhere can be found again.

    Raises Refused("matter.unknown") for a matter that is not under the checkpoint.
    """
    number = folder.with_heads()[-1]
    proof = proof_of(folder, number, disclosed.matter)
    rows = connection.execute(
        "SELECT bytes, hash FROM entry WHERE matter = %s::uuid AND number <= %s ORDER BY number",
        (disclosed.matter, proof["number"]),
    ).fetchall()
    entries = [(bytes(data), bytes(hashed).hex()) for data, hashed in rows]
    opened = _opened(connection, vault, disclosed.matter, entries) if vault else None
    first = max(1, since or number - 1, number - CHECKPOINTS + 1)
    found = {
        "is": MATTER,
        "note": NOTE,
        "matter": disclosed.matter,
        "exported": {
            "at": moment(disclosed.at),
            "by": disclosed.by,
            "reason": disclosed.reason,
        },
        "entries": [{"bytes": data.decode(), "hash": hashed} for data, hashed in entries],
        "opened": opened,
        "proof": proof,
        "checkpoints": [
            _shown(one) for n, one in stored(connection, first - 1).items() if n <= number
        ],
        "keys": [_shown(one) for one in folder.key_chain()],
    }
    data = json.dumps(found, ensure_ascii=False, indent=1).encode() + b"\n"
    _record(connection, disclosed, data, len(entries), number)
    return Exported(data, len(entries), len(opened["texts"]) if opened else 0, number)


def _shown(signed: Signed) -> dict[str, str]:
    return {"bytes": signed.body.decode(), "signature": signed.signature.hex()}


def proof_of(folder: CheckpointFolder, number: int, matter: str) -> dict[str, Any]:
    """Where the matter stands under the checkpoint's root, and the hashes beside its way up.

    Raises Refused("matter.unknown"), FolderDamaged.
    """
    leaves: list[bytes] = []
    head, index = b"", -1
    for about, rest in folder.heads(number):
        kind, _, name = about.partition(b" ")
        if kind == b"matter":
            if name == matter.encode():
                head, index = rest, len(leaves)
            leaves.append(leaf_hash(name + b" " + rest))
    if index < 0:
        raise Refused("matter.unknown", matter=matter)
    return {
        "checkpoint": decode(folder.read(number)).number,
        "index": index,
        "size": len(leaves),
        "number": int(head.partition(b" ")[0]),
        "path": [one.hex() for one in inclusion_proof(index, leaves)],
    }


def _opened(
    connection: Connection[Any],
    vault: Vault,
    matter: str,
    entries: Sequence[tuple[bytes, str]],
) -> dict[str, Any]:
    """Salt and texts of a matter; what was erased is not there. Raises Refused for all of it."""
    named = sorted({item.decode() for data, _ in entries for item, _mac in ITEM.findall(data)})
    key = matter_key(connection, vault, matter)
    if key is None:
        if named:
            raise Refused("matter.erased", matter=matter)
        return {"salt": "", "texts": {}}
    rows = connection.execute(
        "SELECT item, data FROM vault_item WHERE matter = %s::uuid AND item = ANY(%s)",
        (matter, named),
    ).fetchall()
    texts = {item: open_item(bytes(data), key, matter=matter, item=item) for item, data in rows}
    return {"salt": key.salt.hex(), "texts": dict(sorted(texts.items()))}


def _record(
    connection: Connection[Any], disclosed: Disclosed, data: bytes, entries: int, checkpoint: int
) -> None:
    audit.change(
        connection,
        "disclosure",
        {"id": uuid.uuid4()},
        {
            "matter": uuid.UUID(disclosed.matter),
            "disclosed_at": disclosed.at,
            "actor": disclosed.by,
            "reason": disclosed.reason,
            "entries": entries,
            "opened": disclosed.opened,
            "checkpoint": checkpoint,
            "digest": digest(data),
        },
        actor=disclosed.by,
        reason=disclosed.reason,
    )
