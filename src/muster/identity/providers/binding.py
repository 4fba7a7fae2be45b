"""Who is who at a provider: bound by hand, never because a name or an address is alike."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from psycopg import Connection

from muster.identity.providers import tables
from muster.identity.providers.client import Claims, ProviderClient, Visit
from muster.identity.providers.tables import IdentityRow, OutcomeRow, VisitRow
from muster.journal.audit import change
from muster.journal.refusal import Refused

UNDER_WAY: Final = timedelta(minutes=10)
KEEP_OUTCOMES: Final = timedelta(days=90)
#: More sign-ins under way than this are somebody's flood.
MOST_VISITS: Final = 5_000

Providers = Mapping[str, ProviderClient]


class Returned(msgspec.Struct, frozen=True):
    """Somebody came back from a provider and was who they said."""

    visit: VisitRow
    issuer: str
    claims: Claims


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
    person: str | None,
    now: datetime,
) -> tuple[Visit, str]:
    """A visit for the browser's cookie, and where it goes. Raises Refused: rate.limited, and as
    `ProviderClient.way_in`."""
    visit = Visit.fresh()
    address = provider.way_in(visit)
    if tables.visits(connection, now) >= MOST_VISITS:
        raise Refused("rate.limited", retry_s=60)
    row = VisitRow(provider.provider.id, return_to, person)
    tables.begin_visit(connection, visit.hash, row, now + UNDER_WAY)
    return visit, address


def identity_id(row: IdentityRow) -> str:
    """How an identity is named in addresses."""
    return hashlib.sha256(f"{row.issuer}\n{row.subject}".encode()).hexdigest()[:24]


def bind(
    connection: Connection[Any],
    issuer: str,
    subject: str,
    person: str,
    *,
    actor: str,
    now: datetime,
) -> IdentityRow:
    """From now on this identity is this person. Raises Refused("oidc.taken") if it is somebody
    else's."""
    known = tables.identity(connection, issuer, subject)
    if known is not None and known.person != person:
        raise Refused("oidc.taken")
    if known is not None:
        return known
    key = {"issuer": issuer, "subject": subject}
    values = {"person": person, "bound_at": now}
    change(connection, "provider_identity", key, values, actor=actor, reason="identity bound")
    return IdentityRow(issuer, subject, person, now)


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
