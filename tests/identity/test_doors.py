"""The doors of identity: cookie, CSRF, who may, and what is never told."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from litestar import Litestar, WebSocket, get, post, websocket
from litestar.di import Provide
from litestar.exceptions import WebSocketDisconnect
from litestar.testing import TestClient
from psycopg import Connection
from psycopg_pool import ConnectionPool

from muster.api import factor, identity, policy, review, session, sign_in
from muster.api.problems import HANDLERS
from muster.identity import people
from muster.identity.access_log import AccessLog
from muster.identity.first_link import make_first_link
from muster.identity.sentences import SENTENCES
from muster.journal.clock import Clock, RealClock, real_now
from muster.journal.context import Actor
from muster.journal.vault import Vault
from tests.identity.city import PASSWORD, City

Client = TestClient[Litestar]
VAULT = Vault(bytes(32))
#: Signing in has no session yet.
OPEN = {("POST", path) for path in ("/api/session", "/api/session/code", "/api/first")}


@dataclass(frozen=True)
class Platform:
    pool: ConnectionPool[Connection[Any]]
    access: AccessLog
    clock: Clock
    testing: bool = True
    vault: Vault = VAULT


@get("/api/me", sync_to_thread=False)
def me(actor: Actor) -> dict[str, str]:
    return {"person": actor.person}


@post("/api/act", sync_to_thread=False, status_code=200)
def act(actor: Actor) -> dict[str, str]:
    return {"person": actor.person}


@get("/open", sync_to_thread=False)
def outside() -> dict[str, bool]:
    return {"open": True}


@websocket("/api/feed")
async def feed(socket: WebSocket[Any, Any, Any], actor: Actor) -> None:
    await socket.accept()
    await socket.send_json({"person": actor.person})
    await socket.close()


@pytest.fixture
def app(city: City) -> Litestar:
    city.clock.at = real_now()
    platform = Platform(city.pool, AccessLog(city.pool), RealClock())
    handlers: Any = HANDLERS
    return Litestar(
        [
            *sign_in.ROUTES,
            *factor.ROUTES,
            *policy.ROUTES,
            *identity.ROUTES,
            *review.ROUTES,
            me,
            act,
            outside,
            feed,
        ],
        middleware=[session.SessionMiddleware(session.sessions_for(platform))],
        dependencies={
            "platform": Provide(lambda: platform, sync_to_thread=False),
            **session.DEPENDENCIES,
        },
        exception_handlers=handlers,
    )


@pytest.fixture
def client(app: Litestar) -> Iterator[Client]:
    with TestClient(app) as client:
        yield client


def signed_in(client: Client, username: str, password: str = PASSWORD) -> dict[str, Any]:
    """Signs in; every later request of the client carries cookie and CSRF token."""
    client.headers.pop("X-CSRF-Token", None)
    answer = client.post("/api/session", json={"username": username, "password": password})
    assert answer.status_code == 201, answer.text
    client.headers["X-CSRF-Token"] = answer.json()["csrf"]
    body: dict[str, Any] = answer.json()
    return body


def code(answer: Any) -> tuple[int, str]:
    assert answer.headers["content-type"].startswith("application/problem+json")
    return answer.status_code, answer.json()["code"]


def test_a_session_from_start_to_end(city: City, client: Client) -> None:
    city.hire("li", ("dispatcher", "east"))
    assert code(client.get("/api/session")) == (401, "session.required")
    body = signed_in(client, "li")
    assert body["person"] == {"id": "li", "name": "示例li", "username": "li"}
    assert body["grants"] == [{"role": "dispatcher", "organisation": "east", "until": None}]
    assert body["expires_at"].endswith("Z")
    assert client.get("/api/session").json() == body
    assert client.get("/api/me").json() == {"person": "li"}
    token = client.cookies["muster_session"]
    answer = client.delete("/api/session")
    assert answer.status_code == 204
    client.cookies.set("muster_session", token)
    assert code(client.get("/api/me")) == (401, "session.required")


def test_the_cookie(city: City, client: Client) -> None:
    city.hire("li")
    answer = client.post("/api/session", json={"username": "li", "password": PASSWORD})
    cookie = answer.headers.get_list("set-cookie")[-1]
    for part in ("muster_session=", "HttpOnly", "Path=/", "SameSite=strict"):
        assert part.lower() in cookie.lower()
    assert "secure" not in cookie.lower() and "__Host-" not in cookie
    client.base_url = "https://testserver.local"
    client.cookies.clear()
    answer = client.post("/api/session", json={"username": "li", "password": PASSWORD})
    for cookie in answer.headers.get_list("set-cookie"):
        assert cookie.startswith("__Host-muster_")
        for part in ("HttpOnly", "Secure", "Path=/", "SameSite=strict"):
            assert part.lower() in cookie.lower()
        assert "domain" not in cookie.lower()


@pytest.mark.parametrize(("scheme", "other"), [("http", "https"), ("https", "http")])
def test_a_cookie_counts_where_it_was_given(
    city: City, client: Client, scheme: str, other: str
) -> None:
    """Somebody on the path of one http request cannot plant the cookie of the https page."""
    city.hire("li")
    client.base_url = f"{scheme}://testserver.local"
    answer = client.post("/api/session", json={"username": "li", "password": PASSWORD})
    name, _, value = answer.headers.get_list("set-cookie")[-1].partition(";")[0].partition("=")
    assert name == ("__Host-muster_session" if scheme == "https" else "muster_session")
    swapped = "muster_session" if scheme == "https" else "__Host-muster_session"
    client.cookies.clear()
    for address, sent, expected in (
        (scheme, name, 200),
        (scheme, swapped, 401),
        (other, name, 401),
    ):
        client.base_url = f"{address}://testserver.local"
        answer = client.get("/api/me", headers={"Cookie": f"{sent}={value}"})
        assert answer.status_code == expected, (address, sent)


def test_a_planted_cookie_is_replaced(city: City, client: Client) -> None:
    city.hire("li")
    client.cookies.set("muster_session", "planted")
    signed_in(client, "li")
    assert client.cookies.get("muster_session", domain="testserver.local") != "planted"
    client.cookies.clear()
    client.cookies.set("muster_session", "planted")
    assert code(client.get("/api/me")) == (401, "session.required")


def test_changes_need_the_csrf_token_of_this_session(city: City, client: Client) -> None:
    city.hire("li")
    city.hire("wang")
    other = signed_in(client, "wang")["csrf"]
    mine = signed_in(client, "li")["csrf"]
    assert client.post("/api/act").json() == {"person": "li"}
    for bad in (other, "", mine[:-1], mine.upper(), "é".encode("latin-1")):
        headers: Any = {"X-CSRF-Token": bad}
        assert code(client.post("/api/act", headers=headers)) == (403, "session.csrf")
    del client.headers["X-CSRF-Token"]
    assert code(client.post("/api/act")) == (403, "session.csrf")
    assert code(client.delete("/api/session")) == (403, "session.csrf")
    assert client.get("/api/me").status_code == 200


@pytest.mark.parametrize("path", ["/api/session", "/api/first"])
def test_another_site_cannot_use_public_changes(client: Client, path: str) -> None:
    body = {"username": "li", "password": PASSWORD, "token": "x", "name": "示例"}
    if path == "/api/session":
        body = {"username": "li", "password": PASSWORD}
    answer = client.post(path, json=body, headers={"Sec-Fetch-Site": "cross-site"})
    assert code(answer) == (403, "session.csrf")


def test_everything_under_api_needs_a_session(app: Litestar, client: Client) -> None:
    """Walks the routes, so that a new one cannot be forgotten."""
    walked = 0
    for route in app.routes:
        methods: set[str] = getattr(route, "methods", set()) - {"OPTIONS", "HEAD"}
        if not route.path.startswith("/api/"):
            continue
        path = re.sub(r"{\w+:uuid}", str(uuid.uuid4()), route.path)
        path = re.sub(r"{\w+:str}", "p", path)
        for method in methods:
            if (method, path) in OPEN:
                continue
            answer = client.request(method, path)
            assert code(answer) == (401, "session.required"), (method, path)
            walked += 1
    assert walked >= 14
    assert client.get("/open").json() == {"open": True}


@pytest.mark.parametrize("path", ["//api/me", "/api//me", "/api/me/", "/%61pi/me", "/x/../api/me"])
def test_no_spelling_of_a_path_walks_past(client: Client, path: str) -> None:
    answer = client.request("GET", client.base_url.join("/").copy_with(raw_path=path.encode()))
    assert answer.status_code in (401, 404), answer.text


def test_live_connections_need_session_and_origin(city: City, client: Client) -> None:
    city.hire("li")

    def closed(**headers: str) -> int:
        with (
            pytest.raises(WebSocketDisconnect) as refused,
            client.websocket_connect("/api/feed", headers=headers) as socket,
        ):
            socket.receive_json()
        return refused.value.code

    assert closed() == session.CLOSED_NO_SESSION
    signed_in(client, "li")
    with client.websocket_connect("/api/feed") as socket:
        assert socket.receive_json() == {"person": "li"}
    assert closed(Origin="https://elsewhere.example") == session.CLOSED_OTHER_ORIGIN
    host = client.base_url.netloc.decode()
    with client.websocket_connect("/api/feed", headers={"Origin": f"http://{host}"}) as socket:
        assert socket.receive_json() == {"person": "li"}


def test_failures_lock_and_say_when(city: City, client: Client) -> None:
    city.hire("li")
    wrong = {"username": "li", "password": "wrong-example"}
    for _ in range(5):
        assert code(client.post("/api/session", json=wrong)) == (401, "sign_in.failed")
    answer = client.post("/api/session", json={"username": "li", "password": PASSWORD})
    assert code(answer) == (429, "rate.limited")
    assert 0 < int(answer.headers["retry-after"]) <= 15 * 60 + 1
    assert "{" not in answer.json()["detail_zh"] + answer.json()["detail_en"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"username": "li"},
        {"username": 7, "password": "x"},
        {"username": "li", "password": "x" * 300},
        {"username": "li", "password": "x", "role": "administrator"},
        [],
        None,
    ],
)
def test_malformed_sign_ins(client: Client, body: Any) -> None:
    assert code(client.post("/api/session", json=body)) == (400, "input.invalid")


def test_odd_texts_are_refused_and_nothing_is_written(city: City, client: Client) -> None:
    city.hire("boss", ("administrator", "city"))
    signed_in(client, "boss")
    before = city.audit()
    for odd in ("a\x00b", "x" * 101, ""):
        body = {"name": odd, "username": "fresh", "organisation": "city"}
        assert code(client.post("/api/people", json=body)) == (400, "input.invalid")
    for odd in ("a\x00b", "'; DROP TABLE person; --", "<script>", "\u202eabc", "😀"):
        body = {"name": "示例", "username": odd, "organisation": "city"}
        assert client.post("/api/people", json=body).status_code in (400, 409)
    odd_date = {"role": "officer", "organisation": "city", "until": "9999-01-01T00:00:00Z"}
    assert code(client.post("/api/people/boss/grants", json=odd_date)) == (400, "input.invalid")
    for path in ("/api/people/%00/close", "/api/people/" + "x" * 99 + "/close"):
        answer = client.post(path, json={"reason": "test"})
        assert code(answer) == (400, "input.invalid")
    assert client.delete("/api/grants/not-a-uuid").status_code == 404
    assert city.audit() == before


def test_an_administrator_and_a_new_colleague(city: City, client: Client) -> None:
    city.hire("boss", ("administrator", "east"))
    signed_in(client, "boss")
    wanted = {
        "name": "示例新人",
        "username": "New.One",
        "organisation": "east1",
        "password": "first-example",
    }
    made = client.post("/api/people", json=wanted)
    assert made.status_code == 201
    person = made.json()["id"]
    assert made.json()["username"] == "new.one"
    assert code(client.post("/api/people", json=wanted)) == (409, "username.taken")
    grant = client.post(
        f"/api/people/{person}/grants", json={"role": "officer", "organisation": "east1"}
    )
    assert grant.status_code == 201
    listed = {one["id"]: one for one in client.get("/api/people").json()["items"]}
    assert set(listed) == {person}
    assert [g["role"] for g in listed[person]["grants"]] == ["officer"]

    signed_in(client, "new.one", "first-example")
    change = {"old": "first-example", "new": "second-example"}
    assert code(client.get("/api/people")) == (403, "session.first_steps")
    changed = client.post("/api/session/password", json=change)
    assert changed.status_code == 200
    client.headers["X-CSRF-Token"] = changed.json()["csrf"]
    assert code(client.get("/api/people")) == (403, "authority.denied")
    assert code(client.post("/api/people", json=wanted)) == (403, "authority.denied")
    theirs = client.cookies["muster_session"]

    signed_in(client, "boss")
    assert client.delete(f"/api/grants/{grant.json()['id']}").status_code == 204
    wanted = {"what": "password", "reason": "forgotten"}
    reset = client.post(f"/api/people/{person}/resets", json=wanted)
    assert reset.status_code == 201
    path = f"/api/resets/{reset.json()['id']}/confirm"
    assert code(client.post(path)) == (403, "reset.same_person")
    city.hire("chief", ("duty_chief", "city"))
    signed_in(client, "chief")
    assert [one["may_confirm"] for one in client.get("/api/resets").json()["items"]] == [True]
    fresh = client.post(path).json()["password"]
    client.headers.pop("X-CSRF-Token")
    body = {"username": "new.one", "password": fresh}
    assert client.post("/api/session", json=body).json()["needs"] == "password"
    assert code(client.get("/api/people")) == (403, "session.first_steps")

    signed_in(client, "boss")
    answer = client.post(f"/api/people/{person}/close", json={"reason": "left"})
    assert answer.json()["active"] is False and answer.json()["grants"] == []
    client.cookies.clear()
    client.cookies.set("muster_session", theirs)
    assert code(client.get("/api/me")) == (401, "session.required")


def test_administrators_stay_in_their_area(city: City, client: Client) -> None:
    city.hire("boss", ("administrator", "east"))
    city.hire("far")
    far_grant = city.grant("far", "officer", "west1")
    own_grant = city.grant("boss", "officer", "east")
    signed_in(client, "boss")
    because = {"reason": "test"}
    assert code(client.post("/api/people/far/close", json=because)) == (404, "person.unknown")
    assert code(client.post("/api/people/none/close", json=because)) == (404, "person.unknown")
    assert code(client.delete(f"/api/grants/{far_grant}")) == (404, "grant.unknown")
    assert code(client.delete(f"/api/grants/{uuid.uuid4()}")) == (404, "grant.unknown")
    assert client.delete(f"/api/grants/{own_grant}").json()["code"] == "grant.self"
    for organisation, expected in (
        ("city", "authority.denied"),
        ("nowhere", "organisation.unknown"),
    ):
        body = {"name": "示例", "username": "x1", "organisation": organisation}
        assert client.post("/api/people", json=body).json()["code"] == expected
        grant = {"role": "officer", "organisation": organisation}
        assert client.post("/api/people/far/grants", json=grant).json()["code"] == expected
    myself = {"role": "duty_chief", "organisation": "east"}
    assert client.post("/api/people/boss/grants", json=myself).json()["code"] == "grant.self"


def test_the_audit_is_for_grants_at_the_top(city: City, client: Client) -> None:
    city.hire("auditor", ("auditor", "city"))
    city.hire("county", ("auditor", "east"))
    city.hire("chief", ("duty_chief", "city"))
    for person in ("county", "chief"):
        signed_in(client, person)
        assert code(client.get("/api/audit")) == (403, "authority.denied")
    signed_in(client, "auditor")
    seen, before = [], None
    while True:
        page = client.get(
            "/api/audit", params={"limit": 5, **({"before": before} if before else {})}
        )
        assert page.status_code == 200
        seen += page.json()["items"]
        before = page.json()["next"]
        if before is None:
            break
    assert [row["number"] for row in seen] == list(range(len(seen), 0, -1))
    assert len(seen) == len(city.audit())
    newest = seen[0]["change"]
    assert (newest["table"], newest["actor"], newest["reason"]) == ("session", "auditor", "sign in")
    secrets = [
        row["change"]["after"].get("password_hash") for row in seen if row["change"]["after"]
    ]
    assert set(secrets) == {None, "set"}


def test_organisations_are_shown_to_whoever_is_signed_in(city: City, client: Client) -> None:
    city.hire("helper", ("volunteer", "rescue"))
    signed_in(client, "helper")
    items = {one["id"]: one for one in client.get("/api/organisations").json()["items"]}
    assert items["east1"]["path"] == "city.east.east1"
    assert (items["east1"]["lon"], items["east1"]["lat"]) == (122.2016, 29.988)


def test_the_first_administrator(city: City, client: Client) -> None:
    with city.pool.connection() as connection:
        token = make_first_link(connection)
    body = {"token": token, "username": "first", "name": "示例管理员", "password": PASSWORD}
    assert code(client.post("/api/first", json={**body, "token": "guess"}))[1] == "first.invalid"
    answer = client.post("/api/first", json=body)
    assert answer.status_code == 201
    assert [g["role"] for g in answer.json()["grants"]] == ["administrator"]
    assert client.get("/api/me").json()["person"] == answer.json()["person"]["id"]
    assert code(client.post("/api/first", json={**body, "username": "two"}))[1] == "first.invalid"


def test_a_closed_account_is_out_at_the_next_request(city: City, client: Client) -> None:
    city.hire("li", ("dispatcher", "city"))
    signed_in(client, "li")
    assert client.get("/api/me").status_code == 200
    with city.pool.connection() as connection:
        people.deactivate(connection, "li", actor="test", reason="left")
    assert code(client.get("/api/me")) == (401, "session.required")


def test_every_refusal_of_identity_has_its_sentences() -> None:
    for refusal, (zh, en) in SENTENCES.items():
        assert any("\u4e00" <= letter <= "\u9fff" for letter in zh), refusal
        assert en.endswith("."), refusal
        assert set(_fields(zh)) == set(_fields(en)), refusal


def _fields(sentence: str) -> list[str]:
    from string import Formatter

    return [name for _, name, _, _ in Formatter().parse(sentence) if name]
