"""People and their grants: made, given, ended; never deleted. Every change is audited.

These functions change; whether the actor may is asked before, with `authoriser.authorise`.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from psycopg import Connection
from psycopg.errors import UniqueViolation

from muster.identity import tables
from muster.identity.authoriser import authorise, scope_of
from muster.identity.organisations import path_of
from muster.identity.passwords import Passwords, check_policy
from muster.identity.roles import ROLES
from muster.identity.sessions import (
    USERNAME,
    end_sessions,
    names_of_city,
    normal_username,
    set_password_hash,
)
from muster.identity.sign_in.policy import in_force
from muster.identity.sign_in.tables import policies_over
from muster.identity.tables import GrantRow, Person
from muster.identity.trust.trusted import TRUSTED, by_system
from muster.journal.audit import change
from muster.journal.clock import real_now
from muster.journal.context import Actor
from muster.journal.refusal import Refused

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")

Database = Connection[Any]


class NewPerson(msgspec.Struct, frozen=True, kw_only=True):
    """`id`: made when empty. Without a password the person cannot sign in. `password_until`: it is
    only to choose another at the first sign-in, until then."""

    name: str
    username: str
    organisation: str
    password: str | None = None
    password_until: datetime | None = None
    id: str = ""
    invented: bool = False


class NewGrant(msgspec.Struct, frozen=True, kw_only=True):
    """`valid_until` None: until revoked. `id`: made when empty. A role of trust needs
    `confirmed_by`, a second person's or the system's (`trust`)."""

    role: str
    organisation: str
    valid_until: datetime | None = None
    id: str = ""
    asked_by: str | None = None
    confirmed_by: str | None = None


def create_person(
    connection: Database, new: NewPerson, passwords: Passwords, *, actor: str, reason: str
) -> Person:
    """Raises Refused: username.invalid, username.taken, person.exists, person.invalid,
    organisation.unknown, and as `passwords.check_policy`."""
    username = normal_username(new.username)
    if not USERNAME.fullmatch(username):
        raise Refused("username.invalid")
    person_id = new.id or f"p-{uuid.uuid4().hex[:12]}"
    if not _ID.fullmatch(person_id) or not new.name.strip():
        raise Refused("person.invalid")
    path = path_of(connection, new.organisation)
    if tables.person(connection, person_id) is not None:
        raise Refused("person.exists", person=person_id)
    if tables.person_by_username(connection, username) is not None:
        raise Refused("username.taken")
    hashed = None
    if new.password is not None:
        shortest = in_force(policies_over(connection, path)).shortest
        names = names_of_city(connection)
        check_policy(new.password, username, shortest=shortest, names=names)
        hashed = passwords.hash(new.password)
    person = Person(person_id, new.name.strip(), username, new.organisation, True, new.invented)
    try:
        write_person(connection, person, actor=actor, reason=reason, password_hash=hashed)
        if hashed is not None and new.password_until is not None:
            until = new.password_until
            set_password_hash(connection, person, hashed, actor=actor, reason=reason, until=until)
    except UniqueViolation:
        # Somebody took it since the look above.
        raise Refused("username.taken") from None
    return person


def write_person(
    connection: Database,
    person: Person,
    *,
    actor: str,
    reason: str,
    password_hash: str | None = None,
) -> None:
    """Write all of a person's row; a known password stays when `password_hash` is None. The system
    vouches for what it makes itself."""
    values: dict[str, Any] = {
        "name": person.name,
        "username": person.username,
        "organisation": person.organisation,
        "active": person.active,
        "invented": person.invented,
    }
    if password_hash is not None:
        values["password_hash"] = password_hash
    if by_system(actor):
        values["vouched_by"] = actor
    change(connection, "person", {"id": person.id}, values, actor=actor, reason=reason)


def give_grant(
    connection: Database,
    person: str,
    new: NewGrant,
    *,
    actor: str,
    reason: str,
    now: datetime,
) -> GrantRow:
    """Grant a role at an organisation from now on. Machine roles are installed, not granted.

    Raises Refused: person.unknown, grant.self, grant.role, grant.until, organisation.unknown; and
    ValueError for a role of trust behind which nobody stands: that is a defect.
    """
    confirmed_by = actor if by_system(actor) else new.confirmed_by
    if new.role in TRUSTED and confirmed_by is None:
        raise ValueError(f"{new.role} needs a second person")
    role = ROLES.get(new.role)
    if role is None or role.machine:
        raise Refused("grant.role", role=new.role)
    if tables.person(connection, person) is None:
        raise Refused("person.unknown")
    if person == actor:
        raise Refused("grant.self")
    if new.valid_until is not None and new.valid_until <= now:
        raise Refused("grant.until")
    row = GrantRow(
        id=new.id or str(uuid.uuid4()),
        person=person,
        role=new.role,
        organisation=new.organisation,
        path=path_of(connection, new.organisation),
        valid_from=now,
        valid_until=new.valid_until,
        revoked_at=None,
        asked_by=new.asked_by,
        confirmed_by=confirmed_by,
    )
    write_grant(connection, row, actor=actor, reason=reason)
    return row


def write_grant(connection: Database, row: GrantRow, *, actor: str, reason: str) -> None:
    """Write all of a grant's row."""
    values = {
        "person": row.person,
        "role": row.role,
        "organisation": row.organisation,
        "valid_from": row.valid_from,
        "valid_until": row.valid_until,
        "revoked_at": row.revoked_at,
        "asked_by": row.asked_by,
        "confirmed_by": row.confirmed_by,
    }
    change(connection, "role_grant", {"id": row.id}, values, actor=actor, reason=reason)


