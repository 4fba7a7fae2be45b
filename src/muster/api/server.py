"""The HTTP application: every route, the static page, headers, problem documents."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from litestar import Litestar, MediaType, Request, Response, Router, get
from litestar.concurrency import set_asyncio_executor, sync_to_thread
from litestar.config.compression import CompressionConfig
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.di import Provide
from litestar.enums import ScopeType
from litestar.exceptions import NotFoundException
from litestar.middleware import ASGIMiddleware
from litestar.static_files import create_static_files_router
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from muster.api import (
    action,
    alarms,
    command,
    denials,
    factor,
    geography,
    hand_over,
    health,
    identity,
    oidc,
    openapi,
    opening,
    oversight,
    policy,
    retention,
    review,
    session,
    sign_in,
    sign_in_changes,
    telephony,
    tokens,
    trust,
)
from muster.api.bearer import TokenMiddleware
from muster.api.body import StrictRequest
from muster.api.platform import RunningPlatform
from muster.api.problems import HANDLERS, answer, problem
from muster.identity.authoriser import authorise
from muster.identity.sessions import Sessions, SignedIn
from muster.identity.tokens.token import Tokens
from muster.journal.clock import monotonic
from muster.journal.entry import check_input
from muster.journal.refusal import Refused

log = logging.getLogger("muster.access")
BODY_LIMIT = 256 * 1024
#: Fewer than the pool has connections: the clock, the feed and readiness need some, too.
THREADS = 18
WITHIN_S = 20.0

CONTENT_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline';"
    " worker-src 'self' blob:; connect-src 'self'; object-src 'none'; base-uri 'none';"
    " frame-ancestors 'none'; form-action 'self'"
)
HEADERS = (
    (b"content-security-policy", CONTENT_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"geolocation=(self), camera=(), microphone=()"),
)
#: Of these there may be one: of two, each reader could take another.
SINGLE = frozenset(
    (
        b"authorization",
        b"client-now",
        b"content-type",
        b"host",
        b"idempotency-key",
        b"origin",
        b"simulated-by",
        b"simulated-now",
        b"x-csrf-token",
    )
)


class WellMeant(ASGIMiddleware):
    """Refuses what no client means: a NUL in the address (route.unknown), and a header twice that
    may stand once (header.twice)."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        if "\0" in scope["path"]:
            raise NotFoundException
        seen: set[bytes] = set()
        for name, _ in scope["headers"]:
            if name in seen and name in SINGLE:
                raise Refused("header.twice", header=name.decode("latin-1"))
            seen.add(name)
        await next_app(scope, receive, send)


class Began(ASGIMiddleware):
    """Notes when a request reached us."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        scope["state"]["began"] = monotonic()
        await next_app(scope, receive, send)


async def before_send(message: Message, scope: Scope) -> None:
    """Safe headers on every answer, and one line per request: method, path (identifiers only,
    never a query), status, milliseconds."""
    if message["type"] != "http.response.start" or scope["type"] != ScopeType.HTTP:
        return
    path = scope["path"]
    cached = any(name.lower() == b"cache-control" for name, _ in message["headers"])
    private = [(b"cache-control", b"no-store")] if path.startswith("/api/") and not cached else []
    message["headers"] = [*message["headers"], *HEADERS, *private]
    began = scope["state"].get("began")
    took = None if began is None else round((monotonic() - began) * 1000, 1)
    fields = {"method": scope["method"], "path": path[:200], "status": message["status"]}
    log.info("request", extra={"fields": {**fields, "ms": took}})


class InTime(ASGIMiddleware):
    """Answers server.slow when nothing was said for `within_s` seconds. What was begun goes on:
    a thread in the database cannot be called back, and its command may still be done."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, within_s: float) -> None:
        self._within_s = within_s

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        begun = late = False

        async def heard(message: Message) -> None:
            nonlocal begun
            begun = True
            if not late:
                await send(message)

        work = asyncio.ensure_future(next_app(scope, receive, heard))
        try:
            await asyncio.wait({work}, timeout=self._within_s)
            if work.done() or begun:
                await work
                return
        except asyncio.CancelledError:
            work.cancel()
            raise
        late = True
        _unheard.add(work)
        work.add_done_callback(_forget)
        found = answer(problem("server.slow", {}, []), {"Retry-After": "1"})
        response = found.to_asgi_response(app=None, request=Request(scope))
        await response(scope, receive, send)


_unheard: set[asyncio.Future[None]] = set()


def _forget(work: asyncio.Future[None]) -> None:
    """The end of what was answered too late already; its error was nobody's any more."""
    _unheard.discard(work)
    if not work.cancelled():
        work.exception()


def counted(platform: RunningPlatform) -> Callable[[Message, Scope], Awaitable[None]]:
    """The hook that counts requests, with how long they took."""

    async def count(message: Message, scope: Scope) -> None:
        if message["type"] == "http.response.start" and scope["type"] == ScopeType.HTTP:
            began = scope["state"].get("began")
            took = None if began is None else monotonic() - began
            platform.metrics.answered(scope["method"], message["status"], took)

    return count


