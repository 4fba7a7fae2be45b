"""Matters that unusually many people wanted to see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from muster.identity.looks.look import LookRow
from muster.review.oversight.finding import Finding, at_hand, finding, openings
from muster.review.oversight.grouping import grouped
from muster.review.oversight.thresholds import Thresholds


def celebrity(rows: Sequence[LookRow], limits: Thresholds) -> Iterator[Finding]:
    """One finding a matter: who looked stands in its rows."""
    found = [row for row in openings(rows) if row.matter and not at_hand(row)]
    curious = grouped(found, lambda row: row.matter)
    people = {matter: len({row.actor for row in some}) for matter, some in curious}
    usual = round(median(people.values())) if people else 0
    for matter, some in curious:
        enough = max(limits.celebrity_least, limits.celebrity_times * usual)
        if people[matter] >= enough:
            yield finding("celebrity", some, matter=matter, people=people[matter], usual=usual)
