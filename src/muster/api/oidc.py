"""Signing in at an outside provider (OpenID Connect, authorization code with PKCE)."""

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from litestar import MediaType, Response, Router, delete, get, post
from litestar.datastructures import Cookie
from litestar.params import Parameter

from muster.api.identity import MANAGE, PersonId, Reason
from muster.api.oidc_page import page_of
from muster.api.opening import disclosed, reads
from muster.api.platform import Platform, RunningPlatform
from muster.api.problems import MEDIA, problem
from muster.api.session import (
    PROVE,
    PUBLIC,
    AnyRequest,
    address_of,
    client_of,
    cookie,
    sessions_for,
)
from muster.identity import people
from muster.identity.authoriser import authorise
from muster.identity.organisations import root_of
from muster.identity.providers import tables
from muster.identity.providers.binding import (
    UNDER_WAY,
    begin,
    identity_id,
    provider_of,
    record,
    unbind,
)
from muster.identity.providers.binding import bind_own as bind_own_identity
from muster.identity.providers.tables import IdentityRow, OutcomeRow, VisitRow
from muster.identity.providers.visit import Claims, Visit
from muster.identity.sessions import Entered, SignedIn
from muster.identity.sign_in import changes
from muster.identity.sign_in.policy import OIDC
from muster.identity.trust import request
from muster.journal import chain
from muster.journal.clock import real_now
from muster.journal.context import Actor
from muster.journal.entry import check_input
from muster.journal.refusal import Refused

COOKIE: Final = "muster_visit"
#: Where one may come back to: a page of ours, by its path alone.
PATH: Final = r"^/(?:[A-Za-z0-9_-]{1,64}(?:/[A-Za-z0-9_-]{1,64}){0,4})?\Z"
ReturnTo = Annotated[str, Parameter(pattern=PATH, max_length=200, description="a page of ours")]
ProviderId = Annotated[
    str, Parameter(pattern=r"^[a-z0-9][a-z0-9-]{0,31}\Z", description="provider id")
]
IdentityId = Annotated[str, Parameter(pattern=r"^[0-9a-f]{24}\Z", description="identity id")]
Answer = Annotated[str | None, Parameter(max_length=2000, description="from the provider")]


class ProviderView(msgspec.Struct, frozen=True):
    """`sign_out`: where the browser may end its session there, once that is known."""

    id: str
    name_zh: str
    name_en: str
    sign_out: str | None


class ProviderList(msgspec.Struct, frozen=True):
    items: list[ProviderView]


class WayIn(msgspec.Struct, frozen=True):
    """Where the browser goes now."""

    location: str


class IdentityView(msgspec.Struct, frozen=True):
    """A person at a provider. `provider` is None when it is not configured any more."""

    id: str
    provider: str | None
    issuer: str
    subject: str
    bound_at: datetime


class IdentityList(msgspec.Struct, frozen=True):
    items: list[IdentityView]


class IdentityWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`subject`: the provider's own word for the person (`sub`), not a name or address."""

    provider: Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
    subject: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    reason: Reason = "bound"


class IdentityWaits(msgspec.Struct, frozen=True):
    """Not bound yet: waits for a second person until `waits_until`."""

    id: str
    provider: str
    issuer: str
    subject: str
    waits_until: datetime


class OutcomeView(msgspec.Struct, frozen=True):
    """What came of somebody's way to a provider: `signed_in`, `bound`, or why not."""

    number: int
    at: datetime
    provider: str
    outcome: str
    person: str | None
    address: str
    acr: str
    amr: str


class OutcomeList(msgspec.Struct, frozen=True):
    """The latest, newest first."""

    items: list[OutcomeView]


@get(
    "/api/oidc",
    sync_to_thread=False,
    opt={**PUBLIC, **reads("open")},
    operation_id="list_providers",
    summary="统一认证: providers one may sign in at",
)
def list_providers(platform: Platform) -> ProviderList:
    found = [(one.provider, one.way_out()) for one in platform.providers.values()]
    return ProviderList([ProviderView(p.id, p.name_zh, p.name_en, out) for p, out in found])


@get(
    "/api/oidc/{provider:str}/start",
    sync_to_thread=True,
    opt={**PUBLIC, **reads("open")},
    operation_id="start_at_provider",
    summary="去统一认证: go and sign in at a provider",
    status_code=303,
    include_in_schema=False,
)
def start(
    request: AnyRequest, platform: Platform, provider: ProviderId, return_to: ReturnTo = "/"
) -> Response[Any]:
    """Go to the provider. The way back ends at `return_to`."""
    try:
        visit, address = _begin(platform, provider, return_to, None)
    except Refused as refusal:
        return _failed(request, platform, provider, refusal)
    headers = {"Location": address}
    return Response(None, status_code=303, headers=headers, cookies=[_visit(request, visit.secret)])


