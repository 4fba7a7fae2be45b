"""The erasure ledger outside the database: what was erased stays erased after a restore.

Each line of the file holds an erasure and the hash of the line before (SHA-256(previous ‖
erasure), as in every chain of ours), and is on the disk before the erasure is answered. It
mirrors the table `erasure`: what one of the two lacks, it gets from the other.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import Any, Final

import msgspec
from psycopg import Connection

from muster.journal.entry import FIRST_PREVIOUS, canonical, digest
from muster.journal.erasing import Erasure, erase, ledger, renew_key
from muster.journal.vault import Vault

TOUCHED: Final = "erasures: the ledger erasures.jsonl was"
LACKED: Final = "erasures: the ledger erasures.jsonl lacked"
#: Numbers of parts begin here whose entries were lost with an older cluster.
LOST = 1_000_000_000


class Line(msgspec.Struct, frozen=True):
    """One line of the file."""

    erasure: Erasure
    previous: str
    hash: str


class LedgerBroken(Exception):
    """A line does not follow from the one before. `line` counts from 1."""

    def __init__(self, path: Path, line: int) -> None:
        super().__init__(
            f"清除台账 {path} 第 {line} 行与前一行不连：它被改动过或已损坏，请换回另一份副本。\n"
            f"Line {line} of the erasure ledger {path} does not follow from the one before: it was "
            "altered or is damaged; put another copy in its place."
        )
        self.path, self.line = path, line


def read(path: Path) -> list[Erasure]:
    """What the file says was erased; nothing when there is no file. Raises LedgerBroken.

    A last line cut short by a crash was not answered for, and is not read.
    """
    return [line.erasure for line in lines(path)]


def head(path: Path) -> str:
    """The hash of the last line, which stands for all of them."""
    last = FIRST_PREVIOUS
    for line in lines(path):
        last = line.hash
    return last


def lines(path: Path) -> Iterator[Line]:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return
    previous = FIRST_PREVIOUS
    for number, text in enumerate(data.split(b"\n")[:-1], 1):
        try:
            line = msgspec.json.decode(text, type=Line)
        except msgspec.MsgspecError as error:
            raise LedgerBroken(path, number) from error
        if line.previous != previous or line.hash != _hash(previous, line.erasure):
            raise LedgerBroken(path, number)
        previous = line.hash
        yield line


def record(path: Path, erasure: Erasure) -> None:
    """Add an erasure, unless it stands there already, and have it on the disk."""
    add(path, [erasure])


def add(path: Path, erasures: Iterable[Erasure]) -> int:
    """Add those that do not stand there yet; returns how many."""
    with _alone(path) as file:
        there, previous, end = set(), FIRST_PREVIOUS, 0
        for line in lines(path):
            there.add(named(line.erasure))
            previous, end = line.hash, end + len(canonical(line)) + 1
        fresh = []
        for erasure in erasures:
            if named(erasure) in there:
                continue
            there.add(named(erasure))
            hashed = _hash(previous, erasure)
            fresh.append(canonical(Line(erasure, previous, hashed)) + b"\n")
            previous = hashed
        if fresh:
            os.ftruncate(file, end)  # a line cut short
            os.pwrite(file, b"".join(fresh), end)
            os.fsync(file)
        return len(fresh)


@contextmanager
def _alone(path: Path) -> Iterator[int]:
    """The open file, which nobody else writes meanwhile; on the disk under its name."""
    fresh = not path.exists()
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        if fresh:
            folder = os.open(path.parent, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)
        yield file
    finally:
        os.close(file)


def _as_of(path: Path) -> tuple[int, ...]:
    """Tells whether a file changed; empty when it is not there."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _hash(previous: str, erasure: Erasure) -> str:
    return digest(bytes.fromhex(previous) + canonical(erasure))


# --- table and file ------------------------------------------------------------------------------


def named(erasure: Erasure) -> tuple[str, str]:
    """A matter is erased whole once; a part is told by its moment and items, not by the number of
    an entry, which a restored journal may have given to another."""
    if erasure.number == 0:
        return erasure.matter, ""
    return erasure.matter, " ".join((erasure.erased_at.isoformat(), *erasure.items))


def kept(connection: Connection[Any]) -> list[Erasure]:
    """The erasures the database knows, oldest first."""
    return ledger(connection)


def mirror(path: Path, connection: Connection[Any]) -> int:
    """Add to the file what only the table has; returns how many."""
    return add(path, kept(connection))


