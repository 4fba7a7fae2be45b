"""The audit and the access log: the doors of `review`."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from litestar import Response, Router, get
from litestar.params import Parameter
from msgspec.structs import replace
from psycopg import Connection

from muster.api.opening import disclosed, reads
from muster.api.platform import Platform
from muster.api.session import PROVE
from muster.api.spreadsheet import harmless
from muster.command.incidents.view import Person
from muster.identity import tables
from muster.identity.authoriser import authorise, scope_of
from muster.identity.looks import tables as looks
from muster.identity.looks.look import LookRow
from muster.identity.looks.tables import Wanted
from muster.identity.organisations import root_of
from muster.identity.people import names_of
from muster.journal.context import Actor
from muster.journal.entry import Authority, check_input


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
    platform: Platform,
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


# --- the access log ----------------------------------------------------------------------------

READ_LOG: Final = "read.access_log"
MOST_EXPORTED: Final = 10_000
What = Annotated[str, Parameter(pattern=r"^[a-z_.]{0,32}\Z", description="what was looked at")]
Code = Annotated[str, Parameter(pattern=r"^[a-z_]{0,32}\Z", description="only this justification")]
Moment = datetime | None


class LookView(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the access log (查阅日志). `justification` was derived from the work at hand,
    `basis` holds the ids it follows from. `hash` (hex) chains it to the row before."""

    number: int
    at: datetime
    actor: Person
    session: str
    role: str
    organisation: str
    what: str
    matter: str | None
    subject: str
    outcome: str
    justification: str
    basis: str
    purpose: str
    marks: tuple[str, ...]
    hash: str


class LookPage(msgspec.Struct, frozen=True):
    """Newest first. `next` goes into `before` for the following page."""

    items: list[LookView]
    next: int | None


def log_filter(
    person: Annotated[str, Parameter(pattern=r"^[A-Za-z0-9:_-]{0,63}\Z")] = "",
    matter: Annotated[
        str, Parameter(pattern=r"^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?\Z")
    ] = "",
    what: What = "",
    outcome: Literal["", "shown", "masked", "empty", "denied"] = "",
    since: Moment = None,
    until: Moment = None,
) -> Wanted:
    """The dependency that reads the log's filters."""
    for name, at in (("since", since), ("until", until)):
        check_input(at, name)
    return Wanted(actor=person, matter=matter, what=what, outcome=outcome, since=since, until=until)


@get(
    "/api/access",
    sync_to_thread=True,
    opt=reads("access_log.read"),
    operation_id="list_access",
    summary="查阅日志: who looked at what, and why",
)
def list_access(
    platform: Platform,
    actor: Actor,
    log_wanted: Wanted,
    justification: Code = "",
    before: Annotated[int | None, Parameter(ge=1, le=2**53 - 1)] = None,
    limit: Annotated[int, Parameter(ge=1, le=500)] = 100,
) -> LookPage:
    """Looks by people of one's area, and at matters of it. Reading this is a look, too."""
    wanted = replace(log_wanted, justification=justification, before=before, limit=limit)
    with platform.pool.connection() as connection:
        authority = authorise(connection, actor, READ_LOG)
        rows = looks.rows(connection, wanted, scope_of(connection, actor).paths(READ_LOG))
        items = _views(connection, rows)
    disclosed(platform, actor, authority, "access_log.read", count=len(rows), subject=_said(wanted))
    return LookPage(items, items[-1].number if len(items) == limit else None)


@get(
    "/api/access/export",
    sync_to_thread=True,
    opt=reads("export", **PROVE),
    operation_id="export_access",
    summary="导出查阅日志: the same as a CSV file, at most 10,000 rows",
)
def export_access(
    platform: Platform, actor: Actor, log_wanted: Wanted, justification: Code = ""
) -> Response[str]:
    wanted = replace(log_wanted, justification=justification, limit=MOST_EXPORTED)
    with platform.pool.connection() as connection:
        authority = authorise(connection, actor, READ_LOG)
        rows = looks.rows(connection, wanted, scope_of(connection, actor).paths(READ_LOG))
        items = _views(connection, rows)
    disclosed(
        platform, actor, authority, "export", count=len(rows), subject=f"access {_said(wanted)}"
    )
    headers = {"Content-Disposition": 'attachment; filename="access.csv"'}
    return Response(csv_of(items), media_type="text/csv; charset=utf-8", headers=headers)


@get(
    "/api/access/mine",
    sync_to_thread=True,
    opt=reads("access_log.read"),
    operation_id="my_access",
    summary="我的查阅: what the log says of one's own looks",
)
def my_access(
    platform: Platform,
    actor: Actor,
    before: Annotated[int | None, Parameter(ge=1, le=2**53 - 1)] = None,
    limit: Annotated[int, Parameter(ge=1, le=500)] = 100,
) -> LookPage:
    wanted = Wanted(actor=actor.person, before=before, limit=limit)
    with platform.pool.connection() as connection:
        rows = looks.rows(connection, wanted, None)
        items = _views(connection, rows)
    disclosed(
        platform, actor, Authority("", ""), "access_log.read", count=len(rows), subject="mine"
    )
    return LookPage(items, items[-1].number if len(items) == limit else None)


def _said(wanted: Wanted) -> str:
    """The filters that were asked for."""
    given = {name: getattr(wanted, name) for name in wanted.__struct_fields__ if name != "limit"}
    return " ".join(f"{name}={value}" for name, value in given.items() if value not in ("", None))


def _views(connection: Connection[Any], rows: Sequence[LookRow]) -> list[LookView]:
    names = names_of(connection, {row.actor for row in rows})
    return [view_of(row, names) for row in rows]


def view_of(row: LookRow, names: Mapping[str, str]) -> LookView:
    fields = {name: getattr(row, name) for name in row.__struct_fields__}
    return LookView(**{**fields, "actor": Person(row.actor, names.get(row.actor, ""))})


def csv_of(items: Sequence[LookView]) -> str:
    """As a spreadsheet reads it: no cell is taken for a formula."""
    text = io.StringIO()
    text.write("\ufeff")
    writer = csv.writer(text)
    names = LookView.__struct_fields__
    writer.writerow(names)
    for item in items:
        cells = msgspec.to_builtins(item)
        cells["actor"] = f"{item.actor.name} {item.actor.id}".strip()
        cells["marks"] = " ".join(item.marks)
        writer.writerow([harmless(cells[name]) for name in names])
    return text.getvalue()


#: One router, as in `identity.py`.
ROUTES: tuple[Any, ...] = (
    Router(path="/", route_handlers=[list_audit, list_access, export_access, my_access]),
)
