"""Signing in and out, proving again, the own password and the own sessions."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response, Router, delete, get, post

from muster.api.opening import reads
from muster.api.platform import Platform, RunningPlatform
from muster.api.problems import Problem, refused
from muster.api.session import (
    FIRST_STEPS,
    PUBLIC,
    AnyRequest,
    client_of,
    cookie,
    device_cookie,
    pending_cookie,
    pending_of,
    same_site,
    sessions_for,
    token_of,
)
from muster.identity.first_link import FirstPerson, use_first_link
from muster.identity.passwords import Passwords
from muster.identity.sessions import CodeNeeded, Entered, Session, SignedIn, normal_username
from muster.identity.sign_in.attempts import username_hash
from muster.identity.sign_in.own_sessions import end_one, end_others, own_sessions
from muster.identity.sign_in.tables import SessionRow
from muster.journal.entry import check_input
from muster.journal.refusal import Refused

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Secret = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
Code = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
CodeOrNone = Annotated[str, msgspec.Meta(max_length=40)]


class SignIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    username: Text
    password: Secret


class CodeEntered(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Six digits of the authenticator app, or a recovery code."""

    code: Code


class Proof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`code`: of the second factor, for those who have one."""

    password: Secret
    code: CodeOrNone = ""


class PasswordChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    old: Secret
    new: Secret


class First(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`token`: from the one-time link the server printed."""

    token: Text
    username: Text
    name: Text
    password: Secret


class OwnSession(msgspec.Struct, frozen=True):
    """One of the own sessions. `agent`: family and system of the browser. `here`: this one."""

    id: str
    here: bool
    agent: str
    address: str
    method: str
    created_at: datetime
    last_seen: datetime
    expires_at: datetime


class OwnSessions(msgspec.Struct, frozen=True):
    """The one used last first."""

    items: list[OwnSession]


class Ended(msgspec.Struct, frozen=True):
    """How many sessions ended."""

    ended: int


@post(
    "/api/session", sync_to_thread=True, opt=PUBLIC, operation_id="sign_in", summary="登录: sign in"
)
def sign_in(request: AnyRequest, platform: Platform, data: SignIn) -> Response[Session]:
    """Sign in. Sets the cookie `muster_session`; `csrf` goes into X-CSRF-Token of every change.

    Who has a second factor is refused with `sign_in.code_needed` and a cookie for five minutes: the
    code goes to /api/session/code. On https the cookies' names begin with `__Host-`.
    """
    same_site(request)
    sessions, client = sessions_for(platform), client_of(request)
    request.scope["state"]["tried"] = username_hash(normal_username(data.username))
    try:
        token, session = sessions.sign_in(
            data.username, data.password, client=client, replaces=token_of(request)
        )
    except CodeNeeded as half:
        return code_needed(request, half)
    return entered(request, platform, token, session)


@post(
    "/api/session/code",
    sync_to_thread=True,
    opt=PUBLIC,
    operation_id="enter_code",
    summary="第二步: the code of the second factor",
)
def enter_code(request: AnyRequest, platform: Platform, data: CodeEntered) -> Response[Session]:
    """The second step of signing in: a code of the authenticator app, or a recovery code."""
    same_site(request)
    token, session = sessions_for(platform).enter_code(
        pending_of(request), data.code, client=client_of(request), replaces=token_of(request)
    )
    return entered(request, platform, token, session)


def code_needed(request: AnyRequest, half: CodeNeeded) -> Response[Any]:
    """The refusal that asks for the second step, with its cookie."""
    said: Response[Problem] = refused(request, Refused("sign_in.code_needed"))
    said.set_cookie(pending_cookie(request, half.pending))
    return said


def entered(
    request: AnyRequest, platform: RunningPlatform, token: str, session: Session
) -> Response[Session]:
    """The answer to whoever has just signed in: the session's cookie and the device's."""
    device = sessions_for(platform).remember(session.person.id, client_of(request))
    cookies = [cookie(request, token)]
    if pending_of(request):
        cookies.append(pending_cookie(request, ""))
    # As a header, it stands before the session's: Litestar sends cookies in no order of ours.
    headers = {"Set-Cookie": device_cookie(request, device).to_header(header="")}
    return Response(session, status_code=201, cookies=cookies, headers=headers)


@get(
    "/api/session",
    sync_to_thread=True,
    opt=reads("own", **FIRST_STEPS),
    operation_id="get_session",
    summary="会话: who is signed in here",
)
def get_session(request: AnyRequest, platform: Platform) -> Session:
    """Who is signed in here, with which grants."""
    return sessions_for(platform).session(token_of(request))


