"""API tokens: made once, shown once, kept as a hash, ended at once.

A token is `mst_<id>_<secret>`: 12 and 64 hexadecimal digits, a form that secret scanners can be
told of. The database holds the SHA-256 of the secret's 256 random bits; the log shows the id.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, Final

import msgspec
from psycopg import Connection
from psycopg_pool import ConnectionPool

from muster.identity.authority import covers
from muster.identity.organisations import path_of
from muster.identity.roles import TOKEN_ACTOR
from muster.identity.scope import Scope
from muster.identity.tokens import tables
from muster.identity.tokens.tables import TokenRow
from muster.journal.audit import change
from muster.journal.clock import real_now
from muster.journal.context import Actor
from muster.journal.refusal import Refused

Pool = ConnectionPool[Connection[Any]]

LONGEST: Final = timedelta(days=365)
VALUE: Final = re.compile(r"mst_([0-9a-f]{12})_([0-9a-f]{64})")
_NOBODYS: Final = hashlib.sha256(b"").digest()


class Token(msgspec.Struct, frozen=True):
    """A checked token: what it may do, for whom. `path`: of its organisation, the area it covers.
    `unit`: the only unit it may report positions of; None: any of its area."""

    id: str
    name: str
    organisation: str
    path: str
    scopes: tuple[str, ...]
    unit: str | None

    @property
    def actor(self) -> Actor:
        """For everything that asks who acts; its rights are looked up each time, as people's."""
        return Actor(TOKEN_ACTOR + self.id)

    def require(self, token_scope: str) -> None:
        """Raises Refused("token.scope")."""
        if token_scope not in self.scopes:
            raise Refused("token.scope", scope=token_scope)

    def may_report(self, unit: str, path: str) -> bool:
        """Whether it may send positions of a unit whose organisation has this path."""
        mine = self.unit in (None, unit) and covers(self.path, path)
        return mine and "positions:report" in self.scopes


class NewToken(msgspec.Struct, frozen=True, kw_only=True):
    """What an administrator asks for. `networks`: addresses it may be used from; none: any."""

    name: str
    organisation: str
    scopes: Sequence[str]
    expires_at: datetime
    unit: str | None = None
    networks: Sequence[str] = ()


class Tokens:
    """Checking tokens over a pool. Threads share it; it keeps nothing, so that a revoked token is
    refused from then on."""

    def __init__(self, pool: Pool, *, now: Callable[[], datetime] = real_now) -> None:
        self._pool, self._now = pool, now

    def check(self, value: str, address: str) -> Token:
        """The token of a value sent from an address. Raises Refused("token.invalid"), always the
        same: unknown, wrong, expired, revoked, closed organisation or a foreign address."""
        parts = VALUE.fullmatch(value)
        if parts is None:
            raise Refused("token.invalid")
        now = self._now()
        with self._pool.connection() as connection:
            found = tables.token(connection, parts[1])
            row, known = found if found is not None else (None, _NOBODYS)
            right = hmac.compare_digest(hash_of(parts[2]), known)
            if row is None or not right or not usable(row, now) or not near(row, address):
                raise Refused("token.invalid")
            hour = now.replace(minute=0, second=0, microsecond=0)
            if row.last_used is None or row.last_used < hour:
                tables.touch(connection, row.id, hour)
        return Token(row.id, row.name, row.organisation, row.path, row.scopes, row.unit)


def usable(row: TokenRow, now: datetime) -> bool:
    return row.revoked_at is None and row.created_at <= now < row.expires_at


def near(row: TokenRow, address: str) -> bool:
    """Whether the address is one of those the token may be used from."""
    if not row.networks:
        return True
    try:
        here = ip_address(address)
    except ValueError:
        return False
    if isinstance(here, IPv6Address) and here.ipv4_mapped is not None:
        here = here.ipv4_mapped
    return any(here in ip_network(one) for one in row.networks)


def hash_of(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def create(
    connection: Connection[Any], new: NewToken, *, actor: str, reason: str, now: datetime
) -> tuple[str, TokenRow]:
    """A new token's value, which nobody can read again, and its row.

    Raises Refused: organisation.unknown, token.until, token.network.
    """
    path = path_of(connection, new.organisation)
    if not now < new.expires_at <= now + LONGEST:
        raise Refused("token.until", days=LONGEST.days)
    token_id, secret = secrets.token_hex(6), secrets.token_hex(32)
    row = TokenRow(
        id=token_id,
        name=new.name.strip() or token_id,
        organisation=new.organisation,
        path=path,
        scopes=tuple(sorted(set(new.scopes))),
        unit=new.unit,
        networks=tuple(_network(one) for one in new.networks),
        created_by=actor,
        created_at=now,
        expires_at=new.expires_at,
        revoked_at=None,
        last_used=None,
    )
    values = {
        "name": row.name,
        "organisation": row.organisation,
        "scopes": list(row.scopes),
        "unit": row.unit,
        "networks": list(row.networks),
        "secret_hash": hash_of(secret),
        "created_by": actor,
        "created_at": now,
        "expires_at": row.expires_at,
    }
    change(connection, "api_token", {"id": token_id}, values, actor=actor, reason=reason)
    return f"mst_{token_id}_{secret}", row


def _network(text: str) -> str:
    try:
        return str(ip_network(text.strip(), strict=False))
    except ValueError:
        raise Refused("token.network", network=text[:64]) from None


def listed(connection: Connection[Any], scope: Scope, right: str) -> list[TokenRow]:
    """The tokens of the organisations where `right` holds, the newest first."""
    return tables.tokens(connection, scope.paths(right))


def find(connection: Connection[Any], token_id: str, scope: Scope, right: str) -> TokenRow:
    """Raises Refused("token.unknown"), also for one of an organisation where `right` does not
    hold."""
    found = tables.token(connection, token_id)
    if found is None or not scope.allows_at(right, found[0].path):
        raise Refused("token.unknown")
    return found[0]


def revoke(
    connection: Connection[Any], row: TokenRow, *, actor: str, reason: str, now: datetime
) -> TokenRow:
    """End a token at once; again: nothing changes."""
    if row.revoked_at is not None:
        return row
    key = {"id": row.id}
    change(connection, "api_token", key, {"revoked_at": now}, actor=actor, reason=reason)
    return msgspec.structs.replace(row, revoked_at=now)
