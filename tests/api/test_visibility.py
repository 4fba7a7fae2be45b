"""What each role sees of a matter of its own area, of one it was asked into, and of the others.

tests/invariants/test_visibility.py walks every route for a foreign matter; here stand the finer
rules: who sees callers, whose units are recommended, what lies near but is not ours, and the live
feed when somebody is asked in.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from muster.geography.distance import haversine
from muster.geography.jurisdiction import jurisdiction
from muster.identity.authority import CELLS, Cell
from muster.identity.roles import ASKED_IN, ROLES
from tests.api.consoles import Console
from tests.api.fuzzing import Fuzzed
from tests.api.seeds import CALLER, PHONE, WORDS
from tests.api.staff import hire
from tests.stories.desk import Person

OURS, THEIRS, COUNTY = "pt-shenjiamen", "pt-donggang", "pt"
ELSEWHERE = "dh-lincheng"
MASKED_NAME, MASKED_PHONE = CALLER[0] + "*" * (len(CALLER) - 1), "000" + "*" * 8 + "34"
PEOPLE = sorted(set(ROLES) - {"simulator"})
READERS = [role for role in PEOPLE if CELLS["read.incident", role] is not Cell.NO]


@pytest.fixture(scope="module")
def staff(target: Fuzzed) -> dict[str, Person]:
    """Somebody of every role at our station."""
    return {role: hire(target.server, (role, OURS))[1] for role in ROLES}


@pytest.fixture(scope="module")
def outside(target: Fuzzed) -> dict[str, Person]:
    """Somebody of every role at a station of another county."""
    return {role: hire(target.server, (role, ELSEWHERE))[1] for role in ROLES}


@pytest.fixture
def ours(target: Fuzzed) -> str:
    return target.seeds.make("waiting")


def views(who: Person, matter: str) -> Iterator[tuple[str, int, Any, str]]:
    """(path, status, body, text) of each way to look at a matter."""
    for path in ("", "/entries", "/recommendations", "/duplicates"):
        response = who.http.request(
            "GET", f"{who.url}/api/incidents/{matter}{path}", headers=who.headers, timeout=30
        )
        yield path, response.status, response.json(), response.data.decode()


@pytest.mark.parametrize("role", sorted(ROLES))
def test_an_own_matter_is_seen_as_the_table_says(
    staff: dict[str, Person], ours: str, role: str
) -> None:
    reads = CELLS["read.incident", role] is not Cell.NO
    sends = CELLS["incident.dispatch", role] is not Cell.NO
    for path, status, body, _ in views(staff[role], ours):
        allowed = sends if path == "/recommendations" else reads
        assert status == (200 if allowed else 403), (path, body)
        assert allowed or body["code"] == "authority.denied"
    listed = staff[role].ask("/api/incidents?scope=all")
    assert listed.status == (200 if reads else 403)
    if reads:
        assert ours in [row["id"] for row in listed.body["items"]]


@pytest.mark.parametrize("role", READERS)
def test_callers_are_seen_by_those_who_may(staff: dict[str, Person], ours: str, role: str) -> None:
    cell = CELLS["read.private", role]
    text = "".join(text for _, status, _, text in views(staff[role], ours) if status == 200)
    caller = staff[role].get(f"/api/incidents/{ours}")["caller"]
    said = staff[role].get(f"/api/incidents/{ours}/entries")["entries"][0]["body"]
    told = (said["caller_name"], said["caller_phone"])
    if cell is Cell.OWN and role != "auditor":
        assert (caller["name"], caller["phone"]) == told == (CALLER, PHONE)
        return
    # An auditor has no work at hand here, and must ask (tests/api/test_access_log.py).
    assert caller["masked"] and CALLER not in text and PHONE not in text
    shown = (None, None) if role in ASKED_IN else (MASKED_NAME, MASKED_PHONE)
    assert (caller["name"], caller["phone"]) == told == shown


def test_the_table_has_all_kinds_of_readers() -> None:
    """Else the test above proves less than it says."""
    cells = {CELLS["read.private", role] for role in READERS}
    assert cells == {Cell.OWN, Cell.UNIT, Cell.NO}
    assert set(READERS) >= {"officer", "analyst", "volunteer", "auditor"}


def test_an_officer_sees_the_caller_while_his_unit_was_sent(target: Fuzzed) -> None:
    matter, seeds = target.seeds.make("waiting"), target.seeds
    unit = seeds.unit(OURS)
    crew, sent = hire(target.server, ("officer", OURS))
    _, other = hire(target.server, ("officer", OURS))
    seeds.chief.do(f"/api/units/{unit}/sign_on", {"crew": [crew]})
    assert sent.get(f"/api/incidents/{matter}")["caller"]["masked"]
    wanted = {"orders": [{"order": seeds.fresh(), "unit": unit}]}
    seeds.do(matter, "dispatch", wanted)
    assert sent.get(f"/api/incidents/{matter}")["caller"]["phone"] == PHONE
    assert sent.get("/api/my/orders")["orders"][0]["incident"]["id"] == matter
    assert other.get(f"/api/incidents/{matter}")["caller"]["masked"]
    assert other.get("/api/my/orders") == {"unit": None, "orders": []}
    seeds.put_on_duty(unit)


# --- asked in ----------------------------------------------------------------------------------


@pytest.mark.parametrize("role", sorted(ROLES))
def test_asking_in_opens_the_matter_and_not_the_caller(
    target: Fuzzed, outside: dict[str, Person], role: str
) -> None:
    who, matter = outside[role], target.seeds.make("waiting")
    for _, status, body, _ in views(who, matter):
        assert (status, body["code"]) in ((404, "matter.unknown"), (403, "authority.denied"))
    target.seeds.do(matter, "ask_in", {"organisation": ELSEWHERE, "reason": "示例"})
    reads = CELLS["read.incident", role] is Cell.PARTY
    sends = CELLS["incident.dispatch", role] is Cell.PARTY
    for path, status, _, text in views(who, matter):
        assert status == (200 if (sends if path == "/recommendations" else reads) else 403)
        assert CALLER not in text and PHONE not in text
    if reads:
        may = who.get(f"/api/incidents/{matter}")["may"]
        own = {f"incident.{word}" for word in ("close", "transfer", "archive", "withdraw")}
        assert not own & set(may)


def test_asking_in_opens_the_live_feed(target: Fuzzed, outside: dict[str, Person]) -> None:
    """A console that is connected hears of the matter then, and of no other before."""
    private, shared = target.seeds.make("waiting"), target.seeds.make("waiting")
    roles = [role for role in READERS if CELLS["read.incident", role] is Cell.PARTY]
    consoles = {
        role: Console(target.server, outside[role]).come(view=[121, 29, 124, 31]) for role in roles
    }
    for console in consoles.values():
        console.until(lambda console=console: "snapshot" in console.said)  # type: ignore[misc]
        assert not {private, shared} & set(console.incidents)
    target.seeds.do(private, "remark", {"text": WORDS})
    target.seeds.do(shared, "ask_in", {"organisation": ELSEWHERE, "reason": "示例"})
    for role, console in consoles.items():
        console.until(lambda console=console: shared in console.incidents)  # type: ignore[misc]
        assert private not in console.incidents, role
        assert CALLER not in str(console.incidents) and WORDS not in str(console.incidents)
        fresh = {row["id"] for row in outside[role].get("/api/incidents")["items"]}
        assert set(console.incidents) == fresh, role
        console.part()


# --- near, but not ours ------------------------------------------------------------------------


def across(target: Fuzzed) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two places some hundred metres apart, one of each station."""
    pack = target.seeds.pack
    ours, theirs = pack.organisation(OURS), pack.organisation(THEIRS)

    def at(share: float) -> tuple[float, float]:
        return (
            round(ours.lon + (theirs.lon - ours.lon) * share, 6),
            round(ours.lat + (theirs.lat - ours.lat) * share, 6),
        )

    border = next(
        step / 1000
        for step in range(1000)
        if jurisdiction(pack, *at(step / 1000)).organisation == THEIRS
    )
    here, there = at(border - 0.02), at(border + 0.02)
    assert haversine(*here, *there) < 300
    assert jurisdiction(pack, *here).organisation == OURS
    return tuple({"lon": lon, "lat": lat, "label": "示例"} for lon, lat in (here, there))  # type: ignore[return-value]