def reapply(connection: Connection[Any], erasures: Sequence[Erasure]) -> list[str]:
    """Erase again what the table does not know of, in the caller's transaction: key, words,
    look-ups, or the items of a part. Returns the matters."""
    from muster.journal.perform import Writer

    there = {named(erasure) for erasure in kept(connection)}
    writer = Writer(connection)
    again = []
    for erasure in erasures:
        if named(erasure) in there:
            continue
        erase(writer, _beyond(erasure))
        there.add(named(erasure))
        again.append(erasure.matter)
    return list(dict.fromkeys(again))


def _beyond(erasure: Erasure) -> Erasure:
    """A part whose entry is lost, under a number that no later entry will have."""
    if 0 < erasure.number < LOST:
        return msgspec.structs.replace(erasure, number=LOST + erasure.number)
    return erasure


def unsaid(connection: Connection[Any]) -> list[Erasure]:
    """Erasures of matters whose journal does not say so: it was restored from before."""
    rows = connection.execute(
        "SELECT x.matter::text, x.erased_at, x.actor, x.reason FROM erasure x"
        " WHERE EXISTS (SELECT FROM entry e WHERE e.matter = x.matter) AND NOT EXISTS"
        " (SELECT FROM entry e WHERE e.matter = x.matter AND (e.kind = 'incident.erased'"
        " OR e.kind = 'retention.erased' AND convert_from(e.bytes, 'UTF8')::jsonb->'body'->'whole'"
        " = 'true'))"
        " ORDER BY x.erased_at, x.matter"
    ).fetchall()
    return [Erasure(matter, at.astimezone(UTC), actor, why) for matter, at, actor, why in rows]


class Ledger:
    """The file of a running Muster, kept up with its table and watched: nobody else shortens it or
    takes it away unseen."""

    def __init__(self, path: Path, connect: Callable[[], Any], vault: Vault | None = None) -> None:
        self.path, self._connect, self._vault = path, connect, vault
        self._behind = threading.Event()
        self._looking = threading.Lock()
        self._known: tuple[int, str] = (0, FIRST_PREVIOUS)
        self._as_of: tuple[int, ...] | None = None
        self._wrong = self._restored = ""

    def reconcile(self) -> list[str]:
        """At the start: each gets what only the other has. Returns the matters erased again."""
        there = self.path.exists()
        with self._connect() as connection:
            again = reapply(connection, read(self.path))
            if self._vault is not None:
                for matter in again:
                    renew_key(connection, self._vault, matter)
            connection.commit()
            written = mirror(self.path, connection)
        if written:
            what = f"{written} lines" if there else f"the file; {written} lines"
            self._restored = f"{LACKED} {what} were written again from the database at the start"
        self._look()
        return again

    def notes(self) -> list[str]:
        """What somebody did to the file, in English, for the engineer. Costs one look at the
        folder while nothing changed."""
        self._look()
        return [words for words in (self._wrong, self._restored) if words]

    def _look(self) -> None:
        """Is it still the file we know, perhaps with more lines?"""
        with self._looking:
            as_of = _as_of(self.path)
            if as_of == self._as_of:
                return
            try:
                found = [FIRST_PREVIOUS, *(line.hash for line in lines(self.path))]
            except LedgerBroken as broken:
                self._wrong, self._as_of = f"{TOUCHED} altered in line {broken.line}", as_of
                return
            except OSError as error:
                self._wrong = f"{TOUCHED} made unreadable: {type(error).__name__}"
                return
            count, head = self._known
            if len(found) <= count:
                lost = f"{count - len(found) + 1} of {count} lines"
                self._wrong = f"{TOUCHED} " + (f"cut: {lost} are gone" if as_of else "removed")
            elif found[count] != head:
                self._wrong = f"{TOUCHED} altered"
            else:
                self._known, self._wrong = (len(found) - 1, found[-1]), ""
            self._as_of = as_of

    def erased(self) -> None:
        """After a commit that erased. A disk that does not take it, or a file that was altered,
        leaves it behind, which `catch_up` mends and `trouble` says."""
        self._behind.set()
        try:
            self.catch_up()
        except (OSError, LedgerBroken):
            return

    def catch_up(self) -> None:
        """Write what the file lacks, if it is behind. Raises OSError, LedgerBroken."""
        if self._behind.is_set():
            self._behind.clear()
            try:
                with self._connect() as connection:
                    mirror(self.path, connection)
                self._look()
            except BaseException:
                self._behind.set()
                raise

    @property
    def trouble(self) -> str:
        return "erasures: the ledger cannot be written" if self._behind.is_set() else ""
