"""Who is at the door: the session cookie, the CSRF token, and the actor every route is given.

Every route under /api needs a session, and every change its CSRF token, unless the route says
`opt={"public": True}`. The session is looked up in the database on each request and not cached:
it costs one indexed read, and a revoked session or a closed account ends at once.

A route with `opt={"prove": True}` asks for a fresh proof of who is there: whoever signed in or
proved it again within five minutes. Until somebody who must change the password or enrol a second
factor has done so, only routes with `opt={"first_steps": True}` answer.
"""

import hmac
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from litestar import Request
from litestar.concurrency import sync_to_thread
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.di import Provide
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send
from psycopg import Connection
from psycopg_pool import ConnectionPool

from muster.identity.passwords import Passwords
from muster.identity.sessions import LONGEST_SESSION, PENDING_FOR, Sessions, SignedIn
from muster.identity.sign_in.attempts import KEEP_DEVICES, Limits
from muster.identity.sign_in.client import Client, agent_family
from muster.identity.sign_in.factors import Factors, KeyMaker
from muster.identity.tokens.token import Token
from muster.journal.clock import real_now
from muster.journal.context import Actor
from muster.journal.refusal import Refused

#: Cookies on http; on https they carry the prefix, which browsers tie to this very host.
COOKIE: Final = "muster_session"
DEVICE_COOKIE: Final = "muster_device"
PENDING_COOKIE: Final = "muster_pending"
SECURE_PREFIX: Final = "__Host-"
CSRF_HEADER: Final = "X-CSRF-Token"
#: A handler's `opt` for routes that need no session.
PUBLIC: Final = {"public": True}
#: A handler's `opt` for routes that ask for a fresh proof of who is there.
PROVE: Final = {"prove": True}
#: A handler's `opt` for what somebody may do who must change the password or enrol first.
FIRST_STEPS: Final = {"first_steps": True}
PROVEN_FOR: Final = timedelta(minutes=5)
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
CLOSED_NO_SESSION: Final = 4401
CLOSED_OTHER_ORIGIN: Final = 4403
#: All tests of a run come from one address.
TESTING_LIMITS: Final = Limits(by_address=100_000, strangers=100_000)

#: Records why a live connection is closed at once.
Closing = Callable[[str, Scope], Awaitable[None]]
AnyConnection = ASGIConnection[Any, Any, Any, Any]
AnyRequest = Request[Any, Any, Any]


class SignInPlace(Protocol):
    """What is needed of the running system (`api.platform.Platform` fits)."""

    @property
    def pool(self) -> ConnectionPool[Connection[Any]]: ...
    @property
    def testing(self) -> bool: ...
    @property
    def vault(self) -> KeyMaker: ...


def sessions_for(platform: SignInPlace) -> Sessions:
    """Signing in and out in a running system. Holds nothing: make one wherever it is needed."""
    return Sessions(
        platform.pool,
        Passwords(testing=platform.testing),
        factors=Factors(platform.vault),
        limits=TESTING_LIMITS if platform.testing else Limits(),
    )


class SessionMiddleware(ASGIMiddleware):
    """Refuses requests without a session (session.required), changes without its CSRF token
    (session.csrf), what asks for a fresh proof (session.prove_again) or for a first step that is
    still to do (session.first_steps), and WebSockets of another origin; tells the routes who
    asks."""

    scopes = (ScopeType.HTTP, ScopeType.WEBSOCKET)
    exclude_opt_key = "public"

    def __init__(self, sessions: Sessions, closing: Closing | None = None) -> None:
        self._sessions, self._closing = sessions, closing

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        # The template, not the path: "//api/…" must not walk past.
        if not scope["path_template"].startswith("/api/"):
            await next_app(scope, receive, send)
            return
        if scope["state"].get("token") is not None:  # a machine's; no cookie is looked at
            if scope["route_handler"].opt.get("prove"):
                raise Refused("session.prove_again")  # a machine cannot
            await next_app(scope, receive, send)
            return
        connection: AnyConnection = ASGIConnection(scope, receive, send)
        token = token_of(connection)
        found = await sync_to_thread(self._sessions.lookup, token) if token else None
        if scope["type"] == ScopeType.WEBSOCKET:
            code = _why_closed(connection, found)
            if code:
                if self._closing is not None:
                    other = code == CLOSED_OTHER_ORIGIN
                    await self._closing("session.csrf" if other else "session.required", scope)
                await send({"type": "websocket.close", "code": code, "reason": ""})
                return
        else:
            scope["state"]["asked_by"] = found
            _check(connection, scope["method"], found)
            recently_proven(scope["route_handler"].opt, found)
        scope["state"]["signed_in"] = found
        await next_app(scope, receive, send)


