"""Requests nobody should make, whatever their body: heads, sessions, addresses, methods. Each gets
a clear refusal in both languages, and nothing is written."""

from __future__ import annotations

import socket
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest

from muster.api.command import OPERATIONS
from muster.api.examples import BODIES
from tests.api.conftest import ASSET, INDEX, SECRET
from tests.api.fuzzing import Fuzzed
from tests.api.steering import shown
from tests.api.wire import Header, assert_refused, nothing_written, say
from tests.instance import PASSWORD
from tests.stories.desk import Person

# --- the head ----------------------------------------------------------------------------------

MEDIA = (
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/xml",
    "application/msgpack",
    "application/jsonp",
    "",
    "/",
    "application/json, text/plain",
)


@pytest.mark.parametrize("media", MEDIA)
def test_another_content_type_is_refused(
    target: Fuzzed, chief: Person, matter: str, media: str
) -> None:
    """A page of another site can send these without asking first."""
    with nothing_written(target):
        path = f"/api/incidents/{matter}/remark"
        heard = say(
            target, "POST", path, b'{"text":"x"}', who=chief, more=[("Content-Type", media)]
        )
        assert_refused(heard, 415, "media.unknown")


def test_no_content_type_is_refused(target: Fuzzed, chief: Person, matter: str) -> None:
    path = f"/api/incidents/{matter}/remark"
    with nothing_written(target):
        heard = say(target, "POST", path, b'{"text":"x"}', who=chief, without=["Content-Type"])
        assert_refused(heard, 415, "media.unknown")


def test_the_content_type_may_name_its_characters(
    target: Fuzzed, chief: Person, matter: str
) -> None:
    path = f"/api/incidents/{matter}/remark"
    more: list[Header] = [("Content-Type", "Application/JSON; charset=UTF-8")]
    assert say(target, "POST", path, b'{"text":"x"}', who=chief, more=more).status == 200


BAD_KEYS = ("", "x", "-" * 36, "0" * 36, "0" * 32, str(uuid4()) + "0", "{" + str(uuid4()) + "}")


@pytest.mark.parametrize("key", BAD_KEYS)
def test_a_command_id_that_is_none_is_refused(
    target: Fuzzed, chief: Person, matter: str, key: str
) -> None:
    path = f"/api/incidents/{matter}/remark"
    with nothing_written(target):
        more: list[Header] = [("Idempotency-Key", key)]
        heard = say(target, "POST", path, b'{"text":"x"}', who=chief, more=more)
        assert_refused(heard, 400, "command.missing", "Idempotency-Key")


def test_every_operation_needs_a_command_id(target: Fuzzed, chief: Person, matter: str) -> None:
    with nothing_written(target):
        for word, _, _ in OPERATIONS:
            body = msgspec.json.encode(BODIES[word])
            path = f"/api/incidents/{matter}/{word}"
            heard = say(target, "POST", path, body, who=chief, without=["Idempotency-Key"])
            assert_refused(heard, 400, "command.missing", "Idempotency-Key")


def test_a_command_id_is_used_for_one_thing(target: Fuzzed, chief: Person, matter: str) -> None:
    other, key = target.seeds.make("waiting"), str(uuid4())
    path, more = f"/api/incidents/{matter}/remark", [("Idempotency-Key", key)]
    first = say(target, "POST", path, b'{"text":"x"}', who=chief, more=more)
    assert first.status == 200
    with nothing_written(target):
        again = say(target, "POST", path, b'{ "text" : "x" }', who=chief, more=more)
        assert (again.status, again.body) == (200, first.body)
        upper = [("Idempotency-Key", key.upper())]
        assert say(target, "POST", path, b'{"text":"x"}', who=chief, more=upper).body == first.body
        for where, body in (
            (path, b'{"text":"y"}'),
            (f"/api/incidents/{other}/remark", b'{"text":"x"}'),
            (f"/api/incidents/{matter}/urge", b'{"text":"x"}'),
        ):
            heard = say(target, "POST", where, body, who=chief, more=more)
            assert_refused(heard, 409, "command.reused")


