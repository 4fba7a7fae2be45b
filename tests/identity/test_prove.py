"""Doors that ask once more who is there: which they are, and that each refuses without a proof."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from functools import cache
from typing import Any

import pyotp
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from muster.api import live, telemetry
from muster.api.server import litestar_app
from muster.api.session import PROVEN_FOR
from muster.journal.clock import real_now
from tests.identity.city import PASSWORD, City
from tests.identity.test_doors import Client, app, client, code, signed_in

__all__ = ["app", "client"]

#: What is irreversible, or about people's rights and secrets. Nothing a dispatcher does at three
#: in the morning stands here.
SENSITIVE = {
    "approve_erasure",
    "approve_unsealing",
    "export_access",
    "begin_factor",
    "close_account",
    "confirm_factor",
    "create_person",
    "create_token",
    "fresh_recovery_codes",
    "give_grant",
    "open_account",
    "remove_factor",
    "revoke_grant",
    "revoke_token",
    "ask_reset",
    "confirm_reset",
    "confirm_trust_request",
    "bind_identity",
    "set_policy",
}
#: All that answers before the first steps are done.
FIRST_STEPS = {
    "begin_factor",
    "change_password",
    "confirm_factor",
    "get_factor",
    "get_session",
    "judge_password",
    "prove",
    "sign_out",
}


@cache
def routes() -> dict[str, tuple[str, str, HTTPRouteHandler]]:
    """operation id -> (method, path, handler) of the whole application."""
    nothing: Any = None
    more = (live.route(nothing), telemetry.route(nothing, nothing))
    whole = litestar_app(None, web=None, more_routes=more, start=str, stop=str)  # type: ignore[arg-type]
    return {
        str(handler.operation_id): (method, route.path, handler)
        for route in whole.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        for method in handler.http_methods
        if handler.operation_id is not None
    }


def marked(name: str) -> set[str]:
    return {op for op, (_, _, handler) in routes().items() if handler.opt.get(name)}


def test_the_sensitive_doors_are_these() -> None:
    assert marked("prove") >= SENSITIVE


def test_the_first_steps_are_these() -> None:
    assert marked("first_steps") == FIRST_STEPS


def long_ago(city: City, person: str, ago: timedelta) -> None:
    with city.pool.connection() as connection:
        connection.execute(
            "UPDATE session SET proven_at = %s WHERE person = %s", (real_now() - ago, person)
        )


def tried(client: Client, path: str, method: str) -> tuple[int, str]:
    filled = re.sub(r"{\w+:uuid}", str(uuid.uuid4()), path)
    return code(client.request(method, re.sub(r"{\w+(:str)?}", "p", filled), json={}))


def here(app: Litestar) -> set[str]:
    """Sensitive operations among the doors of the test's application."""
    return {
        str(handler.operation_id)
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        if handler.opt.get("prove")
    }


def test_each_refuses_without_a_fresh_proof(app: Litestar, city: City, client: Client) -> None:
    """Before anything else: whoever walks by an open desk does not even learn what is missing."""
    city.hire("boss", ("administrator", "city"))
    signed_in(client, "boss")
    long_ago(city, "boss", PROVEN_FOR + timedelta(seconds=5))
    names = here(app)
    assert len(names) >= 9
    for name in names:
        method, path, _ = routes()[name]
        assert tried(client, path, method) == (403, "session.prove_again"), name


def test_a_fresh_sign_in_is_a_proof_for_five_minutes(city: City, client: Client) -> None:
    city.hire("boss", ("administrator", "city"))
    signed_in(client, "boss")
    wanted = {"name": "示例", "username": "one", "organisation": "east1"}
    long_ago(city, "boss", PROVEN_FOR - timedelta(seconds=30))
    assert client.post("/api/people", json=wanted).status_code == 201
    long_ago(city, "boss", PROVEN_FOR + timedelta(seconds=1))
    wanted["username"] = "two"
    assert code(client.post("/api/people", json=wanted)) == (403, "session.prove_again")
    old = client.cookies["muster_session"]
    assert code(client.post("/api/session/prove", json={"password": "wrong-example"})) == (
        401,
        "sign_in.failed",
    )
    assert code(client.post("/api/people", json=wanted)) == (403, "session.prove_again")
    proven = client.post("/api/session/prove", json={"password": PASSWORD})
    assert proven.status_code == 200
    assert client.cookies["muster_session"] != old, "a proof gives a new token"
    assert code(client.post("/api/people", json=wanted)) == (403, "session.csrf")
    client.headers["X-CSRF-Token"] = proven.json()["csrf"]
    assert client.post("/api/people", json=wanted).status_code == 201
    client.cookies.clear()
    client.cookies.set("muster_session", old)
    assert code(client.get("/api/me")) == (401, "session.required")


