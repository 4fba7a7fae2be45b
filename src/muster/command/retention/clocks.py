"""The clocks of a matter's words, from its state and the city's table. Pure.

A clock starts when the matter is over and ends at its class's span, or at the later day a review
decided. It stands while the matter is held, and after it rang while the class is in review.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from muster.command.retention.state import Retention
from muster.geography.retention import Schedule

CLASS, HOLD, UNSEALING = "retention:", "retention_hold:", "retention_unsealing"
PREFIX = "retention"


class Clock(msgspec.Struct, frozen=True):
    """One class of one matter. `due` None: permanent. `status`: running, held, review (somebody
    must look), proposed (a second person must decide), permanent."""

    of: str
    due: datetime | None
    status: str


class Weighed(msgspec.Struct, frozen=True):
    """What of an incident decides how long it is kept."""

    retention: Retention
    level: int
    category: str


def clocks(schedule: Schedule, matter: Weighed) -> list[Clock]:
    """The clock of every class the matter still holds; none while it is open."""
    kept = matter.retention
    if kept.ended_at is None or kept.whole_erased:
        return []
    return [_clock(schedule, matter, kept.ended_at, name) for name in sorted(kept.left)]


def _clock(schedule: Schedule, matter: Weighed, start: datetime, name: str) -> Clock:
    kept = matter.retention
    due = schedule.classes[name].ends(start, matter.level, matter.category)
    later = kept.kept_until.get(name)
    if due is not None and later is not None:
        due = max(due, later)
    if kept.holds:
        status = "held"
    elif kept.proposal is not None and name in kept.proposal.classes:
        status = "proposed"
    elif name in kept.in_review:
        status = "review"
    else:
        status = "permanent" if due is None else "running"
    return Clock(name, due, status)


def due_of(schedule: Schedule, matter: Weighed) -> Mapping[str, datetime]:
    """The deadlines: of classes whose clock runs, of holds with an end, of an unsealing."""
    kept = matter.retention
    found = {
        CLASS + clock.of: clock.due
        for clock in clocks(schedule, matter)
        if clock.due is not None and clock.status == "running"
    }
    for hold in kept.holds.values():
        if hold.until is not None:
            found[HOLD + hold.hold] = hold.until
    if kept.sealing is not None and kept.sealing.open_until is not None:
        found[UNSEALING] = kept.sealing.open_until
    return found


def operation_due(name: str) -> str:
    """The operation that is due under a deadline's name."""
    return "retention.clock" if name.startswith(PREFIX) else "incident.clock"
