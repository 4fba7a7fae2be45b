"""What the doors answer, as far as a simulated person reads it. Unknown fields are ignored."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec


class Account(msgspec.Struct, frozen=True):
    """Who signs in. The password is the one of a demonstration, never a person's."""

    username: str
    password: str


class Session(msgspec.Struct, frozen=True):
    """POST /api/session."""

    csrf: str


class ServerClock(msgspec.Struct, frozen=True):
    """`speed`: clock seconds per real second; 0 for a clock the requests drive."""

    now: datetime
    speed: float


class ClockLimit(msgspec.Struct, frozen=True):
    name: str
    seconds: int
    level: int | None = None


class City(msgspec.Struct, frozen=True):
    """GET /api/city."""

    clock: ServerClock
    simulated: bool = False
    clocks: tuple[ClockLimit, ...] = ()

    def limit(self, name: str, level: int) -> int:
        """Seconds allowed for a hand-off; 120 when the city does not say."""
        rows = {(row.name, row.level): row.seconds for row in self.clocks}
        return rows.get((name, level), rows.get((name, None), 120))


class Spot(msgspec.Struct, frozen=True):
    """Degrees, WGS-84."""

    lon: float
    lat: float


class OrderRow(msgspec.Struct, frozen=True):
    order: UUID
    unit: str
    state: str = ""


class IncidentRow(msgspec.Struct, frozen=True):
    id: UUID
    state: str
    level: int
    category: str
    reported_at: datetime
    place: Spot | None = None
    orders: tuple[OrderRow, ...] = ()
    merged_into: UUID | None = None


class Incidents(msgspec.Struct, frozen=True):
    """GET /api/incidents. `next`: pass it as `before` for the following page."""

    items: tuple[IncidentRow, ...]
    next: str | None = None


class Incident(msgspec.Struct, frozen=True):
    """GET /api/incidents/{id}."""

    row: IncidentRow


class Candidate(msgspec.Struct, frozen=True):
    unit: str


class Recommendations(msgspec.Struct, frozen=True):
    candidates: tuple[Candidate, ...]


class Duplicate(msgspec.Struct, frozen=True):
    incident: IncidentRow
    distance_m: float
    age_s: float


class Duplicates(msgspec.Struct, frozen=True):
    items: tuple[Duplicate, ...]


class MyOrder(msgspec.Struct, frozen=True):
    incident: IncidentRow
    order: UUID
    state: str = ""


class MyOrders(msgspec.Struct, frozen=True):
    """GET /api/my/orders."""

    orders: tuple[MyOrder, ...] = ()


class Fix(msgspec.Struct, frozen=True):
    lon: float
    lat: float


class UnitRow(msgspec.Struct, frozen=True):
    id: str
    on_duty: bool
    position: Fix | None = None


class Units(msgspec.Struct, frozen=True):
    """GET /api/units."""

    items: tuple[UnitRow, ...]


class AnswerEntry(msgspec.Struct, frozen=True):
    """One entry a command added. `matter`: where, if not in the command's own matter."""

    number: int
    kind: str
    matter: UUID | None = None


class Answer(msgspec.Struct, frozen=True):
    """What a command became: the entries it added, to its matter and perhaps to others."""

    command: UUID
    matter: UUID
    entries: tuple[AnswerEntry, ...]
    recorded_at: datetime


class Entry(msgspec.Struct, frozen=True):
    """One line of GET /api/incidents/{id}/entries."""

    number: int
    kind: str
    command: UUID | None = None


class Entries(msgspec.Struct, frozen=True):
    entries: tuple[Entry, ...]


class Problem(msgspec.Struct, frozen=True):
    """application/problem+json."""

    status: int = 0
    code: str = "unknown"
    detail_zh: str = ""
    detail_en: str = ""


class Anything(msgspec.Struct, frozen=True):
    """An answer nobody reads."""


Body = dict[str, Any]
