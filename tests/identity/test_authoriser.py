"""The judgement with its real rows: visibility, expiry, revocation, closed accounts."""

from __future__ import annotations

import uuid

import pytest

from muster.identity import people
from muster.identity.authoriser import IdentityAuthoriser, authorise
from muster.identity.sessions import Sessions
from muster.identity.sign_in.client import Client
from muster.journal.context import Actor
from muster.journal.entry import Authority
from muster.journal.refusal import Refused
from tests.identity.city import PASSWORD, City


def used(
    city: City, actor: Actor, operation: str, *matters: str, organisation: str | None = None
) -> Authority:
    authoriser = IdentityAuthoriser(city.clock)
    query, values = authoriser.query(actor, operation, matters)
    with city.pool.connection() as connection:
        rows = connection.execute(query.encode(), values).fetchall()
    return authoriser.judge(rows, actor, operation, organisation)


def refusal(
    city: City, actor: Actor, operation: str, *matters: str, organisation: str | None = None
) -> str:
    with pytest.raises(Refused) as refused:
        used(city, actor, operation, *matters, organisation=organisation)
    return refused.value.code


def test_down_the_own_area_and_not_sideways_or_up(city: City) -> None:
    chief = city.hire("chief", ("duty_chief", "east"))
    station, county, other = city.matter("east1"), city.matter("east"), city.matter("west1")
    top = city.matter("city")
    assert used(city, chief, "incident.close", station) == Authority("duty_chief", "east")
    assert used(city, chief, "incident.close", county) == Authority("duty_chief", "east")
    assert refusal(city, chief, "incident.close", other) == "matter.unknown"
    assert refusal(city, chief, "incident.close", top) == "matter.unknown"
    assert refusal(city, chief, "incident.close", str(uuid.uuid4())) == "matter.unknown"


def test_ids_that_begin_alike_are_different_areas(city: City) -> None:
    room = city.hire("room", ("station_room", "east1"))
    assert refusal(city, room, "incident.close", city.matter("east10")) == "matter.unknown"


def test_sideways_only_by_being_asked_in(city: City) -> None:
    partner = city.hire("liaison", ("partner", "harbour"))
    west = city.hire("west", ("dispatcher", "west"))
    matter = city.matter("east1", "harbour", "west")
    assert used(city, partner, "incident.remark", matter).role == "partner"
    assert refusal(city, partner, "incident.close", matter) == "authority.denied"
    assert used(city, west, "incident.dispatch", matter).role == "dispatcher"
    assert refusal(city, west, "incident.withdraw", matter) == "authority.denied"
    assert refusal(city, partner, "incident.remark", city.matter("east1")) == "matter.unknown"


def test_merging_needs_both_matters(city: City) -> None:
    east = city.hire("east", ("dispatcher", "east"))
    mine, foreign = city.matter("east1"), city.matter("west1")
    assert used(city, east, "incident.merge", mine, city.matter("east10")).organisation == "east"
    assert refusal(city, east, "incident.merge", mine, foreign) == "matter.unknown"
    assert refusal(city, east, "incident.merge", foreign, mine) == "matter.unknown"


def test_a_grant_ends_at_its_time(city: City) -> None:
    relief = city.hire("relief", ("dispatcher", "east"), days=1)
    matter = city.matter("east1")
    used(city, relief, "incident.dispatch", matter)
    city.clock.pass_(days=1)
    assert refusal(city, relief, "incident.dispatch", matter) == "matter.unknown"


def test_a_grant_does_not_begin_before_its_time(city: City) -> None:
    early = city.hire("early", ("dispatcher", "east"))
    city.clock.pass_(hours=-1)
    assert refusal(city, early, "incident.dispatch", city.matter("east1")) == "matter.unknown"


def test_a_revoked_grant_ends_at_once(city: City) -> None:
    actor = city.hire("actor")
    grant = city.grant("actor", "dispatcher", "city")
    matter = city.matter("east1")
    used(city, actor, "incident.dispatch", matter)
    with city.pool.connection() as connection:
        people.revoke_grant(connection, grant, actor="test", reason="test", now=city.clock())
    assert refusal(city, actor, "incident.dispatch", matter) == "matter.unknown"


