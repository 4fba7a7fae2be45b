"""Checkpoints against themselves, against a folder outside, and against the journal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from psycopg import Connection

from muster.journal.checkpoint import (
    FIRST_PREVIOUS,
    Checkpoint,
    Roots,
    beside,
    decode,
    erasure_lines,
    stored,
    stored_keys,
)
from muster.journal.checkpoint_folder import CheckpointFolder, FolderDamaged, Line
from muster.journal.entry import digest
from muster.journal.fault import Fault, Verdict
from muster.journal.signing import KeyChain, Signed
from muster.journal.verify_entries import Beside, Seen


def verify_stored(
    connection: Connection[Any], verdict: Verdict, known: Sequence[str] = ()
) -> Checkpoint | None:
    """The database's own checkpoints and keys: their chain and signatures. Returns the newest
    that can be read."""
    keys = KeyChain(stored_keys(connection), known)
    verdict.add(Fault("", one.number, one.what, "signing_key", one.key) for one in keys.faults)
    if keys.statements:
        verdict.first_key = keys.statements[0].key
    previous, number, last = FIRST_PREVIOUS, 0, None
    with connection.cursor(name="verify_checkpoint") as cursor:
        cursor.execute("SELECT number, body, hash, signature FROM checkpoint ORDER BY number")
        for at, body, hashed, signature in cursor:
            signed = Signed(bytes(body), bytes(signature))
            whats = ["gap"] if at != number + 1 else []
            if digest(signed.body) != bytes(hashed).hex():
                whats.append("hash")
            found, wrong = checked(signed, at, previous, keys)
            verdict.add(Fault("", at, what, "checkpoint") for what in whats + wrong)
            number, previous, last = at, digest(signed.body), found or last
            verdict.checkpoints += 1
    return last


def checked(
    signed: Signed, number: int, previous: str | None, keys: KeyChain
) -> tuple[Checkpoint | None, list[str]]:
    """A checkpoint, and what is wrong with it: bytes, number, previous, or its signature."""
    try:
        found = decode(signed)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None, ["bytes"]
    whats = []
    if found.number != number:
        whats.append("number")
    if previous is not None and found.previous != previous:
        whats.append("previous")
    if wrong := keys.fault(found.number, found.key, signed):
        whats.append(wrong)
    return found, whats


class Outside:
    """A folder of checkpoints, as a witness of what the journal was."""

    def __init__(
        self, folder: CheckpointFolder, verdict: Verdict, known: Sequence[str] = ()
    ) -> None:
        self._folder, self._verdict, self._known = folder, verdict, known
        self.newest: Checkpoint | None = None
        self.name = folder.path.name
        self.keys = KeyChain(())

    def examine(self, connection: Connection[Any]) -> None:
        """The folder's own chain and signatures, and that the database has the same ones."""
        try:
            self._keys(connection)
            self._checkpoints(connection)
        except FolderDamaged as damaged:
            self._add("damaged", 0, damaged.name)

    def _add(self, what: str, number: int, detail: str = "") -> None:
        self._verdict.add([Fault("", number, what, "outside", detail or self.name)])

    def _keys(self, connection: Connection[Any]) -> None:
        here, there = self._folder.key_chain(), stored_keys(connection)
        self.keys = KeyChain(here, self._known)
        for fault in self.keys.faults:
            self._add(fault.what, 0, f"keys.jsonl {fault.key}")
        for number, (one, other) in enumerate(zip(here, there, strict=False), start=1):
            if one != other:
                self._verdict.add([Fault("", number, "otherwise", "signing_key")])
        if len(there) < len(here):
            self._verdict.add([Fault("", len(there) + 1, "removed", "signing_key")])
        if self.keys.statements:  # the folder's word counts, not the database's
            self._verdict.first_key = self.keys.statements[0].key

    def _checkpoints(self, connection: Connection[Any]) -> None:
        ours: Mapping[int, Signed] = stored(connection)
        previous: str | None = None
        last = 0
        for number in self._folder.numbers():
            signed = self._folder.read(number)
            follows = last + 1 == number
            if not follows and last:
                self._add("gap", number)
            found, whats = checked(signed, number, previous if follows else None, self.keys)
            for what in whats:
                self._add(what, number)
            if number not in ours:
                self._verdict.add([Fault("", number, "removed", "checkpoint", self.name)])
            elif ours[number] != signed:
                self._verdict.add([Fault("", number, "otherwise", "checkpoint", self.name)])
            last, previous = number, digest(signed.body)
            if found is not None and not whats:
                self.newest = found

    def heads(self) -> Iterator[Line]:
        """The lines of the newest checkpoint that has them; they must give its root."""
        known = self._folder.with_heads()
        if not known:
            return
        roots = Roots()
        try:
            yield from roots.passing(self._folder.heads(known[-1]))
            found = decode(self._folder.read(known[-1]))
        except (FolderDamaged, msgspec.DecodeError, ValueError) as error:
            self._add("damaged", known[-1], str(error))
            return
        if not roots.fit(found):
            self._add("roots", known[-1])
        self._verdict.against[self.name] = f"{found.number} {found.taken_at}"
        self._verdict.uncovered = found.entries


class HeadsBeside(Beside):
    """What a folder says of each matter's newest entry, in step with the matters; what it says
    of erasures is compared at the beginning."""

    def __init__(self, connection: Connection[Any], outside: Outside, verdict: Verdict) -> None:
        self._name = outside.name
        self._lines = outside.heads()
        self._line = next(self._lines, None)
        self._number = 0
        verdict.add(self._erasures(connection))

    def _erasures(self, connection: Connection[Any]) -> Iterator[Fault]:
        there = list(_until(self, b"erasure "))
        for about, was, now in beside(there, erasure_lines(connection)):
            matter, _, number = about.split(b" ")[1].decode().partition(".")
            if was is None:
                continue  # erased since
            table = "erased_part" if number else "erasure"
            if was != now:
                what = "otherwise" if now else "removed"
                yield Fault(matter, int(number or 0), what, table, self._name)

    def advance(self) -> None:
        self._line = next(self._lines, None)

    @property
    def line(self) -> Line | None:
        return self._line

    def _head(self) -> tuple[str, int, str] | None:
        if self._line is None:
            return None
        number, _, hashed = self._line[1].partition(b" ")
        return self._line[0].split(b" ")[1].decode(), int(number), hashed.decode()

    def begin(self, matter: str) -> tuple[Mapping[int, str], Iterable[Fault]]:
        passed = list(self._passed(matter))
        head = self._head()
        self._number = 0
        if head is None or head[0] != matter:
            return {}, passed
        self.advance()
        self._number = head[1]
        return {head[1]: head[2]}, passed

    def _passed(self, matter: str | None) -> Iterator[Fault]:
        while (head := self._head()) is not None and (matter is None or head[0] < matter):
            yield Fault(head[0], head[1], "removed", "entry", self._name)
            self.advance()

    def end(self, matter: str, seen: Seen) -> Iterable[Fault]:
        if seen.last < self._number:
            return [Fault(matter, self._number, "cut", "entry", self._name)]
        return []

    def close(self) -> Iterable[Fault]:
        return self._passed(None)


def _until(heads: HeadsBeside, start: bytes) -> Iterator[Line]:
    while heads.line is not None and heads.line[0].startswith(start):
        yield heads.line
        heads.advance()
