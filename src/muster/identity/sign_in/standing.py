"""What holds for a session at this moment: whether it lives, and what its owner must do first."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from psycopg import Connection

from muster.identity.sign_in import tables
from muster.identity.sign_in.policy import PASSWORD, Policy, in_force
from muster.identity.sign_in.tables import SessionRow, Standing

#: What a person must do before anything else.
Needs = Literal["", "password", "factor"]


def live(connection: Connection[Any], hashed: bytes, now: datetime) -> SessionRow | None:
    """The session of a token's hash, by the policy of this moment."""
    row = tables.live_session(connection, hashed, now)
    if row is None:
        return None
    policy = in_force(row.standing.said)
    over = ends_at(policy, row.created_at, row.last_seen) <= now
    return None if over or row.method not in policy.methods else row


def ends_at(policy: Policy, created_at: datetime, seen: datetime) -> datetime:
    """When a session ends that is not used again."""
    return min(created_at + policy.longest, seen + policy.idle)


def needs_of(standing: Standing, method: str) -> Needs:
    """What must be done first. Who came through a provider has his second factor there."""
    if method != PASSWORD:
        return ""
    if standing.password_until is not None:
        return "password"
    policy = in_force(standing.said)
    return "factor" if policy.factor_roles & {*standing.roles} and not standing.factor else ""
