"""People of a story at the real doors: who they are, and the few things they all do."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
import urllib3

from tests.instance import PASSWORD, Instance

SHENJIAMEN = {"lon": 122.301, "lat": 29.947, "label": "沈家门渔港（示例）"}


@dataclass
class Said:
    """An answer of the door."""

    status: int
    body: Any

    @property
    def code(self) -> str:
        return str(self.body.get("code", ""))


@dataclass
class Person:
    """Somebody signed in. Every method is one request."""

    url: str
    username: str
    http: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(retries=False))
    headers: dict[str, str] = field(default_factory=dict)
    password: str = PASSWORD

    def sign_in(self, password: str = PASSWORD) -> Said:
        self.password = password
        said = self._ask("POST", "/api/session", {"username": self.username, "password": password})
        if said.status == 201:
            self.headers["X-CSRF-Token"] = said.body["csrf"]
        return said

    def get(self, path: str) -> Any:
        said = self._ask("GET", path)
        assert said.status == 200, (path, said)
        return said.body

    def ask(self, path: str) -> Said:
        return self._ask("GET", path)

    def do(self, path: str, body: Any = None, *, command: str | None = None) -> Any:
        said = self.try_to(path, body, command=command)
        assert said.status < 300, (path, said)
        return said.body

    def try_to(self, path: str, body: Any = None, *, command: str | None = None) -> Said:
        key = {"Idempotency-Key": command or str(uuid4())}
        return self._ask("POST", path, {} if body is None else body, key)

    def prove(self) -> None:
        """Prove again who is here, as the page asks for it."""
        said = self._once("POST", "/api/session/prove", {"password": self.password})
        assert said.status == 200, said
        self.headers["X-CSRF-Token"] = said.body["csrf"]

    def _ask(
        self, method: str, path: str, body: Any = None, more: dict[str, str] | None = None
    ) -> Said:
        said = self._once(method, path, body, more)
        if said.status == 403 and said.code == "session.prove_again":
            self.prove()
            said = self._once(method, path, body, more)
        return said

    def _once(
        self, method: str, path: str, body: Any = None, more: dict[str, str] | None = None
    ) -> Said:
        response = self.http.request(
            method,
            self.url + path,
            body=None if body is None else msgspec.json.encode(body),
            headers={"Content-Type": "application/json", **self.headers, **(more or {})},
            timeout=30.0,
        )
        self._keep(response.headers.getlist("Set-Cookie"))
        if "json" not in response.headers.get("Content-Type", ""):
            return Said(
                response.status, {"text": response.data.decode("utf-8-sig", errors="replace")}
            )
        return Said(response.status, msgspec.json.decode(response.data) if response.data else None)

    def _keep(self, lines: list[str]) -> None:
        held = dict(
            pair.split("=", 1) for pair in self.headers.get("Cookie", "").split("; ") if pair
        )
        for line in lines:
            name, _, value = line.partition(";")[0].partition("=")
            held[name] = value
            if value in ("", '""'):
                del held[name]
        if held:
            self.headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in held.items())


def signed_in(server: Instance, username: str) -> Person:
    person = Person(server.url, username)
    assert person.sign_in().status == 201
    return person


def call(matter: str, **changes: Any) -> dict[str, Any]:
    """A report of a call that just ended, with invented people."""
    now = datetime.now(UTC)
    report = {
        "id": matter,
        "channel": "110",
        "category": "010104",
        "reported_at": now - timedelta(seconds=30),
        "answered_at": now - timedelta(seconds=26),
        "call_ended_at": now,
        "caller_name": "示例甲",
        "caller_phone": "199-0000-0001",
        "narrative": "示例：码头有人落水",
        "place": SHENJIAMEN,
    }
    return {**report, **changes}


def on_duty(server: Instance, unit: str) -> Person:
    """The officer of a unit, signed in, with the unit on duty."""
    from pathlib import Path

    from muster.geography.pack import load

    pack = load(Path(server.settings.city))
    row = next(one for one in pack.people.values() if one.unit == unit)
    officer = signed_in(server, row.username)
    officer.do(f"/api/units/{unit}/sign_on", {"crew": [row.id], "vehicle": "示例车"})
    return officer
