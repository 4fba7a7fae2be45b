"""The rows of API tokens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from psycopg import Connection

Database = Connection[Any]


class TokenRow(msgspec.Struct, frozen=True):
    """令牌, as it is kept. `path` is the organisation's; `networks` in CIDR form, none: any."""

    id: str
    name: str
    organisation: str
    path: str
    scopes: tuple[str, ...]
    unit: str | None
    networks: tuple[str, ...]
    created_by: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    last_used: datetime | None


_TOKEN = """SELECT t.id, t.name, t.organisation, o.path, t.scopes, t.unit, t.networks, t.created_by,
t.created_at, t.expires_at, t.revoked_at, t.last_used"""
_FROM = " FROM api_token t JOIN organisation o ON o.id = t.organisation"


def _row(row: tuple[Any, ...]) -> TokenRow:
    fields = (*row[:4], tuple(row[4]), row[5], tuple(row[6]), *row[7:])
    return TokenRow(*fields)


def token(connection: Database, token_id: str) -> tuple[TokenRow, bytes] | None:
    """One token, also a revoked or expired one, and the SHA-256 of its secret."""
    found = connection.execute(
        f"{_TOKEN}, t.secret_hash{_FROM} WHERE t.id = %s", (token_id,)
    ).fetchone()
    return (_row(found[:-1]), bytes(found[-1])) if found else None


def tokens(connection: Database, paths: Sequence[str]) -> list[TokenRow]:
    """Every token of the organisations at or under `paths`, the newest first."""
    rows = connection.execute(
        f"{_TOKEN}{_FROM} WHERE EXISTS (SELECT FROM unnest(%s::text[]) a(path)"
        " WHERE o.path = a.path OR starts_with(o.path, a.path || '.'))"
        " ORDER BY t.created_at DESC, t.id",
        (list(paths),),
    ).fetchall()
    return [_row(row) for row in rows]


def touch(connection: Database, token_id: str, hour: datetime) -> None:
    """Not audited: it says only that the token was used, once an hour."""
    connection.execute(
        "UPDATE api_token SET last_used = %s WHERE id = %s"
        " AND (last_used IS NULL OR last_used < %s)",
        (hour, token_id, hour),
    )


def rights_query(token_id: str, matters: Sequence[str], now: datetime) -> tuple[str, Sequence[Any]]:
    """As `identity.tables.rights_query`, of a token: its scopes are the roles of its grants."""
    statement = f"""SELECT 'grant', s.name, t.organisation, o.path{_FROM},
unnest(t.scopes) s(name) WHERE t.id = %s AND t.revoked_at IS NULL AND t.expires_at > %s
UNION ALL
SELECT 'matter', m::text, a.path, a.relation
FROM unnest(%s::uuid[]) m LEFT JOIN matter_access a ON a.matter = m"""
    return statement, [token_id, now, list(matters)]
