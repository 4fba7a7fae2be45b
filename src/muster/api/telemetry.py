"""Positions come in: POST /api/positions, a batch of one unit or of several."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, Final, TypeAlias, cast

import msgspec
from litestar import post
from litestar.handlers import HTTPRouteHandler
from psycopg import Connection

from muster.action.units import tables
from muster.api.bearer import SCOPE
from muster.api.body import INFLATES_TO, decoded
from muster.api.platform import Platform, RunningPlatform
from muster.identity.authoriser import authorise
from muster.identity.roles import TOKEN_ACTOR
from muster.identity.tokens import tables as token_tables
from muster.identity.tokens.tables import TokenRow
from muster.identity.tokens.token import Token
from muster.journal.context import Actor
from muster.journal.entry import check_input
from muster.journal.refusal import Refused
from muster.telemetry.fixes import Fix
from muster.telemetry.positions import Positions, Reported

MOST_FIXES: Final = 5000
BODY_LIMIT: Final = 1024 * 1024

OnDuty: TypeAlias = Mapping[str, datetime]
"""Units on duty, and since when."""
Crewed: TypeAlias = Callable[[Actor], OnDuty]
"""The units somebody may send positions of: those on duty that the actor crews. Raises Refused."""

RIGHT: Final = "position.report"
TOKEN_SCOPE: Final = "positions:report"

UnitName = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class PositionReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Fixes of one unit, or each with its own `unit`, in any order, at most 5,000. Those that
    cannot be read or cannot be true are refused one by one; the others are taken. WGS-84 degrees,
    times with their offset from UTC or in milliseconds since 1970 UTC."""

    fixes: Annotated[list[Fix], msgspec.Meta(max_length=MOST_FIXES)]
    unit: UnitName | None = None

    @classmethod
    def from_json(cls, body: bytes) -> PositionReport:
        """A batch; in place of a fix that cannot be read stands None. Raises ValidationException
        where the batch itself does not fit."""
        try:
            return _WHOLE.decode(body)
        except msgspec.ValidationError:
            loose: _Loose = decoded(body, _Loose)
            return cls(cast(list[Fix], fixes_of(loose.fixes)), loose.unit)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return cast(PositionReport, decoded(body, cls))


class _Loose(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    fixes: Annotated[list[msgspec.Raw], msgspec.Meta(max_length=MOST_FIXES)]
    unit: UnitName | None = None


_WHOLE = msgspec.json.Decoder(PositionReport)
_ONE = msgspec.json.Decoder(Fix)


def fixes_of(raw: Iterable[msgspec.Raw]) -> list[Fix | None]:
    """Fixes read one by one; None where one cannot be read."""
    return [_fix(one) for one in raw]


def _fix(raw: msgspec.Raw) -> Fix | None:
    try:
        return _ONE.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def crews(platform: Platform) -> Crewed:
    """The usual judgement, from the rights and duties as the database has them. Raises Refused:
    session.expired, authority.denied."""

    def on_duty(actor: Actor) -> OnDuty:
        with platform.pool.connection() as connection:
            authorise(connection, actor, RIGHT)
            if not actor.person.startswith(TOKEN_ACTOR):
                return tables.duties_of(connection, actor.person)
            found = token_tables.token(connection, actor.person.removeprefix(TOKEN_ACTOR))
            assert found is not None, "it was authorised just now"
            return of_token(platform, connection, found[0])

    return on_duty


def of_token(
    platform: RunningPlatform, connection: Connection[Any], token: TokenRow | Token
) -> OnDuty:
    """The units on duty that a token may report for: its own, or those of its organisation."""
    if token.unit is not None:
        return tables.duties(connection, [token.unit])
    under = platform.pack.subtree(token.organisation)
    mine = [unit.id for unit in platform.pack.units.values() if unit.organisation in under]
    return tables.duties(connection, mine)


def route(positions: Positions, crewed: Crewed) -> HTTPRouteHandler:
    """The door, for the positions of a running system."""

    @post(
        "/api/positions",
        sync_to_thread=True,
        status_code=200,
        operation_id="report_positions",
        summary="位置上报: positions of a unit, or of several",
        request_max_body_size=BODY_LIMIT,
        opt={INFLATES_TO: BODY_LIMIT, SCOPE: TOKEN_SCOPE},
    )
    def report_positions(platform: Platform, actor: Actor, data: PositionReport) -> Reported:
        reporter = positions.reporter(lambda: crewed(actor))
        if data.unit is not None:
            check_input(data.unit, "unit")
            if data.unit not in reporter.places:
                raise Refused("position.off_duty", unit=data.unit)
        fixes: Any = data.fixes
        return positions.report(fixes, reporter, platform.clock.now(), data.unit or "")

    return report_positions
