"""Policies of organisations: kept, read, changed within what can work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from psycopg import Connection

from muster.identity import tables as identity_tables
from muster.identity.authority import covers
from muster.identity.organisations import path_of
from muster.identity.roles import ROLES
from muster.identity.sign_in import tables
from muster.identity.sign_in.policy import METHODS, Policy, Said, in_force, is_top
from muster.journal.audit import change
from muster.journal.refusal import Refused

Database = Connection[Any]


def set_policy(
    connection: Database, organisation: str, said: Said, *, actor: str, reason: str
) -> Policy:
    """Keep what an organisation says; what it says nothing about is inherited. Its policy then.

    Raises Refused: organisation.unknown, policy.role, policy.method, policy.top_only (the lock is
    one for the whole city), policy.no_method (nobody could sign in any more).
    """
    path = path_of(connection, organisation)
    for role in said.factor_roles or ():
        if role not in ROLES or ROLES[role].machine:
            raise Refused("policy.role", role=role)
    if said.methods is not None and not (said.methods and set(said.methods) <= set(METHODS)):
        raise Refused("policy.method")
    if not is_top(path) and (said.failures is not None or said.lock_s is not None):
        raise Refused("policy.top_only")
    others = [one for one in tables.policies(connection) if one.path != path]
    everything = [*others, msgspec.structs.replace(said, path=path)]
    for one in everything:
        if not policy_at(everything, one.path).methods:
            raise Refused("policy.no_method")
    values = {
        "shortest": said.shortest,
        "factor_roles": _listed(said.factor_roles),
        "idle_s": said.idle_s,
        "longest_s": said.longest_s,
        "failures": said.failures,
        "lock_s": said.lock_s,
        "methods": _listed(said.methods),
    }
    key = {"organisation": organisation}
    empty = all(value is None for value in values.values())
    if not empty or any(one.path == path for one in tables.policies(connection)):
        wanted = None if empty else values
        change(connection, "sign_in_policy", key, wanted, actor=actor, reason=reason)
    return policy_at(everything, path)


def policy_at(said: Sequence[Said], path: str) -> Policy:
    """What holds at an organisation's path, of all that is said."""
    return in_force(one for one in said if covers(one.path, path))


def allow_every_method(connection: Database, *, actor: str, reason: str) -> int:
    """Nobody is kept to one way of signing in any more; how many policies changed. For the
    machine's owner, when a provider is gone and nobody gets in."""
    changed = 0
    paths = {one.path: one.id for one in identity_tables.organisations(connection)}
    for one in tables.policies(connection):
        if one.methods is not None:
            key = {"organisation": paths[one.path]}
            values = {"methods": None}
            change(connection, "sign_in_policy", key, values, actor=actor, reason=reason)
            changed += 1
    return changed


def _listed(values: tuple[str, ...] | None) -> list[str] | None:
    return None if values is None else sorted(set(values))
