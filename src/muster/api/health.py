"""Is it alive, is it ready, and the numbers everyone may see."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from litestar import Response, get, post
from litestar.openapi import ResponseSpec

from muster.action.units import duty, tables
from muster.api.opening import reads
from muster.api.platform import Platform
from muster.command.incidents.tables import counts
from muster.identity.authoriser import authorise, scope_of
from muster.identity.scope import SUMMARY
from muster.journal.context import Actor
from muster.journal.refusal import Refused


class Alive(msgspec.Struct, frozen=True):
    alive: bool = True


class Ready(msgspec.Struct, frozen=True):
    """`reasons`: why not; `notes`: what does not keep it from working, but should be known. Both
    in English, for the engineer."""

    ready: bool
    reasons: list[str]
    notes: list[str]


class OpenCounts(msgspec.Struct, frozen=True):
    by_level: dict[str, int]
    by_state: dict[str, int]


class UnitCounts(msgspec.Struct, frozen=True):
    by_group: dict[str, int]


class TodayCounts(msgspec.Struct, frozen=True):
    """Since midnight in the city."""

    reported: int
    closed: int


class Summary(msgspec.Struct, frozen=True):
    """Counts only: no matter, no person, no place."""

    open: OpenCounts
    units: UnitCounts
    today: TodayCounts


class ClockWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    now: datetime


@get(
    "/healthz",
    sync_to_thread=False,
    opt=reads("open"),
    operation_id="healthz",
    summary="存活: the process lives",
)
def healthz() -> Alive:
    return Alive()


@get(
    "/readyz",
    sync_to_thread=False,
    opt=reads("open"),
    operation_id="readyz",
    summary="就绪: it may be given requests",
    responses={503: ResponseSpec(Ready, generate_examples=False, description="Not now: `reasons`")},
)
def readyz(platform: Platform) -> Response[Ready]:
    reasons = platform.ready()
    found = Ready(not reasons, reasons, platform.notes())
    return Response(found, status_code=503 if reasons else 200)


@get(
    "/api/summary",
    sync_to_thread=True,
    opt=reads("list", scope="read:summary"),
    operation_id="get_summary",
    summary="数字: counts of the whole city, or of what one may see",
)
def get_summary(platform: Platform, actor: Actor) -> Summary:
    now = platform.clock.now()
    local = now.astimezone(ZoneInfo(platform.pack.city.timezone))
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    with platform.pool.connection() as connection:
        scope = scope_of(connection, actor)
        if not scope.allows_at(SUMMARY, None):
            raise Refused("authority.denied", operation=SUMMARY)
        found = counts(connection, midnight, scope)
        groups: dict[str, int] = {}
        for unit in tables.units(connection):
            path = ".".join(platform.pack.path(unit.organisation))
            if not scope.counts_all and not scope.allows_at("read.units", path):
                continue
            group = duty.shown_status(unit, platform.pack).group
            groups[group] = groups.get(group, 0) + 1
    return Summary(
        OpenCounts(found.by_level, found.by_state),
        UnitCounts(groups),
        TodayCounts(found.reported, found.closed),
    )


@post(
    "/api/simulation/clock",
    sync_to_thread=True,
    status_code=200,
    operation_id="drive_clock",
    summary="拨钟: move a simulated clock forward",
)
def drive_clock(platform: Platform, actor: Actor, data: ClockWanted) -> ClockWanted:
    """Move the clock of a driven data folder forward, performing what falls due on the way."""
    with platform.pool.connection() as connection:
        authorise(connection, actor, "simulate.clock")
    if platform.driven is None:
        raise Refused("simulation.off")
    platform.simulate_to(data.now)
    return ClockWanted(platform.clock.now())


ROUTES: tuple[Any, ...] = (healthz, readyz, get_summary, drive_clock)
