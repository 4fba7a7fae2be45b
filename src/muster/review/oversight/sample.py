"""The random sample: which rows an auditor reviews although nothing is suspected.

Rows are taken in blocks of a hundred. The hash of the first row after a block, which stands on
every row of it, decides which of them are drawn: nobody can know before, and everybody can draw
again afterwards and get the same rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final

from muster.identity.looks.look import LookRow
from muster.review.oversight.finding import OPENINGS

BLOCK: Final = 100
#: Of every thousand rows so many are drawn: between 1 and 5 in a hundred.
PER_MILLE: Final = 30
REVIEWED: Final = (*OPENINGS, "people.read", "export")


def is_drawn(row: LookRow, seed: str) -> bool:
    """`seed`: hex hash of the first row after the row's block; empty while there is none."""
    if not seed or row.what not in REVIEWED or row.outcome == "denied":
        return False
    return _number(seed, row.hash) % 1000 < PER_MILLE


def assigned_to(row: LookRow, seed: str, auditors: Sequence[str]) -> str:
    """Whose turn it is: drawn like the row itself, never the one who looked. Others may do it
    too. Empty when nobody is left."""
    others = [one for one in auditors if one != row.actor]
    return max(others, key=lambda one: _number(seed, row.hash + one), default="")


def of_areas(auditors: Mapping[str, Sequence[str]], path: str) -> list[str]:
    """Of auditors with the paths of their areas, those whose areas hold a path."""
    return sorted(
        person
        for person, areas in auditors.items()
        if any(path == area or path.startswith(area + ".") for area in areas)
    )


def _number(seed: str, text: str) -> int:
    return int.from_bytes(sha256(bytes.fromhex(seed) + text.encode()).digest()[:8])
