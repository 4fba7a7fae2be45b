"""A server to be fuzzed: somebody of every role, a telephone system, real things to name, and the
comparison of every answer with the OpenAPI document."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import jsonschema_rs
import requests
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from muster import app
from muster.geography.pack import load
from muster.identity.roles import ROLES
from tests.api.seeds import PHONE, Seeds
from tests.api.staff import come_in, hire
from tests.api.steering import Steering
from tests.instance import CITY, Database, Instance, free_port, settings_for
from tests.stories.desk import Person

START = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
UNITS = [
    f"{station}-0{number}"
    for station in ("pt-shenjiamen", "pt-donggang", "dh-lincheng")
    for number in range(1, 6)
]
CITY_CODE, CREWED = "zs", "dh-changguo-01"
PUBLIC = (
    "sign_in",
    "enter_code",
    "first_person",
    "judge_first_password",
    "healthz",
    "readyz",
    "list_providers",
)
#: Who asks as a telephone system does, with a token; nobody's role.
EXCHANGE, EXTENSION = "exchange", "8003"
#: What gives the one who asks another token, or none.
RENEWING = ("sign_out", "prove", "change_password", "hand_over")
#: Somebody signs in again before a proof runs out.
FRESH_S = 200.0


@dataclass
class Fuzzed:
    """`people`: role → somebody of it over the whole city. `asked`: (operation, role) → how often.
    `answered`: (operation, status) → how often."""

    server: Instance
    schema: Any
    document: dict[str, Any]
    ids: dict[str, str]
    people: dict[str, Person]
    steering: Steering
    http: requests.Session = field(default_factory=requests.Session)
    came: dict[str, float] = field(default_factory=dict)
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    answered: Counter[tuple[str, int]] = field(default_factory=Counter)

    @property
    def seeds(self) -> Seeds:
        return self.steering.seeds

    def operation(self, name: str) -> Any:
        """schemathesis's operation of an operation id."""
        return self.schema.find_operation_by_id(name)

    def case(
        self, name: str, *, body: Any = None, path: dict[str, str] | None = None, key: str = ""
    ) -> Any:
        """A request made by hand, to be sent and compared as a generated one."""
        made: dict[str, Any] = {"path_parameters": path or {}}
        if body is not None:
            made |= {"body": body, "media_type": "application/json"}
        if key:
            made["headers"] = {"Idempotency-Key": key}
        return self.operation(name).Case(**made)

    def ask(self, case: Any, role: str) -> Any:
        """Send a case as somebody of a role. Raises schemathesis's failures, AssertionError."""
        name = name_of(case)
        headers = {} if name in PUBLIC else dict(self.fresh(role).headers)
        response = case.call(base_url=self.server.url, session=self.http, headers=headers)
        self.http.cookies.clear()
        self.asked[name, role] += 1
        self.answered[name, response.status_code] += 1
        case.validate_response(response, checks=CHECKS)
        if response.status_code >= 400:
            check_problem(response)
        else:
            self._follow(name, role, case, response)
        return response

    def _follow(self, name: str, role: str, case: Any, response: Any) -> None:
        """Keep up with what was changed."""
        if name in RENEWING:
            self._come_in(role)
        elif name == "report":
            self.seeds.matters.append(response.json()["matter"])
        elif name == "dispatch":
            matter = case.path_parameters["matter"]
            self.seeds.orders += [(matter, one["order"]) for one in case.body["orders"]]
        elif name == "drive_clock":
            self.seeds.now = datetime.fromisoformat(response.json()["now"])
        elif name == "give_grant":
            given = response.json()
            waits = given["waits_until"] is not None
            (self.steering.requests if waits else self.steering.grants).append(given["id"])
        elif name == "create_token":
            self.steering.tokens.append(response.json()["token"]["id"])

    def fresh(self, role: str) -> Person:
        """Somebody of a role whose proof has not run out."""
        if role != EXCHANGE and monotonic() - self.came.get(role, 0.0) > FRESH_S:
            self._come_in(role)
        return self.people[role]

    def _come_in(self, role: str) -> None:
        username = self.people[role].username
        self.people[role] = come_in(self.server, self.ids[role], username)
        self.came[role] = monotonic()

    def ring(self, role: str, calls: int) -> None:
        """So many calls that were abandoned, and somebody of a role at the desk they rang at."""
        self._come_in(role)
        desk = {"extension": EXTENSION, "organisation": CITY_CODE}
        self.people[role].do("/api/telephone/desk", desk)
        for _ in range(calls):
            said = {"call": self.seeds.fresh(), "at": self.seeds.now, "number": PHONE}
            for kind in ("ringing", "abandoned"):
                notice = {**said, "kind": kind, "sequence": 1 + (kind == "abandoned")}
                self.people[EXCHANGE].do("/api/telephone/notices", notice)
        waiting = self.people[role].get("/api/telephone")["call_back"]
        self.steering.calls = [one["id"] for one in waiting]

    def fits(self, case: Any) -> bool:
        """Whether the case's body is one the document allows; True when it has none to judge."""
        raw = case.operation.definition.raw.get("requestBody")
        if raw is None or not isinstance(case.body, dict | list | str | int | float | None):
            return True
        schema = raw["content"]["application/json"]["schema"]
        whole = {**schema, "components": self.document["components"]}
        return jsonschema_rs.Draft202012Validator(whole).is_valid(case.body)


