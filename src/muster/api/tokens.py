"""API tokens for machines: made, listed and ended by administrators."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from litestar import Router, delete, get, post
from litestar.params import Parameter
from psycopg import Connection

from muster.action.units import tables as unit_tables
from muster.api.opening import reads
from muster.api.platform import Platform
from muster.api.session import PROVE
from muster.geography.pack import Pack
from muster.identity.authoriser import authorise, scope_of
from muster.identity.authority import covers
from muster.identity.organisations import path_of
from muster.identity.tokens import token as tokens
from muster.identity.tokens.tables import TokenRow
from muster.journal.clock import real_now
from muster.journal.context import Actor
from muster.journal.entry import check_input
from muster.journal.refusal import Refused

MANAGE: Final = "manage.tokens"
ScopeName = Literal[
    "positions:report",
    "alarms:report",
    "telephone:notify",
    "read:units",
    "read:positions",
    "read:summary",
    "read:incidents",
    "metrics",
]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
TokenId = Annotated[str, Parameter(pattern=r"^[0-9a-f]{12}\Z", description="token id")]


class TokenWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`unit`: the only one it may report positions of. `networks`: addresses or ranges it may be
    used from; none: any. It ends within 365 days."""

    name: Text
    organisation: Text
    scopes: Annotated[list[ScopeName], msgspec.Meta(min_length=1, max_length=8)]
    expires_at: datetime
    unit: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None
    networks: Annotated[
        list[Annotated[str, msgspec.Meta(min_length=2, max_length=64)]],
        msgspec.Meta(max_length=20),
    ] = []
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500)] = "created"


class TokenView(msgspec.Struct, frozen=True):
    """Never its secret. `last_used`: to the hour."""

    id: str
    name: str
    organisation: str
    scopes: list[str]
    unit: str | None
    networks: list[str]
    created_by: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    last_used: datetime | None


class TokenList(msgspec.Struct, frozen=True):
    """Newest first, ended ones too."""

    items: list[TokenView]


class TokenMade(msgspec.Struct, frozen=True):
    """`value` is shown this once and cannot be read again."""

    value: str
    token: TokenView


@get(
    "/api/tokens",
    sync_to_thread=True,
    opt=reads("list"),
    operation_id="list_tokens",
    summary="令牌: API tokens",
)
def list_tokens(platform: Platform, actor: Actor) -> TokenList:
    """The tokens of the organisations one manages."""
    with platform.pool.connection() as connection:
        authorise(connection, actor, MANAGE)
        found = tokens.listed(connection, scope_of(connection, actor), MANAGE)
    return TokenList([_view(row) for row in found])


@post(
    "/api/tokens",
    sync_to_thread=True,
    opt=PROVE,
    operation_id="create_token",
    summary="新建令牌: make an API token",
)
def create_token(platform: Platform, actor: Actor, data: TokenWanted) -> TokenMade:
    """Make a token. Its value is in this answer and nowhere else."""
    check_input(data)
    with platform.pool.connection() as connection:
        authorise(connection, actor, MANAGE, data.organisation)
        if data.unit is not None:
            _check_unit(connection, platform.pack, data.organisation, data.unit)
        value, row = tokens.create(
            connection,
            tokens.NewToken(
                name=data.name,
                organisation=data.organisation,
                scopes=data.scopes,
                expires_at=data.expires_at,
                unit=data.unit,
                networks=data.networks,
            ),
            actor=actor.person,
            reason=data.reason,
            now=real_now(),
        )
    return TokenMade(value, _view(row))


@delete(
    "/api/tokens/{token:str}",
    sync_to_thread=True,
    status_code=200,
    opt=PROVE,
    operation_id="revoke_token",
    summary="撤销令牌: end an API token now",
)
def revoke_token(
    platform: Platform,
    actor: Actor,
    token: TokenId,
    reason: Annotated[str, Parameter(min_length=1, max_length=500)] = "revoked",
) -> TokenView:
    """End a token: the next request with it is refused."""
    check_input(reason, "reason")
    with platform.pool.connection() as connection:
        authorise(connection, actor, MANAGE)
        row = tokens.find(connection, token, scope_of(connection, actor), MANAGE)
        ended = tokens.revoke(connection, row, actor=actor.person, reason=reason, now=real_now())
    return _view(ended)


def _check_unit(connection: Connection[Any], pack: Pack, organisation: str, unit: str) -> None:
    """The unit must be one of the token's own area."""
    found = unit_tables.units(connection, [unit])
    inside = found and covers(
        path_of(connection, organisation), ".".join(pack.path(found[0].organisation))
    )
    if not inside:
        raise Refused("unit.unknown", unit=unit)


def _view(row: TokenRow) -> TokenView:
    return TokenView(
        id=row.id,
        name=row.name,
        organisation=row.organisation,
        scopes=list(row.scopes),
        unit=row.unit,
        networks=list(row.networks),
        created_by=row.created_by,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used=row.last_used,
    )


ROUTES = (Router(path="/", route_handlers=[list_tokens, create_token, revoke_token]),)