def test_a_near_matter_of_others_is_no_duplicate_for_us(
    target: Fuzzed, staff: dict[str, Person]
) -> None:
    seeds = target.seeds
    here, there = across(target)
    mine, foreign = seeds.report(place=here), seeds.report(place=there)
    for body in (mine, foreign):
        seeds.chief.do("/api/incidents", body)
    path = f"/api/incidents/{mine['id']}/duplicates"

    def found(who: Person) -> set[str]:
        return {one["incident"]["id"] for one in who.get(path)["items"]}

    assert foreign["id"] in found(seeds.chief), "they lie near each other"
    for role in READERS:
        assert foreign["id"] not in found(staff[role]), role
        assert foreign["id"] not in str(staff[role].get("/api/incidents?scope=all&limit=500"))


# --- units -------------------------------------------------------------------------------------


def test_units_are_recommended_to_those_who_may_send_them(
    target: Fuzzed, staff: dict[str, Person], ours: str
) -> None:
    """How far away somebody's unit is, is known only to whom it belongs."""
    pack, seeds = target.seeds.pack, target.seeds
    seeds.unit(OURS)

    def offered(who: Person) -> set[str]:
        path = f"/api/incidents/{ours}/recommendations?limit=50"
        return {one["organisation"] for one in who.get(path)["candidates"]}

    assert len(offered(seeds.chief)) > 1
    _, county = hire(target.server, ("dispatcher", COUNTY))
    assert offered(county) <= pack.subtree(COUNTY)
    for role in ("dispatcher", "duty_chief", "station_room"):
        assert offered(staff[role]) <= {OURS}


