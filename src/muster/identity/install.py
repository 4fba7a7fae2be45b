"""Organisations and, for a demonstration, people from a city pack."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, Protocol

import msgspec
from psycopg import Connection

from muster.identity import tables
from muster.identity.organisations import OrganisationRow, install_organisations, root_of
from muster.identity.passwords import Passwords
from muster.identity.people import write_grant, write_person
from muster.identity.roles import ASKED_IN, ROLES, Role
from muster.identity.sessions import normal_username
from muster.identity.tables import GrantRow, Person
from muster.journal.clock import real_now

INSTALLER: Final = "system:install"
SIMULATOR: Final = "simulator"
#: Roles whose demonstration account stands at a station.
STATION_ROLES: Final = ("station_room", "officer")


class PersonRow(Protocol):
    """What is needed of a pack's person, who is invented."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def username(self) -> str: ...
    @property
    def organisation(self) -> str: ...
    @property
    def role(self) -> str: ...


class Account(msgspec.Struct, frozen=True):
    """A person who is in no pack."""

    id: str
    name: str
    username: str
    organisation: str
    role: str


class CityPack(Protocol):
    """What is needed of a city pack (`geography.pack.Pack` fits)."""

    @property
    def organisations(self) -> Mapping[str, OrganisationRow]: ...
    @property
    def people(self) -> Mapping[str, PersonRow]: ...


def install(
    connection: Connection[Any],
    pack: CityPack,
    demo_password: str | None,
    *,
    passwords: Passwords | None = None,
    now: Callable[[], datetime] = real_now,
) -> int:
    """Write what differs from the pack and return how many rows that were.

    With a demo password the pack's people exist too, with one grant each, and one account per
    role named after it (`duty-chief`); all can sign in with it. Only for data folders that a
    demonstration made. A grant revoked or an account closed since stays so. Runs in the caller's
    transaction.
    """
    written = install_organisations(connection, pack.organisations, actor=INSTALLER)
    if demo_password is None:
        return written
    crowd = _Crowd(connection, passwords or Passwords(), demo_password, now())
    everybody: dict[str, PersonRow] = {account.id: account for account in demo_accounts(pack)}
    for row in {**everybody, **pack.people}.values():
        crowd.add(row)
    return written + crowd.written


def demo_accounts(pack: CityPack) -> list[Account]:
    """One invented person per role, whose username is the role's (`duty-chief`).

    The pack's own where it has one, else: at the top, at the first station, at the first partner.
    """
    found = list(pack.organisations.values())
    top = next(one.id for one in found if one.parent is None)
    station = next((one.id for one in found if one.tier == "station"), top)
    partner = next((one.id for one in found if one.tier == "partner"), station)
    places = dict.fromkeys(STATION_ROLES, station) | dict.fromkeys(ASKED_IN, partner)
    own = {row.username: row for row in pack.people.values()}
    accounts = []
    for role in ROLES.values():
        account = _account(role, places.get(role.code, top))
        if row := own.get(account.username):
            account = Account(row.id, row.name, row.username, row.organisation, row.role)
        if not role.machine:
            accounts.append(account)
    return accounts


def _account(role: Role, organisation: str) -> Account:
    username = role.code.replace("_", "-")
    return Account(
        id=f"demo-{username}",
        name=f"示例{role.name_zh} {role.name_en}",
        username=username,
        organisation=organisation,
        role=role.code,
    )


def install_simulator(
    connection: Connection[Any],
    password: str,
    *,
    passwords: Passwords | None = None,
    now: Callable[[], datetime] = real_now,
) -> int:
    """The machine that drives a simulated data folder: account `simulator`, role at the top."""
    crowd = _Crowd(connection, passwords or Passwords(), password, now())
    role = ROLES[SIMULATOR]
    top = root_of(connection).id
    crowd.add(Account(SIMULATOR, f"{role.name_zh} {role.name_en}", SIMULATOR, top, role.code))
    return crowd.written


class _Crowd:
    """Invented people who share one password, hashed and checked once and not once each."""

    def __init__(
        self, connection: Connection[Any], passwords: Passwords, password: str, now: datetime
    ) -> None:
        self._connection, self._passwords, self._password = connection, passwords, password
        self._now = now
        self._known = tables.all_people(connection)
        self._hashes = tables.password_hashes(connection)
        self._grants = tables.grant_ids(connection)
        self._fits: dict[str, bool] = {}
        self._hash = ""
        self.written = 0

    def add(self, row: PersonRow) -> None:
        known = self._known.get(row.id)
        person = Person(
            id=row.id,
            name=row.name,
            username=normal_username(row.username),
            organisation=row.organisation,
            active=known.active if known else True,
            invented=True,
        )
        fits = self._password_fits(self._hashes.get(row.id))
        if person != known or not fits:
            hashed = None if fits else self._fresh_hash()
            write_person(
                self._connection,
                person,
                actor=INSTALLER,
                reason="city pack",
                password_hash=hashed,
            )
            self.written += 1
        self._grant(row)

    def _grant(self, row: PersonRow) -> None:
        name = f"muster:grant:{row.id}:{row.role}:{row.organisation}"
        grant = str(uuid.uuid5(uuid.NAMESPACE_URL, name))
        if grant in self._grants:
            return
        fresh = GrantRow(
            id=grant,
            person=row.id,
            role=row.role,
            organisation=row.organisation,
            path="",
            valid_from=self._now,
            valid_until=None,
            revoked_at=None,
            confirmed_by=INSTALLER,
        )
        write_grant(self._connection, fresh, actor=INSTALLER, reason="city pack")
        self.written += 1

    def _password_fits(self, hashed: str | None) -> bool:
        if hashed is None:
            return False
        if hashed not in self._fits:
            self._fits[hashed] = self._passwords.check(hashed, self._password)
        return self._fits[hashed]

    def _fresh_hash(self) -> str:
        self._hash = self._hash or self._passwords.hash(self._password)
        return self._hash
