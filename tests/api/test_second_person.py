"""An administrator who wants to be two people: every way tried through the doors."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from muster.identity.people import NewGrant, give_grant
from muster.identity.trust.trusted import DECIDES, TRUSTED
from muster.journal.clock import real_now
from tests.api.staff import hire
from tests.instance import PASSWORD, Database, Instance, free_port, settings_for
from tests.stories.desk import Person, Said

TOP, COUNTY, STATION, OTHER = "zs", "pt", "pt-shenjiamen", "dh"
CHOSEN = "chosen-by-the-owner-1"


@pytest.fixture(scope="module")
def server(
    cluster: Any, prepared: tuple[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Instance]:
    from tests.instance import copied

    folder = tmp_path_factory.mktemp("second")
    with copied(cluster, prepared[0], "second_person") as database:
        settings = settings_for(database, folder / "data", port=free_port())
        made = Instance(settings, folder / "server.log")
        made.start()
        yield made
        made.stop()


@pytest.fixture(scope="module")
def boss(server: Instance) -> Person:
    """Who would like to be two."""
    return hire(server, ("administrator", TOP))[1]


@pytest.fixture(scope="module")
def chief(server: Instance) -> Person:
    """Somebody else."""
    return hire(server, ("duty_chief", TOP))[1]


def me(person: Person) -> str:
    return str(person.get("/api/session")["person"]["id"])


def ask(by: Person, person: str, role: str = "duty_chief", where: str = TOP, **more: Any) -> Said:
    wanted = {"role": role, "organisation": where, "reason": "示例", **more}
    return by.try_to(f"/api/people/{person}/grants", wanted)


def asked(by: Person, person: str, role: str = "duty_chief", where: str = TOP) -> str:
    said = ask(by, person, role, where)
    assert said.status == 201 and said.body["waits_until"] is not None
    return str(said.body["id"])


def confirm(by: Person, request: str) -> Said:
    return by.try_to(f"/api/trust-requests/{request}/confirm")


def decline(by: Person, request: str) -> Said:
    return by._ask("DELETE", f"/api/trust-requests/{request}")


def roles(server: Instance, person: str) -> set[str]:
    with psycopg.connect(server.settings.app_dsn) as connection:
        rows = connection.execute(
            "SELECT role FROM role_grant WHERE person = %s AND revoked_at IS NULL", (person,)
        ).fetchall()
    return {row[0] for row in rows}


def puppet(by: Person, server: Instance) -> tuple[str, Person]:
    """An account somebody makes for himself: its first password is known, and exchanged at once."""
    name = f"u{uuid4().hex[:10]}"
    wanted = {"name": "示例影子", "username": name, "organisation": TOP, "password": PASSWORD}
    person = str(by.do("/api/people", wanted)["id"])
    who = Person(server.url, name)
    assert who.sign_in().status == 201
    changed = who.do("/api/session/password", {"old": PASSWORD, "new": CHOSEN})
    who.headers["X-CSRF-Token"], who.password = changed["csrf"], CHOSEN
    return person, who


# --- which roles -------------------------------------------------------------------------------


def test_the_roles_of_trust_are_read_off_the_table() -> None:
    """Whoever may be a second person anywhere, or makes accounts, or sees who looked."""
    assert {"duty_chief", "auditor", "administrator"} == TRUSTED
    assert "confirm.trust" in DECIDES and "confirm.reset" in DECIDES


def test_no_code_gives_a_role_of_trust_by_one(database: Database) -> None:
    """Not only the doors: the one function that grants refuses it as a defect."""
    with (
        psycopg.connect(database.app_dsn) as connection,
        pytest.raises(ValueError, match="needs a second person"),
    ):
        new = NewGrant(role="auditor", organisation=TOP)
        give_grant(connection, "p", new, actor="boss", reason="示例", now=real_now())


# --- a second account of one's own -------------------------------------------------------------


@pytest.mark.parametrize("role", sorted(TRUSTED))
def test_a_role_of_trust_waits(server: Instance, boss: Person, role: str) -> None:
    """Alone it gives nothing, whoever confirms it of the one person there is."""
    person, shadow = puppet(boss, server)
    request = asked(boss, person, role)
    assert roles(server, person) == set()
    assert confirm(boss, request).code == "trust.same_person"
    assert confirm(shadow, request).code == "authority.denied"
    assert shadow.get("/api/session")["grants"] == []
    assert ask(boss, person, role).code == "trust.asked"
    assert decline(boss, request).status == 204


def test_another_puppet_does_not_help(server: Instance, boss: Person) -> None:
    """An ordinary role is given by one; it confirms nothing."""
    person, _ = puppet(boss, server)
    other, helper = puppet(boss, server)
    boss.do(f"/api/people/{other}/grants", {"role": "dispatcher", "organisation": TOP})
    request = asked(boss, person)
    assert confirm(helper, request).code == "authority.denied"
    assert helper.get("/api/trust-requests") == {"items": []}
    assert decline(helper, request).code == "authority.denied"
    assert roles(server, person) == set()


def test_what_the_maker_knew_opens_nothing_afterwards(
    server: Instance, boss: Person, chief: Person
) -> None:
    """The chief is deceived about who it is, and still hands the password to a person: the maker's
    password, session and device are worth nothing, and the new one only chooses another."""
    person, shadow = puppet(boss, server)
    request = asked(boss, person)
    (row,) = [one for one in chief.get("/api/trust-requests")["items"] if one["id"] == request]
    assert row["anew"] and row["may_confirm"] and row["username"] == shadow.username
    fresh = confirm(chief, request).body["password"]
    assert roles(server, person) == {"duty_chief"}
    assert shadow.ask("/api/session").code == "session.required"
    assert Person(server.url, shadow.username).sign_in(CHOSEN).code == "sign_in.failed"
    owner = Person(server.url, shadow.username)
    assert owner.sign_in(fresh).body["needs"] == "password"
    assert owner.ask("/api/incidents").code == "session.first_steps"
    assert confirm(chief, request).code == "trust.unknown"


def test_the_second_time_the_sign_in_stays(server: Instance, boss: Person, chief: Person) -> None:
    person, _ = puppet(boss, server)
    first = confirm(chief, asked(boss, person)).body["password"]
    assert first
    assert confirm(chief, asked(boss, person, "auditor")).body == {"password": None}


def test_who_was_handed_a_password_is_no_second_person(server: Instance, boss: Person) -> None:
    """The honest `other` asks for somebody who exists, `boss` confirms and keeps the password for
    himself: so he is two. For one another they are not."""
    other = hire(server, ("administrator", TOP))[1]
    person, shadow = puppet(other, server)
    fresh = confirm(boss, asked(other, person)).body["password"]
    taken = Person(server.url, shadow.username)
    assert taken.sign_in(fresh).status == 201
    changed = taken.do("/api/session/password", {"old": fresh, "new": CHOSEN + "x"})
    taken.headers["X-CSRF-Token"], taken.password = changed["csrf"], CHOSEN + "x"
    goal, _ = puppet(boss, server)
    request = asked(boss, goal, "auditor")
    assert confirm(taken, request).code == "trust.pair"
    reset = boss.do(f"/api/people/{goal}/resets", {"what": "password", "reason": "示例"})["id"]
    assert taken.try_to(f"/api/resets/{reset}/confirm").code == "trust.pair"
    assert roles(server, goal) == set()
    # Who had nothing to do with it is one.
    assert confirm(other, request).status == 200


def test_nor_the_other_way_round(server: Instance, boss: Person) -> None:
    """The kept account asks, and who kept it confirms."""
    other = hire(server, ("administrator", TOP))[1]
    person, shadow = puppet(other, server)
    fresh = confirm(boss, asked(other, person, "administrator")).body["password"]
    kept = Person(server.url, shadow.username)
    assert kept.sign_in(fresh).status == 201
    changed = kept.do("/api/session/password", {"old": fresh, "new": CHOSEN + "x"})
    kept.headers["X-CSRF-Token"], kept.password = changed["csrf"], CHOSEN + "x"
    goal, _ = puppet(other, server)
    assert confirm(boss, asked(kept, goal)).code == "trust.pair"


def test_what_one_gave_alone_confirms_nothing(server: Instance, boss: Person) -> None:
    """Made before two were needed: it goes on working, and is nobody's second person."""
    _, old = hire(server, ("duty_chief", TOP), confirmed_by=None)
    person, _ = puppet(boss, server)
    request = asked(boss, person)
    assert confirm(old, request).code == "trust.alone"
    (row,) = [one for one in old.get("/api/trust-requests")["items"] if one["id"] == request]
    assert (row["may_confirm"], row["why_not"]) == (False, "trust.alone")
    reset = boss.do(f"/api/people/{person}/resets", {"what": "password", "reason": "示例"})["id"]
    assert old.try_to(f"/api/resets/{reset}/confirm").code == "trust.alone"
    assert old.get("/api/incidents?limit=1")["items"] is not None


