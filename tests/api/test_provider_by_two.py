"""An administrator who would be somebody else, by way of a provider."""

from __future__ import annotations

import httpx

from tests.api.providers import Browser
from tests.api.staff import hire
from tests.api.test_oidc import Place, place, refused, visitor
from tests.stories.desk import Person

__all__ = ["place", "visitor"]


def test_binding_somebody_else_waits_for_a_second_person(place: Place, visitor: Browser) -> None:
    """The administrator binds an identity of one's own to the duty chief: alone that opens
    nothing, and who asked does not confirm."""
    person, chief = hire(place.server, ("duty_chief", "zs"))
    path, body = f"/api/people/{person}/identities", {"provider": "city", "subject": "mu"}
    waits = place.keeper.do(path, body)
    door = f"/api/trust-requests/{waits['id']}/confirm"
    refused(
        place, visitor.get(visitor.sign_in_there("mu", visitor.begin("city"))), 403, "oidc.unbound"
    )
    assert place.keeper.try_to(door).code == "trust.same_person"
    assert chief.try_to(door).code == "person.self"
    assert place.auditor.try_to(door).code == "authority.denied"
    assert place.keeper.try_to(path, body).code == "trust.asked"
    (row,) = chief.get("/api/trust-requests")["items"]
    assert (row["mine"], row["subject"]) == (True, "mu")
    assert chief._ask("DELETE", f"/api/trust-requests/{waits['id']}").status == 204
    assert place.second.try_to(door).code == "trust.unknown"
    assert chief.get("/api/oidc/identities")["items"] == []


def test_what_was_bound_before_the_password_was_handed_over_is_unbound(
    place: Place, visitor: Browser
) -> None:
    """The maker signs in first, binds an identity of one's own, and hands the account on later."""
    person, shadow = hire(place.server, ("officer", "zs"))
    bind_own(place, shadow, visitor, "nu")
    assert len(shadow.get("/api/oidc/identities")["items"]) == 1
    asked = {"what": "password", "reason": "示例"}
    reset = place.keeper.do(f"/api/people/{person}/resets", asked)["id"]
    place.second.do(f"/api/resets/{reset}/confirm")
    with Browser(place.server) as later:
        back = later.get(later.sign_in_there("nu", later.begin("city")))
        refused(place, back, 403, "oidc.unbound")


def test_a_way_begun_before_is_not_finished_after(place: Place, visitor: Browser) -> None:
    """Begun in a session that has ended since: on the way back nothing is bound."""
    person, shadow = hire(place.server, ("officer", "zs"))
    there = begun_binding(place, shadow, visitor, "xi")
    grant = {"role": "auditor", "organisation": "zs", "reason": "示例"}
    request = place.keeper.do(f"/api/people/{person}/grants", grant)["id"]
    assert place.second.do(f"/api/trust-requests/{request}/confirm")["password"]
    refused(place, visitor.get(there), 403, "oidc.visit")
    assert place.keeper.get(f"/api/people/{person}/identities")["items"] == []


def begun_binding(place: Place, who: Person, visitor: Browser, subject: str) -> str:
    said = httpx.post(f"{place.server.url}/api/oidc/city/bind", headers=who.headers)
    assert said.status_code == 200, said.text
    visitor.cookies.set("muster_visit", said.cookies["muster_visit"])
    return visitor.sign_in_there(
        subject, httpx.Response(303, headers={"Location": said.json()["location"]})
    )


def bind_own(place: Place, who: Person, visitor: Browser, subject: str) -> None:
    assert visitor.get(begun_binding(place, who, visitor, subject)).status_code == 303
