"""What an administrator of a part cannot do: take over the whole."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.fuzzing import Fuzzed
from tests.api.staff import hire
from tests.stories.desk import Person

COUNTY, STATION, OTHER = "pt", "pt-shenjiamen", "dh"
RESET = {"what": "password", "reason": "示例"}


@pytest.fixture(scope="module")
def county(target: Fuzzed) -> Person:
    return hire(target.server, ("administrator", COUNTY))[1]


@pytest.fixture(scope="module")
def city(target: Fuzzed) -> Person:
    return hire(target.server, ("administrator", "zs"))[1]


def doors(person: str) -> tuple[tuple[str, Any], ...]:
    return (
        (f"/api/people/{person}/resets", RESET),
        (f"/api/people/{person}/close", {"reason": "示例"}),
        (f"/api/people/{person}/open", {"reason": "示例"}),
    )


@pytest.mark.parametrize(
    "grants",
    [
        [("administrator", "zs")],
        [("duty_chief", "zs")],
        [("analyst", OTHER)],
        [("officer", STATION), ("auditor", "zs")],
    ],
)
def test_an_account_with_powers_elsewhere_is_not_a_countys(
    target: Fuzzed, county: Person, city: Person, grants: list[tuple[str, str]]
) -> None:
    """It belongs to a station of the county, but its password would open more than the county."""
    person, _ = hire(target.server, *grants, organisation=STATION)
    for path, body in doors(person):
        said = county.try_to(path, body)
        assert (said.status, said.code) == (404, "person.unknown")
    for path, body in doors(person):
        assert city.try_to(path, body).status in (200, 201)


def test_an_account_of_the_county_is(target: Fuzzed, county: Person) -> None:
    person, _ = hire(target.server, ("officer", STATION))
    for path, body in doors(person):
        assert county.try_to(path, body).status in (200, 201)


def test_people_of_others_are_unknown(target: Fuzzed, county: Person) -> None:
    person, _ = hire(target.server, ("officer", OTHER))
    for who in (person, "nobody-at-all"):
        for path, body in doors(who):
            assert county.try_to(path, body).code == "person.unknown"
    assert person not in str(county.get("/api/people?limit=500"))


@pytest.mark.parametrize("where", ["zs", OTHER, "px-lantian"])
def test_no_role_is_granted_outside_the_own_area(
    target: Fuzzed, county: Person, where: str
) -> None:
    person, _ = hire(target.server, ("officer", STATION))
    for role in ("administrator", "duty_chief", "officer"):
        wanted = {"role": role, "organisation": where, "reason": "示例"}
        said = county.try_to(f"/api/people/{person}/grants", wanted)
        assert (said.status, said.code) == (403, "authority.denied")


@pytest.mark.parametrize("role", ["simulator", "system:clock", "system", "", "root", "Duty_Chief"])
def test_no_machine_role_is_granted(target: Fuzzed, city: Person, role: str) -> None:
    person, _ = hire(target.server, ("officer", STATION))
    wanted = {"role": role, "organisation": "zs", "reason": "示例"}
    said = city.try_to(f"/api/people/{person}/grants", wanted)
    assert said.status == 400 and said.code in ("grant.role", "input.invalid")


def test_nobody_raises_himself(target: Fuzzed) -> None:
    me, myself = hire(target.server, ("administrator", COUNTY))
    wanted = {"role": "duty_chief", "organisation": COUNTY, "reason": "示例"}
    assert myself.try_to(f"/api/people/{me}/grants", wanted).code == "grant.self"
    assert myself.try_to(f"/api/people/{me}/resets", RESET).code == "person.self"
    for word in ("close", "open"):
        said = myself.try_to(f"/api/people/{me}/{word}", {"reason": "示例"})
        assert said.code == "person.self"
    grants = myself.get("/api/session")["grants"]
    assert [(one["role"], one["organisation"]) for one in grants] == [("administrator", COUNTY)]


@pytest.mark.parametrize(
    "body",
    [
        {"active": True},
        {"invented": True},
        {"id": "system:clock"},
        {"grants": [{"role": "administrator", "organisation": "zs"}]},
        {"password_hash": "x"},
        {"is_admin": True},
    ],
)
def test_a_person_is_made_of_known_fields_only(city: Person, body: dict[str, Any]) -> None:
    wanted = {"name": "示例", "username": "mass-assigned", "organisation": STATION, **body}
    said = city.try_to("/api/people", wanted)
    assert (said.status, said.code) == (400, "input.invalid")
