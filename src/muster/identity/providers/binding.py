"""Who is who at a provider: bound by hand, never because a name or an address is alike."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec
from psycopg import Connection

from muster.identity.providers import tables
from muster.identity.providers.configuration import read, secret
from muster.identity.providers.tables import IdentityRow, OutcomeRow, VisitRow
from muster.identity.providers.visit import Claims, Visit
from muster.identity.sessions import SignedIn
from muster.identity.sign_in.changes import IDENTITY, IDENTITY_OFF, tell
from muster.identity.sign_in.tables import live_session
from muster.journal.audit import change
from muster.journal.clock import real_now
from muster.journal.refusal import Refused

if TYPE_CHECKING:
    from muster.identity.providers.client import ProviderClient

UNDER_WAY: Final = timedelta(minutes=10)
KEEP_OUTCOMES: Final = timedelta(days=90)
#: More sign-ins under way than this are somebody's flood.
MOST_VISITS: Final = 5_000

Providers: TypeAlias = "Mapping[str, ProviderClient]"


class Returned(msgspec.Struct, frozen=True):
    """Somebody came back from a provider and was who they said."""

    visit: VisitRow
    issuer: str
    claims: Claims


def opened(data: Path) -> Providers:
    """The providers of a data folder, by id. Raises ProvidersInvalid."""
    listed = read(data)
    if not listed:
        return {}
    # What speaks to them takes long to import, and most installations have none.
    from muster.identity.providers.client import ProviderClient

    return {one.id: ProviderClient(one, secret(data, one)) for one in listed}


def provider_of(providers: Providers, name: str) -> ProviderClient:
    """Raises Refused("oidc.unknown")."""
    found = providers.get(name)
    if found is None:
        raise Refused("oidc.unknown")
    return found


def begin(
    connection: Connection[Any],
    provider: ProviderClient,
    return_to: str,
    signed_in: SignedIn | None,
    now: datetime,
) -> tuple[Visit, str]:
    """A visit for the browser's cookie, and where it goes. `signed_in`: who binds the own identity
    (None: somebody signs in). Raises Refused: rate.limited, and as
    `ProviderClient.way_in`."""
    visit = Visit.fresh()
    address = provider.way_in(visit)
    if tables.visits(connection, now) >= MOST_VISITS:
        raise Refused("rate.limited", retry_s=60)
    row = VisitRow(provider.provider.id, return_to, None)
    if signed_in is not None:
        session = bytes.fromhex(signed_in.session)
        row = msgspec.structs.replace(row, person=signed_in.person, session_hash=session)
    tables.begin_visit(connection, visit.hash, row, now + UNDER_WAY)
    return visit, address


def identity_id(row: IdentityRow) -> str:
    """How an identity is named in addresses."""
    return hashlib.sha256(f"{row.issuer}\n{row.subject}".encode()).hexdigest()[:24]


def bind(connection: Connection[Any], row: IdentityRow, *, actor: str) -> None:
    """From now on this identity is this person. Raises Refused("oidc.taken") if it is somebody
    else's."""
    known = tables.identity(connection, row.issuer, row.subject)
    if known is not None and known.person != row.person:
        raise Refused("oidc.taken")
    if known is not None and row.confirmed_by is None:
        return
    key = {"issuer": row.issuer, "subject": row.subject}
    values = {"person": row.person, "bound_at": row.bound_at, "confirmed_by": row.confirmed_by}
    change(connection, "provider_identity", key, values, actor=actor, reason="identity bound")


def bind_own(
    connection: Connection[Any], visit: VisitRow, issuer: str, subject: str, now: datetime
) -> str:
    """Who went to a provider to bind an identity is back with it; the person's id. Raises Refused:
    oidc.visit (the session it began in has ended since), oidc.taken."""
    session = None
    if visit.session_hash is not None:
        session = live_session(connection, visit.session_hash, now)
    if session is None or session.person.id != visit.person:
        raise Refused("oidc.visit")
    person = session.person.id
    bind(connection, IdentityRow(issuer, subject, person, now), actor=person)
    tell(connection, person, IDENTITY, by=person, at=now, here=session)
    return person


def unbind_unconfirmed(
    connection: Connection[Any], person: str, *, actor: str, reason: str
) -> None:
    """What was bound in an account before its sign-in was handed over anew opens it no more."""
    for row in tables.bound_alone(connection, person):
        key = {"issuer": row.issuer, "subject": row.subject}
        change(connection, "provider_identity", key, None, actor=actor, reason=reason)
        tell(connection, person, IDENTITY_OFF, by=actor, at=real_now())


def unbind(connection: Connection[Any], person: str, identity: str, *, actor: str) -> None:
    """Raises Refused("oidc.not_bound")."""
    for row in tables.identities_of(connection, person):
        if identity_id(row) == identity:
            key = {"issuer": row.issuer, "subject": row.subject}
            change(
                connection, "provider_identity", key, None, actor=actor, reason="identity unbound"
            )
            return
    raise Refused("oidc.not_bound")


def record(connection: Connection[Any], row: OutcomeRow) -> None:
    """What came of a visit, for the auditor."""
    tables.add_outcome(connection, row, row.at - KEEP_OUTCOMES)
