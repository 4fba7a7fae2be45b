"""A call as the simulated city makes it, whether drawn from rates or read from a record."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call. id: the matter it opens. lon, lat: WGS-84 degrees. Callers are invented.

    recorded_arrive_s: seconds from order to first arrival in the record it comes from, if any.
    """

    id: UUID
    reported_at: datetime
    channel: str
    category: str
    level: int
    lon: float
    lat: float
    label: str
    caller_name: str
    caller_phone: str
    narrative: str
    recorded_arrive_s: float | None = None
