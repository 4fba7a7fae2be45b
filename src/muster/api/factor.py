"""The own second factor: enrolling an authenticator app, recovery codes, taking it off."""

from datetime import datetime
from typing import Any

import msgspec
import segno
from litestar import Response, Router, delete, get, post

from muster.api.opening import reads
from muster.api.platform import Platform
from muster.api.session import FIRST_STEPS, PROVE, AnyRequest, cookie, sessions_for, token_of
from muster.api.sign_in import CodeEntered
from muster.identity.people import find_person
from muster.identity.sessions import Session, SignedIn, end_sessions
from muster.identity.sign_in.changes import CODES, FACTOR, FACTOR_OFF, tell_here
from muster.identity.sign_in.factors import Factors
from muster.identity.sign_in.factors import remove_factor as take_off
from muster.journal.clock import real_now


class FactorShown(msgspec.Struct, frozen=True):
    """`since` null: there is none. `codes_left`: recovery codes not yet used."""

    since: datetime | None
    codes_left: int


class FactorBegun(msgspec.Struct, frozen=True):
    """The secret, shown this once: for typing, as an otpauth address, and as a picture of it."""

    secret: str
    address: str
    qr: str


class FactorOn(msgspec.Struct, frozen=True):
    """The recovery codes, shown this once, and the session under its new token."""

    codes: list[str]
    session: Session


class RecoveryCodes(msgspec.Struct, frozen=True):
    """Shown this once; those before do not work any more."""

    codes: list[str]


@get(
    "/api/session/factor",
    sync_to_thread=True,
    opt=reads("own", **FIRST_STEPS),
    operation_id="get_factor",
    summary="第二因素: the own second factor",
)
def get_factor(platform: Platform, signed_in: SignedIn) -> FactorShown:
    """Whether there is a second factor, and how many recovery codes are left."""
    with platform.pool.connection() as connection:
        state = Factors(platform.vault).state(connection, signed_in.person)
    return FactorShown(state.since, state.codes_left)


@post(
    "/api/session/factor",
    sync_to_thread=True,
    opt={**PROVE, **FIRST_STEPS},
    operation_id="begin_factor",
    summary="开始绑定: begin to enrol an authenticator app",
)
def begin_factor(platform: Platform, signed_in: SignedIn) -> FactorBegun:
    """A fresh secret for an authenticator app. It is in force once a code of it was given."""
    with platform.pool.connection() as connection:
        person = find_person(connection, signed_in.person)
        begun = Factors(platform.vault).begin(connection, person, real_now())
    qr = segno.make_qr(begun.address, error="m").svg_data_uri(scale=4, border=4, light="#fff")
    return FactorBegun(begun.secret, begun.address, qr)


@post(
    "/api/session/factor/confirm",
    sync_to_thread=True,
    status_code=200,
    opt={**PROVE, **FIRST_STEPS},
    operation_id="confirm_factor",
    summary="确认绑定: the first code of the app",
)
def confirm_factor(
    request: AnyRequest, platform: Platform, signed_in: SignedIn, data: CodeEntered
) -> Response[FactorOn]:
    """The second factor is in force. One's other sessions end; this one gets a new token."""
    with platform.pool.connection() as connection:
        person, now = find_person(connection, signed_in.person), real_now()
        codes = Factors(platform.vault).confirm(connection, person, data.code, now)
        tell_here(connection, bytes.fromhex(signed_in.session), FACTOR, now)
        token, session = _others_end(platform, connection, request, signed_in)
    return Response(FactorOn(codes, session), status_code=200, cookies=[cookie(request, token)])


@post(
    "/api/session/factor/codes",
    sync_to_thread=True,
    status_code=200,
    opt=PROVE,
    operation_id="fresh_recovery_codes",
    summary="恢复码: new recovery codes",
)
def fresh_recovery_codes(platform: Platform, signed_in: SignedIn) -> RecoveryCodes:
    """Ten new recovery codes, each for one sign-in without the app."""
    with platform.pool.connection() as connection:
        codes = Factors(platform.vault).fresh_codes(connection, signed_in.person, real_now())
        tell_here(connection, bytes.fromhex(signed_in.session), CODES, real_now())
    return RecoveryCodes(codes)


@delete(
    "/api/session/factor",
    sync_to_thread=True,
    status_code=200,
    opt=PROVE,
    operation_id="remove_factor",
    summary="解除绑定: sign in without a second factor",
)
def remove_factor(
    request: AnyRequest, platform: Platform, signed_in: SignedIn
) -> Response[Session]:
    """No second factor any more, where the policy does not ask for one. Other sessions end."""
    with platform.pool.connection() as connection:
        person = signed_in.person
        take_off(connection, person, actor=person, reason="own removal")
        tell_here(connection, bytes.fromhex(signed_in.session), FACTOR_OFF, real_now())
        token, session = _others_end(platform, connection, request, signed_in)
    return Response(session, status_code=200, cookies=[cookie(request, token)])


def _others_end(
    platform: Any, connection: Any, request: AnyRequest, signed_in: SignedIn
) -> tuple[str, Session]:
    person, reason = signed_in.person, "second factor changed"
    here = bytes.fromhex(signed_in.session)
    end_sessions(connection, person, actor=person, reason=reason, keep=here)
    return sessions_for(platform).renew(connection, token_of(request), reason=reason)


ROUTES: tuple[Any, ...] = (
    Router(
        "/",
        route_handlers=[
            get_factor,
            begin_factor,
            confirm_factor,
            fresh_recovery_codes,
            remove_factor,
        ],
    ),
)