# --- around it ---------------------------------------------------------------------------------


def test_again_after_revoking_waits_again(server: Instance, boss: Person, chief: Person) -> None:
    """So does a longer one beside the old: there is no door that changes a grant."""
    person, _ = puppet(boss, server)
    request = asked(boss, person)
    assert confirm(chief, request).status == 200
    longer = ask(boss, person, until="2029-01-01T00:00:00Z")
    assert longer.code == "trust.asked" or longer.body["waits_until"] is not None
    assert boss._ask("DELETE", f"/api/grants/{request}").status == 204
    assert roles(server, person) == set()
    waiting = longer.body["id"]
    assert decline(boss, waiting).status == 204
    assert confirm(boss, asked(boss, person)).code == "trust.same_person"
    assert roles(server, person) == set()


def test_an_account_opened_again_has_no_role_of_trust(server: Instance, boss: Person) -> None:
    """Somebody left; the friend who stayed opens the account."""
    person, _ = hire(server, ("auditor", TOP), ("officer", STATION))
    for word in ("close", "open"):
        boss.do(f"/api/people/{person}/{word}", {"reason": "示例"})
    assert roles(server, person) == {"officer"}


def test_a_request_about_a_closed_account_waits_no_more(
    server: Instance, boss: Person, chief: Person
) -> None:
    person, _ = puppet(boss, server)
    request = asked(boss, person)
    boss.do(f"/api/people/{person}/close", {"reason": "示例"})
    assert confirm(chief, request).code == "trust.unknown"


