"""擦除证明: what was erased, when, by whom asked and agreed, on which basis, and where the journal
says so. It holds no word about anybody: items are named by the hash of their ciphertext.

What it proves and what it does not is in docs/retention.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from psycopg import Connection

from muster.command.incidents.facts import IncidentErased
from muster.command.retention import facts
from muster.command.retention.tables import erasures_of
from muster.command.retention.witness import Known, Witness, check_witness, witness
from muster.identity.reader import Reader
from muster.journal.checkpoint_folder import CheckpointFolder
from muster.journal.entry import Entry, Kinds, decode, digest
from muster.journal.erasing import Erasure, Left, ledger_of, left_of
from muster.journal.refusal import Refused
from muster.journal.signing import KeyChain

FORM: Final = "muster.erasure/1"
_STEPS: Final = (
    facts.ReviewAsked,
    facts.ErasureProposed,
    facts.ErasureDeclined,
    facts.Reviewed,
    facts.HoldPlaced,
    facts.HoldLifted,
    facts.HoldLapsed,
    facts.Erased,
    IncidentErased,
)
_WHOLE_ZH: Final = (
    "该事的密钥与盐已销毁，本系统再无法解开其密文。此前的数据库备份在被替换之前仍含密文与封装的密钥；"
    "恢复时依擦除台账再次销毁。"
)
_WHOLE_EN: Final = (
    "The matter's key and salt are destroyed; this installation can no longer open its ciphertext."
    " Backups of the database made before hold ciphertext and wrapped key until they are"
    " superseded; a restore destroys them again from the ledger of erasures."
)
_PART_ZH: Final = (
    "仅删除了所列各项；其余内容已换用新密钥，它打不开所删的密文。"
    "此前的备份在被替换之前仍含所删密文和当时的密钥，恢复时依擦除台账再次删除。"
)
_PART_EN: Final = (
    "Only the items named were deleted; the rest was sealed under another key, which does not open"
    " them. Backups made before hold the deleted ciphertext, and the key of then, until they are"
    " superseded; a restore deletes it again from the ledger of erasures."
)


class Step(msgspec.Struct, frozen=True):
    """One entry of the journal, whole: `bytes` as stored, whose SHA-256 is `hash`."""

    number: int
    kind: str
    recorded_at: datetime
    actor: str
    role: str
    hash: str
    bytes: str


class Gone(msgspec.Struct, frozen=True, kw_only=True):
    """One erasure. `ledger`: the row of the ledger of erasures that restores obey."""

    entry: int
    classes: tuple[str, ...]
    whole: bool
    items: tuple[facts.ErasedItem, ...]
    counts: dict[str, int]
    gone_at: datetime
    basis: str
    requested_by: str
    approved_by: str
    schedule: str
    ledger: Erasure | None


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """`head`: number and hash of the matter's last entry when this was issued. `left`: what the
    vault holds of the matter now. `checkpoint`: the newest, if it covers the newest erasure."""

    form: str
    city_zh: str
    city_en: str
    matter: str
    number: str
    issued_at: datetime
    erasures: list[Gone]
    steps: list[Step]
    head: tuple[int, str]
    left: Left
    checkpoint: Witness | None
    may_still_hold_zh: str
    may_still_hold_en: str


#: (number, canonical bytes, hash) of entries.
Stored = Sequence[tuple[int, bytes, bytes]]


class Said(msgspec.Struct, frozen=True):
    """What a certificate says beside the journal: the time, the city's names, and the folder the
    checkpoints are in."""

    now: datetime
    city: tuple[str, str]
    folder: CheckpointFolder


def certificate(reader: Reader, kinds: Kinds, matter: str, said: Said) -> Certificate:
    """For a reader. Raises Refused: matter.unknown; retention.nothing_gone."""
    return of_matter(reader.connection, kinds, reader.stored(matter), said)


def of_matter(connection: Connection[Any], kinds: Kinds, stored: Stored, said: Said) -> Certificate:
    """Of the matter with these entries. Raises Refused("retention.nothing_gone") when nothing was
    erased."""
    entries = [decode(data, kinds, hashed.hex()) for _, data, hashed in stored]
    matter = entries[0].matter if entries else ""
    erasures = _erasures(connection, entries)
    if not erasures:
        raise Refused("retention.nothing_gone")
    whole = any(one.whole for one in erasures)
    texts = {number: data.decode() for number, data, _ in stored}
    return Certificate(
        form=FORM,
        city_zh=said.city[0],
        city_en=said.city[1],
        matter=matter,
        number=getattr(entries[0].fact, "number", ""),
        issued_at=said.now,
        erasures=erasures,
        steps=[_step(e, texts[e.number]) for e in entries if isinstance(e.fact, _STEPS)],
        head=(entries[-1].number, entries[-1].hash),
        left=left_of(connection, matter),
        checkpoint=witness(connection, said.folder, matter, _newest(erasures)),
        may_still_hold_zh=_WHOLE_ZH if whole else _PART_ZH,
        may_still_hold_en=_WHOLE_EN if whole else _PART_EN,
    )


def _newest(erasures: Sequence[Gone]) -> int:
    return max((one.entry for one in erasures), default=0)


def _step(entry: Entry, text: str) -> Step:
    role = entry.authority.role
    return Step(entry.number, entry.kind, entry.recorded_at, entry.actor, role, entry.hash, text)


def _erasures(connection: Connection[Any], entries: Sequence[Entry]) -> list[Gone]:
    matter = entries[0].matter if entries else ""
    rows = {row.number: row for row in ledger_of(connection, matter)} if matter else {}
    found = []
    for entry in entries:
        for gone in erasures_of(matter, entry):
            found.append(_gone(entry, rows.get(gone.number)))
    return found


def _gone(entry: Entry, ledger: Erasure | None) -> Gone:
    fact = entry.fact
    if not isinstance(fact, facts.Erased):
        assert isinstance(fact, IncidentErased)
        fact = facts.Erased(
            classes=(),
            whole=True,
            items=(),
            basis=fact.basis,
            requested_by=entry.actor,
            schedule="",
        )
    counts: dict[str, int] = {}
    for item in fact.items:
        counts[item.of] = counts.get(item.of, 0) + 1
    return Gone(
        entry=entry.number,
        classes=fact.classes,
        whole=fact.whole,
        items=fact.items,
        counts=dict(sorted(counts.items())),
        gone_at=entry.recorded_at,
        basis=fact.basis,
        requested_by=fact.requested_by,
        approved_by=fact.approved_by,
        schedule=fact.schedule,
        ledger=ledger,
    )


def check(
    held: Certificate,
    stored: Mapping[int, tuple[bytes, bytes]],
    left: Left,
    own: Known | None = None,
) -> list[str]:
    """What a certificate says that the journal (number -> bytes, hash), the vault or the database's
    own checkpoint does not; one line each, none when all is as certified. Pure."""
    wrong = []
    steps = {step.number: step for step in held.steps}
    for step in held.steps:
        if digest(step.bytes.encode()) != step.hash:
            wrong.append(f"entry {step.number}: the bytes are not those of the hash")
        kept = stored.get(step.number)
        if kept is None:
            wrong.append(f"entry {step.number}: not in the journal")
        elif kept[0] != step.bytes.encode() or kept[1].hex() != step.hash:
            wrong.append(f"entry {step.number}: the journal says otherwise")
    head = stored.get(held.head[0])
    if head is None or head[1].hex() != held.head[1]:
        wrong.append(f"entry {held.head[0]}: the journal's head then is not in it")
    for gone in held.erasures:
        named = steps.get(gone.entry)
        wrong += _said(gone, named) if named else [f"entry {gone.entry}: not certified"]
        if gone.ledger is None:
            wrong.append(f"entry {gone.entry}: not in the ledger of erasures")
        there = {item.item for item in gone.items} & set(left.items)
        wrong += [f"item {item}: still in the vault" for item in sorted(there)]
        if gone.whole and (left.keys or left.items or left.lookups):
            wrong.append("the vault still holds something of the matter")
    if held.checkpoint is not None:
        own, newest = own or Known(None, KeyChain(())), _newest(held.erasures)
        wrong += check_witness(held.checkpoint, held.matter, newest, stored, own)
    return wrong


def _said(gone: Gone, step: Step) -> list[str]:
    """Whether the entry itself says what the certificate's plain words say."""
    body = msgspec.json.decode(step.bytes)["body"]
    if step.kind == IncidentErased.kind:
        return [] if body["basis"] == gone.basis else [f"entry {gone.entry}: another basis"]
    said = msgspec.convert(body, facts.Erased)
    same = (
        said.classes == gone.classes
        and said.whole == gone.whole
        and said.items == gone.items
        and said.basis == gone.basis
        and said.requested_by == gone.requested_by
        and said.approved_by == gone.approved_by
    )
    return [] if same else [f"entry {gone.entry}: it does not say what is certified"]
