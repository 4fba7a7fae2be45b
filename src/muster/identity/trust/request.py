"""A role of trust for somebody, or who somebody is at a provider: one asks, another confirms.

Alone an administrator makes accounts for ordinary work. Whatever makes an account a second person,
or opens somebody's account from outside, waits for somebody else; `standing` says for whom.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from psycopg import Connection

from muster.identity import tables as identity_tables
from muster.identity.organisations import path_of
from muster.identity.passwords import Passwords
from muster.identity.people import NewGrant, confirm_grant, find_person, give_grant
from muster.identity.providers import tables as provider_tables
from muster.identity.providers.binding import bind
from muster.identity.providers.tables import IdentityRow
from muster.identity.scope import Scope
from muster.identity.sign_in import changes
from muster.identity.sign_in.resets import give_password, take_factor
from muster.identity.sign_in.tables import factor
from muster.identity.trust import tables
from muster.identity.trust.standing import areas_of, check_second
from muster.identity.trust.tables import TrustRow
from muster.identity.trust.trusted import TRUSTED, by_system, combined
from muster.journal import chain
from muster.journal.audit import change
from muster.journal.refusal import Refused

OPEN_FOR: Final = timedelta(hours=24)
GRANT, IDENTITY = "grant", "identity"
CONFIRM: Final = "confirm.trust"
#: Who stands behind a sign-in that begins at a provider: Muster hands nothing out.
AT_PROVIDER: Final = "provider"
BY_TWO: Final = "confirmed by a second person"

Database = Connection[Any]


class Asking(msgspec.Struct, frozen=True):
    """Who asks, why and when."""

    actor: str
    reason: str
    now: datetime


def ask_grant(connection: Database, person: str, new: NewGrant, asking: Asking) -> TrustRow:
    """Ask for a role of trust for somebody; good for a day. Raises Refused: person.unknown,
    grant.self, grant.until, grant.combined, organisation.unknown, trust.asked."""
    if find_person(connection, person).id == asking.actor:
        raise Refused("grant.self")
    if new.valid_until is not None and new.valid_until <= asking.now:
        raise Refused("grant.until")
    path_of(connection, new.organisation)
    _check_apart(connection, person, new.role, asking.now)
    row = msgspec.structs.replace(
        _fresh(person, GRANT, asking),
        role=new.role,
        organisation=new.organisation,
        valid_until=new.valid_until,
    )
    return _ask(connection, row)


def ask_identity(
    connection: Database, person: str, issuer: str, subject: str, asking: Asking
) -> TrustRow:
    """Ask to bind who somebody is at a provider; good for a day. Raises Refused: person.unknown,
    person.self, oidc.taken, trust.asked."""
    if find_person(connection, person).id == asking.actor:
        raise Refused("person.self")
    known = provider_tables.identity(connection, issuer, subject)
    if known is not None and known.person != person:
        raise Refused("oidc.taken")
    row = _fresh(person, IDENTITY, asking)
    return _ask(connection, msgspec.structs.replace(row, issuer=issuer, subject=subject))


def waiting(connection: Database, now: datetime) -> list[TrustRow]:
    """Those that wait for a second person, the oldest first."""
    return tables.waiting(connection, now)


def find(connection: Database, request: str, now: datetime) -> TrustRow:
    """One that waits, locked until the commit. Raises Refused("trust.unknown")."""
    with connection.cursor() as cursor:
        chain.lock(cursor, "audit")
    row = tables.request(connection, request, now)
    if row is None:
        raise Refused("trust.unknown")
    return row


def starts_anew(connection: Database, row: TrustRow) -> bool:
    """Whether the account's sign-in is still only what one person gave it. Confirming a role of
    trust ends all of that, and the second person hands a one-time password over."""
    return row.what == GRANT and tables.vouched_by(connection, row.person) is None


def concerns(connection: Database, row: TrustRow, now: datetime) -> list[str]:
    """The paths a second person must be in charge of; the first is the one asked about."""
    found = [] if row.organisation is None else [path_of(connection, row.organisation)]
    if row.what == IDENTITY or starts_anew(connection, row):
        found += areas_of(connection, row.person, now)
    return found


def in_reach(connection: Database, scope: Scope, row: TrustRow, now: datetime) -> bool:
    """Whether somebody with this scope is in charge of all that a request concerns."""
    return all(scope.allows_at(CONFIRM, path) for path in concerns(connection, row, now))


def check(connection: Database, row: TrustRow, second: str, now: datetime) -> None:
    """Whether somebody is the second person. Raises Refused: trust.same_person, person.self, and
    as `standing.check_second`."""
    if second == row.asked_by:
        raise Refused("trust.same_person")
    if second == row.person:
        raise Refused("person.self")
    paths = concerns(connection, row, now)
    check_second(connection, (row.asked_by, second), CONFIRM, paths, now)


def confirm(
    connection: Database, row: TrustRow, passwords: Passwords, *, actor: str, now: datetime
) -> str:
    """Do what was asked for: the one-time password when the account's sign-in starts anew, else an
    empty text. The machine's owner needs no second. Raises Refused: as `check` and the asking."""
    if not by_system(actor):
        check(connection, row, actor, now)
    _decide(connection, row, True, actor, now)
    if row.what == IDENTITY:
        _bind(connection, row, actor, now)
        return ""
    fresh = ""
    if starts_anew(connection, row):
        fresh = _start_anew(connection, row.person, passwords, actor, now)
    role, organisation = row.role or "", row.organisation or ""
    _check_apart(connection, row.person, role, now)
    new = NewGrant(
        id=row.id,
        role=role,
        organisation=organisation,
        valid_until=row.valid_until,
        asked_by=row.asked_by,
        confirmed_by=actor,
    )
    give_grant(connection, row.person, new, actor=actor, reason=row.reason, now=now)
    return fresh


