"""What was refused before anybody was known: recorded as it happens, read by the auditor."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from litestar import Router, get
from litestar.concurrency import sync_to_thread
from litestar.connection import ASGIConnection
from litestar.params import Parameter
from litestar.types import Scope
from psycopg import Connection
from psycopg_pool import ConnectionPool

from muster.api.opening import disclosed, is_denial, reads
from muster.api.platform import Platform
from muster.api.sentences import STATUS
from muster.api.session import address_of, sends_token
from muster.identity.authoriser import authorise
from muster.identity.organisations import root_of
from muster.identity.people import names_of
from muster.identity.sessions import SignedIn
from muster.identity.sign_in import tables
from muster.identity.sign_in.denials import Denial, record
from muster.journal.clock import real_now
from muster.journal.context import Actor
from muster.journal.refusal import Refused

Pool = ConnectionPool[Connection[Any]]
REFUSING: Final = (401, 403, 429)
#: Asked for a second step, or for a fresh proof: the page goes on by itself.
NEXT_STEPS: Final = ("sign_in.code_needed",)


class DenialView(msgspec.Struct, frozen=True):
    """One refusal, `times` within its minute. `what`: its code. `username_hash` (hex SHA-256): of
    what was typed, to find the same name again without reading it."""

    id: int
    first_at: datetime
    last_at: datetime
    what: str
    person: str | None
    person_name: str
    username_hash: str | None
    address: str
    method: str
    route: str
    times: int


class DenialPage(msgspec.Struct, frozen=True):
    """Newest first. `next` goes into `before` for the following page."""

    items: list[DenialView]
    next: int | None


@get(
    "/api/denials",
    sync_to_thread=True,
    opt=reads("audit.read"),
    operation_id="list_denials",
    summary="拒绝记录: refused sign-ins and requests",
)
def list_denials(
    platform: Platform,
    actor: Actor,
    what: Annotated[
        str,
        Parameter(pattern=r"^[a-z_.]{0,64}\Z", description="a code, or what stands before its dot"),
    ] = "",
    person: Annotated[str, Parameter(pattern=r"^[A-Za-z0-9_-]{0,63}\Z")] = "",
    before: Annotated[int | None, Parameter(ge=1, le=2**53 - 1)] = None,
    limit: Annotated[int, Parameter(ge=1, le=500)] = 100,
) -> DenialPage:
    """What the door refused: failed sign-ins, wrong codes, lock-outs, forged or expired requests.
    For a grant at the top."""
    with platform.pool.connection() as connection:
        authority = authorise(connection, actor, "read.audit", root_of(connection).id)
        rows = tables.denials(connection, what=what, person=person, before=before, limit=limit)
        names = names_of(connection, {row.person for row in rows if row.person})
    subject = f"denials what={what} person={person} before={before or ''}"
    disclosed(platform, actor, authority, "audit.read", subject=subject, count=len(rows))
    items = [_view(row, names) for row in rows]
    return DenialPage(items, rows[-1].id if len(rows) == limit else None)


def _view(row: tables.DenialRow, names: Mapping[str, str]) -> DenialView:
    hashed = row.username_hash
    return DenialView(
        id=row.id,
        first_at=row.minute,
        last_at=row.last_at,
        what=row.what,
        person=row.person,
        person_name=names.get(row.person or "", ""),
        username_hash=None if hashed is None else bytes(hashed).hex(),
        address=row.address,
        method=row.method,
        route=row.route,
        times=row.times,
    )


def recorder(pool: Pool) -> Callable[[Exception, Scope], Awaitable[None]]:
    """The hook that records a refusal before it is answered. What somebody signed in may not see
    or do stands in the access log already."""

    async def note(error: Exception, scope: Scope) -> None:
        if isinstance(error, Refused) and _counts(error.code, scope):
            person = error.values.get("person")
            await sync_to_thread(_keep, pool, denial_of(error.code, scope, person))

    return note


def _counts(code: str, scope: Scope) -> bool:
    if STATUS.get(code) not in REFUSING or code in NEXT_STEPS:
        return False
    if scope["state"].get("signed_in") is not None and is_denial(code):
        return False
    # Whoever just opens the page has no session and was refused nothing.
    return code != "session.required" or sends_token(ASGIConnection(scope))


def denial_of(code: str, scope: Scope, person: object = None) -> Denial:
    """What is kept of a refused request or connection."""
    state, connection = scope["state"], ASGIConnection[Any, Any, Any, Any](scope)
    found: SignedIn | None = state.get("signed_in") or state.get("asked_by")
    return Denial(
        at=real_now(),
        what=code,
        person=str(person) if person else found.person if found else None,
        username_hash=state.get("tried"),
        address=address_of(connection),
        method=str(scope.get("method", "WS")),
        route=str(scope.get("path_template", "")),
    )


def closing(pool: Pool) -> Callable[[str, Scope], Awaitable[None]]:
    """The same for a live connection that is closed at once."""

    async def note(code: str, scope: Scope) -> None:
        if code != "session.required" or sends_token(ASGIConnection(scope)):
            await sync_to_thread(_keep, pool, denial_of(code, scope))

    return note


def _keep(pool: Pool, denial: Denial) -> None:
    with pool.connection() as connection:
        record(connection, denial)


ROUTES: tuple[Any, ...] = (Router("/", route_handlers=[list_denials]),)
