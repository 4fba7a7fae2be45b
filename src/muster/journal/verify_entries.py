"""The entries: numbers, hashes, chain, and every column against the bytes.

The entries stream by in their order, in memory that does not grow; beside them stream what
checkpoints outside say of each matter and what the vault holds for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

import msgspec
from psycopg import Connection

from muster.journal.entry import FIRST_PREVIOUS, Envelope, read_envelope
from muster.journal.fault import Fault, Progress, Verdict, silent

_ROWS: Final = b"""SELECT uuid_send(matter), number, happened_at, recorded_at, position, hash,
    kind, actor, command, bytes FROM entry ORDER BY matter, number"""
#: A sealed text in the canonical bytes of a fact. Quotation marks inside a text are escaped, so
#: nothing that somebody typed looks like one.
ITEM: Final = re.compile(rb'"item":"([^"\\]*)","mac":"([0-9a-f]*)"')
_STEP: Final = 20_000


@dataclass
class Seen:
    """What the entries of one matter say: the last number, item → (number, MAC, kind) of the
    entry that names it first, and which kinds there are."""

    last: int = 0
    items: dict[str, tuple[int, str, str]] = field(default_factory=dict)
    kinds: set[str] = field(default_factory=set)


class Beside:
    """What else is known of each matter, told in the order of matters. This one knows nothing;
    checkpoint heads and the vault tell more."""

    def begin(self, matter: str) -> tuple[Mapping[int, str], Iterable[Fault]]:
        """The hashes that numbers of this matter must have, and faults of matters passed over."""
        return {}, ()

    def end(self, matter: str, seen: Seen) -> Iterable[Fault]:
        """A matter is over."""
        return ()

    def close(self) -> Iterable[Fault]:
        """No more matters."""
        return ()


def rows(connection: Connection[Any]) -> Iterator[tuple[Any, ...]]:
    """(matter, number, happened_at, recorded_at, position, hash, kind, actor, command, bytes)."""
    with connection.cursor(name="verify_entry", binary=True) as cursor:
        cursor.itersize = 5000
        cursor.execute(_ROWS)
        yield from cursor


def verify_entries(
    connection: Connection[Any],
    verdict: Verdict,
    besides: Sequence[Beside] = (),
    progress: Progress = silent,
) -> None:
    """Walk every matter: numbers without gaps, hashes, chain, columns against the bytes, and
    whatever is known of it elsewhere."""
    current, matter, number, previous, position = b"", "", 0, FIRST_PREVIOUS, -1
    wanted: dict[int, set[str]] = {}
    seen = Seen()
    count, search = 0, ITEM.findall
    for row in rows(connection):
        if row[0] != current:
            if current:
                verdict.add(_end(besides, matter, seen))
            current, matter, seen = row[0], _text(row[0]), Seen()
            wanted = {}
            for beside in besides:
                heads, passed = beside.begin(matter)
                verdict.add(passed)
                for at, known in heads.items():
                    wanted.setdefault(at, set()).add(known)
            number, previous, position = 0, FIRST_PREVIOUS, -1
            verdict.matters += 1
        data = row[9]
        hashed = sha256(data).hexdigest()
        whats = []
        if row[1] != number + 1:
            whats.append("gap")
        if row[5].hex() != hashed:
            whats.append("hash")
        whats += _faults(row, matter, previous)
        if row[4] <= position:
            whats.append("position")
        number, previous, position = row[1], row[5].hex(), row[4]
        if number in wanted and wanted[number] != {previous}:
            whats.append("otherwise")
        if whats:
            verdict.add(Fault(matter, number, what) for what in whats)
        seen.last = number
        seen.kinds.add(row[6])
        for item, mac in search(data):
            seen.items.setdefault(item.decode(), (number, mac.decode(), row[6]))
        count += 1
        if count % _STEP == 0:
            progress("entry", count)
    if current:
        verdict.add(_end(besides, matter, seen))
    for beside in besides:
        verdict.add(beside.close())
    verdict.entries = count


def _end(besides: Sequence[Beside], matter: str, seen: Seen) -> Iterator[Fault]:
    for beside in besides:
        yield from beside.end(matter, seen)


def _text(matter: bytes) -> str:
    found = matter.hex()
    return f"{found[:8]}-{found[8:12]}-{found[12:16]}-{found[16:20]}-{found[20:]}"


def _faults(row: tuple[Any, ...], matter: str, previous: str) -> list[str]:
    try:
        envelope = read_envelope(row[9])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ["bytes"]
    found = []
    if envelope.previous != previous:
        found.append("previous")
    if _differ(row, matter, envelope):
        found.append("column")
    return found


def _differ(row: tuple[Any, ...], matter: str, envelope: Envelope) -> bool:
    return (
        envelope.matter != matter
        or envelope.number != row[1]
        or envelope.happened_at != row[2]
        or envelope.recorded_at != row[3]
        or envelope.kind != row[6]
        or envelope.actor != row[7]
        or envelope.command != row[8]
    )
