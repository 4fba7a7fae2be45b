"""What the server acknowledged, written down by the client, to be compared with the journal."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from muster.simulate.shapes import AnswerEntry, Entry


class Acknowledged(NamedTuple):
    """A command the server said yes to, and the entries it said it made."""

    path: str
    command: UUID
    matter: UUID
    entries: tuple[AnswerEntry, ...]

    def by_matter(self) -> dict[UUID, list[AnswerEntry]]:
        """The entries by where they are: a merge writes into two journals."""
        found: dict[UUID, list[AnswerEntry]] = defaultdict(list)
        for entry in self.entries:
            found[entry.matter or self.matter].append(entry)
        return found


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

    def audit(self, read: Callable[[UUID], Iterable[Entry]]) -> Audit:
        """Compare with the journal. `read` gives all entries of a matter, none if unknown."""
        with self._lock:
            kept = list(self._kept)
        journal = {
            matter: list(read(matter))
            for matter in dict.fromkeys(matter for one in kept for matter in one.by_matter())
        }
        lost = [one for one in kept if _any(_is_missing, one, journal)]
        doubled = [one for one in kept if _any(_is_doubled, one, journal)]
        return Audit(len(kept), tuple(lost), tuple(doubled))


Journal = Mapping[UUID, Sequence[Entry]]
Check = Callable[[UUID, Sequence[AnswerEntry], Sequence[Entry]], bool]


def _any(check: Check, one: Acknowledged, journal: Journal) -> bool:
    parts = one.by_matter().items()
    return any(check(one.command, promised, journal[matter]) for matter, promised in parts)


def _is_missing(command: UUID, promised: Sequence[AnswerEntry], journal: Sequence[Entry]) -> bool:
    """Not every promised entry is there with its number, its kind and, if told, the command."""
    found = {entry.number: entry for entry in journal}
    for one in promised:
        entry = found.get(one.number)
        if entry is None or entry.kind != one.kind:
            return True
        if entry.command is not None and entry.command != command:
            return True
    return False


def _is_doubled(command: UUID, promised: Sequence[AnswerEntry], journal: Sequence[Entry]) -> bool:
    """The command made more entries of a kind than it said, or its entry numbers repeat."""
    made = Counter(entry.kind for entry in journal if entry.command == command)
    said = Counter(entry.kind for entry in promised)
    if any(made[kind] > count for kind, count in said.items()):
        return True
    numbers = Counter(entry.number for entry in journal)
    return any(numbers[entry.number] > 1 for entry in promised)
