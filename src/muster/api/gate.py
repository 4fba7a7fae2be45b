"""What a request says of where it came from, before anything believes it: its host and its proxy.

`Gate` stands before the whole application. A request for a host that is not ours is refused: a
name of somebody else that points at our address (DNS rebinding) would make his page ours. What a
proxy says of the client is believed of the proxies we were told of and of nobody else.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, Final, Protocol

import msgspec
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from muster.api.problems import MEDIA, problem
from muster.api.serving import Listening

Network = IPv4Network | IPv6Network

HERE: Final = ("localhost", "127.0.0.1", "::1")
EVERYWHERE: Final = frozenset({"0.0.0.0", "::"})
CLOSED_OTHER_HOST: Final = 4400
#: For a year never again without TLS.
STRICT_TRANSPORT: Final = (b"strict-transport-security", b"max-age=31536000")
SECURE: Final = {"http": "https", "ws": "wss"}


class Settings(Protocol):
    """What is needed of the server's settings (`app.Settings` fits)."""

    @property
    def host(self) -> str: ...
    @property
    def hosts(self) -> Sequence[str]: ...
    @property
    def trusted_proxies(self) -> Sequence[str]: ...
    @property
    def listening(self) -> Listening: ...


def guarded(app: Any, settings: Settings) -> Gate:
    """The application behind its gate."""
    hosts = (*settings.hosts, *settings.listening.names, settings.listening.address[0])
    return Gate(app, bound=settings.host, hosts=hosts, proxies=settings.trusted_proxies)


class Gate:
    """`bound`: the address we listen on; `hosts`: further names we are reached under; `proxies`:
    addresses or ranges whose X-Forwarded-For and X-Forwarded-Proto are believed."""

    def __init__(
        self, inner: ASGIApp, *, bound: str, hosts: Sequence[str] = (), proxies: Sequence[str] = ()
    ) -> None:
        self._inner = inner
        self._hosts = frozenset(bare(one) for one in (*HERE, bound, *hosts) if one)
        # Nobody can make an address point at us that is not ours: only names can be re-bound.
        self._any_address = bound in EVERYWHERE
        self._proxies: tuple[Network, ...] = tuple(ip_network(one, strict=False) for one in proxies)

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._inner(scope, receive, send)
            return
        said = [value for name, value in scope["headers"] if name == b"host"]
        if len(said) != 1 or not self.knows(said[0].decode("latin-1")):
            await _turn_away(scope, send)
            return
        seen: Any = self._seen(scope)
        over_proxy = seen["type"] == "http" and seen["scheme"] != scope["scheme"]
        await self._inner(seen, receive, _strict(send) if over_proxy else send)

    def knows(self, host: str) -> bool:
        """Whether a Host header is one of ours, whatever its port."""
        name = bare(host)
        return name in self._hosts or (self._any_address and _address(name) is not None)

    def _seen(self, scope: Any) -> Scope:
        """The scope with the client and scheme a trusted proxy tells of."""
        client = scope.get("client")
        if not self._proxies or client is None or not self._trusts(client[0]):
            return scope  # type: ignore[no-any-return]
        found = dict(scope)
        headers: dict[bytes, str] = {}
        for name, value in scope["headers"]:
            if name in (b"x-forwarded-for", b"x-forwarded-proto"):
                headers[name] = f"{headers[name]}," if name in headers else ""
                headers[name] += value.decode("latin-1")
        line = [one.strip() for one in headers.get(b"x-forwarded-for", "").split(",")]
        # From our end: what stands before the last address that is no proxy of ours, he wrote.
        for one in reversed(line):
            if _address(one) is None:
                break
            found["client"] = (one, 0)
            if not self._trusts(one):
                break
        if headers.get(b"x-forwarded-proto", "").rpartition(",")[2].strip().lower() == "https":
            found["scheme"] = SECURE.get(scope["scheme"], scope["scheme"])
        return found  # type: ignore[return-value]

    def _trusts(self, address: str) -> bool:
        known = _address(address)
        return known is not None and any(known in one for one in self._proxies)


def bare(host: str) -> str:
    """A host without port, brackets, case and final dot; what is no host stays itself."""
    name = host.strip().lower()
    if name.startswith("["):
        inside, closed, port = name[1:].partition("]")
        return inside if closed and (port == "" or _port(port)) else name
    if name.count(":") == 1:
        front, _, behind = name.partition(":")
        name = front if behind.isdecimal() else name
    return name.removesuffix(".")


def _port(text: str) -> bool:
    return text.startswith(":") and text[1:].isdecimal()


def _address(text: str) -> Any:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _strict(send: Send) -> Send:
    """A proxy ended the TLS; the browser is told never to come without it again."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], STRICT_TRANSPORT]
        await send(message)

    return sending


async def _turn_away(scope: Any, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": CLOSED_OTHER_HOST, "reason": ""})
        return
    found = problem("host.unknown", {}, [])
    body = msgspec.json.encode(found)
    headers = [
        (b"content-type", MEDIA.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": found.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
