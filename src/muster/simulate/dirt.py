"""Dirt: rows of a recorded file that were rejected, and flaws of rows that were taken.

Every one is kept by its line and reason, so that nothing is left out silently and the owner of
the file can mend it. No cell is kept, so a list of dirt holds nobody's data.
"""

from __future__ import annotations

import csv
from array import array
from collections import Counter
from pathlib import Path
from typing import Final

from muster.simulate.refusal import FLAWS, REJECTS

FILE: Final = "dirt.csv"


class Rejected(Exception):
    """This row cannot be played. The message is a reason of refusal.REJECTS."""


class Dirt:
    """rejected: reason -> rows; flaws: reason -> times. Lines count from the header, line 1."""

    def __init__(self) -> None:
        self._rejected: dict[str, array[int]] = {}
        self._flaws: dict[str, array[int]] = {}

    def reject(self, line: int, reason: str) -> None:
        self._rejected.setdefault(reason, array("Q")).append(line)

    def flaw(self, line: int, reason: str) -> None:
        self._flaws.setdefault(reason, array("Q")).append(line)

    @property
    def rejected(self) -> Counter[str]:
        return _counted(self._rejected)

    @property
    def flaws(self) -> Counter[str]:
        return _counted(self._flaws)

    def first_lines(self) -> dict[str, int]:
        """Reason -> the line of its first row."""
        whole = {**self._flaws, **self._rejected}
        return {reason: lines[0] for reason, lines in sorted(whole.items())}

    def write(self, path: Path) -> None:
        """All of it, a line each, in the order of the file."""
        kinds = (("reject", self._rejected, REJECTS), ("flaw", self._flaws, FLAWS))
        rows = [
            (line, kind, reason, *words[reason])
            for kind, found, words in kinds
            for reason, lines in found.items()
            for line in lines
        ]
        with path.open("w", encoding="utf-8", newline="") as text:
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow(("line", "kind", "reason", "zh", "en"))
            writer.writerows(sorted(rows))


def _counted(found: dict[str, array[int]]) -> Counter[str]:
    return Counter({reason: len(lines) for reason, lines in sorted(found.items())})
