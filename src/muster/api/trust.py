"""Roles of trust and identities of others that wait for a second person."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Router, delete, get, post

from muster.api.opening import reads
from muster.api.platform import Platform
from muster.api.session import PROVE
from muster.identity import tables
from muster.identity.authoriser import authorise, scope_of
from muster.identity.passwords import Passwords
from muster.identity.scope import Scope
from muster.identity.trust import request
from muster.identity.trust.tables import TrustRow
from muster.journal.clock import real_now
from muster.journal.context import Actor
from muster.journal.refusal import Refused


class TrustView(msgspec.Struct, frozen=True, kw_only=True):
    """Waits for a second person until `expires_at`. `what`: `grant` (role, organisation, until) or
    `identity` (issuer, subject). `anew`: whoever confirms gets a one-time password to hand over in
    person. `may_confirm`: whoever asks may; `why_not`: the code of why not;
    `mine`: it is about whoever asks."""

    id: str
    what: str
    person: str
    person_name: str
    username: str
    belongs_to: str
    role: str | None
    organisation: str | None
    until: datetime | None
    issuer: str | None
    subject: str | None
    reason: str
    asked_by: str
    asked_by_name: str
    asked_at: datetime
    expires_at: datetime
    anew: bool
    mine: bool
    may_confirm: bool
    why_not: str


class TrustList(msgspec.Struct, frozen=True):
    """The oldest first."""

    items: list[TrustView]


class TrustDone(msgspec.Struct, frozen=True):
    """`password`: shown this once, for a day, and only to choose another; null when the account's
    sign-in stays as it is."""

    password: str | None


@get(
    "/api/trust-requests",
    sync_to_thread=True,
    opt=reads("list"),
    operation_id="list_trust_requests",
    summary="待第二人确认: roles of trust and identities that wait for a second person",
)
def list_trust_requests(platform: Platform, actor: Actor) -> TrustList:
    """Those one is in charge of, those one asked for, and those about oneself."""
    with platform.pool.connection() as connection:
        scope, now = scope_of(connection, actor), real_now()
        rows = request.waiting(connection, now)
        names = request.people_named(connection, rows)
        found = [trust_view(connection, actor, scope, row, names) for row in rows]
    return TrustList([one for one in found if one is not None])


@post(
    "/api/trust-requests/{request_id:uuid}/confirm",
    sync_to_thread=True,
    status_code=200,
    opt=PROVE,
    operation_id="confirm_trust_request",
    summary="第二人确认: the second person does it",
)
def confirm_trust_request(platform: Platform, actor: Actor, request_id: UUID) -> TrustDone:
    """Do what another asked for: the role is granted, or the identity bound."""
    now, passwords = real_now(), Passwords(testing=platform.testing)
    with platform.pool.connection() as connection:
        row = request.find(connection, str(request_id), now)
        authorise(connection, actor, request.CONFIRM)
        if not request.in_reach(connection, scope_of(connection, actor), row, now):
            raise Refused("trust.unknown")
        password = request.confirm(connection, row, passwords, actor=actor.person, now=now)
    return TrustDone(password or None)


@delete(
    "/api/trust-requests/{request_id:uuid}",
    sync_to_thread=True,
    operation_id="decline_trust_request",
    summary="不予确认: decline a request, or take it back",
)
def decline_trust_request(platform: Platform, actor: Actor, request_id: UUID) -> None:
    """It is not done. For those in charge, for who asked, and for whom it is about."""
    now = real_now()
    with platform.pool.connection() as connection:
        row = request.find(connection, str(request_id), now)
        if actor.person not in (row.asked_by, row.person):
            authorise(connection, actor, request.CONFIRM)
            if not request.in_reach(connection, scope_of(connection, actor), row, now):
                raise Refused("trust.unknown")
        request.decline(connection, row, actor=actor.person, now=now)


def trust_view(
    connection: Any, actor: Actor, scope: Scope, row: TrustRow, names: dict[str, str]
) -> TrustView | None:
    """A request as the actor sees it; None: not at all."""
    now = real_now()
    own, mine = row.asked_by == actor.person, row.person == actor.person
    in_charge = request.in_reach(connection, scope, row, now)
    person = tables.person(connection, row.person)
    if person is None or not (own or mine or in_charge):
        return None
    why_not = ""
    try:
        request.check(connection, row, actor.person, now)
    except Refused as refusal:
        why_not = refusal.code
    return TrustView(
        id=row.id,
        what=row.what,
        person=row.person,
        person_name=person.name,
        username=person.username,
        belongs_to=person.organisation,
        role=row.role,
        organisation=row.organisation,
        until=row.valid_until,
        issuer=row.issuer,
        subject=row.subject,
        reason=row.reason,
        asked_by=row.asked_by,
        asked_by_name=names.get(row.asked_by, row.asked_by),
        asked_at=row.asked_at,
        expires_at=row.expires_at,
        anew=request.starts_anew(connection, row),
        mine=mine,
        may_confirm=in_charge and why_not == "",
        why_not=why_not,
    )


ROUTES: tuple[Any, ...] = (
    Router(
        "/",
        route_handlers=[list_trust_requests, confirm_trust_request, decline_trust_request],
    ),
)
