"""identity's judgement inside `perform`: one statement, then a pure decision over its rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from psycopg import Connection

from muster.identity import tables
from muster.identity.authority import (
    CELLS,
    OPENING,
    Access,
    Cell,
    Grant,
    choose,
    least,
    reachable,
    suffices_at,
)
from muster.identity.roles import SYSTEM, TOKEN_ACTOR
from muster.identity.scope import Scope, scope_of_grants
from muster.identity.tokens import tables as token_tables
from muster.journal.clock import real_now
from muster.journal.context import Actor
from muster.journal.entry import Authority
from muster.journal.refusal import Refused


class Rights(msgspec.Struct, frozen=True):
    """The rows of `query`, sorted out. `matters` in the order they were asked for."""

    session: bool
    grants: tuple[Grant, ...]
    matters: dict[str, Access]
    organisations: dict[str, str]
    root: str | None


def sort_out(rows: Sequence[Any]) -> Rights:
    """Tagged rows of `tables.rights_query` or `tables.root_query`."""
    session, root = False, None
    grants: list[Grant] = []
    matters: dict[str, dict[str, str]] = {}
    organisations: dict[str, str] = {}
    for tag, one, two, three in rows:
        if tag == "session":
            session = True
        elif tag == "grant":
            grants.append(Grant(one, two, three))
        elif tag == "matter":
            access = matters.setdefault(one, {})
            if two is not None:
                access[two] = three
        elif tag == "organisation":
            organisations[one] = two
        else:
            root = one
    return Rights(session, tuple(grants), {**matters}, organisations, root)


def _query(
    actor: Actor, matters: Sequence[str], now: datetime, organisations: Sequence[str] | None
) -> tuple[str, Sequence[Any]]:
    """The rights of a person in a session, or of a token."""
    if actor.person.startswith(TOKEN_ACTOR):
        token = actor.person.removeprefix(TOKEN_ACTOR)
        return token_tables.rights_query(token, matters, now)
    session = bytes.fromhex(actor.session)
    return tables.rights_query(actor.person, session, matters, now=now, organisations=organisations)


class IdentityAuthoriser:
    """Implements `journal.perform.Authoriser`.

    Sessions and grants run on the real clock, also in a simulated data folder. `Actor.session` is
    the hex SHA-256 of the session's token; empty for a call inside the server.
    """

    def __init__(self, now: Callable[[], datetime] = real_now) -> None:
        self._now = now

    def query(
        self, actor: Actor, operation: str, matters: Sequence[str]
    ) -> tuple[str, Sequence[Any]]:
        """The statement and values to run under the locks; `judge` gets its rows."""
        if actor.person in SYSTEM:
            return tables.root_query()
        everywhere = None if operation in OPENING or not matters else ()
        return _query(actor, matters, self._now(), everywhere)

    def judge(
        self, rows: Sequence[Any], actor: Actor, operation: str, organisation: str | None
    ) -> Authority:
        """The authority used. Pure.

        Raises Refused: session.expired; matter.unknown when one of the matters is not visible
        (whether or not it exists); authority.denied; organisation.unknown. KeyError for an
        operation the table does not know: that is a defect.
        """
        rights = sort_out(rows)
        if actor.person in SYSTEM:
            return _system(rights, actor.person, operation)
        if actor.session and not rights.session:
            raise Refused("session.expired")
        if operation in OPENING or not rights.matters:
            grant = _at_organisation(rights, operation, organisation)
        else:
            accesses = list(rights.matters.values())
            if not all(reachable(rights.grants, operation, access) for access in accesses):
                raise Refused("matter.unknown")
            grant = choose(rights.grants, operation, accesses)
        if grant is None:
            raise Refused("authority.denied", operation=operation)
        return Authority(grant.role, grant.organisation)


def _system(rights: Rights, actor: str, operation: str) -> Authority:
    if CELLS[operation, actor] is Cell.NO:
        raise Refused("authority.denied", operation=operation)
    if rights.root is None:
        raise LookupError("no organisation is installed: the system has nothing to act for")
    return Authority("system", rights.root)


def _at_organisation(rights: Rights, operation: str, organisation: str | None) -> Grant | None:
    path = None
    if organisation is not None:
        path = rights.organisations.get(organisation)
        if path is None:
            raise Refused("organisation.unknown", organisation=organisation)
    return least((g for g in rights.grants if suffices_at(g, operation, path)), operation)


def authorise(
    connection: Connection[Any],
    actor: Actor,
    operation: str,
    organisation: str | None = None,
    *,
    now: Callable[[], datetime] = real_now,
) -> Authority:
    """The judgement on a right that concerns no matter, such as `manage.people` at an
    organisation (None: anywhere). Raises Refused as `judge` does."""
    text, values = _query(actor, (), now(), () if organisation is None else (organisation,))
    rows = connection.execute(text.encode(), values).fetchall()
    return IdentityAuthoriser(now).judge(rows, actor, operation, organisation)


def scope_of(
    connection: Connection[Any], actor: Actor, *, now: Callable[[], datetime] = real_now
) -> Scope:
    """What the actor may see now. Raises Refused("session.expired")."""
    text, values = _query(actor, (), now(), ())
    rights = sort_out(connection.execute(text.encode(), values).fetchall())
    if actor.session and not rights.session:
        raise Refused("session.expired")
    return scope_of_grants(rights.grants)