def test_a_closed_account_ends_session_and_grants(city: City) -> None:
    city.hire("leaver", ("dispatcher", "city"))
    sessions = Sessions(city.pool, city.passwords, now=city.clock)
    token, _ = sessions.sign_in("leaver", PASSWORD, client=Client("192.0.2.1"))
    signed_in = sessions.lookup(token)
    assert signed_in is not None
    matter = city.matter("east1")
    used(city, signed_in.actor, "incident.dispatch", matter)
    with city.pool.connection() as connection:
        people.deactivate(connection, "leaver", actor="test", reason="left")
    assert refusal(city, signed_in.actor, "incident.dispatch", matter) == "session.expired"
    assert refusal(city, Actor("leaver"), "incident.dispatch", matter) == "matter.unknown"


def test_an_ended_session_may_nothing_even_with_grants(city: City) -> None:
    city.hire("night", ("dispatcher", "city"))
    sessions = Sessions(city.pool, city.passwords, now=city.clock)
    token, _ = sessions.sign_in("night", PASSWORD, client=Client("192.0.2.1"))
    signed_in = sessions.lookup(token)
    assert signed_in is not None
    city.clock.pass_(hours=13)
    code = refusal(city, signed_in.actor, "incident.dispatch", city.matter("east1"))
    assert code == "session.expired"


def test_a_session_speaks_only_for_its_person(city: City) -> None:
    city.hire("weak", ("volunteer", "harbour"))
    city.hire("strong", ("duty_chief", "city"))
    sessions = Sessions(city.pool, city.passwords, now=city.clock)
    token, _ = sessions.sign_in("weak", PASSWORD, client=Client("192.0.2.1"))
    signed_in = sessions.lookup(token)
    assert signed_in is not None
    stolen = Actor("strong", signed_in.session)
    assert refusal(city, stolen, "incident.close", city.matter("east1")) == "session.expired"


def test_opening_a_matter(city: City) -> None:
    taker = city.hire("taker", ("call_taker", "east"))
    fresh = str(uuid.uuid4())
    assert used(city, taker, "incident.report", fresh).organisation == "east"
    assert used(city, taker, "incident.report", fresh, organisation="east1").role == "call_taker"
    code = refusal(city, taker, "incident.report", fresh, organisation="west1")
    assert code == "authority.denied"
    code = refusal(city, taker, "incident.report", fresh, organisation="nowhere")
    assert code == "organisation.unknown"
    # Asked again after the matter went to somebody else: the first answer, not "unknown".
    assert used(city, taker, "incident.report", city.matter("west1")).role == "call_taker"


def test_the_system_acts_for_the_top(city: City) -> None:
    clock = Actor("system:clock")
    assert used(city, clock, "incident.clock", city.matter("east1")) == Authority("system", "city")
    assert refusal(city, clock, "incident.close", city.matter("east1")) == "authority.denied"


def test_rights_that_concern_no_matter(city: City) -> None:
    admin = city.hire("admin", ("administrator", "east"))
    with city.pool.connection() as connection:
        found = authorise(connection, admin, "manage.people", "east1", now=city.clock)
        assert found == Authority("administrator", "east")
        assert authorise(connection, admin, "read.summary", now=city.clock).role == "administrator"
        for organisation in ("city", "west1"):
            with pytest.raises(Refused, match=r"authority.denied"):
                authorise(connection, admin, "manage.people", organisation, now=city.clock)
        with pytest.raises(Refused, match=r"organisation.unknown"):
            authorise(connection, admin, "manage.people", "nowhere", now=city.clock)


def test_nobody_may_nothing(city: City) -> None:
    stranger = Actor("stranger")
    assert refusal(city, stranger, "incident.close", city.matter("east1")) == "matter.unknown"
    assert refusal(city, stranger, "incident.report", str(uuid.uuid4())) == "authority.denied"


def test_the_statement_uses_indexes(city: City) -> None:
    """A seq scan is cheap in a small table, so the planner is forbidden it: if it still needs
    one, an index is missing."""
    actor = city.hire("actor", ("dispatcher", "city"))
    query, values = IdentityAuthoriser(city.clock).query(
        Actor(actor.person, "ab" * 32), "incident.close", [city.matter("east1")]
    )
    with city.pool.connection() as connection:
        connection.execute("SET LOCAL enable_seqscan = off")
        lines = connection.execute(f"EXPLAIN {query}".encode(), values).fetchall()
    plan = "\n".join(line for (line,) in lines)
    assert "Seq Scan" not in plan, plan
    for index in ("session_pkey", "role_grant_person", "matter_access_pkey"):
        assert index in plan, plan