def name_of(case: Any) -> str:
    return str(case.operation.definition.raw["operationId"])


def check_problem(response: Any) -> None:
    """Both sentences, a stable code, one status inside and outside."""
    problem = response.json()
    if "ready" in problem:
        return
    assert problem["status"] == response.status_code
    assert problem["type"] == f"urn:muster:problem:{problem['code']}"
    assert problem["detail_zh"] and problem["detail_en"]


def without_security(document: dict[str, Any]) -> dict[str, Any]:
    """The document for generating: who asks is ours to say."""
    paths = {
        path: {
            method: {name: value for name, value in operation.items() if name != "security"}
            for method, operation in item.items()
        }
        for path, item in document["paths"].items()
    }
    kept = {name: value for name, value in document["components"].items() if name == "schemas"}
    return {**document, "paths": paths, "components": kept}


@contextmanager
def fuzzed(database: Database, folder: Path, **changes: object) -> Iterator[Fuzzed]:
    """A server process on a driven clock, with people hired and units on duty."""
    settings = settings_for(
        database,
        folder / "data",
        port=free_port(),
        clock="driven",
        clock_start=START,
        **changes,
    )
    server = Instance(settings, folder / "server.log")
    server.start()
    try:
        yield _peopled(server)
    finally:
        server.stop()


def exchange(server: Instance, administrator: Person) -> Person:
    """A telephone system, with the token an administrator made for it."""
    ends = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    wanted = {"name": "示例话务", "organisation": CITY_CODE, "expires_at": ends}
    made = administrator.do("/api/tokens", {**wanted, "scopes": ["telephone:notify"]})
    return Person(server.url, "", headers={"Authorization": f"Bearer {made['value']}"})


def _peopled(server: Instance) -> Fuzzed:
    hired = {role: hire(server, (role, "zs")) for role in ROLES}
    people = {role: person for role, (_, person) in hired.items()}
    people[EXCHANGE] = exchange(server, people["administrator"])
    chief, second = (hire(server, ("duty_chief", "zs"))[1] for _ in range(2))
    pack = load(CITY)
    seeds = Seeds(chief, second, UNITS, pack, START)
    for unit in UNITS:
        seeds.put_on_duty(unit)
    crew = {"crew": [hired["officer"][0]]}
    people["officer"].do(f"/api/units/{CREWED}/sign_on", crew)
    victims = [hire(server, ("analyst", "zs")) for _ in range(3)]
    document = app.interface()
    steering = Steering(
        pack=pack,
        seeds=seeds,
        chance=random.Random(20261123),
        victims={one: who.username for one, who in victims},
        crewing=(hired["officer"][0], CREWED),
    )
    return Fuzzed(
        server=server,
        schema=schemathesis.openapi.from_dict(without_security(document)),
        document=document,
        ids={role: person for role, (person, _) in hired.items()},
        people=people,
        steering=steering,
    )