def _check(connection: AnyConnection, method: str, found: SignedIn | None) -> None:
    if found is None:
        raise Refused("session.required")
    if method not in SAFE:
        given = connection.headers.get(CSRF_HEADER, "")
        if not hmac.compare_digest(given.encode(errors="replace"), found.csrf.encode()):
            raise Refused("session.csrf")


def recently_proven(opt: Mapping[str, Any], found: SignedIn | None) -> None:
    """The guard of sensitive routes, and of everything while a first step is to be done. Raises
    Refused: session.first_steps, session.prove_again."""
    if found is None:
        raise Refused("session.required")
    if found.needs and not opt.get("first_steps"):
        raise Refused("session.first_steps")
    if opt.get("prove"):
        proven = found.proven_at
        if proven is None or real_now() - proven > PROVEN_FOR:
            raise Refused("session.prove_again")


def _why_closed(connection: AnyConnection, found: SignedIn | None) -> int:
    """0, or the WebSocket close code."""
    origin = connection.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != connection.headers.get("Host"):
        return CLOSED_OTHER_ORIGIN
    return 0 if found is not None and not found.needs else CLOSED_NO_SESSION


def same_site(request: AnyRequest) -> None:
    """For public changes, which have no CSRF token yet: no other site may send them from a
    browser. Raises Refused("session.csrf")."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") in ("cross-site", "same-site"):
        raise Refused("session.csrf")


def signed_in(scope: Scope) -> SignedIn:
    """The dependency `signed_in`. Raises Refused("session.required") on public routes."""
    found: SignedIn | None = scope["state"].get("signed_in")
    if found is None:
        raise Refused("session.required")
    return found


def actor(scope: Scope) -> Actor:
    """The dependency `actor`: who performs what this request asks for: a person or a token."""
    token: Token | None = scope["state"].get("token")
    return token.actor if token is not None else signed_in(scope).actor


#: For `Litestar(dependencies=…)`, beside `platform`.
DEPENDENCIES: Final = {
    "actor": Provide(actor, sync_to_thread=False),
    "signed_in": Provide(signed_in, sync_to_thread=False),
}


def _named(connection: AnyConnection, name: str) -> str:
    """A cookie's name where the page was fetched from."""
    return SECURE_PREFIX + name if is_secure(connection) else name


def is_secure(connection: AnyConnection) -> bool:
    return connection.url.scheme in ("https", "wss")


def token_of(connection: AnyConnection) -> str:
    """The session token the browser sent, or an empty text."""
    return connection.cookies.get(_named(connection, COOKIE), "")


def sends_token(connection: AnyConnection) -> bool:
    """Whether a request claims a session, of either kind of page."""
    return any(name.endswith(COOKIE) for name in connection.cookies)


def pending_of(connection: AnyConnection) -> str:
    """The token of a sign-in that waits for its code, or an empty text."""
    return connection.cookies.get(_named(connection, PENDING_COOKIE), "")


def address_of(connection: AnyConnection) -> str:
    """The client's network address."""
    return connection.client.host if connection.client else ""


def client_of(connection: AnyConnection) -> Client:
    """Whence somebody signs in."""
    return Client(
        address=address_of(connection),
        device=connection.cookies.get(_named(connection, DEVICE_COOKIE), ""),
        agent=agent_family(connection.headers.get("User-Agent", "")),
    )


def cookie(connection: AnyConnection, token: str) -> Cookie:
    """The session cookie; an empty token takes it away."""
    return _cookie(connection, COOKIE, token, LONGEST_SESSION)


def device_cookie(connection: AnyConnection, device: str) -> Cookie:
    """Says only that somebody has signed in from this browser before."""
    return _cookie(connection, DEVICE_COOKIE, device, KEEP_DEVICES)


def pending_cookie(connection: AnyConnection, token: str) -> Cookie:
    """Between the password and the code; an empty token takes it away."""
    return _cookie(connection, PENDING_COOKIE, token, PENDING_FOR)


def _cookie(connection: AnyConnection, name: str, value: str, lasts: timedelta) -> Cookie:
    return Cookie(
        key=_named(connection, name),
        value=value,
        path="/",
        httponly=True,
        samesite="strict",
        secure=is_secure(connection),
        max_age=int(lasts.total_seconds()) if value else 0,
    )
