"""Eight people at one thing in the same moment: one gets it, the others are told, nothing twice."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import psycopg
import pytest

from muster.identity import people
from muster.identity.passwords import Passwords
from muster.identity.sessions import Sessions
from muster.identity.sign_in.client import NOWHERE
from muster.journal.database import open_pool
from muster.journal.refusal import Refused
from tests.api.fuzzing import Fuzzed
from tests.api.staff import hire
from tests.instance import PASSWORD, Database
from tests.stories.desk import Person, Said

EIGHT = 8
UNIT = "pt-shenjiamen-01"


def at_once(acts: Sequence[Callable[[], Said]]) -> list[Said]:
    """All acts, let go together; their answers in the same order."""
    gate = threading.Barrier(len(acts))

    def one(act: Callable[[], Said]) -> Said:
        gate.wait()
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(one, acts))


@pytest.fixture(scope="module")
def eight(target: Fuzzed) -> list[Person]:
    """Eight duty chiefs, each with connections of their own."""
    return [hire(target.server, ("duty_chief", "zs"))[1] for _ in range(EIGHT)]


def codes(answers: Sequence[Said]) -> Counter[str]:
    return Counter(one.code or str(one.status) for one in answers)


def trying(person: Person, path: str, body: object, command: str = "") -> Callable[[], Said]:
    return lambda: person.try_to(path, body, command=command or None)


def test_one_unit_goes_to_one_matter(target: Fuzzed, eight: list[Person]) -> None:
    for _ in range(3):
        unit = target.seeds.unit()
        matters = [target.seeds.make("waiting") for _ in eight]
        acts = [
            trying(
                person,
                f"/api/incidents/{matter}/dispatch",
                {"orders": [{"order": str(uuid4()), "unit": unit}]},
            )
            for person, matter in zip(eight, matters, strict=True)
        ]
        assert codes(at_once(acts)) == {"200": 1, "unit.unavailable": EIGHT - 1}
        states = [eight[0].get(f"/api/incidents/{one}")["row"]["state"] for one in matters]
        assert Counter(states) == {"dispatched": 1, "waiting": EIGHT - 1}


def test_crossed_dispatches_of_two_units_end(target: Fuzzed, eight: list[Person]) -> None:
    """The same two units in both orders: nobody waits for ever, and no unit is sent twice."""
    first = target.seeds.unit()
    target.seeds.units.remove(first)
    second = target.seeds.unit()
    target.seeds.units.append(first)
    matters = [target.seeds.make("waiting") for _ in eight]
    acts = []
    for index, person in enumerate(eight):
        pair = (first, second) if index % 2 else (second, first)
        body = {"orders": [{"order": str(uuid4()), "unit": unit} for unit in pair]}
        acts.append(trying(person, f"/api/incidents/{matters[index]}/dispatch", body))
    assert codes(at_once(acts)) == {"200": 1, "unit.unavailable": EIGHT - 1}


def test_one_report_opens_one_matter(target: Fuzzed, eight: list[Person]) -> None:
    body = target.seeds.report()
    found = at_once([trying(person, "/api/incidents", body) for person in eight])
    assert codes(found) == {"201": 1, "matter.exists": EIGHT - 1}
    assert len(eight[0].get(f"/api/incidents/{body['id']}/entries")["entries"]) == 1


def test_one_command_is_done_once(target: Fuzzed, eight: list[Person]) -> None:
    """A client that retries while the first try is still under way."""
    matter, command = target.seeds.make("waiting"), str(uuid4())
    act = trying(eight[0], f"/api/incidents/{matter}/remark", {"text": "示例"}, command)
    found = at_once([act] * EIGHT)
    assert codes(found) == {"200": EIGHT}
    assert all(one.body == found[0].body for one in found)
    assert len(eight[0].get(f"/api/incidents/{matter}/entries")["entries"]) == 2


def test_one_matter_is_closed_once(target: Fuzzed, eight: list[Person]) -> None:
    matter = target.seeds.make("reported")
    acts = [trying(person, f"/api/incidents/{matter}/close", {}) for person in eight]
    assert codes(at_once(acts)) == {"200": 1, "state.wrong": EIGHT - 1}


def test_two_matters_do_not_become_each_others_duplicate(
    target: Fuzzed, eight: list[Person]
) -> None:
    one, other = target.seeds.make("waiting"), target.seeds.make("waiting")
    acts = []
    for index, person in enumerate(eight):
        here, there = (one, other) if index % 2 else (other, one)
        path = f"/api/incidents/{here}/merge"
        acts.append(trying(person, path, {"into": there, "reason": "示例"}))
    found = codes(at_once(acts))
    assert found["200"] == 1, found
    states = [eight[0].get(f"/api/incidents/{each}")["row"]["state"] for each in (one, other)]
    assert sorted(states) == ["merged", "waiting"]


def test_nobody_crews_two_units(target: Fuzzed, eight: list[Person]) -> None:
    units = target.seeds.units[:EIGHT]
    for unit in units:
        target.seeds.chief.try_to(f"/api/units/{unit}/sign_off")
    officer, _ = hire(target.server, ("officer", "zs"))
    acts = [
        trying(person, f"/api/units/{unit}/sign_on", {"crew": [officer]})
        for person, unit in zip(eight, units, strict=True)
    ]
    assert codes(at_once(acts)) == {"200": 1, "unit.crew_elsewhere": EIGHT - 1}
    for unit in units:
        target.seeds.put_on_duty(unit)


def test_one_username_is_given_once(target: Fuzzed) -> None:
    admins = [hire(target.server, ("administrator", "zs"))[1] for _ in range(EIGHT)]
    body = {"name": "示例", "username": f"u{uuid4().hex[:8]}", "organisation": "zs"}
    acts = [trying(person, "/api/people", body) for person in admins]
    assert codes(at_once(acts)) == {"201": 1, "username.taken": EIGHT - 1}


# --- an account that is closed while its owner does something ----------------------------------


class Meanwhile(Passwords):
    """Passwords that let something happen while they are hashed."""

    def __init__(self, act: Callable[[], None]) -> None:
        super().__init__(testing=True)
        self._act = act

    def hash(self, password: str) -> str:
        self._act()
        return super().hash(password)


def test_a_closed_account_is_not_opened_by_its_own_password_change(
    city_database: Database,
) -> None:
    with open_pool(city_database.app_dsn) as pool:
        with pool.connection() as connection:
            new = people.NewPerson(
                name="示例", username="leaver", organisation="zs", password=PASSWORD
            )
            made = people.create_person(
                connection, new, Passwords(testing=True), actor="test", reason="test"
            )
            token, _ = Sessions(pool, Passwords(testing=True)).open_for(connection, made.id)

        def close() -> None:
            with psycopg.connect(city_database.app_dsn) as another:
                people.deactivate(another, made.id, actor="test", reason="left")

        sessions = Sessions(pool, Meanwhile(close))
        with pytest.raises(Refused, match=r"session.required"):
            sessions.change_password(token, PASSWORD, "another-" + PASSWORD, client=NOWHERE)
        with pool.connection() as connection:
            assert not people.find_person(connection, made.id).active
        assert sessions.lookup(token) is None