def test_a_command_id_of_somebody_else_gives_nothing_away(
    target: Fuzzed, chief: Person, matter: str
) -> None:
    """Command ids are each person's own: the other's answer stays the other's."""
    path, more = f"/api/incidents/{matter}/remark", [("Idempotency-Key", str(uuid4()))]
    first = say(target, "POST", path, b'{"text":"x"}', who=chief, more=more)
    dispatcher = target.people["dispatcher"]
    second = say(target, "POST", path, b'{"text":"y"}', who=dispatcher, more=more)
    assert (first.status, second.status) == (200, 200)
    assert first.body["entries"] != second.body["entries"]


@pytest.mark.parametrize("name", ["Idempotency-Key", "X-CSRF-Token", "Content-Type", "Client-Now"])
def test_a_header_said_twice_is_refused(
    target: Fuzzed, chief: Person, matter: str, name: str
) -> None:
    value = {
        "Content-Type": "application/json",
        "X-CSRF-Token": chief.headers["X-CSRF-Token"],
        "Client-Now": shown(target.seeds.now),
        "Idempotency-Key": str(uuid4()),
    }[name]
    path = f"/api/incidents/{matter}/remark"
    with nothing_written(target):
        for second in (value, "text/plain" if name == "Content-Type" else str(uuid4())):
            twice: list[Header] = [(name, value), (name, second)]
            heard = say(target, "POST", path, b'{"text":"x"}', who=chief, more=twice)
            assert_refused(heard, 400, "header.twice")


@pytest.mark.parametrize("now", ["x", "0000-01-01T00:00:00Z", "2026-11-23T25:00:00Z", "\xff"])
def test_a_client_clock_that_is_none(target: Fuzzed, chief: Person, matter: str, now: str) -> None:
    path = f"/api/incidents/{matter}/remark"
    with nothing_written(target):
        more: list[Header] = [("Client-Now", now.encode("latin-1"))]
        heard = say(target, "POST", path, b'{"text":"x"}', who=chief, more=more)
        assert_refused(heard, 400, "input.invalid", "Client-Now")


def test_a_client_clock_that_is_far_off_is_only_noted(
    target: Fuzzed, chief: Person, matter: str
) -> None:
    path = f"/api/incidents/{matter}/remark"
    for now in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-11-23T03:00:00"):
        more: list[Header] = [("Client-Now", now)]
        assert say(target, "POST", path, b'{"text":"x"}', who=chief, more=more).status == 200


@pytest.mark.parametrize("now", ["x", "2026-11-23T03:00:00", "0001-01-01T00:00:00Z", "\xff"])
def test_a_simulated_now_that_is_none(target: Fuzzed, chief: Person, now: str) -> None:
    """In a driven folder the clock is not moved by it, nor broken."""
    before = chief.get("/api/city")["clock"]["now"][:19]
    with nothing_written(target):
        more: list[Header] = [("Simulated-Now", now.encode("latin-1"))]
        heard = say(target, "GET", "/api/incidents", who=chief, more=more)
        assert_refused(heard, 400, "input.invalid", "Simulated-Now")
    assert chief.get("/api/city")["clock"]["now"][:19] == before


# --- who asks ----------------------------------------------------------------------------------


def test_a_change_needs_the_token_of_its_session(
    target: Fuzzed, chief: Person, matter: str
) -> None:
    path, other = f"/api/incidents/{matter}/remark", target.people["dispatcher"].headers
    mine = chief.headers["X-CSRF-Token"]
    with nothing_written(target):
        heard = say(target, "POST", path, b'{"text":"x"}', who=chief, without=["X-CSRF-Token"])
        assert_refused(heard, 403, "session.csrf")
        for token in ("", "x", mine[:-1], mine + "0", mine.upper(), other["X-CSRF-Token"]):
            more: list[Header] = [("X-CSRF-Token", token)]
            heard = say(target, "POST", path, b'{"text":"x"}', who=chief, more=more)
            assert_refused(heard, 403, "session.csrf")


@pytest.mark.parametrize(
    "cookie",
    [
        "",
        "muster_session=",
        "muster_session=x",
        "muster_session=" + "A" * 43,
        "muster_session=' OR 1=1 --",
        "muster_session=%00",
        "muster_session=" + "é" * 20,
        "muster_session=x; muster_session=y",
        "other=1",
        ";;;===",
    ],
)
def test_a_cookie_that_is_nobodys(target: Fuzzed, matter: str, cookie: str) -> None:
    nobody = Person(target.server.url, "")
    with nothing_written(target):
        for method, path, body in (
            ("GET", "/api/incidents", b""),
            ("POST", f"/api/incidents/{matter}/remark", b'{"text":"x"}'),
            ("DELETE", "/api/session", b""),
        ):
            more: list[Header] = [("Cookie", cookie.encode("latin-1"))]
            heard = say(target, method, path, body, who=nobody, more=more)
            assert_refused(heard, 401, "session.required")


