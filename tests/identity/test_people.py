"""Organisations, people and grants: installed, changed, audited, never lost."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import msgspec
import psycopg
import pytest

from muster.identity import people, tables
from muster.identity.first_link import FirstPerson, make_first_link, use_first_link
from muster.identity.install import Account, demo_accounts, install, install_simulator
from muster.identity.organisations import path_of, root_of
from muster.identity.roles import ROLES
from muster.identity.sessions import Sessions
from muster.identity.sign_in.client import Client
from muster.journal.refusal import Refused
from tests.identity.city import PACK, PASSWORD, TREE, City, Clock, Org, Pack

CROWD = Pack(
    PACK.organisations,
    {
        "p1": Account("p1", "示例甲", "jia", "east1", "officer"),
        "p2": Account("p2", "示例乙", "YI", "harbour", "partner"),
        "p3": Account("p3", "示例丙", "duty-chief", "east", "duty_chief"),
    },
)
DEMO = "demo-example-1"


def set_up(city: City, pack: Pack, password: str | None = DEMO) -> int:
    with city.pool.connection() as connection:
        return install(connection, pack, password, passwords=city.passwords, now=city.clock)


def test_paths_follow_the_tree(city: City) -> None:
    with city.pool.connection() as connection:
        rows = {row.id: row for row in tables.organisations(connection)}
        assert path_of(connection, "east1") == "city.east.east1"
        assert root_of(connection).id == "city"
        with pytest.raises(Refused, match=r"organisation.unknown"):
            path_of(connection, "nowhere")
    assert set(rows) == set(TREE)
    assert (rows["east1"].lon, rows["east1"].lat) == (122_201_600, 29_988_000)


def test_installing_again_writes_nothing(city: City) -> None:
    accounts = len(demo_accounts(CROWD)) + 2
    assert set_up(city, CROWD) == 2 * accounts
    before = city.audit()
    assert set_up(city, CROWD) == 0
    assert city.audit() == before


def test_only_a_demonstration_installs_people(city: City) -> None:
    assert set_up(city, CROWD, None) == 0
    with city.pool.connection() as connection:
        assert tables.all_people(connection) == {}


def test_one_demonstration_account_for_each_role(city: City) -> None:
    set_up(city, CROWD)
    sessions = Sessions(city.pool, city.passwords, now=city.clock)
    for role in ROLES.values():
        username = role.code.replace("_", "-")
        if role.machine:
            with pytest.raises(Refused):
                sessions.sign_in(username, DEMO, client=Client("192.0.2.1"))
            continue
        _, session = sessions.sign_in(username, DEMO, client=Client("192.0.2.1"))
        assert [grant.role for grant in session.grants] == [role.code]
    with city.pool.connection() as connection:
        assert all(one.invented for one in tables.all_people(connection).values())
        assert tables.person(connection, "demo-duty-chief") is None, "the pack's own is used"


def test_installing_brings_back_no_right_that_was_taken(city: City) -> None:
    set_up(city, CROWD)
    with city.pool.connection() as connection:
        people.deactivate(connection, "p1", actor="test", reason="test")
        (grant,) = tables.grants_of(connection, ["p2"])
        people.revoke_grant(connection, grant.id, actor="test", reason="test", now=city.clock())
    assert set_up(city, CROWD) == 0
    with city.pool.connection() as connection:
        assert not people.find_person(connection, "p1").active
        assert tables.grants_of(connection, ["p2"]) == []


def test_a_changed_pack_writes_the_difference(city: City) -> None:
    set_up(city, CROWD)
    renamed = {**CROWD.people, "p1": Account("p1", "示例丁", "jia", "east1", "officer")}
    assert set_up(city, Pack(CROWD.organisations, renamed)) == 1
    assert set_up(city, Pack(CROWD.organisations, renamed), "another-demo-1") == 12
    Sessions(city.pool, city.passwords, now=city.clock).sign_in(
        "jia", "another-demo-1", client=Client("192.0.2.1")
    )


def test_matters_follow_an_organisation_that_moves(city: City) -> None:
    matter = city.matter("east1", "harbour")
    chief = city.hire("chief", ("duty_chief", "west"))
    moved = {**PACK.organisations, "east": Org("east", "west", "county")}
    assert set_up(city, Pack(moved), None) == 4
    with city.pool.connection() as connection:
        rows = tables.access_rows(connection, [matter])
        assert (matter, "city.west.east.east1", "own") in rows
        assert (matter, "city.harbour", "asked") in rows
        assert tables.grants_of(connection, [chief.person])[0].path == "city.west"


def test_the_simulator(city: City) -> None:
    for expected in (2, 0):
        with city.pool.connection() as connection:
            assert expected == install_simulator(
                connection, DEMO, passwords=city.passwords, now=city.clock
            )
    _, session = Sessions(city.pool, city.passwords, now=city.clock).sign_in(
        "simulator", DEMO, client=Client("192.0.2.1")
    )
    assert [(g.role, g.organisation) for g in session.grants] == [("simulator", "city")]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"username": "a b"}, "username.invalid"),
        ({"username": ""}, "username.invalid"),
        ({"username": "TAKEN"}, "username.taken"),
        ({"id": "taken"}, "person.exists"),
        ({"id": "system:clock"}, "person.invalid"),
        ({"name": "  "}, "person.invalid"),
        ({"organisation": "nowhere"}, "organisation.unknown"),
        ({"password": "short"}, "password.short"),
        ({"password": "invented-123", "username": "Invented-123"}, "password.username"),
    ],
)
def test_people_that_cannot_be(city: City, changes: dict[str, str], code: str) -> None:
    city.hire("taken")
    plain = people.NewPerson(name="示例", username="fresh", organisation="city")
    new = msgspec.structs.replace(plain, **changes)
    before = city.audit()
    with pytest.raises(Refused, match=code), city.pool.connection() as connection:
        people.create_person(connection, new, city.passwords, actor="test", reason="test")
    assert city.audit() == before


@pytest.mark.parametrize(
    ("person", "role", "hours", "actor", "code"),
    [
        ("nobody", "officer", 1, "test", "person.unknown"),
        ("taken", "king", 1, "test", "grant.role"),
        ("taken", "simulator", 1, "test", "grant.role"),
        ("taken", "officer", 0, "test", "grant.until"),
        ("taken", "officer", 1, "taken", "grant.self"),
    ],
)
def test_grants_that_cannot_be(
    city: City, person: str, role: str, hours: int, actor: str, code: str
) -> None:
    city.hire("taken")
    until = city.clock() + timedelta(hours=hours)
    new = people.NewGrant(role=role, organisation="city", valid_until=until)
    with pytest.raises(Refused, match=code), city.pool.connection() as connection:
        people.give_grant(connection, person, new, actor=actor, reason="test", now=city.clock())


def test_nobody_changes_the_own_account(city: City) -> None:
    city.hire("me")
    grant = city.grant("me", "administrator", "city")
    with city.pool.connection() as connection:
        for change in (
            lambda: people.deactivate(connection, "me", actor="me", reason="x"),
            lambda: people.revoke_grant(
                connection, grant, actor="me", reason="x", now=city.clock()
            ),
        ):
            with pytest.raises(Refused, match=r"(person|grant)\.self"):
                change()


def test_every_change_has_its_audit_row_and_the_rows_are_chained(city: City) -> None:
    set_up(city, CROWD)
    actor = city.hire("new", ("officer", "east1"))
    token, _ = Sessions(city.pool, city.passwords, now=city.clock).sign_in(
        "new", PASSWORD, client=Client("192.0.2.1")
    )
    with city.pool.connection() as connection:
        (grant,) = tables.grants_of(connection, [actor.person])
        people.revoke_grant(connection, grant.id, actor="boss", reason="moved", now=city.clock())
        people.deactivate(connection, "new", actor="boss", reason="left")
        rows = connection.execute(
            "SELECT number, body, previous, hash FROM audit ORDER BY number"
        ).fetchall()
        counted = connection.execute(
            "SELECT (SELECT count(*) FROM organisation) + (SELECT count(*) FROM person)"
            " + (SELECT count(*) FROM role_grant)"
        ).fetchone()
    assert city.audit()[-6:] == [
        ("person", "test", "test"),
        ("role_grant", "test", "test"),
        ("session", "new", "sign in"),
        ("role_grant", "boss", "moved"),
        ("person", "boss", "left"),
        ("session", "boss", "left"),
    ]
    assert counted is not None and len(rows) == counted[0] + 4
    last = b"\0" * 32
    for _number, body, previous, hashed in rows:
        assert bytes(previous) == last
        last = hashlib.sha256(last + bytes(body)).digest()
        assert bytes(hashed) == last
    assert token


def test_the_server_cannot_delete_people_or_grants(city: City) -> None:
    city.hire("kept", ("officer", "city"))
    for table in ("person", "role_grant", "organisation"):
        with (
            pytest.raises(psycopg.errors.InsufficientPrivilege),
            city.pool.connection() as connection,
        ):
            connection.execute(f"DELETE FROM {table}".encode())


def test_people_are_listed_by_area_and_page(city: City) -> None:
    set_up(city, CROWD)
    with city.pool.connection() as connection:
        east = people.list_people(connection, ["city.east"], limit=100)
        everybody = people.list_people(connection, ["city"], limit=100)
        paged = [
            *people.list_people(connection, ["city"], limit=5),
            *people.list_people(connection, ["city"], after=everybody[4][0].id, limit=100),
        ]
        assert people.list_people(connection, [], limit=100) == []
        names = people.names_of(connection, {"p1", "nobody", "system:clock"})
    assert {"p1", "p3"} <= {person.id for person, _ in east}
    assert "p2" not in {person.id for person, _ in east}
    assert paged == everybody
    assert all(grants for _, grants in everybody)
    assert names == {"p1": "示例甲"}


FIRST = FirstPerson("first.admin", "示例管理员", PASSWORD)


def test_the_first_link_works_once(city: City) -> None:
    with city.pool.connection() as connection:
        stale = make_first_link(connection, now=city.clock)
        token = make_first_link(connection, now=city.clock)
    assert token is not None and stale is not None
    for bad in (stale, "guess", ""):
        with pytest.raises(Refused, match=r"first.invalid"), city.pool.connection() as connection:
            use_first_link(connection, bad, FIRST, passwords=city.passwords, now=city.clock)
    weak = FirstPerson("first.admin", "示例管理员", "short")
    with pytest.raises(Refused, match=r"password.short"), city.pool.connection() as connection:
        use_first_link(connection, token, weak, passwords=city.passwords, now=city.clock)
    with city.pool.connection() as connection:
        made = use_first_link(connection, token, FIRST, passwords=city.passwords, now=city.clock)
        assert [g.role for g in tables.grants_of(connection, [made.id])] == ["administrator"]
    again = FirstPerson("second.admin", "示例", PASSWORD)
    with pytest.raises(Refused, match=r"first.invalid"), city.pool.connection() as connection:
        use_first_link(connection, token, again, passwords=city.passwords, now=city.clock)
    with city.pool.connection() as connection:
        assert make_first_link(connection, now=city.clock) is None


def test_the_first_link_expires(city: City) -> None:
    with city.pool.connection() as connection:
        token = make_first_link(connection, now=city.clock)
    assert token is not None
    city.clock.pass_(hours=24)
    with pytest.raises(Refused, match=r"first.invalid"), city.pool.connection() as connection:
        use_first_link(connection, token, FIRST, passwords=city.passwords, now=city.clock)


def test_a_link_made_before_the_administrator_is_worthless_after(city: City) -> None:
    with city.pool.connection() as connection:
        token = make_first_link(connection, now=city.clock)
    assert token is not None
    city.hire("admin", ("administrator", "city"))
    with pytest.raises(Refused, match=r"first.invalid"), city.pool.connection() as connection:
        use_first_link(connection, token, FIRST, passwords=city.passwords, now=city.clock)


def test_a_lost_administrator_can_be_replaced(city: City) -> None:
    """The one administrator's grant ran out: the server prints a link again."""
    city.hire("admin", ("administrator", "city"), days=1)
    with city.pool.connection() as connection:
        assert make_first_link(connection, now=city.clock) is None
        later = Clock(city.clock() + timedelta(days=2))
        assert make_first_link(connection, now=later) is not None
