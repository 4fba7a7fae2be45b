"""The HTTP application: every route, the static page, headers, problem documents."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from litestar import Litestar, MediaType, Response, get
from litestar.config.compression import CompressionConfig
from litestar.di import Provide
from litestar.exceptions import NotFoundException
from litestar.static_files import create_static_files_router
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from muster.api import action, command, geography, health, identity, openapi, session
from muster.api.platform import Platform
from muster.api.problems import HANDLERS
from muster.journal.clock import monotonic

log = logging.getLogger("muster.access")
BODY_LIMIT = 256 * 1024

CONTENT_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline';"
    " worker-src 'self' blob:; connect-src 'self'; object-src 'none'; base-uri 'none';"
    " frame-ancestors 'none'; form-action 'self'"
)
HEADERS = (
    (b"content-security-policy", CONTENT_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"permissions-policy", b"geolocation=(self), camera=(), microphone=()"),
)
Lifespan = Callable[[Litestar], Any]


def access_log(app: ASGIApp) -> ASGIApp:
    """Safe headers on every answer, and one line per request: method, path (identifiers only,
    never a query), status, milliseconds."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        began, status = monotonic(), 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = list(message["headers"])
                headers += HEADERS
                if scope["path"].startswith("/api/") and not any(
                    name.lower() == b"cache-control" for name, _ in headers
                ):
                    headers.append((b"cache-control", b"no-store"))
                message["headers"] = headers
            await send(message)

        try:
            await app(scope, receive, noting)
        finally:
            took = round((monotonic() - began) * 1000, 1)
            fields = {"method": scope["method"], "path": scope["path"][:200], "status": status}
            log.info("request", extra={"fields": {**fields, "ms": took}})

    return wrapped


def page(web: Path) -> list[Any]:
    """The built web page; paths the page itself routes get its index."""
    index = (web / "index.html").read_bytes()

    @get(["/", "/first", "/board"], include_in_schema=False, sync_to_thread=False)
    def index_page() -> Response[bytes]:
        headers = {"Cache-Control": "no-cache"}
        return Response(index, media_type=MediaType.HTML, headers=headers)

    assets = create_static_files_router(
        path="/assets",
        directories=[web / "assets"],
        include_in_schema=False,
        cache_control=None,
    )
    return [index_page, assets]


@get("/", include_in_schema=False, sync_to_thread=False)
def no_page() -> Response[str]:
    raise NotFoundException


def litestar_app(
    platform: Platform,
    *,
    web: Path | None,
    more_routes: Sequence[Any],
    start: Callable[[], None],
    stop: Callable[[], None],
) -> Litestar:
    """The application of one running system. `start` and `stop` run with the server."""

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        start()
        try:
            yield
        finally:
            stop()

    routes: list[Any] = [
        *health.ROUTES,
        *identity.ROUTES,
        *geography.ROUTES,
        *command.ROUTES,
        *action.ROUTES,
        *more_routes,
        openapi.document,
        *(page(web) if web is not None else []),
    ]
    handlers: Any = HANDLERS
    return Litestar(
        route_handlers=routes,
        dependencies={
            "platform": Provide(lambda: platform, sync_to_thread=False),
            "actor": Provide(session.actor, sync_to_thread=True),
            "commander": Provide(command.commander, sync_to_thread=False),
            "wanted": Provide(command.incident_filter, sync_to_thread=False),
        },
        exception_handlers=handlers,
        middleware=[access_log],
        request_max_body_size=BODY_LIMIT,
        compression_config=CompressionConfig(backend="gzip", minimum_size=2000),
        lifespan=[lifespan],
        openapi_config=openapi.CONFIG,
        signature_types=[Platform],
        logging_config=None,
        state=session.state_for(platform),
    )


_: tuple[Any, ...] = (Awaitable, no_page)
