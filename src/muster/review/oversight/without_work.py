"""Looking without work at hand, and looking while off duty."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from muster.identity.looks.look import LookRow
from muster.review.oversight.finding import Finding, at_hand, finding, matters, openings
from muster.review.oversight.grouping import grouped
from muster.review.oversight.thresholds import Thresholds


def unmasked_without_work(rows: Sequence[LookRow], _limits: Thresholds) -> Iterator[Finding]:
    """Every lifted mask that no work explains; one finding a person."""
    found = [row for row in openings(rows) if row.what != "matter.opened" and not at_hand(row)]
    for person, some in grouped(found, lambda row: row.actor):
        yield finding("unmasked_without_work", some, person=person, openings=len(some))


def opened_without_work(rows: Sequence[LookRow], limits: Thresholds) -> Iterator[Finding]:
    """Many openings of matters that were nobody's work of theirs, in one day."""
    found = [row for row in openings(rows) if row.justification == "no_task"]
    for (person, _day), some in grouped(found, lambda row: (row.actor, row.at.date())):
        count = matters(some)
        if count >= limits.opened_without_work:
            yield finding(
                "opened_without_work",
                some,
                person=person,
                openings=count,
                limit=limits.opened_without_work,
            )


def off_shift(rows: Sequence[LookRow], limits: Thresholds) -> Iterator[Finding]:
    """Several openings in one day by an officer whose unit was not on duty."""
    found = [row for row in openings(rows) if "off_duty" in row.marks and not at_hand(row)]
    for (person, _day), some in grouped(found, lambda row: (row.actor, row.at.date())):
        count = matters(some)
        if count >= limits.off_shift:
            yield finding("off_shift", some, person=person, openings=count, limit=limits.off_shift)
