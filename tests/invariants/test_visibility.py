"""The visibility walk: every GET route, and the live feed, × every role × a foreign matter.

The watchers hold their roles at a station of 普陀; the matter is 嵊泗's, on another island, and
nobody asked them in. Whatever they ask, no word of it may come back: not its id, not its number,
not its caller, not its words, not the order that binds a unit to it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from muster.identity.passwords import Passwords
from muster.identity.people import NewPerson, create_person, write_grant
from muster.identity.roles import ROLES
from muster.identity.tables import GrantRow
from muster.journal.clock import real_now
from tests.api.consoles import WAIT_S, Console
from tests.instance import Instance
from tests.stories.desk import Person, call, on_duty, signed_in

OURS, THEIRS = "pt-shenjiamen", "ss-shengshan"
THEIR_UNIT, THEIR_UNIT_TOO = "ss-shengshan-01", "ss-shengshan-b1"
THERE = {"lon": 122.807, "lat": 30.7236, "label": "示例-嵊山后头湾"}
CALLER, PHONE, WORDS = "示例-司徒测试", "00099954321", "示例：后头湾有人摔伤"
PASSWORD = "示例-not-a-real-one"
READERS = sorted(set(ROLES) - {"administrator", "simulator"})


@dataclass(frozen=True)
class Foreign:
    """A matter of 嵊泗 with an order out, an insider of theirs, and what must never be seen."""

    matter: str
    insider: Person
    secrets: dict[str, str]


def hired(server: Instance, role: str, organisation: str) -> Person:
    """An invented person with one role at one organisation, signed in."""
    username = f"walk-{role}-{uuid4().hex[:8]}".replace("_", "-")
    with psycopg.connect(server.settings.app_dsn) as connection:
        made = create_person(
            connection,
            NewPerson(
                name="示例走访",
                username=username,
                organisation=organisation,
                password=PASSWORD,
                invented=True,
            ),
            Passwords(testing=True),
            actor="test",
            reason="visibility walk",
        )
        grant = GrantRow(
            id=str(uuid4()),
            person=made.id,
            role=role,
            organisation=organisation,
            path="",
            valid_from=real_now(),
            valid_until=None,
            revoked_at=None,
        )
        write_grant(connection, grant, actor="test", reason="visibility walk")
    person = Person(server.url, username)
    assert person.sign_in(PASSWORD).status == 201
    return person


@pytest.fixture
def foreign(live_server: Instance) -> Foreign:
    insider = hired(live_server, "duty_chief", "ss")
    on_duty(live_server, THEIR_UNIT)
    matter, order = str(uuid4()), str(uuid4())
    report = call(matter, place=THERE, caller_name=CALLER, caller_phone=PHONE, narrative=WORDS)
    number = insider.do("/api/incidents", report)["number"]
    wanted = {"orders": [{"order": order, "unit": THEIR_UNIT}]}
    insider.do(f"/api/incidents/{matter}/dispatch", wanted)
    insider.do(f"/api/incidents/{matter}/remark", {"text": WORDS})
    secrets = {
        "matter": matter,
        "number": number,
        "order": order,
        "caller": CALLER,
        "phone": PHONE,
        "words": WORDS,
        "place": THERE["label"],
    }
    return Foreign(matter, insider, {name: str(text) for name, text in secrets.items()})


#: Parameters of paths, and what the walk puts there. A new one must be thought about here.
PARAMETERS: dict[str, Callable[[Foreign], str]] = {
    "matter": lambda foreign: foreign.matter,
    "order": lambda foreign: foreign.secrets["order"],
    "unit": lambda foreign: THEIR_UNIT,
    "person": lambda foreign: "p218",
    "token": lambda foreign: "示例",
    "provider": lambda foreign: "city",
    "identity": lambda foreign: "0" * 24,
    "number": lambda foreign: "1",
}
#: More to ask of a route than its bare path.
QUERIES: dict[str, tuple[str, ...]] = {
    "/api/incidents": (
        "?scope=all",
        "?scope=all&limit=500",
        f"?organisation={THEIRS}",
        "?organisation=ss&scope=all",
        "?q={number}",
        "?state=dispatched",
        "?level=1&level=2&level=3&level=4&scope=all",
    ),
    "/api/incidents/{matter}/entries": ("?after=0&limit=5000", "?after=1"),
    "/api/incidents/{matter}/recommendations": ("?limit=50",),
    "/api/audit": ("?limit=500",),
    "/api/retention/due": ("?limit=500", f"?organisation={THEIRS}&status=held&status=permanent"),
    "/api/retention/gone": ("?limit=500",),
    "/api/people": ("?limit=500",),
    "/api/access": ("?limit=500", "?outcome=denied"),
    "/api/access/mine": ("?limit=500",),
    "/api/oversight/findings": ("?days=31",),
}


#: The access log says which id the own people asked for and were refused; nothing else of it.
OF_THE_LOG = ("/api/access", "/api/access/export", "/api/access/mine")


def paths(server: Instance, foreign: Foreign) -> Iterator[tuple[str, str]]:
    """(route, path to ask) of every GET in the OpenAPI document."""
    described = signed_in(server, "auditor").get("/api/openapi.json")
    for route, methods in sorted(described["paths"].items()):
        if "get" not in methods:
            continue
        path = route
        for name in [part[1:-1] for part in route.split("/") if part.startswith("{")]:
            path = path.replace(f"{{{name}}}", PARAMETERS[name](foreign))
        for query in ("", *QUERIES.get(route, ())):
            yield route, path + query.format(number=foreign.secrets["number"])


def test_no_route_shows_a_foreign_matter_to_any_role(
    live_server: Instance, foreign: Foreign
) -> None:
    watchers = {role: hired(live_server, role, OURS) for role in ROLES}
    walked = list(paths(live_server, foreign))
    matter_routes = {route for route, _ in walked if "{matter}" in route}
    assert len(walked) > 20 and len(matter_routes) >= 4
    for role, watcher in watchers.items():
        for route, path in walked:
            response = watcher.http.request(
                "GET", live_server.url + path, headers=watcher.headers, timeout=30.0
            )
            text = response.data.decode(errors="replace")
            assert response.status < 500, (role, path, text)
            if "{matter}" in route:
                assert response.status in (403, 404), (role, path)
                said = response.json()
                assert said["code"] in ("matter.unknown", "authority.denied"), (role, path)
            shown = {name for name, secret in foreign.secrets.items() if secret in text}
            asked = {name for name, secret in foreign.secrets.items() if secret in path}
            if route in OF_THE_LOG:
                asked.add("matter")
            assert not shown - asked, f"{role} sees {sorted(shown)} at {path}"


def test_the_walk_can_see_what_it_looks_for(live_server: Instance, foreign: Foreign) -> None:
    """An insider is shown all of it on the same routes: else the walk proves nothing."""
    seen: set[str] = set()
    for _, path in paths(live_server, foreign):
        said = foreign.insider.ask(path)
        seen |= {name for name, secret in foreign.secrets.items() if secret in str(said.body)}
    assert seen == set(foreign.secrets)


def test_asked_in_shows_it_and_only_then(live_server: Instance, foreign: Foreign) -> None:
    """And then the matter, not the caller: masked for the police, nothing for others."""
    roles = ("dispatcher", "partner", "volunteer")
    watchers = {role: hired(live_server, role, OURS) for role in roles}
    path = f"/api/incidents/{foreign.matter}"
    for watcher in watchers.values():
        assert watcher.ask(path).code == "matter.unknown"
    asked = {"organisation": OURS, "reason": "示例：请支援"}
    foreign.insider.do(f"{path}/ask_in", asked)
    for role, watcher in watchers.items():
        seen = watcher.get(path)
        assert seen["row"]["id"] == foreign.matter
        text = str(watcher.get(f"{path}/entries"))
        assert (WORDS in text) == (role != "volunteer"), role  # whose order would show it
        assert CALLER not in text and PHONE not in text
        shown = [seen["caller"]["name"], seen["caller"]["phone"]]
        if role == "dispatcher":
            assert all("*" in words for words in shown)
        else:
            assert shown == [None, None], role


def test_nothing_can_be_done_to_a_foreign_matter(live_server: Instance, foreign: Foreign) -> None:
    """As if it did not exist: the answer is the one for a made-up id."""
    watcher = hired(live_server, "duty_chief", OURS)
    mine, made_up = str(uuid4()), str(uuid4())
    watcher.do("/api/incidents", call(mine))
    bodies: dict[str, Any] = {
        "remark": {"text": "示例"},
        "urge": {"text": "示例"},
        "change_level": {"level": 1, "reason": "示例"},
        "dispatch": {"orders": [{"order": str(uuid4()), "unit": "pt-shenjiamen-01"}]},
        "withdraw": {"order": foreign.secrets["order"], "reason": "示例"},
        "request_cancel": {"kind": "invalid", "reason": "示例"},
        "merge": {"into": mine, "reason": "示例"},
        "close": {},
    }
    kept: dict[str, Any] = {
        "place_hold": {"hold": str(uuid4()), "basis": "示例", "reason": "示例"},
        "ask_unsealing": {"basis": "示例", "reason": "示例"},
        "approve_erasure": {"proposal": 1},
        "correct_caller": {"caller_name": "示例", "basis": "示例", "reason": "示例"},
        "keep_track": {
            "order": foreign.secrets["order"],
            "since": "2026-11-23T03:00:00Z",
            "until": "2026-11-23T03:10:00Z",
            "basis": "示例",
            "reason": "示例",
        },
    }
    asked = [(f"incidents/{{}}/{word}", body) for word, body in bodies.items()]
    asked += [(f"retention/matters/{{}}/{word}", body) for word, body in kept.items()]
    for word, body in asked:
        said = [watcher.try_to(f"/api/{word.format(m)}", body) for m in (foreign.matter, made_up)]
        assert [(one.status, one.code) for one in said] == [(404, "matter.unknown")] * 2, word
    into = {"into": foreign.matter, "reason": "示例"}
    assert watcher.try_to(f"/api/incidents/{mine}/merge", into).code == "matter.unknown"
    taken = call(foreign.matter)  # a client that guesses an id learns nothing new
    assert watcher.try_to("/api/incidents", taken).status in (404, 409)


def test_the_live_feed_shows_a_foreign_matter_to_no_role(
    live_server: Instance, foreign: Foreign
) -> None:
    """Their matter changes, then ours: when ours is heard, theirs must not have been."""
    chief = hired(live_server, "duty_chief", OURS)
    mine = str(uuid4())
    chief.do("/api/incidents", call(mine))
    consoles = {
        role: Console(live_server, hired(live_server, role, OURS)).come(view=[121, 29, 124, 31])
        for role in READERS
    }
    for console in consoles.values():
        while "snapshot" not in console.said:
            console.hear()
    foreign.insider.do(f"/api/incidents/{foreign.matter}/remark", {"text": WORDS})
    chief.do(f"/api/incidents/{mine}/change_level", {"level": 2, "reason": "示例"})
    for role, console in consoles.items():
        until = time.monotonic() + WAIT_S
        while console.incidents.get(mine, {}).get("level") != 2 and time.monotonic() < until:
            assert console.hear() != "closed", (role, console.closed)
        assert console.incidents[mine]["level"] == 2, role
        held = f"{console.incidents} {console.units} {console.positions}"
        shown = {name for name, secret in foreign.secrets.items() if secret in held}
        assert not shown, f"{role} hears {sorted(shown)}"
        assert THEIR_UNIT not in console.units, role
        console.part()


@pytest.mark.parametrize("role", ["administrator", "simulator"])
def test_the_live_feed_is_closed_to_roles_that_read_no_matter(
    live_server: Instance, foreign: Foreign, role: str
) -> None:
    console = Console(live_server, hired(live_server, role, OURS))
    try:
        console.come()
        heard = console.hear()
    except Exception:  # refused at the door is as good
        return
    assert heard in ("closed", "snapshot")
    assert console.incidents == {}