def decline(connection: Database, row: TrustRow, *, actor: str, now: datetime) -> None:
    """It is not done; whoever asked takes it back this way, too."""
    _decide(connection, row, False, actor, now)


def confirm_alone_given(
    connection: Database, person: str, passwords: Passwords, *, actor: str, now: datetime
) -> tuple[int, str]:
    """What the machine's owner does for roles of trust that one person alone gave before two were
    needed: how many are confirmed, and the one-time password if the sign-in starts anew."""
    with connection.cursor() as cursor:
        chain.lock(cursor, "audit")
    alone = [
        one
        for one in tables.held(connection, person, now)
        if one.role in TRUSTED and one.confirmed_by is None
    ]
    fresh = ""
    if alone and tables.vouched_by(connection, person) is None:
        fresh = _start_anew(connection, person, passwords, actor, now)
    for one in alone:
        confirm_grant(connection, one.id, actor=actor, reason="given by one alone before")
    return len(alone), fresh


def alone_given(connection: Database, now: datetime) -> list[str]:
    """Who holds a role of trust that one person alone gave."""
    return tables.given_alone(connection, sorted(TRUSTED), now)


def people_named(connection: Database, rows: list[TrustRow]) -> dict[str, str]:
    """Names of those a list of requests speaks of."""
    ids = {one.person for one in rows} | {one.asked_by for one in rows}
    return identity_tables.names(connection, sorted(ids))


def _fresh(person: str, what: str, asking: Asking) -> TrustRow:
    return TrustRow(
        id=str(uuid.uuid4()),
        person=person,
        what=what,
        reason=asking.reason,
        asked_by=asking.actor,
        asked_at=asking.now,
        expires_at=asking.now + OPEN_FOR,
    )


def _ask(connection: Database, row: TrustRow) -> TrustRow:
    with connection.cursor() as cursor:
        chain.lock(cursor, "audit")
    for one in tables.waiting(connection, row.asked_at):
        same = (one.person, one.role, one.organisation, one.issuer, one.subject)
        if same == (row.person, row.role, row.organisation, row.issuer, row.subject):
            raise Refused("trust.asked")
    values = msgspec.structs.asdict(row)
    key = {"id": values.pop("id")}
    change(connection, "trust_request", key, values, actor=row.asked_by, reason="trust asked")
    return row


def _check_apart(connection: Database, person: str, role: str, now: datetime) -> None:
    held = {one.role for one in identity_tables.grants_of(connection, [person])}
    if combined(role, held):
        raise Refused("grant.combined")


def _bind(connection: Database, row: TrustRow, actor: str, now: datetime) -> None:
    at_provider = not tables.has_password(connection, row.person)
    who = IdentityRow(row.issuer or "", row.subject or "", row.person, now, confirmed_by=actor)
    bind(connection, who, actor=actor)
    changes.tell(connection, row.person, changes.IDENTITY, by=actor, at=now)
    if at_provider and not provider_tables.bound_alone(connection, row.person):
        values = {"vouched_by": AT_PROVIDER}
        change(connection, "person", {"id": row.person}, values, actor=actor, reason=BY_TWO)


def _start_anew(
    connection: Database, person: str, passwords: Passwords, actor: str, now: datetime
) -> str:
    """Nothing that could sign in as the person before can any more."""
    found = factor(connection, person)
    if found is not None and found.confirmed_at is not None:
        take_factor(connection, person, actor=actor, reason=BY_TWO)
    return give_password(connection, person, passwords, actor=actor, reason=BY_TWO, now=now)


def _decide(connection: Database, row: TrustRow, done: bool, actor: str, now: datetime) -> None:
    values = {"decided_by": actor, "decided_at": now, "done": done}
    reason = "trust confirmed" if done else "trust declined"
    change(connection, "trust_request", {"id": row.id}, values, actor=actor, reason=reason)
