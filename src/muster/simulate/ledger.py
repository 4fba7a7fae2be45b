"""What the server acknowledged, written down by the client, to be compared with the journal."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import NamedTuple
from uuid import UUID

from muster.simulate.shapes import AnswerEntry, Entry


class Acknowledged(NamedTuple):
    """A command the server said yes to, and the entries it said it made."""

    path: str
    command: UUID
    matter: UUID
    entries: tuple[AnswerEntry, ...]


class Audit(NamedTuple):
    """lost: acknowledged, but not (or not so) in the journal. doubled: in it more than once."""

    acknowledged: int
    lost: tuple[Acknowledged, ...]
    doubled: tuple[Acknowledged, ...]


class Ledger:
    """Acknowledged commands in the order of their answers; may be written from many threads."""

    def __init__(self) -> None:
        self._kept: list[Acknowledged] = []
        self._lock = threading.Lock()

    def write(self, kept: Acknowledged) -> None:
        with self._lock:
            self._kept.append(kept)

    def __len__(self) -> int:
        return len(self._kept)

    def matters(self) -> dict[UUID, list[Acknowledged]]:
        with self._lock:
            kept = list(self._kept)
        found: dict[UUID, list[Acknowledged]] = defaultdict(list)
        for one in kept:
            found[one.matter].append(one)
        return found

    def audit(self, read: Callable[[UUID], Iterable[Entry] | None]) -> Audit:
        """Compare with the journal. `read` gives all entries of a matter, or None if unknown."""
        lost: list[Acknowledged] = []
        doubled: list[Acknowledged] = []
        total = 0
        for matter, commands in self.matters().items():
            total += len(commands)
            entries = list(read(matter) or ())
            lost.extend(one for one in commands if not _is_there(one, entries))
            doubled.extend(one for one in commands if _is_doubled(one, entries))
        return Audit(total, tuple(lost), tuple(doubled))


def _is_there(one: Acknowledged, entries: Iterable[Entry]) -> bool:
    """Every entry it was promised is there: same number, same kind, and same command if told."""
    found = {entry.number: entry for entry in entries}
    for promised in one.entries:
        entry = found.get(promised.number)
        if entry is None or entry.kind != promised.kind:
            return False
        if entry.command is not None and entry.command != one.command:
            return False
    return True


def _is_doubled(one: Acknowledged, entries: Iterable[Entry]) -> bool:
    """The command made more entries of a kind than it said, or its entry numbers repeat."""
    by_command = Counter(entry.kind for entry in entries if entry.command == one.command)
    promised = Counter(entry.kind for entry in one.entries)
    if any(by_command[kind] > count for kind, count in promised.items()):
        return True
    numbers = Counter(entry.number for entry in entries)
    return any(numbers[entry.number] > 1 for entry in one.entries)
