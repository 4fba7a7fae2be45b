"""Who the simulated people are at the doors: the desk's accounts, and one account per unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from muster.geography.pack import Pack
from muster.simulate.refusal import ReplayRefused
from muster.simulate.shapes import Account

#: Usernames of the demonstration accounts that a simulated or demo data folder has.
CALL_TAKER: Final = "call-taker"
DISPATCHER: Final = "dispatcher"
DUTY_CHIEF: Final = "duty-chief"
SIMULATOR: Final = "simulator"


class Accounts(msgspec.Struct, frozen=True, kw_only=True):
    """Accounts of an instance, as whoever started it hands them over.

    password: of every account that is named by its username alone. officers: unit id ->
    username, for units whose officer is not the one people.csv names.
    """

    password: str
    call_taker: str = CALL_TAKER
    dispatcher: str = DISPATCHER
    duty_chief: str = DUTY_CHIEF
    officers: Mapping[str, str] = {}

    def of(self, username: str) -> Account:
        return Account(username, self.password)


class Desk(NamedTuple):
    """The command centre's seats."""

    call_taker: Account
    dispatcher: Account
    duty_chief: Account


class Crew(NamedTuple):
    """The officer who holds a unit's phone; `person` is their id."""

    unit: str
    person: str
    account: Account


def desk(accounts: Accounts) -> Desk:
    return Desk(
        accounts.of(accounts.call_taker),
        accounts.of(accounts.dispatcher),
        accounts.of(accounts.duty_chief),
    )


def crews(pack: Pack, accounts: Accounts) -> dict[str, Crew]:
    """Unit -> its crew, for every unit that has an officer. ReplayRefused when none has."""
    by_username = {person.username: person for person in pack.people.values()}
    named = {unit: by_username[name] for unit, name in accounts.officers.items()}
    for person in pack.people.values():
        if person.unit is not None and person.role == "officer":
            named.setdefault(person.unit, person)
    if not named:
        raise ReplayRefused("people.missing")
    return {
        unit: Crew(unit, person.id, accounts.of(person.username))
        for unit, person in sorted(named.items())
        if unit in pack.units
    }