def test_signing_in_tells_nobody_who_exists(target: Fuzzed) -> None:
    """Unknown, wrong password, impossible names: one answer, byte for byte."""
    answers = set()
    for username in ("administrator", "nobody-示例", "p001", "../..", "' OR ''='", "a" * 100):
        body = msgspec.json.encode({"username": username, "password": "wrong-示例-password"})
        heard = say(target, "POST", "/api/session", body, who=None)
        assert_refused(heard, 401, "sign_in.failed")
        assert "set-cookie" not in heard.headers
        answers.add(heard.data)
    assert len(answers) == 1


def test_signing_in_from_another_site_is_refused(target: Fuzzed) -> None:
    body = msgspec.json.encode({"username": "dispatcher", "password": PASSWORD})
    for site in ("cross-site", "same-site"):
        more: list[Header] = [("Sec-Fetch-Site", site)]
        heard = say(target, "POST", "/api/session", body, who=None, more=more)
        assert_refused(heard, 403, "session.csrf")


def test_the_cookie_is_for_http_and_this_site_only(target: Fuzzed) -> None:
    body = msgspec.json.encode({"username": "dispatcher", "password": PASSWORD})
    heard = say(target, "POST", "/api/session", body, who=None)
    assert heard.status == 201
    parts = {part.strip().lower() for part in heard.headers["set-cookie"].split(";")}
    assert {"httponly", "samesite=strict", "path=/"} <= parts
    assert not any(part.startswith("domain=") for part in parts)
    token = heard.headers["set-cookie"].partition("=")[2].partition(";")[0]
    assert len(token) >= 43 and token not in heard.data.decode()


# --- where and how -----------------------------------------------------------------------------

IDS = (
    "x",
    "-" * 36,
    str(uuid4()).upper(),
    str(uuid4()) + "%0a",
    "%00",
    "%2e%2e%2f",
    "' OR 1=1 --".replace(" ", "%20"),
    "00000000000000000000000000000000",
    "{00000000-0000-0000-0000-000000000000}",
    "%F0%9F%9A%A8",
    "%ff%fe",
)


@pytest.mark.parametrize("wrong", IDS)
def test_an_id_that_is_none(target: Fuzzed, chief: Person, wrong: str) -> None:
    with nothing_written(target):
        for path in (
            f"/api/incidents/{wrong}",
            f"/api/incidents/{wrong}/entries",
            f"/api/incidents/{wrong}/recommendations",
            f"/api/incidents/{wrong}/duplicates",
        ):
            heard = say(target, "GET", path, who=chief)
            assert heard.status in (400, 404), (path, heard.data)
            assert heard.headers["content-type"] == "application/problem+json"
        heard = say(target, "POST", f"/api/incidents/{wrong}/close", b"{}", who=chief)
        assert heard.status in (400, 404)


@pytest.mark.parametrize("unit", ["%00", "%1f", "a" * 65, "nobody", "%F0%9F%9A%A8", "%27%3B--"])
def test_a_unit_that_is_none(target: Fuzzed, chief: Person, unit: str) -> None:
    with nothing_written(target):
        for word, body in (
            ("sign_off", b""),
            ("status", b'{"status":"busy"}'),
            ("sign_on", b'{"crew":["p153"]}'),
        ):
            heard = say(target, "POST", f"/api/units/{unit}/{word}", body, who=chief)
            assert heard.body["code"] in ("input.invalid", "unit.unknown", "route.unknown")