@post(
    "/api/oidc/{provider:str}/bind",
    sync_to_thread=True,
    opt=PROVE,
    status_code=200,
    operation_id="bind_own_identity",
    summary="绑定统一认证: bind one's own identity at a provider",
)
def bind_own(
    request: AnyRequest, platform: Platform, signed_in: SignedIn, provider: ProviderId
) -> Response[WayIn]:
    """Begin binding: the browser goes to `location`, and who comes back is this person."""
    visit, address = _begin(platform, provider, "/#page=security", signed_in)
    return Response(WayIn(address), status_code=200, cookies=[_visit(request, visit.secret)])


def _begin(
    platform: RunningPlatform, provider: str, return_to: str, signed_in: SignedIn | None
) -> tuple[Visit, str]:
    found = provider_of(platform.providers, provider)
    found.metadata()  # before a connection is taken: a slow provider holds none
    with platform.pool.connection() as connection:
        return begin(connection, found, return_to, signed_in, real_now())


@get(
    "/api/oidc/callback",
    sync_to_thread=True,
    opt={**PUBLIC, **reads("open")},
    operation_id="come_back_from_provider",
    summary="统一认证返回: back from a provider",
    include_in_schema=False,
)
def callback(
    request: AnyRequest,
    platform: Platform,
    said: Annotated[str | None, Parameter(query="state", max_length=2000)] = None,
    code: Answer = None,
    error: Answer = None,
    iss: Answer = None,
) -> Response[Any]:
    """The provider sends the browser back here. Everything that is wrong is told on one page."""
    visit = Visit(request.cookies.get(_name(request), ""))
    with platform.pool.connection() as connection:
        row = tables.take_visit(connection, visit.hash, real_now()) if visit.secret else None
    provider = row.provider if row is not None else ""
    try:
        if row is None or said is None or not visit.made(said):
            raise Refused("oidc.visit")
        if error is not None or code is None:
            raise Refused("oidc.refused")
        found = provider_of(platform.providers, row.provider)
        if iss is not None and iss != found.provider.issuer:
            raise Refused("oidc.token", fault="iss")
        claims = found.exchange(code, visit)
        return _arrived(request, platform, row, found.provider.issuer, claims)
    except Refused as refusal:
        return _failed(request, platform, provider, refusal)


def _arrived(
    request: AnyRequest, platform: RunningPlatform, row: VisitRow, issuer: str, claims: Claims
) -> Response[Any]:
    cookies = [_visit(request, "")]
    with platform.pool.connection() as connection:
        with connection.cursor() as cursor:
            # Before looking: who is unbound, or handed a new sign-in, at this moment is so then.
            chain.lock(cursor, "audit")
        if row.person is not None:
            outcome = "bound"
            person = bind_own_identity(connection, row, issuer, claims.subject, real_now())
        else:
            known = tables.identity(connection, issuer, claims.subject)
            if known is None:
                raise Refused("oidc.unbound", subject=claims.subject)
            person, outcome = known.person, "signed_in"
            said = f"sign in at {row.provider}; acr {claims.acr or '-'}; amr {claims.amr or '-'}"
            entered = Entered(client_of(request), OIDC, said)
            token, _ = sessions_for(platform).open_for(connection, person, entered)
            cookies.append(cookie(request, token))
        made = _outcome(request, row.provider, outcome)
        record(
            connection,
            msgspec.structs.replace(made, person=person, acr=claims.acr, amr=claims.amr),
        )
    headers = {"Location": row.return_to}
    return Response(None, status_code=303, headers=headers, cookies=cookies)


def _outcome(request: AnyRequest, provider: str, outcome: str) -> OutcomeRow:
    return OutcomeRow(0, real_now(), provider[:32], outcome, None, address_of(request), "", "")


def _failed(
    request: AnyRequest, platform: RunningPlatform, provider: str, refusal: Refused
) -> Response[Any]:
    """One page in both languages, or a problem for who did not ask for a page."""
    known = provider if provider in platform.providers else ""
    fault = str(refusal.values.get("fault", ""))
    outcome = f"{refusal.code} {fault or refusal.values.get('subject', '')}".strip()
    with platform.pool.connection() as connection:
        record(connection, _outcome(request, known, outcome))
    found = problem(refusal.code, refusal.values, [])
    headers = {"Cache-Control": "no-store"}
    wants_page = "text/html" in request.headers.get("Accept", "")
    return Response(
        page_of(found) if wants_page else found,
        status_code=found.status,
        media_type=MediaType.HTML if wants_page else MEDIA,
        headers=headers,
        cookies=[_visit(request, "")],
    )


def _name(request: AnyRequest) -> str:
    return f"__Host-{COOKIE}" if request.url.scheme == "https" else COOKIE