def test_who_asked_must_still_be_in_charge(server: Instance, boss: Person, chief: Person) -> None:
    leaving, gone = hire(server, ("administrator", TOP))
    person, _ = puppet(gone, server)
    request = asked(gone, person)
    boss.do(f"/api/people/{leaving}/close", {"reason": "示例"})
    assert confirm(chief, request).code == "trust.gone"
    assert roles(server, person) == set()


@pytest.mark.parametrize("judge", ["duty_chief", "auditor"])
def test_who_makes_accounts_does_not_judge(
    server: Instance, boss: Person, chief: Person, judge: str
) -> None:
    """An administrator who is chief too has, with one puppet, both people of every decision."""
    person, _ = puppet(boss, server)
    first, second = asked(boss, person, "administrator"), asked(boss, person, judge)
    assert confirm(chief, first).status == 200
    assert confirm(chief, second).code == "grant.combined"
    decline(boss, second)
    assert ask(boss, person, judge).code == "grant.combined"
    assert roles(server, person) == {"administrator"}


def test_a_county_confirms_what_is_the_countys(server: Instance, boss: Person) -> None:
    """Neither a role above, nor somebody whose password opens more than the county."""
    _, local = hire(server, ("duty_chief", COUNTY))
    person, _ = puppet(boss, server)
    for where in (TOP, OTHER, COUNTY):
        request = asked(boss, person, where=where)
        assert confirm(local, request).code == "trust.unknown"
        assert request not in str(local.get("/api/trust-requests"))
    home, _ = hire(server, ("officer", STATION))
    assert confirm(local, asked(boss, home, where=COUNTY)).status == 200