QUERIES = (
    "limit=abc",
    "limit=0",
    "limit=-1",
    "limit=501",
    "limit=99999999999999999999",
    "limit=1.5",
    "limit=",
    "level=0",
    "level=5",
    "level=x",
    "level=9007199254740993",
    "state=nope",
    "state=%00",
    "state=",
    "&".join(["state=waiting"] * 21),
    "organisation=%00",
    "organisation=%27",
    "organisation=",
    "q=%00",
    "q=" + "1" * 65,
    "q=%1b",
    "scope=everything",
    "before=x",
    "before=,",
    "before=2026-01-01T00:00:00Z,x",
    "before=0001-01-01T00:00:00Z," + "0" * 8 + "-0000-0000-0000-000000000000",
    "before=2026-01-01T00:00:00,00000000-0000-0000-0000-000000000000",
    "before=" + "1" * 81,
)


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_that_does_not_fit(target: Fuzzed, chief: Person, query: str) -> None:
    heard = say(target, "GET", f"/api/incidents?{query}", who=chief)
    assert heard.status == 400, heard.data[:300]
    code = heard.body["code"]
    assert code in ("input.invalid", "cursor.invalid")
    assert_refused(heard, 400, code)


@pytest.mark.parametrize("query", ["q=%ff%fe", "x=1", "limit=1&limit=2", "=", "&&&", "%", "q=%27"])
def test_a_query_that_is_only_odd(target: Fuzzed, chief: Person, query: str) -> None:
    heard = say(target, "GET", f"/api/incidents?{query}", who=chief)
    assert heard.status == 200 and "items" in heard.body


@pytest.mark.parametrize("query", ["after=-1", "after=x", "limit=0", "limit=5001", "after=1e9"])
def test_a_timeline_query_that_does_not_fit(
    target: Fuzzed, chief: Person, matter: str, query: str
) -> None:
    heard = say(target, "GET", f"/api/incidents/{matter}/entries?{query}", who=chief)
    assert_refused(heard, 400, "input.invalid")


METHODS = ("HEAD", "PUT", "PATCH", "DELETE", "TRACE")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", ["/api/incidents", "/healthz", "/api/session/password"])
def test_a_method_nobody_offers(target: Fuzzed, chief: Person, method: str, path: str) -> None:
    with nothing_written(target):
        heard = say(target, method, path, who=chief)
        assert heard.status == 405
        assert heard.headers["allow"]
        if method != "HEAD":
            assert_refused(heard, 405, "method.unknown")