def confirm_grant(connection: Database, grant: str, *, actor: str, reason: str) -> None:
    """Somebody stands behind a grant that one person alone gave."""
    values = {"confirmed_by": actor}
    change(connection, "role_grant", {"id": grant}, values, actor=actor, reason=reason)


def revoke_grant(
    connection: Database, grant: str, *, actor: str, reason: str, now: datetime
) -> GrantRow:
    """End a grant at once; revoking it again changes nothing. Raises Refused: grant.unknown,
    grant.self."""
    row = find_grant(connection, grant)
    if row.person == actor:
        raise Refused("grant.self")
    if row.revoked_at is not None:
        return row
    ended = msgspec.structs.replace(row, revoked_at=now)
    write_grant(connection, ended, actor=actor, reason=reason)
    return ended


def find_grant(connection: Database, grant: str) -> GrantRow:
    """Raises Refused("grant.unknown")."""
    row = tables.grant(connection, grant)
    if row is None:
        raise Refused("grant.unknown")
    return row


def find_person(connection: Database, person: str) -> Person:
    """Raises Refused("person.unknown")."""
    row = tables.person(connection, person)
    if row is None:
        raise Refused("person.unknown")
    return row


def find_username(connection: Database, username: str) -> Person:
    """Raises Refused("person.unknown")."""
    account = tables.person_by_username(connection, normal_username(username))
    if account is None:
        raise Refused("person.unknown")
    return account.person


def managed(connection: Database, actor: Actor, person: str, right: str) -> Person:
    """A person the actor has a right over; others are unknown, whether they exist or not.

    Who holds a role outside the actor's area is not the actor's to manage: a new password for the
    account would be a key to that role. Raises Refused: authority.denied, person.unknown.
    """
    authorise(connection, actor, right)
    found = find_person(connection, person)
    now, scope = real_now(), scope_of(connection, actor)
    held = tables.grants_of(connection, [found.id])
    paths = [one.path for one in held if one.valid_until is None or one.valid_until > now]
    paths.append(path_of(connection, found.organisation))
    if not all(scope.allows_at(right, path) for path in paths):
        raise Refused("person.unknown")
    return found


def set_active(
    connection: Database, person: str, active: bool, *, actor: str, reason: str
) -> Person:
    """Close an account (its sessions end at once) or open it again. Roles of trust end with it: who
    opens it again alone gives none back. Other grants stay as they are.

    Raises Refused: person.unknown, person.self.
    """
    row = find_person(connection, person)
    if person == actor:
        raise Refused("person.self")
    changed = msgspec.structs.replace(row, active=active)
    if changed != row:
        key = {"id": person}
        change(connection, "person", key, {"active": active}, actor=actor, reason=reason)
        for one in tables.grants_of(connection, [person]):
            if one.role in TRUSTED:
                ended = msgspec.structs.replace(one, revoked_at=real_now())
                write_grant(connection, ended, actor=actor, reason=reason)
    if not active:
        end_sessions(connection, person, actor=actor, reason=reason)
    return changed


def deactivate(connection: Database, person: str, *, actor: str, reason: str) -> Person:
    """Close an account. Raises as `set_active`."""
    return set_active(connection, person, False, actor=actor, reason=reason)


def names_of(connection: Database, people: Collection[str]) -> Mapping[str, str]:
    """Names by person id; the system's own actors and unknown ids are missing."""
    return tables.names(connection, sorted(people)) if people else {}


def namesakes(connection: Database, name: str) -> Collection[str]:
    """The ids of people with this name."""
    return tables.people_named(connection, name)


def list_people(
    connection: Database, paths: Sequence[str], *, after: str = "", limit: int = 200
) -> list[tuple[Person, list[GrantRow]]]:
    """People of the organisations at or under `paths`, by id, each with the grants not revoked."""
    found = tables.people(connection, paths, after=after, limit=limit)
    grants: Mapping[str, list[GrantRow]] = {person.id: [] for person in found}
    for row in tables.grants_of(connection, list(grants)):
        grants[row.person].append(row)
    return [(person, grants[person.id]) for person in found]
