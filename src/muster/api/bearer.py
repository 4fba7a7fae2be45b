"""Machines at the door: `Authorization: Bearer mst_…` instead of a session.

A route that takes tokens says with which scope: `opt={"scope": "read:units"}`. A route that says
nothing refuses every token. A request with a token is the token's alone: its cookies are not
looked at, it has no session, and so it can prove nothing again and needs no CSRF token.
"""

from __future__ import annotations

from typing import Any, Final

from litestar.concurrency import sync_to_thread
from litestar.connection import ASGIConnection
from litestar.datastructures import Headers
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from muster.identity.tokens.token import Token, Tokens
from muster.journal.refusal import Refused

#: The name in a handler's `opt`.
SCOPE: Final = "scope"
CLOSED_NO_TOKEN: Final = 4401
CLOSED_NO_SCOPE: Final = 4403
_SCHEME: Final = "bearer "


def bearer_of(headers: Headers) -> str | None:
    """What a client sent as its token; None when it sent none. Other schemes are not for us."""
    said = headers.get("Authorization", "")
    return said[len(_SCHEME) :].strip() if said.lower().startswith(_SCHEME) else None


def token_of_request(connection: ASGIConnection[Any, Any, Any, Any], tokens: Tokens) -> Token:
    """The checked token of a request to a route that is public otherwise; its scopes are the
    caller's to ask for (`Token.require`). Raises Refused("token.invalid")."""
    client = connection.client.host if connection.client else ""
    return tokens.check(bearer_of(connection.headers) or "", client)


class TokenMiddleware(ASGIMiddleware):
    """Before the sessions': refuses a token that is not valid or not for this route, and puts a
    good one into `scope["state"]["token"]`."""

    scopes = (ScopeType.HTTP, ScopeType.WEBSOCKET)
    exclude_opt_key = "public"

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        scope["state"]["token"] = None
        wanted: str | None = scope["route_handler"].opt.get(SCOPE)
        inside = wanted is not None or scope["path_template"].startswith("/api/")
        connection: ASGIConnection[Any, Any, Any, Any] = ASGIConnection(scope, receive, send)
        if inside and bearer_of(connection.headers) is not None:
            try:
                token = await sync_to_thread(token_of_request, connection, self._tokens)
                token.require(wanted or "")
            except Refused as refusal:
                if scope["type"] != ScopeType.WEBSOCKET:
                    raise
                code = CLOSED_NO_SCOPE if refusal.code == "token.scope" else CLOSED_NO_TOKEN
                await send({"type": "websocket.close", "code": code, "reason": ""})
                return
            scope["state"]["token"] = token
        await next_app(scope, receive, send)
