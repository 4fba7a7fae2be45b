"""Positions from devices that speak their own way: the OsmAnd form (OsmAnd, Traccar Client, any
vehicle gateway that can fill in a URL) and the positions a Traccar server forwards.

Such a device has no session: its token says which unit it is. An app that can only be given a URL
has the token in `id`; nothing here writes down or repeats what stands there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl

import msgspec
from litestar import Request, post, route
from litestar.concurrency import sync_to_thread
from litestar.enums import HttpMethod
from litestar.exceptions import ValidationException
from litestar.handlers import HTTPRouteHandler

from muster.api.bearer import bearer_of
from muster.api.body import MEDIA, StrictRequest, decoded
from muster.api.opening import reads
from muster.api.platform import Platform, RunningPlatform
from muster.api.session import PUBLIC, address_of
from muster.api.telemetry import TOKEN_SCOPE, OnDuty, of_token
from muster.identity.tokens.token import Tokens
from muster.journal.refusal import Refused
from muster.telemetry.fixes import Fix
from muster.telemetry.positions import Positions, Reported

FORM: Final = "application/x-www-form-urlencoded"
BODY_LIMIT: Final = 16 * 1024
MOST_FIELDS: Final = 100
KNOT_KMH: Final = 1.852
MPS_KMH: Final = 3.6
#: Numbers below are seconds, as Traccar reads them.
_SECONDS_BELOW: Final = 2**31 - 1


@dataclass(frozen=True)
class Speaker:
    """For whom a token speaks: one unit, or (None) those on duty, each named in its message."""

    unit: str | None
    on_duty: OnDuty


OfToken: TypeAlias = Callable[[str, str], Speaker]
"""(token, network address) → whom it may report positions for. Raises Refused."""


def machines(platform: RunningPlatform) -> OfToken:
    """The usual judgement, from the tokens and duties as the database has them. Raises Refused:
    token.invalid, token.scope."""

    def speaker(value: str, address: str) -> Speaker:
        token = Tokens(platform.pool).check(value, address)
        token.require(TOKEN_SCOPE)
        with platform.pool.connection() as connection:
            return Speaker(token.unit, of_token(platform, connection, token))

    return speaker


@dataclass(frozen=True)
class Sent:
    """What one message says. `unit`: the unit it names, needed where the token speaks for several;
    `fix` None when it cannot be read."""

    token: str
    unit: str
    fix: Fix | None


def routes(positions: Positions, speaks: OfToken) -> Sequence[HTTPRouteHandler]:
    """Both doors, for the positions of a running system. They stand in no OpenAPI document: their
    form is not ours (docs/positions.md)."""

    def take(platform: RunningPlatform, sent: Sent, address: str) -> Reported:
        reporter = positions.reporter(lambda: _on_duty(speaks, sent, address))
        return positions.report(
            [sent.fix], reporter, platform.clock.now(), next(iter(reporter.places))
        )

    @route(
        "/api/positions/osmand",
        http_method=[HttpMethod.GET, HttpMethod.POST],
        status_code=200,
        opt=reads("own", **PUBLIC),
        request_max_body_size=BODY_LIMIT,
        include_in_schema=False,
    )
    async def osmand(platform: Platform, request: Request[Any, Any, Any]) -> Reported:
        sent = await _of_device(request, platform.clock.now())
        return await sync_to_thread(take, platform, sent, address_of(request))

    @post(
        "/api/positions/traccar",
        status_code=200,
        opt=PUBLIC,
        request_max_body_size=BODY_LIMIT,
        include_in_schema=False,
    )
    async def traccar(platform: Platform, request: Request[Any, Any, Any]) -> Reported:
        sent = forwarded(await _json(request), bearer_of(request.headers) or "")
        return await sync_to_thread(take, platform, sent, address_of(request))

    return osmand, traccar


def _on_duty(speaks: OfToken, sent: Sent, address: str) -> OnDuty:
    """The one unit a message is of. Raises Refused: token.*, position.off_duty."""
    speaker = speaks(sent.token, address)
    unit = speaker.unit or sent.unit
    since = speaker.on_duty.get(unit)
    if since is None:
        raise Refused("position.off_duty", unit=speaker.unit or "")
    return {unit: since}


async def _of_device(request: Request[Any, Any, Any], now: datetime) -> Sent:
    """As Traccar: the query counts, and the body where there is none."""
    query = request.scope["query_string"]
    if query:
        return asked(pairs(query), now)
    if request.content_type[0] == MEDIA:
        return located(await _json(request))
    if request.content_type[0] not in (FORM, ""):
        raise Refused("media.unknown")
    assert isinstance(request, StrictRequest)
    return asked(pairs(await request.plain_body()), now)


async def _json(request: Request[Any, Any, Any]) -> bytes:
    if request.content_type[0] != MEDIA:
        raise Refused("media.unknown")
    assert isinstance(request, StrictRequest)
    return await request.plain_body()


def pairs(query: bytes) -> dict[str, str]:
    """The fields of a query or a form; of two with a name the last. Raises ValidationException."""
    try:
        text = query.decode("ascii")
        return dict(parse_qsl(text, max_num_fields=MOST_FIELDS, errors="strict"))
    except (ValueError, UnicodeError):
        raise ValidationException("query", extra=[{"key": "", "message": ""}]) from None


def asked(fields: Mapping[str, str], now: datetime) -> Sent:
    """The OsmAnd form. Speed is in knots; a message without a moment is of now."""
    token = fields.get("id") or fields.get("deviceid") or ""
    return Sent(token, fields.get("unit", ""), _asked_fix(fields, now))


def _asked_fix(fields: Mapping[str, str], now: datetime) -> Fix | None:
    lat, lon = fields.get("lat"), fields.get("lon")
    if "location" in fields:
        lat, _, lon = fields["location"].partition(",")
    if not lat or not lon:
        return None
    try:
        at = moment(fields["timestamp"]) if "timestamp" in fields else now
        valid = fields.get("valid", "1").lower() in ("1", "true")
        return Fix(
            # What a device does not vouch for is as nowhere.
            lon=float(lon) if valid else 0.0,
            lat=float(lat) if valid else 0.0,
            at=at,
            speed_kmh=_number(fields.get("speed"), KNOT_KMH),
            heading=_number(fields.get("bearing") or fields.get("heading")),
            accuracy_m=_number(fields.get("accuracy")),
        )
    except ValueError:
        return None


def _number(text: str | None, times: float = 1.0) -> float | None:
    """A side value, None where it is none: the position itself may still be right."""
    try:
        return float(text) * times if text else None
    except ValueError:
        return None


def moment(text: str) -> datetime | int:
    """Seconds or milliseconds since 1970, or ISO 8601; without an offset it is UTC. Raises
    ValueError."""
    if text.isascii() and text.isdigit():
        number = int(text)
        number = number * 1000 if number < _SECONDS_BELOW else number
        if number > 1 << 53:
            raise ValueError(text)
        return number
    found = datetime.fromisoformat(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


class _Coords(msgspec.Struct):
    latitude: float
    longitude: float
    speed: float | None = None
    heading: float | None = None
    accuracy: float | None = None


class _Location(msgspec.Struct):
    timestamp: str
    coords: _Coords


class _Located(msgspec.Struct):
    """Traccar Client since version 9. Speed is in metres per second."""

    location: _Location
    device_id: str
    unit: str = ""


def located(body: bytes) -> Sent:
    """Raises ValidationException."""
    said: _Located = decoded(body, _Located)
    coords = said.location.coords
    return Sent(
        said.device_id, said.unit, _made(coords, said.location.timestamp, coords.speed, MPS_KMH)
    )


class _Position(msgspec.Struct, rename="camel"):
    latitude: float
    longitude: float
    fix_time: str
    valid: bool = True
    speed: float | None = None
    course: float | None = None
    accuracy: float | None = None

    @property
    def heading(self) -> float | None:
        return self.course


class _Device(msgspec.Struct, rename="camel"):
    unique_id: str


class _Forwarded(msgspec.Struct):
    """Traccar's `forward.type` json. Speed is in knots, as everywhere in Traccar."""

    position: _Position
    device: _Device


def forwarded(body: bytes, token: str) -> Sent:
    """A position forwarded by a Traccar server; the device's identifier there names the unit where
    the token speaks for several. Raises ValidationException."""
    said: _Forwarded = decoded(body, _Forwarded)
    place = said.position
    fix = _made(place, place.fix_time, place.speed, KNOT_KMH)
    if fix is not None and not place.valid:
        fix = msgspec.structs.replace(fix, lon=0.0, lat=0.0)
    return Sent(token, said.device.unique_id, fix)


def _made(
    place: _Coords | _Position, at: str, speed: float | None, speed_unit: float
) -> Fix | None:
    try:
        when = moment(at)
    except ValueError:
        return None
    accuracy = place.accuracy or None  # Traccar says 0 for an accuracy it does not know
    return Fix(
        lon=place.longitude,
        lat=place.latitude,
        at=when,
        speed_kmh=None if speed is None else speed * speed_unit,
        heading=place.heading,
        accuracy_m=accuracy,
    )
