"""What must not stand in any text of the repository: paths of one machine."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from .sources import Fault, shown, text

TEXTS = (".py", ".md", ".toml", ".ts", ".tsx", ".css", ".html", ".json", ".csv", ".yml", ".yaml")
# Built from pieces, so that this file does not hold what it forbids.
_FOLDERS = ("root", "home/[a-z][a-z0-9_-]*", "work", "Users/[A-Za-z]+", "mnt", "opt")
MACHINE = re.compile(r"(?<![\w.~}>)\]$*:/-])/(?:" + "|".join(_FOLDERS) + r")/[\w.]")


def faults(paths: Iterable[Path]) -> Iterator[Fault]:
    """Absolute paths that exist on one machine only."""
    for path in paths:
        if not MACHINE.search(text(path)):
            continue
        for line, row in enumerate(text(path).splitlines(), start=1):
            found = MACHINE.search(row)
            if found:
                yield Fault(
                    shown(path),
                    line,
                    f"a path of one machine ({found.group()}…): make it relative to the root",
                )
