"""Who is at the door: the session cookie, the CSRF token, and the actor every route is given.

Every route under /api needs a session, and every change its CSRF token, unless the route says
`opt={"public": True}`. The session is looked up in the database on each request and not cached:
it costs one indexed read, and a revoked session or a closed account ends at once.
"""

import hmac
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
from muster.identity.sessions import LONGEST_SESSION, Limits, Sessions, SignedIn
from muster.identity.tokens.token import Token
from muster.journal.context import Actor
from muster.journal.refusal import Refused

COOKIE: Final = "muster_session"
CSRF_HEADER: Final = "X-CSRF-Token"
#: A handler's `opt` for routes that need no session.
PUBLIC: Final = {"public": True}
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
CLOSED_NO_SESSION: Final = 4401
CLOSED_OTHER_ORIGIN: Final = 4403
#: All tests of a run come from one address.
TESTING_LIMITS: Final = Limits(by_address=100_000)

AnyConnection = ASGIConnection[Any, Any, Any, Any]
AnyRequest = Request[Any, Any, Any]


class SignInPlace(Protocol):
    """What is needed of the running system (`api.platform.Platform` fits)."""

    @property
    def pool(self) -> ConnectionPool[Connection[Any]]: ...
    @property
    def testing(self) -> bool: ...


def sessions_for(platform: SignInPlace) -> Sessions:
    """Signing in and out in a running system. Holds nothing: make one wherever it is needed."""
    limits = TESTING_LIMITS if platform.testing else Limits()
    return Sessions(platform.pool, Passwords(testing=platform.testing), limits=limits)


class SessionMiddleware(ASGIMiddleware):
    """Refuses requests without a session (session.required), changes without its CSRF token
    (session.csrf) and WebSockets of another origin; tells the routes who asks."""

    scopes = (ScopeType.HTTP, ScopeType.WEBSOCKET)
    exclude_opt_key = "public"

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        # The template, not the path: "//api/…" must not walk past.
        if not scope["path_template"].startswith("/api/"):
            await next_app(scope, receive, send)
            return
        if scope["state"].get("token") is not None:  # a machine's; no cookie is looked at
            await next_app(scope, receive, send)
            return
        connection: AnyConnection = ASGIConnection(scope, receive, send)
        token = connection.cookies.get(COOKIE, "")
        found = await sync_to_thread(self._sessions.lookup, token) if token else None
        if scope["type"] == ScopeType.WEBSOCKET:
            code = _why_closed(connection, found)
            if code:
                await send({"type": "websocket.close", "code": code, "reason": ""})
                return
        else:
            _check(connection, scope["method"], found)
        scope["state"]["signed_in"] = found
        await next_app(scope, receive, send)


def _check(connection: AnyConnection, method: str, found: SignedIn | None) -> None:
    if found is None:
        raise Refused("session.required")
    if method not in SAFE:
        given = connection.headers.get(CSRF_HEADER, "")
        if not hmac.compare_digest(given.encode(errors="replace"), found.csrf.encode()):
            raise Refused("session.csrf")


def _why_closed(connection: AnyConnection, found: SignedIn | None) -> int:
    """0, or the WebSocket close code."""
    origin = connection.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != connection.headers.get("Host"):
        return CLOSED_OTHER_ORIGIN
    return 0 if found is not None else CLOSED_NO_SESSION


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


def token_of(request: AnyRequest) -> str:
    """The session token the browser sent, or an empty text."""
    return request.cookies.get(COOKIE, "")


def address_of(request: AnyRequest) -> str:
    """The client's network address."""
    return request.client.host if request.client else ""


def cookie(request: AnyRequest, token: str) -> Cookie:
    """The session cookie; an empty token takes it away. Secure wherever the page is."""
    return Cookie(
        key=COOKIE,
        value=token,
        path="/",
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
        max_age=int(LONGEST_SESSION.total_seconds()) if token else 0,
    )
