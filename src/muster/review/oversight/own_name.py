"""Looking oneself up, or somebody one works with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from muster.identity.looks.look import LookRow
from muster.review.oversight.finding import Finding, at_hand, finding, openings
from muster.review.oversight.grouping import grouped
from muster.review.oversight.thresholds import Thresholds


def own_name(rows: Sequence[LookRow], _limits: Thresholds) -> Iterator[Finding]:
    """A matter whose caller bears the looker's own name: whatever the reason was, somebody else
    should have a look at it."""
    found = [row for row in openings(rows) if "own_name" in row.marks]
    for (person, matter), some in grouped(found, lambda row: (row.actor, row.matter)):
        yield finding("own_name", some, person=person, matter=matter, openings=len(some))


def colleague(rows: Sequence[LookRow], _limits: Thresholds) -> Iterator[Finding]:
    """Callers with the name of somebody on the platform, where there was no work at hand."""
    found = [row for row in openings(rows) if "colleague" in row.marks and not at_hand(row)]
    for person, some in grouped(found, lambda row: row.actor):
        yield finding("colleague", some, person=person, openings=len(some))
