"""Alarm buttons of machines: a unit calls for help, and every board shows it at once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Final

import msgspec
from litestar import post
from psycopg import Connection

from muster.action.units import duty
from muster.action.units.unit import Unit
from muster.api.bearer import SCOPE
from muster.api.platform import Platform, RunningPlatform
from muster.identity.authoriser import authorise, scope_of
from muster.identity.authority import by_crew
from muster.identity.roles import TOKEN_ACTOR
from muster.identity.tokens import tables as token_tables
from muster.journal.context import Actor
from muster.journal.entry import check_input
from muster.journal.refusal import Refused
from muster.telemetry.fixes import AHEAD_MS, EPOCH, SKEW_MS

RIGHT: Final = "unit.call_for_help"
TOKEN_SCOPE: Final = "alarms:report"


class Alarm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`at`: when the button went down, with its offset from UTC or in milliseconds since 1970."""

    unit: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    at: Annotated[datetime, msgspec.Meta(tz=True)] | Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]


class AlarmShown(msgspec.Struct, frozen=True):
    """The status the unit shows now. It stays until somebody sets another."""

    unit: str
    status: str


@post(
    "/api/alarms",
    sync_to_thread=True,
    status_code=200,
    operation_id="call_for_help",
    summary="报警按钮: the alarm button of a unit was pressed",
    opt={SCOPE: TOKEN_SCOPE},
)
def call_for_help(platform: Platform, actor: Actor, data: Alarm) -> AlarmShown:
    """Again while it is shown: nothing changes. Only for a unit on duty, from its sign-on on."""
    check_input(data)
    with platform.pool.connection() as connection:
        found = duty.locked_unit(connection, data.unit)
        _check(platform, connection, actor, found)
        at = _moment(platform, found, data.at)
        help_wanted = platform.pack.status_of("emergency").code
        if found.status != help_wanted:
            duty.set_status(
                connection,
                found,
                status=help_wanted,
                reason=f"alarm button {at:%Y-%m-%dT%H:%M:%SZ}",
                actor=actor.person,
                pack=platform.pack,
            )
    platform.unit_changed(data.unit)
    return AlarmShown(data.unit, help_wanted)


def _check(
    platform: RunningPlatform, connection: Connection[Any], actor: Actor, unit: Unit
) -> None:
    """A token speaks for the units of its organisation, one that is bound to a unit for no other;
    an officer for the unit he crews. Raises authority.denied."""
    path = ".".join(platform.pack.path(unit.organisation))
    if not actor.person.startswith(TOKEN_ACTOR):
        authority = authorise(connection, actor, RIGHT, unit.organisation)
        mine = not by_crew(RIGHT, authority.role) or actor.person in unit.crew
    else:
        found = token_tables.token(connection, actor.person.removeprefix(TOKEN_ACTOR))
        bound = found[0].unit if found is not None else ""
        mine = bound in (None, unit.id) and scope_of(connection, actor).allows_at(RIGHT, path)
    if not mine:
        raise Refused("authority.denied", operation=RIGHT)


def _moment(platform: RunningPlatform, unit: Unit, said: datetime | int) -> datetime:
    """Raises unit.not_on_duty, time.impossible."""
    ahead = platform.clock.now() + timedelta(milliseconds=AHEAD_MS)
    try:
        at = EPOCH + timedelta(milliseconds=said) if isinstance(said, int) else said
        late = at > ahead
    except OverflowError:
        raise Refused("time.impossible", path="at") from None
    if late:
        raise Refused("time.impossible", path="at")
    if unit.since is None or at < unit.since - timedelta(milliseconds=SKEW_MS):
        raise Refused("unit.not_on_duty", unit=unit.id)
    return at.astimezone(EPOCH.tzinfo)


ROUTES = (call_for_help,)
