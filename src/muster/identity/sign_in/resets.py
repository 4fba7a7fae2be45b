"""A new password or no second factor for somebody else: one asks, another confirms.

Alone an administrator cannot become anybody else. The first administrator has nobody beside: on
the machine itself `./muster admin` does it, and the audit says so.
"""

from __future__ import annotations

import secrets
import uuid
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg import Connection

from muster.identity import tables as identity_tables
from muster.identity.passwords import Passwords
from muster.identity.people import find_person, managed
from muster.identity.providers.binding import unbind_unconfirmed
from muster.identity.sessions import end_sessions, set_password_hash
from muster.identity.sign_in import changes, tables
from muster.identity.sign_in.factors import LETTERS, remove_factor
from muster.identity.sign_in.tables import ResetRow
from muster.identity.trust.standing import areas_of, check_second
from muster.journal import chain
from muster.journal.audit import change
from muster.journal.clock import real_now
from muster.journal.context import Actor
from muster.journal.refusal import Refused

OPEN_FOR: Final = timedelta(hours=1)
#: How long a password that somebody else has seen lets its owner choose another.
USABLE_FOR: Final = timedelta(hours=24)
GROUPS: Final = 4
PASSWORD, FACTOR = "password", "factor"
CONFIRM: Final = "confirm.reset"

Database = Connection[Any]


def ask(
    connection: Database, person: str, what: str, *, actor: str, reason: str, now: datetime
) -> ResetRow:
    """Ask for it; good for an hour. Raises Refused: person.unknown, person.self, factor.none,
    reset.asked (it waits already)."""
    if find_person(connection, person).id == actor:
        raise Refused("person.self")
    factor = tables.factor(connection, person)
    if what == FACTOR and (factor is None or factor.confirmed_at is None):
        raise Refused("factor.none")
    with connection.cursor() as cursor:
        chain.lock(cursor, "audit")
    waiting = tables.open_resets(connection, now)
    if any((one.person, one.what) == (person, what) for one in waiting):
        raise Refused("reset.asked")
    row = ResetRow(str(uuid.uuid4()), person, what, reason, actor, now, now + OPEN_FOR)
    values = {
        "person": row.person,
        "what": row.what,
        "reason": row.reason,
        "asked_by": row.asked_by,
        "asked_at": row.asked_at,
        "expires_at": row.expires_at,
    }
    change(connection, "sign_in_reset", {"id": row.id}, values, actor=actor, reason="reset asked")
    return row


def waiting(connection: Database, now: datetime) -> list[ResetRow]:
    """Those that wait for a second person, the oldest first."""
    return tables.open_resets(connection, now)


def may_confirm(connection: Database, actor: Actor, row: ResetRow, now: datetime) -> bool:
    """Whether the actor is the second person: not who asked, not whose sign-in it is, and in
    charge of that person, and independent of who asked."""
    if actor.person in (row.asked_by, row.person):
        return False
    try:
        managed(connection, actor, row.person, CONFIRM)
        check_independent(connection, row, actor.person, now)
    except Refused:
        return False
    return True


def check_independent(connection: Database, row: ResetRow, second: str, now: datetime) -> None:
    """Raises Refused: as `standing.check_second`."""
    paths = areas_of(connection, row.person, now)
    check_second(connection, (row.asked_by, second), CONFIRM, paths, now)


def find(connection: Database, reset: str, now: datetime) -> ResetRow:
    """One that waits, locked until the commit. Raises Refused("reset.unknown")."""
    with connection.cursor() as cursor:
        chain.lock(cursor, "audit")
    row = tables.open_reset(connection, reset, now)
    if row is None:
        raise Refused("reset.unknown")
    return row


def confirm(
    connection: Database, row: ResetRow, passwords: Passwords, *, actor: str, now: datetime
) -> str:
    """Do it; the one-time password, or an empty text for a second factor. The person's sessions
    end. Raises Refused: reset.same_person, person.self, factor.none, and as
    `standing.check_second`."""
    if actor == row.asked_by:
        raise Refused("reset.same_person")
    if actor == row.person:
        raise Refused("person.self")
    check_independent(connection, row, actor, now)
    _decide(connection, row, True, actor, now)
    if row.what == FACTOR:
        take_factor(connection, row.person, actor=actor, reason="reset by two")
        return ""
    return give_password(
        connection, row.person, passwords, actor=actor, reason="reset by two", now=now
    )


def decline(connection: Database, row: ResetRow, *, actor: str, now: datetime) -> None:
    """It is not done; whoever asked may take it back this way, too."""
    _decide(connection, row, False, actor, now)


def give_password(
    connection: Database,
    person: str,
    passwords: Passwords,
    *,
    actor: str,
    reason: str,
    now: datetime,
) -> str:
    """A random password, good for a day and only to choose another. Sessions end, devices are
    strangers again, and identities that no second person confirmed are unbound: nothing opens the
    account but this, and who hands it over stands behind it."""
    found = find_person(connection, person)
    fresh = "-".join(
        "".join(secrets.choice(LETTERS) for _ in range(4)).lower() for _ in range(GROUPS)
    )
    hashed = passwords.hash(fresh)
    until = now + USABLE_FOR
    set_password_hash(connection, found, hashed, actor=actor, reason=reason, until=until)
    change(connection, "person", {"id": person}, {"vouched_by": actor}, actor=actor, reason=reason)
    changes.tell(connection, person, changes.PASSWORD, by=actor, at=now)
    unbind_unconfirmed(connection, person, actor=actor, reason=reason)
    _end(connection, person, actor, reason)
    return fresh


def take_factor(connection: Database, person: str, *, actor: str, reason: str) -> None:
    """No second factor any more; sessions end. Raises Refused("factor.none")."""
    remove_factor(connection, person, actor=actor, reason=reason)
    changes.tell(connection, person, changes.FACTOR_OFF, by=actor, at=real_now())
    _end(connection, person, actor, reason)


def people_named(connection: Database, resets: list[ResetRow]) -> dict[str, str]:
    """Names of those a list of resets speaks of."""
    ids = {one.person for one in resets} | {one.asked_by for one in resets}
    return identity_tables.names(connection, sorted(ids))


def _decide(connection: Database, row: ResetRow, done: bool, actor: str, now: datetime) -> None:
    values = {"decided_by": actor, "decided_at": now, "done": done}
    reason = "reset confirmed" if done else "reset declined"
    change(connection, "sign_in_reset", {"id": row.id}, values, actor=actor, reason=reason)


def _end(connection: Database, person: str, actor: str, reason: str) -> None:
    tables.forget_devices(connection, person)
    end_sessions(connection, person, actor=actor, reason=reason)
