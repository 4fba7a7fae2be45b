"""Trying door after door."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from muster.identity.looks.look import LookRow
from muster.review.oversight.finding import Finding, finding
from muster.review.oversight.grouping import grouped
from muster.review.oversight.thresholds import Thresholds


def denials(rows: Sequence[LookRow], limits: Thresholds) -> Iterator[Finding]:
    """Refusals one after another within a short time, with nothing shown in between."""
    for person, some in grouped(sorted(rows, key=lambda row: row.number), lambda row: row.actor):
        for run in _runs(some, limits):
            if len(run) >= limits.denials:
                targets = len({(row.what, row.matter, row.subject) for row in run})
                yield finding("denials", run, person=person, denials=len(run), targets=targets)


def _runs(rows: Sequence[LookRow], limits: Thresholds) -> Iterator[list[LookRow]]:
    run: list[LookRow] = []
    for row in rows:
        if row.outcome == "denied" and (not run or row.at - run[-1].at <= limits.denials_within):
            run.append(row)
            continue
        yield run
        run = [row] if row.outcome == "denied" else []
    yield run
