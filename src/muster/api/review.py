"""The audit and the access log: the doors of `review`."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Router, get
from litestar.params import Parameter

from muster.api.identity import System
from muster.api.opening import disclosed, reads
from muster.identity import tables
from muster.identity.authoriser import authorise
from muster.identity.organisations import root_of
from muster.journal.context import Actor


class AuditBody(msgspec.Struct, frozen=True):
    """The hashed bytes of an audit row. Secrets stand there as "set"."""

    table: str
    key: dict[str, str]
    actor: str
    reason: str
    before: dict[str, str | None] | None
    after: dict[str, str | None] | None


class AuditRow(msgspec.Struct, frozen=True):
    """One change of a table; `hash` (hex) chains it to the row before."""

    number: int
    recorded_at: datetime
    hash: str
    change: AuditBody


class AuditPage(msgspec.Struct, frozen=True):
    """Newest first. `next` goes into `before` for the following page."""

    items: list[AuditRow]
    next: int | None


@get(
    "/api/audit",
    sync_to_thread=True,
    opt=reads("audit.read"),
    operation_id="list_audit",
    summary="审计: every change of a table",
)
def list_audit(
    platform: System,
    actor: Actor,
    before: Annotated[int | None, Parameter(ge=1, le=2**53 - 1)] = None,
    limit: Annotated[int, Parameter(ge=1, le=500)] = 100,
) -> AuditPage:
    """Every change of a table. One chain for the whole city: only for a grant at the top."""
    with platform.pool.connection() as connection:
        authority = authorise(connection, actor, "read.audit", root_of(connection).id)
        rows = tables.audit_rows(connection, before, limit)
    disclosed(
        platform, actor, authority, "audit.read", subject=f"before={before or ''}", count=len(rows)
    )
    items = [
        AuditRow(number, at, bytes(hashed).hex(), msgspec.json.decode(body, type=AuditBody))
        for number, at, body, hashed in rows
    ]
    return AuditPage(items, items[-1].number if len(items) == limit else None)


#: One router, as in `identity.py`.
ROUTES: tuple[Any, ...] = (Router(path="/", route_handlers=[list_audit]),)