@pytest.mark.parametrize("role", PEOPLE)
def test_units_and_positions_are_seen_as_the_table_says(
    target: Fuzzed, staff: dict[str, Person], role: str
) -> None:
    answer = staff[role].ask("/api/units")
    assert answer.status == 200
    rows = answer.body["items"]
    assert {row["organisation"] for row in rows} <= {OURS} and rows
    unit = target.steering.crewing[1]
    at = target.seeds.now.isoformat()
    fix = {"lon": 122.1, "lat": 30.02, "at": at}
    target.people["officer"].do("/api/positions", {"unit": unit, "fixes": [fix]})
    _, near = hire(target.server, (role, target.seeds.pack.units[unit].organisation))
    row = next(one for one in near.get("/api/units")["items"] if one["id"] == unit)
    located = CELLS["read.positions", role] is not Cell.NO
    assert (row["position"] is not None) == located


# --- numbers and people ------------------------------------------------------------------------


@pytest.mark.parametrize("role", sorted(ROLES))
def test_the_summary_holds_numbers_only(staff: dict[str, Person], ours: str, role: str) -> None:
    answer = staff[role].ask("/api/summary")
    if CELLS["read.summary", role] is Cell.NO:
        assert (answer.status, answer.code) == (403, "authority.denied")
        return
    numbers = [answer.body["open"], answer.body["units"], answer.body["today"]]
    flat = [value for part in numbers for value in part.values()]
    flat = [n for value in flat for n in (value.values() if isinstance(value, dict) else [value])]
    assert all(isinstance(number, int) for number in flat)


@pytest.mark.parametrize("role", sorted(ROLES))
def test_people_and_audit_are_for_those_who_may(staff: dict[str, Person], role: str) -> None:
    people, audit = staff[role].ask("/api/people"), staff[role].ask("/api/audit")
    assert people.status == (403 if CELLS["read.people", role] is Cell.NO else 200)
    if people.status == 200:
        assert {one["organisation"] for one in people.body["items"]} == {OURS}
    assert audit.status == 403, "one chain for the whole city: only at the top"


def test_an_id_somebody_has_is_no_way_in(target: Fuzzed, outside: dict[str, Person]) -> None:
    """Guessing an id shows nothing and changes nothing: as if the matter did not exist."""
    matter, made_up = target.seeds.make("dispatched"), str(uuid4())
    order = target.seeds.orders[-1][1]
    who = outside["duty_chief"]
    for one in (matter, made_up):
        path = f"/api/incidents/{one}/orders/{order}/sign"
        step = who.try_to(path, {"at": target.seeds.now})
        assert (step.status, step.code) == (404, "matter.unknown")
    station = target.seeds.pack.organisation(ELSEWHERE)
    mine = target.seeds.report(place={"lon": station.lon, "lat": station.lat, "label": "示例"})
    assert who.try_to("/api/incidents", mine).status == 201
    there = f"/api/incidents/{mine['id']}/orders/{order}/sign"
    assert who.try_to(there, {"at": target.seeds.now}).code == "order.unknown"