class SimulatedNow(ASGIMiddleware):
    """In a driven data folder a signed-in request may say the moment it is made at (Simulated-Now);
    what falls due until then is performed before the request is answered. Whoever may drive the
    clock vouches for it: with a session token of his own (Simulated-By), or by asking himself."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, platform: RunningPlatform, sessions: Sessions) -> None:
        self._platform, self._sessions = platform, sessions

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        headers = dict(scope["headers"])
        said, signed_in = headers.get(b"simulated-now"), scope["state"].get("signed_in")
        if said is not None and signed_in is not None:
            now = moment(said.decode("latin-1"))
            voucher = headers.get(b"simulated-by", b"").decode("latin-1")
            await sync_to_thread(self._drive, now, signed_in, voucher)
        await next_app(scope, receive, send)

    def _drive(self, now: datetime, signed_in: SignedIn, voucher: str) -> None:
        driver = self._sessions.lookup(voucher) if voucher else signed_in
        if driver is None:
            raise Refused("session.required")
        with self._platform.pool.connection() as connection:
            authorise(connection, driver.actor, "simulate.clock")
        self._platform.simulate_to(now)


def moment(text: str) -> datetime:
    """An RFC 3339 time. Raises Refused("input.invalid")."""
    try:
        found = msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        raise Refused("input.invalid", path="Simulated-Now", reason="time") from None
    check_input(found, "Simulated-Now")
    return found.astimezone(UTC)


def page(web: Path) -> list[Any]:
    """The built web page; paths the page itself routes get its index."""
    index = (web / "index.html").read_bytes()

    @get(["/", "/first", "/board"], include_in_schema=False, sync_to_thread=False)
    def index_page() -> Response[bytes]:
        headers = {"Cache-Control": "no-cache"}
        return Response(index, media_type=MediaType.HTML, headers=headers)

    kept = (web / "assets").resolve()

    def inside(connection: ASGIConnection[Any, Any, Any, Any], _handler: Any) -> None:
        """A link in the folder leads nowhere else."""
        asked = str(connection.path_params.get("file_path", "")).lstrip("/")
        if not (kept / asked).resolve().is_relative_to(kept):
            raise NotFoundException

    assets = create_static_files_router(
        path="/assets",
        directories=[web / "assets"],
        include_in_schema=False,
        cache_control=None,
        guards=[inside],
    )
    return [index_page, assets]


def _middleware(platform: RunningPlatform) -> list[Any]:
    found: list[Any] = [
        Began(),
        InTime(WITHIN_S),
        WellMeant(),
        TokenMiddleware(Tokens(platform.pool)),
        session.SessionMiddleware(session.sessions_for(platform), denials.closing(platform.pool)),
    ]
    if platform.driven is not None:
        found.append(SimulatedNow(platform, session.sessions_for(platform)))
    return found


def _routes() -> list[Any]:
    """The doors of every part."""
    return [
        *health.ROUTES,
        *sign_in.ROUTES,
        *sign_in_changes.ROUTES,
        *factor.ROUTES,
        *hand_over.ROUTES,
        *policy.ROUTES,
        *trust.ROUTES,
        *denials.ROUTES,
        *identity.ROUTES,
        *tokens.ROUTES,
        *oidc.ROUTES,
        *geography.ROUTES,
        *command.ROUTES,
        *retention.ROUTES,
        *action.ROUTES,
        *alarms.ROUTES,
        *telephony.ROUTES,
        *review.ROUTES,
        *oversight.HANDLERS,
    ]


def _hooks(platform: RunningPlatform) -> list[Any]:
    """What notes a refusal before it is answered: looks of people, everything else, the count."""
    return [
        opening.denials(platform),
        denials.recorder(platform.pool),
        platform.metrics.refused,
    ]


def litestar_app(
    platform: RunningPlatform | None,
    *,
    web: Path | None,
    more_routes: Sequence[Any],
    start: Callable[[], None],
    stop: Callable[[], None],
) -> Litestar:
    """The application of one running system. `start` and `stop` run with the server. Without a
    platform only the document of its interface can be asked for."""

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        start()
        try:
            yield
        finally:
            stop()

    if platform is not None:
        # Python's own choice is six on two cores: six slow requests would keep everybody waiting.
        set_asyncio_executor(ThreadPoolExecutor(THREADS, "door"))
    routes = [*_routes(), *more_routes, openapi.document, *(page(web) if web else [])]
    handlers: Any = HANDLERS

    @cache
    def interface() -> bytes:
        """The document, of a second application: with it here, Litestar would add its pages."""
        shown = litestar_app(None, web=None, more_routes=more_routes, start=start, stop=stop)
        return msgspec.json.encode(openapi.build(shown))

    return Litestar(
        # One router: Litestar wraps a synchronous handler again each time it is registered.
        route_handlers=[Router(path="/", route_handlers=routes)],
        dependencies={
            "platform": Provide(lambda: platform, sync_to_thread=False),
            **session.DEPENDENCIES,
            "commander": Provide(command.commander, sync_to_thread=False),
            "wanted": Provide(command.incident_filter, sync_to_thread=False),
            "log_wanted": Provide(review.log_filter, sync_to_thread=False),
            "sought": Provide(retention.retention_filter, sync_to_thread=False),
        },
        exception_handlers=handlers,
        before_send=[before_send, *([counted(platform)] if platform else [])],
        after_exception=_hooks(platform) if platform else [],
        middleware=_middleware(platform) if platform is not None else [],
        request_class=StrictRequest,
        request_max_body_size=BODY_LIMIT,
        compression_config=CompressionConfig(backend="gzip", minimum_size=2000),
        lifespan=[lifespan],
        openapi_config=openapi.CONFIG if platform is None else None,
        state=State({"document": interface}),
        logging_config=None,
    )
