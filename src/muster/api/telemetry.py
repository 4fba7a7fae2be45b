"""Positions come in: POST /api/positions."""

from collections.abc import Callable
from typing import Annotated, TypeAlias

import msgspec
from litestar import post
from litestar.handlers import HTTPRouteHandler

from muster.action.units import tables
from muster.api.platform import Platform
from muster.journal.context import Actor
from muster.journal.entry import check_input
from muster.journal.refusal import Refused
from muster.telemetry.fixes import Fix
from muster.telemetry.positions import Positions, Reported

MOST_FIXES = 500
BODY_LIMIT = 256 * 1024

MayReport: TypeAlias = Callable[[Actor, str], bool]
"""Whether the actor may send positions of a unit: it is on duty and the actor crews it."""


class PositionReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A unit's fixes, in any order, at most 500. Fixes that cannot be true are refused one by
    one; the others are taken. WGS-84 degrees, times with their offset from UTC."""

    unit: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    fixes: Annotated[list[Fix], msgspec.Meta(max_length=MOST_FIXES)]


def crews(platform: Platform) -> MayReport:
    """The usual judgement: the unit is on duty and the actor is in its crew."""

    def may_report(actor: Actor, unit: str) -> bool:
        with platform.pool.connection() as connection:
            return unit in tables.crewed_by(connection, actor.person)

    return may_report


def route(positions: Positions, may_report: MayReport) -> HTTPRouteHandler:
    """The door, for the positions of a running system."""

    @post(
        "/api/positions",
        sync_to_thread=True,
        status_code=200,
        operation_id="report_positions",
        summary="位置上报: a unit's positions",
        request_max_body_size=BODY_LIMIT,
    )
    def report_positions(platform: Platform, actor: Actor, data: PositionReport) -> Reported:
        check_input(data.unit, "unit")
        if not may_report(actor, data.unit):
            raise Refused("position.off_duty", unit=data.unit)
        return positions.report(data.unit, data.fixes, platform.clock.now())

    return report_positions