@delete(
    "/api/session",
    sync_to_thread=True,
    opt=FIRST_STEPS,
    operation_id="sign_out",
    summary="退出: sign out",
)
def sign_out(request: AnyRequest, platform: Platform) -> Response[None]:
    """Sign out: the session ends on the server."""
    sessions_for(platform).sign_out(token_of(request))
    return Response(None, status_code=204, cookies=[cookie(request, "")])


@post(
    "/api/session/prove",
    sync_to_thread=True,
    status_code=200,
    opt=FIRST_STEPS,
    operation_id="prove",
    summary="再次确认是你: prove who is here",
)
def prove(request: AnyRequest, platform: Platform, data: Proof) -> Response[Session]:
    """Prove again who is here: sensitive doors open for five minutes. A new token, a new CSRF."""
    token, session = sessions_for(platform).prove(
        token_of(request), data.password, data.code, client=client_of(request)
    )
    return renewed(request, token, session)


def renewed(request: AnyRequest, token: str, session: Session) -> Response[Session]:
    """The answer that carries the session's new token."""
    return Response(session, status_code=200, cookies=[cookie(request, token)])


@post(
    "/api/session/password",
    sync_to_thread=True,
    status_code=200,
    opt=FIRST_STEPS,
    operation_id="change_password",
    summary="改密码: change one's own password",
)
def change_password(
    request: AnyRequest, platform: Platform, data: PasswordChange
) -> Response[Session]:
    """Change one's own password; one's other sessions end, this one gets a new token."""
    token, session = sessions_for(platform).change_password(
        token_of(request), data.old, data.new, client=client_of(request)
    )
    return renewed(request, token, session)


@get(
    "/api/sessions",
    sync_to_thread=True,
    opt=reads("own"),
    operation_id="list_own_sessions",
    summary="我的会话: one's own sessions",
)
def list_own_sessions(platform: Platform, signed_in: SignedIn) -> OwnSessions:
    """Where one is signed in."""
    with platform.pool.connection() as connection:
        found = own_sessions(connection, signed_in.person)
    here = bytes.fromhex(signed_in.session)
    return OwnSessions([_own(row, here) for row in found])


@delete(
    "/api/sessions/{session:uuid}",
    sync_to_thread=True,
    status_code=200,
    operation_id="end_own_session",
    summary="结束会话: end one of one's own sessions",
)
def end_own_session(platform: Platform, signed_in: SignedIn, session: UUID) -> Ended:
    """End one of one's own sessions at once."""
    with platform.pool.connection() as connection:
        return Ended(end_one(connection, signed_in.person, str(session)))


@delete(
    "/api/sessions",
    sync_to_thread=True,
    status_code=200,
    operation_id="end_other_sessions",
    summary="结束其他会话: end all of one's sessions but this",
)
def end_other_sessions(platform: Platform, signed_in: SignedIn) -> Ended:
    """End all of one's own sessions but this one, and forget the devices signed in from."""
    with platform.pool.connection() as connection:
        return Ended(end_others(connection, signed_in.person, bytes.fromhex(signed_in.session)))


@post(
    "/api/first",
    sync_to_thread=True,
    opt=PUBLIC,
    operation_id="first_person",
    summary="首位管理员: use the one-time link",
)
def first_person(request: AnyRequest, platform: Platform, data: First) -> Response[Session]:
    """Use the one-time link: make the first administrator and sign in as that person."""
    same_site(request)
    check_input(data)
    with platform.pool.connection() as connection:
        made = use_first_link(
            connection,
            data.token,
            FirstPerson(data.username, data.name, data.password),
            passwords=Passwords(testing=platform.testing),
        )
        found = sessions_for(platform).open_for(connection, made.id, Entered(client_of(request)))
    return entered(request, platform, *found)


def _own(row: SessionRow, here: bytes) -> OwnSession:
    return OwnSession(
        id=row.id,
        here=row.token_hash == here,
        agent=row.agent,
        address=row.address,
        method=row.method,
        created_at=row.created_at,
        last_seen=row.last_seen,
        expires_at=row.expires_at,
    )


ROUTES: tuple[Any, ...] = (
    Router(
        "/",
        route_handlers=[
            sign_in,
            enter_code,
            get_session,
            sign_out,
            prove,
            change_password,
            list_own_sessions,
            end_own_session,
            end_other_sessions,
            first_person,
        ],
    ),
)
