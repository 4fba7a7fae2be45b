"""Does the journal hold together? Names every entry that does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from psycopg import Connection

from muster.journal.entry import FIRST_PREVIOUS, digest, read_envelope


@dataclass(frozen=True)
class Fault:
    """`what` is one of gap, hash, previous, column, bytes."""

    matter: str
    number: int
    what: str


@dataclass(frozen=True)
class Verdict:
    entries: int
    matters: int
    faults: tuple[Fault, ...]


def verify(connection: Connection[Any]) -> Verdict:
    """Walk every matter: numbers without gaps, hashes, chain, and columns against the bytes."""
    faults: list[Fault] = []
    matter, number, previous, count, matters = "", 0, FIRST_PREVIOUS, 0, 0
    for row in _rows(connection):
        count += 1
        if row[0] != matter:
            matter, number, previous, matters = row[0], 0, FIRST_PREVIOUS, matters + 1
        faults += [Fault(matter, row[1], what) for what in _faults(row, number, previous)]
        number, previous = row[1], bytes(row[7]).hex()
    return Verdict(count, matters, tuple(faults))


def _rows(connection: Connection[Any]) -> Iterator[tuple[Any, ...]]:
    with connection.cursor(name="verify") as cursor:
        cursor.execute(
            "SELECT matter::text, number, kind, happened_at, recorded_at, actor, bytes, hash,"
            " command FROM entry ORDER BY matter, number"
        )
        yield from cursor


def _faults(row: tuple[Any, ...], number: int, previous: str) -> Iterator[str]:
    matter, found, kind, happened_at, recorded_at, actor, data, hashed, command = row
    if found != number + 1:
        yield "gap"
    if digest(bytes(data)) != bytes(hashed).hex():
        yield "hash"
    try:
        envelope = read_envelope(bytes(data))
    except msgspec.DecodeError:
        yield "bytes"
        return
    if envelope.previous != previous:
        yield "previous"
    columns = (matter, found, kind, happened_at, recorded_at, actor, command)
    derived = (
        envelope.matter,
        envelope.number,
        envelope.kind,
        envelope.happened_at,
        envelope.recorded_at,
        envelope.actor,
        envelope.command,
    )
    if columns != derived:
        yield "column"