def _visit(request: AnyRequest, secret: str) -> Cookie:
    """Lax, not strict: the browser comes back from another site with it."""
    return Cookie(
        key=_name(request),
        value=secret,
        path="/",
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
        max_age=int(UNDER_WAY.total_seconds()) if secret else 0,
    )


# --- who is who --------------------------------------------------------------------------------


@get(
    "/api/oidc/identities",
    sync_to_thread=True,
    opt=reads("own"),
    operation_id="list_own_identities",
    summary="本人的统一认证: one's own identities at providers",
)
def own_identities(platform: Platform, signed_in: SignedIn) -> IdentityList:
    with platform.pool.connection() as connection:
        rows = tables.identities_of(connection, signed_in.person)
    return _identities(platform, rows)


@delete(
    "/api/oidc/identities/{identity:str}",
    sync_to_thread=True,
    opt=PROVE,
    operation_id="unbind_own_identity",
    summary="解除绑定: unbind one's own identity",
)
def unbind_own(platform: Platform, signed_in: SignedIn, identity: IdentityId) -> None:
    with platform.pool.connection() as connection:
        unbind(connection, signed_in.person, identity, actor=signed_in.person)
        here = bytes.fromhex(signed_in.session)
        changes.tell_here(connection, here, changes.IDENTITY_OFF, real_now())


@get(
    "/api/people/{person:str}/identities",
    sync_to_thread=True,
    opt=reads("people.read"),
    operation_id="list_identities",
    summary="人员的统一认证: a person's identities at providers",
)
def list_identities(platform: Platform, actor: Actor, person: PersonId) -> IdentityList:
    with platform.pool.connection() as connection:
        found = people.managed(connection, actor, person, MANAGE)
        authority = authorise(connection, actor, MANAGE)
        rows = tables.identities_of(connection, found.id)
    disclosed(platform, actor, authority, "people.read", subject=found.id, count=len(rows))
    return _identities(platform, rows)


@post(
    "/api/people/{person:str}/identities",
    sync_to_thread=True,
    opt=PROVE,
    operation_id="bind_identity",
    summary="绑定人员: ask to bind a person's identity at a provider",
)
def bind_identity(
    platform: Platform, actor: Actor, person: PersonId, data: IdentityWanted
) -> IdentityWaits:
    """Say who somebody is at a provider. Nobody says it of himself this way, and a second person
    confirms it within a day, under this id at /api/trust-requests."""
    check_input(data)
    provider = provider_of(platform.providers, data.provider).provider
    with platform.pool.connection() as connection:
        found = people.managed(connection, actor, person, MANAGE)
        asking = request.Asking(actor.person, data.reason, real_now())
        row = request.ask_identity(connection, found.id, provider.issuer, data.subject, asking)
    return IdentityWaits(row.id, data.provider, provider.issuer, data.subject, row.expires_at)


@delete(
    "/api/people/{person:str}/identities/{identity:str}",
    sync_to_thread=True,
    opt=PROVE,
    operation_id="unbind_identity",
    summary="解除人员绑定: unbind a person's identity",
)
def unbind_identity(
    platform: Platform, actor: Actor, person: PersonId, identity: IdentityId
) -> None:
    with platform.pool.connection() as connection:
        found = people.managed(connection, actor, person, MANAGE)
        unbind(connection, found.id, identity, actor=actor.person)
        now = real_now()
        changes.tell(connection, found.id, changes.IDENTITY_OFF, by=actor.person, at=now)


@get(
    "/api/oidc/outcomes",
    sync_to_thread=True,
    opt=reads("audit.read"),
    operation_id="list_provider_outcomes",
    summary="统一认证记录: what came back from providers",
)
def list_outcomes(
    platform: Platform, actor: Actor, limit: Annotated[int, Parameter(ge=1, le=500)] = 100
) -> OutcomeList:
    """Sign-ins through providers, and why others failed. For who may read the audit at the top."""
    with platform.pool.connection() as connection:
        authority = authorise(connection, actor, "read.audit", root_of(connection).id)
        rows = tables.outcomes(connection, limit)
    disclosed(platform, actor, authority, "audit.read", subject="oidc", count=len(rows))
    return OutcomeList([msgspec.convert(row, OutcomeView, from_attributes=True) for row in rows])


def _identities(platform: RunningPlatform, rows: list[IdentityRow]) -> IdentityList:
    return IdentityList([_identity(platform, row) for row in rows])


def _identity(platform: RunningPlatform, row: IdentityRow) -> IdentityView:
    named = {one.provider.issuer: name for name, one in platform.providers.items()}
    return IdentityView(
        identity_id(row), named.get(row.issuer), row.issuer, row.subject, row.bound_at
    )


ROUTES: tuple[Any, ...] = (
    Router(
        "/",
        route_handlers=[
            list_providers,
            start,
            bind_own,
            callback,
            own_identities,
            unbind_own,
            list_identities,
            bind_identity,
            unbind_identity,
            list_outcomes,
        ],
    ),
)
