"""Hours in which somebody opened far more than usual."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from muster.identity.looks.look import LookRow
from muster.review.oversight.finding import Finding, finding, matters, openings
from muster.review.oversight.grouping import grouped, hour_of
from muster.review.oversight.thresholds import Thresholds

Hours = dict[tuple[str, datetime], list[LookRow]]


def hourly_cap(rows: Sequence[LookRow], limits: Thresholds) -> Iterator[Finding]:
    """More openings in an hour than anybody's work needs."""
    for (person, _hour), some in _hours(rows).items():
        count = matters(some)
        if count >= limits.hourly_cap:
            yield finding(
                "hourly_cap", some, person=person, openings=count, limit=limits.hourly_cap
            )


def spike(rows: Sequence[LookRow], limits: Thresholds) -> Iterator[Finding]:
    """Many times the own busiest hour of other days, and the busiest hour of the role's others."""
    hours = _hours(rows)
    counts = {key: matters(some) for key, some in hours.items()}
    roles = {key: some[0].role for key, some in hours.items()}
    for (person, hour), some in hours.items():
        count, role = counts[person, hour], roles[person, hour]
        if count < limits.spike_least:
            continue
        usual = _busiest(
            n for (who, at), n in counts.items() if who == person and at.date() != hour.date()
        )
        role_usual = _busiest(
            n for key, n in counts.items() if key[0] != person and roles[key] == role
        )
        if count >= limits.spike_times * max(usual, role_usual, 1):
            yield finding(
                "spike", some, person=person, openings=count, usual=usual, role_usual=role_usual
            )


def _hours(rows: Sequence[LookRow]) -> Hours:
    return dict(grouped(openings(rows), lambda row: (row.actor, hour_of(row))))


def _busiest(counts: Iterable[int]) -> int:
    """The busiest hour but the busiest twentieth: one loud hour must not hide the next."""
    found = sorted(counts)
    return found[(len(found) - 1) * 19 // 20] if found else 0
