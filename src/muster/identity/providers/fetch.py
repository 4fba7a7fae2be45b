"""Asking a provider, and nobody else: its own origin, no redirects, little time, small answers.

Whoever writes oidc.toml, or answers for a provider, cannot make us ask other hosts.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import msgspec

from muster.journal.clock import monotonic
from muster.journal.refusal import Refused

LARGEST: Final = 256 * 1024
STEP_S: Final = 5.0
WHOLE_S: Final = 10.0


def origin(address: str) -> tuple[str, str, int]:
    """Scheme, host and port. Raises ValueError."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise ValueError("no address")
    return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)


def same_origin(address: object, issuer: str) -> bool:
    try:
        return isinstance(address, str) and origin(address) == origin(issuer)
    except ValueError:
        return False


def ask(issuer: str, method: str, address: str, **more: Any) -> Any:
    """The JSON a provider answers with. Raises Refused: oidc.unreachable, oidc.answer."""
    if not same_origin(address, issuer):
        raise Refused("oidc.answer", fault="origin")
    until = monotonic() + WHOLE_S
    try:
        with (
            httpx.Client(follow_redirects=False, trust_env=False, timeout=STEP_S) as client,
            client.stream(
                method, address, headers={"Accept": "application/json"}, **more
            ) as response,
        ):
            status, body = response.status_code, bytearray()
            for piece in response.iter_raw():
                body += piece
                if len(body) > LARGEST:
                    raise Refused("oidc.answer", fault="size")
                if monotonic() > until:
                    raise Refused("oidc.unreachable")
    except (httpx.HTTPError, httpx.InvalidURL):
        raise Refused("oidc.unreachable") from None
    if status >= 500:
        raise Refused("oidc.unreachable")
    if status != 200:
        raise Refused("oidc.answer", fault=f"HTTP {status}")
    try:
        return msgspec.json.decode(bytes(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refused("oidc.answer", fault="JSON") from None
