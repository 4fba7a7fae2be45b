"""What `verify` finds: named faults, and the verdict they make together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

#: More are counted, but not kept one by one.
KEPT = 10_000


@dataclass(frozen=True, order=True)
class Fault:
    """One thing that is not as it was written.

    `number` counts entries of `matter`, or rows of a chained table; `what` is one word of
    cli/verdict.py's list; `table` is where it was found; `detail` names it further.
    """

    matter: str
    number: int
    what: str
    table: str = "entry"
    detail: str = ""


@dataclass
class Verdict:
    """What was walked through and what was found. `uncovered`: entries after the newest
    checkpoint that was compared, which nobody outside can vouch for yet."""

    entries: int = 0
    matters: int = 0
    commands: int = 0
    chained: dict[str, int] = field(default_factory=dict)
    vault_items: int = 0
    positions: int = 0
    opened: bool = False
    kept: bool = False
    checkpoints: int = 0
    against: dict[str, str] = field(default_factory=dict)
    uncovered: int | None = None
    unsealed: int = 0
    first_key: str = ""
    found: list[Fault] = field(default_factory=list)
    more: int = 0

    def add(self, faults: Iterable[Fault]) -> None:
        for fault in faults:
            if len(self.found) < KEPT:
                self.found.append(fault)
            else:
                self.more += 1

    @property
    def faults(self) -> tuple[Fault, ...]:
        return tuple(self.found)


#: Called now and then with what is looked at and how many of it are done.
Progress = Callable[[str, int], None]


def silent(_what: str, _done: int) -> None:
    """Nobody wants to know."""
