"""The first administrator: a link that works once, printed when a system has none yet."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from psycopg import Connection

from muster.identity import tables
from muster.identity.organisations import root_of
from muster.identity.passwords import Passwords
from muster.identity.people import NewGrant, NewPerson, create_person, give_grant
from muster.identity.sessions import token_hash
from muster.identity.tables import Person
from muster.journal.audit import change
from muster.journal.clock import real_now
from muster.journal.refusal import Refused

LIFETIME: Final = timedelta(hours=24)
FIRST = "system:first"
ROLE = "administrator"


class FirstPerson(msgspec.Struct, frozen=True):
    """Who uses the link."""

    username: str
    name: str
    password: str


def make_first_link(
    connection: Connection[Any], *, now: Callable[[], datetime] = real_now
) -> str | None:
    """A token good for one administrator within 24 hours, or None when there is one already.

    Earlier unused tokens stop working. Only the token's hash is kept. In the caller's transaction.
    """
    moment = now()
    if tables.somebody_holds(connection, ROLE, moment):
        return None
    for stale in tables.unused_links(connection):
        _write(connection, {"token_hash": stale}, None, reason="replaced")
    token = secrets.token_urlsafe(32)
    values = {"expires_at": moment + LIFETIME, "used_at": None}
    _write(connection, {"token_hash": token_hash(token)}, values, reason="made")
    return token


def use_first_link(
    connection: Connection[Any],
    token: str,
    person: FirstPerson,
    *,
    passwords: Passwords,
    now: Callable[[], datetime] = real_now,
) -> Person:
    """Make the first administrator, at the topmost organisation. In the caller's transaction.

    Raises Refused: first.invalid (unknown, used or expired token, or there is an administrator),
    and as `people.create_person`; the token stays good then.
    """
    moment, hashed = now(), token_hash(token)
    usable = tables.lock_link(connection, hashed, moment)
    if not usable or tables.somebody_holds(connection, ROLE, moment):
        raise Refused("first.invalid")
    root = root_of(connection).id
    made = create_person(
        connection,
        NewPerson(
            name=person.name,
            username=person.username,
            organisation=root,
            password=person.password,
        ),
        passwords,
        actor=FIRST,
        reason="first administrator",
    )
    grant = NewGrant(role=ROLE, organisation=root)
    give_grant(connection, made.id, grant, actor=FIRST, reason="first administrator", now=moment)
    values = {"expires_at": moment, "used_at": moment}
    _write(connection, {"token_hash": hashed}, values, reason="used")
    return made


def _write(
    connection: Connection[Any],
    key: dict[str, bytes],
    values: dict[str, Any] | None,
    *,
    reason: str,
) -> None:
    change(connection, "first_link", key, values, actor=FIRST, reason=reason)