@pytest.mark.parametrize("method", ["FOO", "G\tET", "get", "\x00"])
def test_a_method_that_is_none(target: Fuzzed, method: str) -> None:
    """The parser refuses it before it is a request; the server goes on."""
    host = target.server.url.removeprefix("http://")
    with socket.create_connection(("127.0.0.1", int(host.rpartition(":")[2])), timeout=30) as raw:
        raw.sendall(f"{method} /api/incidents HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert raw.recv(64).split()[1] in (b"400", b"405")
    assert target.people["duty_chief"].ask("/healthz").status == 200


SMUGGLED = (
    b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
    b"Content-Length: 4\r\nContent-Length: 40\r\n",
    b"Content-Length: -4\r\n",
    b"Content-Length: 4x\r\n",
    b"Transfer-Encoding: xchunked\r\n",
    b"Transfer-Encoding : chunked\r\n",
    b" folded: x\r\n",
)


@pytest.mark.parametrize("head", SMUGGLED)
def test_a_request_cannot_hide_in_another(target: Fuzzed, head: bytes) -> None:
    """What two readers could cut differently is refused, or read as one request."""
    assert b'"alive":true' not in followed(target, head)


def test_a_request_may_follow_another(target: Fuzzed) -> None:
    """Else the test above proves nothing."""
    assert b'"alive":true' in followed(target, b"Content-Length: 5\r\n")


def followed(target: Fuzzed, head: bytes) -> bytes:
    """All that comes back for a request with these headers and another after its body."""
    port = int(target.server.url.rpartition(":")[2])
    hidden = b"0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=30) as raw:
        raw.sendall(b"POST /api/session HTTP/1.1\r\nHost: localhost\r\n" + head + b"\r\n" + hidden)
        heard = b""
        while b'"alive":true' not in heard and (piece := raw.recv(65_536)):
            heard += piece
    return heard


def test_options_say_what_is_there_and_no_more(target: Fuzzed, chief: Person) -> None:
    origin: list[Header] = [
        ("Origin", "https://elsewhere.example"),
        ("Access-Control-Request-Method", "POST"),
    ]
    heard = say(target, "OPTIONS", "/api/incidents", who=chief, more=origin)
    assert heard.status == 204
    assert not [name for name in heard.headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    "path", ["/nothing", "/api/nothing", "/api", "/api/", "/api/docs", "/.git"]
)
def test_an_address_that_is_none(target: Fuzzed, chief: Person, path: str) -> None:
    assert_refused(say(target, "GET", path, who=chief), 404, "route.unknown")


TRAVERSALS = (
    "/assets/../secret.txt",
    "/assets/..%2fsecret.txt",
    "/assets/%2e%2e/secret.txt",
    "/assets/%2e%2e%2f%2e%2e%2fsecret.txt",
    "/assets/..%5csecret.txt",
    "/assets/....//secret.txt",
    "/assets//etc/passwd",
    "/assets/%00/../secret.txt",
    "/assets/page.js%00.txt",
    "/assets/page.js/../../secret.txt",
    "//assets/../secret.txt",
    "/secret.txt",
    "/assets/%c0%ae%c0%ae/secret.txt",
    "/assets/" + "../" * 20 + "etc/passwd",
    "/assets/",
    "/assets",
)


@pytest.mark.parametrize("path", TRAVERSALS)
def test_no_path_leads_out_of_the_page(target: Fuzzed, path: str) -> None:
    heard = say(target, "GET", path, who=None)
    assert heard.status in (400, 404, 405), heard.data[:200]
    assert SECRET not in heard.data and b"root:" not in heard.data


def test_the_page_itself_is_there(target: Fuzzed) -> None:
    """Else the walk above proves nothing."""
    assert say(target, "GET", "/", who=None).data == INDEX
    assert say(target, "GET", "/assets/page.js", who=None).data == ASSET


# --- what every answer carries -----------------------------------------------------------------

ANSWERS: tuple[tuple[str, str, int, bool], ...] = (
    ("GET", "/", 200, False),
    ("GET", "/assets/page.js", 200, False),
    ("GET", "/assets/none.js", 404, False),
    ("GET", "/healthz", 200, False),
    ("GET", "/readyz", 200, False),
    ("GET", "/nothing", 404, False),
    ("GET", "/api/openapi.json", 200, False),
    ("GET", "/api/nothing", 404, True),
    ("GET", "/api/incidents", 401, False),
    ("GET", "/api/incidents", 200, True),
    ("GET", "/api/incidents?limit=x", 400, True),
    ("GET", "/api/city/coast", 200, True),
    ("PUT", "/api/incidents", 405, True),
    ("POST", "/api/people", 403, True),
    ("OPTIONS", "/api/incidents", 204, True),
)


@pytest.mark.parametrize(("method", "path", "status", "known"), ANSWERS)
def test_every_answer_is_safe_to_show(
    target: Fuzzed, chief: Person, method: str, path: str, status: int, known: bool
) -> None:
    body = msgspec.json.encode(BODIES["create_person"]) if method == "POST" else b""
    heard = say(target, method, path, body, who=chief if known else None)
    assert heard.status == status, heard.data[:300]
    policy = heard.headers["content-security-policy"]
    assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy
    assert "script-src" not in policy and "unsafe-eval" not in policy
    assert heard.headers["x-content-type-options"] == "nosniff"
    for name in ("referrer-policy", "cross-origin-opener-policy", "cross-origin-resource-policy"):
        assert heard.headers[name] == "same-origin"
    assert "server" not in heard.headers and "x-powered-by" not in heard.headers
    if path.startswith("/api/"):
        caching = heard.headers["cache-control"]
        assert caching == "no-store" or (path.startswith("/api/city/") and "private" in caching)


def test_the_log_tells_nothing(target: Fuzzed, chief: Person, matter: str) -> None:
    """Paths and statuses, never a query, a body, a cookie or a token; no line can be forged."""
    secret = "示例-not-for-the-log"
    chief.try_to(f"/api/incidents/{matter}/remark", {"text": secret})
    say(target, "GET", f"/api/incidents?q={'7' * 40}", who=chief)
    say(target, "GET", "/api/x%0a%7b%22level%22:%22error%22%7d", who=chief)
    log = Path(target.server.log).read_text()
    for word in (secret, "7" * 40, chief.headers["X-CSRF-Token"], chief.headers["Cookie"][16:]):
        assert word not in log
    for line in log.splitlines():
        assert '"level"' in line and msgspec.json.decode(line)["level"] in ("info", "warning")