def test_a_session_that_never_proved_anything_never_passes(city: City, client: Client) -> None:
    city.hire("boss", ("administrator", "city"))
    signed_in(client, "boss")
    with city.pool.connection() as connection:
        connection.execute("UPDATE session SET proven_at = NULL")
    because = {"reason": "示例"}
    answer = client.post("/api/people/nobody/close", json=because)
    assert code(answer) == (403, "session.prove_again")


def enrolled(client: Client) -> tuple[pyotp.TOTP, list[str]]:
    """Enrols whoever is signed in, through the doors."""
    begun = client.post("/api/session/factor")
    assert begun.status_code == 201, begun.text
    totp = pyotp.TOTP(begun.json()["secret"])
    assert begun.json()["qr"].startswith("data:image/svg+xml")
    assert begun.json()["address"].startswith("otpauth://totp/")
    on = client.post("/api/session/factor/confirm", json={"code": totp.now()})
    assert on.status_code == 200, on.text
    client.headers["X-CSRF-Token"] = on.json()["session"]["csrf"]
    return totp, on.json()["codes"]


def test_two_steps_through_the_doors(city: City, client: Client) -> None:
    city.hire("li", ("dispatcher", "east"))
    signed_in(client, "li")
    before = client.cookies["muster_session"]
    _, codes = enrolled(client)
    assert client.cookies["muster_session"] != before
    assert client.get("/api/session/factor").json()["codes_left"] == 10
    client.delete("/api/session")
    client.headers.pop("X-CSRF-Token")

    body = {"username": "li", "password": PASSWORD}
    asked = client.post("/api/session", json=body)
    assert code(asked) == (401, "sign_in.code_needed")
    assert "muster_session" not in client.cookies
    line = next(one for one in asked.headers.get_list("set-cookie") if "pending" in one)
    assert "httponly" in line.lower() and "max-age=300" in line.lower()
    assert code(client.get("/api/me")) == (401, "session.required")
    assert code(client.post("/api/session/code", json={"code": "000000"})) == (
        401,
        "sign_in.code_wrong",
    )
    came = client.post("/api/session/code", json={"code": codes[0]})
    assert came.status_code == 201
    assert client.get("/api/me").json() == {"person": "li"}
    assert code(client.post("/api/session/code", json={"code": codes[1]}))[1] == "sign_in.pending"

    client.headers["X-CSRF-Token"] = came.json()["csrf"]
    assert client.get("/api/session/factor").json()["codes_left"] == 9
    fresh = client.post("/api/session/factor/codes").json()["codes"]
    assert len(fresh) == 10 and not set(fresh) & set(codes)
    off = client.request("DELETE", "/api/session/factor")
    assert off.status_code == 200
    client.headers.pop("X-CSRF-Token")
    assert client.post("/api/session", json=body).status_code == 201


def test_a_factor_ends_the_other_sessions(city: City, client: Client) -> None:
    city.hire("li")
    signed_in(client, "li")
    elsewhere = client.cookies["muster_session"]
    client.cookies.clear()
    signed_in(client, "li")
    enrolled(client)
    assert client.get("/api/me").status_code == 200
    client.cookies.clear()
    client.cookies.set("muster_session", elsewhere)
    assert code(client.get("/api/me")) == (401, "session.required")


def test_the_second_step_is_not_for_other_sites(client: Client) -> None:
    answer = client.post(
        "/api/session/code", json={"code": "123456"}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert code(answer) == (403, "session.csrf")


def test_own_sessions(city: City, client: Client) -> None:
    city.hire("li")
    city.hire("wang")
    signed_in(client, "wang")
    theirs = client.get("/api/sessions").json()["items"][0]["id"]
    client.cookies.clear()
    tokens = []
    for _ in range(3):
        client.cookies.clear()
        signed_in(client, "li")
        tokens.append(client.cookies["muster_session"])
    listed = client.get("/api/sessions").json()["items"]
    assert len(listed) == 3 and [one["here"] for one in listed].count(True) == 1
    assert set(listed[0]) >= {"agent", "address", "created_at", "last_seen"}
    assert not any(token in str(listed) for token in tokens)
    for unknown in (theirs, str(uuid.uuid4())):
        answer = client.delete(f"/api/sessions/{unknown}")
        assert code(answer) == (404, "session.unknown")
    other = next(one["id"] for one in listed if not one["here"])
    assert client.delete(f"/api/sessions/{other}").json() == {"ended": 1}
    assert client.delete("/api/sessions").json() == {"ended": 1}
    left = client.get("/api/sessions").json()["items"]
    assert [one["here"] for one in left] == [True]