def test_nobody_asks_for_others_areas(server: Instance) -> None:
    _, local = hire(server, ("administrator", COUNTY))
    person, _ = hire(server, ("officer", STATION))
    for where in (TOP, OTHER):
        assert ask(local, person, where=where).code == "authority.denied"
    assert ask(local, me(local), where=COUNTY).code == "grant.self"


def test_a_day_and_it_is_over(server: Instance, boss: Person, chief: Person) -> None:
    person, _ = puppet(boss, server)
    request = asked(boss, person)
    with psycopg.connect(server.settings.owner_dsn) as connection:
        connection.execute(
            "UPDATE trust_request SET expires_at = asked_at WHERE id = %s", (request,)
        )
    assert confirm(chief, request).code == "trust.unknown"
    assert decline(boss, request).code == "trust.unknown"
    assert ask(boss, person).status == 201


def test_declined_by_the_second_and_by_whom_it_is_about(
    server: Instance, boss: Person, chief: Person
) -> None:
    person, shadow = puppet(boss, server)
    request = asked(boss, person)
    assert decline(chief, request).status == 204
    assert confirm(chief, request).code == "trust.unknown"
    request = asked(boss, person)
    (row,) = shadow.get("/api/trust-requests")["items"]
    assert (row["mine"], row["may_confirm"]) == (True, False)
    assert decline(shadow, request).status == 204
    assert roles(server, person) == set()


def test_two_who_confirm_at_once_do_it_once(server: Instance, boss: Person, chief: Person) -> None:
    person, _ = puppet(boss, server)
    third = hire(server, ("duty_chief", TOP))[1]
    request, done = asked(boss, person), []
    start = threading.Barrier(2)

    def decide(by: Person) -> None:
        start.wait()
        done.append(confirm(by, request))

    threads = [threading.Thread(target=decide, args=(by,)) for by in (chief, third)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.status for one in done) == [200, 404]


def test_the_database_refuses_one_person_too(server: Instance, boss: Person) -> None:
    person, _ = puppet(boss, server)
    request = asked(boss, person)
    for who in ("asked_by", "person"):
        with (
            psycopg.connect(server.settings.owner_dsn) as connection,
            pytest.raises(psycopg.errors.CheckViolation),
        ):
            connection.execute(
                f"UPDATE trust_request SET decided_by = {who}, decided_at = now(), done = true"
                " WHERE id = %s",
                (request,),
            )


def test_every_step_is_in_the_audit_and_a_denial_recorded(
    server: Instance, boss: Person, chief: Person
) -> None:
    _, auditor = hire(server, ("auditor", TOP))
    person, _ = puppet(boss, server)
    request = asked(boss, person)
    confirm(boss, request)
    confirm(chief, request)
    rows = [one for one in auditor.get("/api/audit?limit=60")["items"] if person in str(one)]
    rows = [one["change"] for one in rows]
    said = {(one["table"], one["reason"]) for one in rows}
    assert {("trust_request", "trust asked"), ("trust_request", "trust confirmed")} <= said
    (grant,) = [one for one in rows if one["table"] == "role_grant"]
    assert grant["after"]["asked_by"] == me(boss) and grant["after"]["confirmed_by"] == me(chief)
    denied = [one for one in auditor.get("/api/access?limit=100")["items"] if request in str(one)]
    assert [one["actor"]["id"] for one in denied] == [me(boss)]
    assert "trust.same_person" in denied[0]["subject"] and denied[0]["outcome"] == "denied"
