"""What nobody should send: each gets a clear refusal in both languages, and nothing is written."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from muster.api.command import OPERATIONS
from muster.api.examples import BODIES
from muster.api.retention import OPERATIONS as KEEPING
from muster.api.server import BODY_LIMIT
from tests.api.fuzzing import Fuzzed
from tests.api.steering import shown
from tests.api.wire import Header, Heard, assert_refused, counts, nothing_written, say
from tests.stories.desk import Person

# --- every field of every body -----------------------------------------------------------------

PATHS: dict[str, str] = {
    **{word: f"/api/incidents/{{matter}}/{word}" for word, _, _ in OPERATIONS},
    **{word: f"/api/retention/matters/{{matter}}/{word}" for word, _, _ in KEEPING},
    "unmask": "/api/incidents/{matter}/unmask",
    "review_look": "/api/oversight/sample",
    "report": "/api/incidents",
    "step_order": "/api/incidents/{matter}/orders/{matter}/sign",
    "sign_on": "/api/units/pt-shenjiamen-01/sign_on",
    "set_unit_status": "/api/units/pt-shenjiamen-01/status",
    "drive_clock": "/api/simulation/clock",
    "sign_in": "/api/session",
    "change_password": "/api/session/password",
    "first_person": "/api/first",
    "judge_password": "/api/session/password/judge",
    "judge_first_password": "/api/first/judge",
    "create_person": "/api/people",
    "close_account": "/api/people/p001/close",
    "open_account": "/api/people/p001/open",
    "ask_reset": "/api/people/p001/resets",
    "enter_code": "/api/session/code",
    "confirm_factor": "/api/session/factor/confirm",
    "prove": "/api/session/prove",
    "hand_over": "/api/session/hand-over",
    "set_policy": "/api/organisations/pt/policy",
    "give_grant": "/api/people/p001/grants",
    "create_token": "/api/tokens",
    "bind_identity": "/api/people/p001/identities",
    "report_positions": "/api/positions",
    "call_for_help": "/api/alarms",
    "notify_call": "/api/telephone/notices",
    "sit_down": "/api/telephone/desk",
    "join_call": "/api/telephone/calls/{matter}/join",
    "called_back": "/api/telephone/calls/{matter}/called_back",
}
#: Raw JSON that may stand in place of a value of each kind, and must be refused.
WRONG: dict[str, tuple[str, ...]] = {
    "text": (
        '"a\\u0000b"',
        '"a\\ud800b"',
        '"\\udc00\\ud800"',
        "1",
        "true",
        "[]",
        "{}",
        "[" * 20_000,
    ),
    "time": (
        '"0001-01-01T00:00:00Z"',
        '"9999-12-31T23:59:59Z"',
        '"9999-12-31T23:59:59-18:00"',
        '"2026-11-23T03:14:07"',
        '"2026-11-23"',
        '"2026-02-30T00:00:00Z"',
        '"2026-11-23T24:00:01Z"',
        '"yesterday"',
        "1763867647",
        "{}",
    ),
    "integer": ("9007199254740993", "-1", '"1"', "1.5", "true", "NaN", "1e999", "9" * 5000),
    "number": ("NaN", "Infinity", "-Infinity", "1e999", '"122.3"', "true", "[122.3]", "1e"),
    "truth": ('"true"', "1", "0", '"on"', "[]"),
    "object": ("[]", '""', "1", "[[[]]]", '{"示例":1}'),
    "list": ("{}", '""', "1", '["\\u0000"]', "[null]"),
}


#: What fits somewhere after all: an alarm's moment may be in milliseconds since 1970.
FITS = {("call_for_help", "1763867647")}


def kind_of(value: Any) -> str:
    if isinstance(value, bool):
        return "truth"
    if isinstance(value, int | float):
        return "integer" if isinstance(value, int) else "number"
    if isinstance(value, str):
        return "time" if value.endswith("Z") and value[:2] == "20" else "text"
    return "object" if isinstance(value, dict) else "list"


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], str]]:
    """(where, kind) of every value in a body."""
    if path:
        yield path, kind_of(value)
    inner: Any = value.items() if isinstance(value, dict) else ()
    for name, one in enumerate(value) if isinstance(value, list) else inner:
        yield from leaves(one, (*path, name))


def replaced(body: Any, path: tuple[Any, ...], raw: str) -> bytes:
    """The body as JSON with raw text in one place."""
    copy = json.loads(json.dumps(body))
    at = copy
    for name in path[:-1]:
        at = at[name]
    at[path[-1]] = "<<here>>"
    return json.dumps(copy).replace('"<<here>>"', raw).encode()


def asker(target: Fuzzed, name: str) -> Person:
    by = {"drive_clock": "simulator", "report_positions": "officer", "review_look": "auditor"}
    people = ("create_person", "close_account", "open_account", "ask_reset", "give_grant")
    managed = name in (*people, "create_token", "bind_identity", "set_policy", "confirm_factor")
    return target.fresh("administrator" if managed else by.get(name, "duty_chief"))


def test_every_body_is_walked() -> None:
    assert set(PATHS) == set(BODIES)


def refused(heard: Heard) -> bool:
    """The whole request; or, of a batch of positions that can be read, the unit or every fix."""
    if heard.status == 200:
        return heard.body.get("accepted") == 0 and bool(heard.body["rejected"])
    return heard.status == 400 or (heard.status, heard.body["code"]) == (403, "position.off_duty")


@pytest.mark.parametrize("name", sorted(PATHS))
def test_a_field_that_does_not_fit_is_refused(target: Fuzzed, matter: str, name: str) -> None:
    path, who = PATHS[name].format(matter=matter), asker(target, name)
    with nothing_written(target):
        for where, kind in leaves(BODIES[name]):
            for raw in [raw for raw in WRONG[kind] if (name, raw) not in FITS]:
                heard = say(target, "POST", path, replaced(BODIES[name], where, raw), who=who)
                assert refused(heard), (where, raw[:50], heard.data[:300])
                if name != "report_positions":
                    assert_refused(heard, 400, "input.invalid")


@pytest.mark.parametrize("name", sorted(PATHS))
def test_a_body_that_is_not_one_is_refused(target: Fuzzed, matter: str, name: str) -> None:
    path, who = PATHS[name].format(matter=matter), asker(target, name)
    whole = msgspec.json.encode(BODIES[name])
    bodies = (
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        whole[:-1],
        whole + b"x",
        b"\xef\xbb\xbf" + whole,
        whole.decode().encode("utf-16"),
        whole.replace(b"{", b'{"\xff":1,', 1),
        b"[" * 100_000,
        b'{"a":' * 40_000,
        whole.replace(b"{", b'{"is_admin":true,', 1) if len(whole) > 2 else b'{"is_admin":true}',
    )
    with nothing_written(target):
        for body in bodies:
            assert_refused(say(target, "POST", path, body, who=who), 400, "input.invalid")


def test_a_text_that_is_not_utf8(target: Fuzzed, chief: Person, matter: str) -> None:
    with nothing_written(target):
        for wrong in (b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf8\x88\x80\x80\x80"):
            body = b'{"text":"a' + wrong + b'b"}'
            heard = say(target, "POST", f"/api/incidents/{matter}/remark", body, who=chief)
            assert_refused(heard, 400, "input.invalid")


# --- too much ----------------------------------------------------------------------------------


def test_a_huge_body_is_refused_with_a_length_and_without(
    target: Fuzzed, chief: Person, matter: str
) -> None:
    path = f"/api/incidents/{matter}/remark"
    piece = b" " * 65_536
    with nothing_written(target):
        heard = say(target, "POST", path, b" " * (BODY_LIMIT + 1), who=chief)
        assert_refused(heard, 413, "body.too_large")
        heard = say(target, "POST", path, [piece] * 6, who=chief)
        assert_refused(heard, 413, "body.too_large")
        told: list[Header] = [("Content-Length", str(10**12))]
        heard = announced(target, path, chief, told)
        assert_refused(heard, 413, "body.too_large")
    assert chief.ask("/healthz").status == 200


def announced(target: Fuzzed, path: str, who: Person, told: list[Header]) -> Heard:
    """Only the head of a request, whose Content-Length is a lie."""
    import http.client

    connection = http.client.HTTPConnection(target.server.url.removeprefix("http://"), timeout=30)
    connection.putrequest("POST", path)
    usual = {**who.headers, "Content-Type": "application/json", "Idempotency-Key": str(uuid4())}
    for name, value in (*usual.items(), *told):
        connection.putheader(name, value)
    connection.endheaders()
    response = connection.getresponse()
    names = {name.lower(): value for name, value in response.getheaders()}
    found = Heard(response.status, names, response.read())
    connection.close()
    return found


def test_a_text_is_taken_up_to_its_length_and_no_longer(
    target: Fuzzed, chief: Person, matter: str
) -> None:
    """Characters, not bytes: four thousand of them outside the basic plane fit."""
    path = f"/api/incidents/{matter}/remark"
    long = msgspec.json.encode({"text": "🚨" * 4000})
    assert say(target, "POST", path, long, who=chief).status == 200
    with nothing_written(target):
        longer = msgspec.json.encode({"text": "🚨" * 4001})
        assert_refused(say(target, "POST", path, longer, who=chief), 400, "input.invalid", "text")


def test_a_packed_body_is_not_unpacked(target: Fuzzed, chief: Person, matter: str) -> None:
    bomb = gzip.compress(b'{"text":"' + b"a" * 50_000_000 + b'"}')
    assert len(bomb) < BODY_LIMIT
    with nothing_written(target):
        for coding in ("gzip", "deflate", "br", "gzip, gzip"):
            heard = say(
                target,
                "POST",
                f"/api/incidents/{matter}/remark",
                bomb,
                who=chief,
                more=[("Content-Encoding", coding)],
            )
            assert_refused(heard, 415, "media.unknown")


def test_too_much_in_the_head_is_refused(target: Fuzzed, chief: Person) -> None:
    for path, more in (
        ("/api/incidents?q=" + "a" * 100_000, []),
        ("/api/incidents", [("X-Long", "a" * 1_000_000)]),
    ):
        heard = say(target, "GET", path, who=chief, more=more)
        assert 400 <= heard.status < 500
    assert chief.ask("/api/incidents").status == 200


# --- times -------------------------------------------------------------------------------------

TIMES: tuple[tuple[dict[str, int], str, str], ...] = (
    ({"reported_at": 3600, "answered_at": 3601}, "time.impossible", "reported_at"),
    ({"reported_at": -400 * 86_400}, "time.impossible", "reported_at"),
    ({"answered_at": 3600}, "time.impossible", "answered_at"),
    ({"call_ended_at": 3600}, "time.impossible", "call_ended_at"),
    ({"answered_at": -120}, "time.order", "answered_at"),
    ({"call_ended_at": -55}, "time.order", "call_ended_at"),
)


@pytest.mark.parametrize(("changes", "code", "field"), TIMES)
def test_a_call_at_an_impossible_time(
    target: Fuzzed, chief: Person, changes: dict[str, int], code: str, field: str
) -> None:
    """Seconds from now."""
    seeds = target.seeds
    moved = {name: seeds.now + timedelta(seconds=by) for name, by in changes.items()}
    body = msgspec.json.encode(seeds.report(**moved))
    with nothing_written(target):
        heard = say(target, "POST", "/api/incidents", body, who=chief)
        assert_refused(heard, 400, code, field)


def test_a_step_at_an_impossible_time(target: Fuzzed, chief: Person) -> None:
    matter = target.seeds.make("dispatched")
    path = f"/api/incidents/{matter}/orders/{target.seeds.orders[-1][1]}/sign"
    with nothing_written(target):
        for by, code in ((3600, "time.impossible"), (-3600, "time.order")):
            at = shown(target.seeds.now + timedelta(seconds=by))
            heard = say(target, "POST", path, msgspec.json.encode({"at": at}), who=chief)
            assert_refused(heard, 400, code, "at")


def test_the_clock_cannot_be_driven_out_of_time(target: Fuzzed) -> None:
    before = target.people["simulator"].get("/api/city")["clock"]["now"][:19]
    with nothing_written(target):
        for now in ("9999-12-31T23:59:59Z", "2101-01-01T00:00:00Z", "2026-11-23T03:00:00"):
            body = msgspec.json.encode({"now": now})
            who = target.people["simulator"]
            heard = say(target, "POST", "/api/simulation/clock", body, who=who)
            assert_refused(heard, 400, "input.invalid", "now")
    assert target.people["simulator"].get("/api/city")["clock"]["now"][:19] == before


# --- words that look like something else -------------------------------------------------------

WORDS = (
    "🚨👨‍👩‍👧‍👦🏳️‍🌈 e\u0301 Å Å ﷽",
    "نص من اليمين إلى اليسار עברית",
    "\u202eevil\u202c \u2066\u2069\u200f\u200e\u061c",
    "'; DROP TABLE entry; --",
    "Robert'); DELETE FROM person WHERE ('1'='1",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "${jndi:ldap://x} {{7*7}} {0} %s %(text)s",
    "=cmd|' /C calc'!A0",
    "..\\..\\x ../../etc/passwd",
    "a\tb\nc\r\nd\u2028e\u0085f\u007f\u001b[31m",
    "\ufeff\u200b\u00a0 \u3000",
    "\U0010ffff\ufffd\ufffe",
    "null",
    "\\u0000 \\ud800",
)


@pytest.mark.parametrize("words", WORDS)
def test_words_come_back_as_they_were_said(target: Fuzzed, chief: Person, words: str) -> None:
    """Stored as they are, shown as they are, and harmless on the way."""
    seeds = target.seeds
    place = {"lon": 122.301, "lat": 29.947, "label": words}
    body = seeds.report(caller_name=words, narrative=words, place=place)
    assert say(target, "POST", "/api/incidents", enc(body), who=chief).status == 201
    path = f"/api/incidents/{body['id']}"
    for word, more in (
        ("remark", {"text": words}),
        ("urge", {"text": words}),
        ("change_level", {"level": 2, "reason": words}),
        ("ask_in", {"organisation": "dh", "reason": words}),
    ):
        assert say(target, "POST", f"{path}/{word}", enc(more), who=chief).status == 200
    heard = say(target, "GET", path, who=chief)
    assert heard.headers["content-type"] == "application/json"
    assert heard.headers["x-content-type-options"] == "nosniff"
    detail = heard.body
    assert detail["caller"]["name"] == words and detail["narrative"] == words
    assert detail["row"]["place"]["label"] == words
    assert [one["text"] for one in detail["remarks"]] == [words]
    said = [one["body"] for one in chief.get(f"{path}/entries")["entries"]]
    assert [one.get("text") or one.get("reason") for one in said[1:5]] == [words] * 4
    assert counts(target)["entry"] > 0


def enc(body: Any) -> bytes:
    return msgspec.json.encode(body)


@pytest.mark.parametrize("words", WORDS)
def test_words_as_codes_are_refused(target: Fuzzed, chief: Person, words: str) -> None:
    """A code that is none is said back in the sentence, and nothing more happens."""
    with nothing_written(target):
        for field in ("category", "channel", "organisation"):
            body = target.seeds.report(**{field: words[:64]})
            heard = say(target, "POST", "/api/incidents", enc(body), who=chief)
            assert_refused(heard, 400, f"{field}.unknown")
