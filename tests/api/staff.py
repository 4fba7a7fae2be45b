"""Invented people for tests of the doors: hired with a session, without signing in."""

from __future__ import annotations

from uuid import uuid4

import psycopg
from psycopg_pool import ConnectionPool

from muster.api.session import COOKIE, CSRF_HEADER
from muster.identity.passwords import Passwords
from muster.identity.people import NewPerson, create_person, write_grant
from muster.identity.sessions import Sessions
from muster.identity.tables import GrantRow
from muster.journal.clock import real_now
from tests.instance import PASSWORD, Instance
from tests.stories.desk import Person

ROLES_IN_CHARGE = ("duty_chief", "administrator", "auditor")


def hire(
    server: Instance,
    *grants: tuple[str, str],
    organisation: str = "",
    confirmed_by: str | None = "test",
) -> tuple[str, Person]:
    """(id, person signed in) of somebody new with (role, organisation) grants."""
    name = f"h{uuid4().hex[:10]}"
    with psycopg.connect(server.settings.app_dsn) as connection:
        made = create_person(
            connection,
            NewPerson(
                name="示例新人",
                username=name,
                organisation=organisation or grants[0][1],
                password=PASSWORD,
                invented=True,
            ),
            Passwords(testing=True),
            actor="test",
            reason="test",
        )
        for role, where in grants:
            row = GrantRow(
                id=str(uuid4()),
                person=made.id,
                role=role,
                organisation=where,
                path="",
                valid_from=real_now(),
                valid_until=None,
                revoked_at=None,
                confirmed_by=confirmed_by,
            )
            write_grant(connection, row, actor="test", reason="test")
    return made.id, come_in(server, made.id, name)


def come_in(server: Instance, person: str, username: str) -> Person:
    """A person with a fresh session, made as a sign-in makes it but without counting one."""
    dsn = server.settings.app_dsn
    with ConnectionPool(dsn, min_size=1, max_size=1) as pool, pool.connection() as connection:
        opened = Sessions(pool, Passwords(testing=True)).open_for(connection, person)
    headers = {"Cookie": f"{COOKIE}={opened[0]}", CSRF_HEADER: opened[1].csrf}
    return Person(server.url, username, headers=headers)
