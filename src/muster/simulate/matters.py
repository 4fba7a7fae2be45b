"""What the simulated people remember of a matter between two looks at it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from muster.simulate.drive import Point
from muster.simulate.shapes import IncidentRow

#: Order states in which a unit is still asked, and those in which it has said yes.
UNSIGNED: Final = ("given", "delivered")
AT_WORK: Final = ("signed", "under_way", "on_scene", "handling")


@dataclass
class Matter:
    """One incident. orders: order -> when it was given, as far as known. active: signed orders."""

    id: UUID
    level: int
    category: str
    place: Point
    reported_at: datetime
    orders: dict[UUID, datetime | None] = field(default_factory=dict)
    active: set[UUID] = field(default_factory=set)
    dispatched_at: datetime | None = None
    arrived_at: datetime | None = None
    reported: bool = False
    sent_back: bool = False
    recorded_arrive_s: float | None = None


def path(matter: UUID, operation: str) -> str:
    """The door of an operation on an incident."""
    return f"/api/incidents/{matter}/{operation}"


def from_row(row: IncidentRow) -> Matter | None:
    """A matter somebody else opened. None when its place is not shown to us."""
    if row.place is None:
        return None
    return Matter(
        id=row.id,
        level=row.level,
        category=row.category,
        place=Point(row.place.lon, row.place.lat),
        reported_at=row.reported_at,
    )
