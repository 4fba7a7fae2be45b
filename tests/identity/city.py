"""A small invented city, and people in it, for the tests of identity."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from psycopg import Connection
from psycopg_pool import ConnectionPool

from muster.identity import install, people
from muster.identity.access import keep
from muster.identity.install import Account
from muster.identity.passwords import Passwords
from muster.journal.context import Actor
from muster.journal.perform import Writer

PASSWORD = "示例-not-a-real-one"
START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
#: id -> parent, tier
TREE: Mapping[str, tuple[str | None, str]] = {
    "city": (None, "city"),
    "east": ("city", "county"),
    "east1": ("east", "station"),
    "east10": ("east", "station"),
    "west": ("city", "county"),
    "west1": ("west", "station"),
    "harbour": ("city", "partner"),
    "rescue": ("east", "partner"),
}


class Org(msgspec.Struct, frozen=True):
    id: str
    parent: str | None
    tier: str
    name_zh: str = "示例单位"
    name_en: str = "Example"
    lon: float = 122.2016
    lat: float = 29.988


@dataclass(frozen=True)
class Pack:
    organisations: Mapping[str, Org]
    people: Mapping[str, Account] = field(default_factory=dict)


PACK = Pack({name: Org(name, parent, tier) for name, (parent, tier) in TREE.items()})


class Clock:
    """A real clock for tests: stands still until moved."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def pass_(self, **span: float) -> None:
        self.at += timedelta(**span)


@dataclass
class City:
    """An installed city. `hire` makes an invented person with grants."""

    pool: ConnectionPool[Connection[Any]]
    clock: Clock
    passwords: Passwords = field(default_factory=lambda: Passwords(testing=True))

    def hire(self, person: str, *grants: tuple[str, str], days: float | None = None) -> Actor:
        """A person with (role, organisation) grants, until `days` from now."""
        until = None if days is None else self.clock() + timedelta(days=days)
        with self.pool.connection() as connection:
            new = people.NewPerson(
                id=person,
                name=f"示例{person}",
                username=person,
                organisation="city",
                password=PASSWORD,
                invented=True,
            )
            people.create_person(connection, new, self.passwords, actor="test", reason="test")
        for role, organisation in grants:
            self.grant(person, role, organisation, until=until)
        return Actor(person)

    def grant(
        self, person: str, role: str, organisation: str, *, until: datetime | None = None
    ) -> str:
        with self.pool.connection() as connection:
            return people.give_grant(
                connection,
                person,
                people.NewGrant(
                    role=role, organisation=organisation, valid_until=until, confirmed_by="test"
                ),
                actor="test",
                reason="test",
                now=self.clock(),
            ).id

    def matter(self, own: str, *asked: str) -> str:
        """A matter of an organisation, others asked in."""
        matter = str(uuid.uuid4())
        after = {own: "own", **dict.fromkeys(asked, "asked")}
        with self.pool.connection() as connection:
            keep(Writer(connection), matter, {}, after)
        return matter

    def audit(self) -> list[tuple[str, str, str]]:
        """(table, actor, reason) of every audit row, in order."""
        with self.pool.connection() as connection:
            return connection.execute(
                "SELECT table_name, actor, reason FROM audit ORDER BY number"
            ).fetchall()


def installed(pool: ConnectionPool[Connection[Any]]) -> City:
    city = City(pool, Clock())
    with pool.connection() as connection:
        install.install(connection, PACK, None, now=city.clock)
    return city
