"""Attacks, each tried at the real doors: what somebody who means harm would try first.

Elsewhere: what breaks a body or a head (test_bad_input, test_bad_requests), guessing (identity),
providers (test_oidc), hosts and proxies (test_gate), patterns and logs (test_hardening, test_logs).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from muster.api.examples import BODIES
from muster.api.session import COOKIE
from muster.geography.faults import PackInvalid
from muster.geography.pack import load
from muster.identity.roles import TOKEN_SCOPES
from tests.api.conftest import SECRET
from tests.api.fuzzing import Fuzzed
from tests.api.staff import hire
from tests.api.test_bad_input import PATHS, asker
from tests.api.test_tokens import machine, made
from tests.api.wire import assert_refused, counts, say
from tests.instance import CITY, PASSWORD
from tests.stories.desk import Person

#: What is written because somebody asked, not because it was done.
RECORDS = {"denial", "access_log", "provider_outcome"}
OURS, THEIRS = "pt-shenjiamen", "dh-lincheng"


@pytest.fixture(scope="module")
def keeper(target: Fuzzed) -> Person:
    return hire(target.server, ("administrator", "zs"))[1]


def cookies_of(response: httpx.Response) -> list[str]:
    return [one for one in response.headers.get_list("set-cookie") if COOKIE in one]


# --- session fixation --------------------------------------------------------------------------


def signed_in(target: Fuzzed, username: str, **cookies: str) -> httpx.Response:
    return httpx.post(
        f"{target.server.url}/api/session",
        json={"username": username, "password": PASSWORD},
        cookies=cookies,
    )


@pytest.mark.parametrize("planted", ["", "x", "0" * 43, "somebody-elses"])
def test_a_planted_session_is_not_the_one_signed_in_with(target: Fuzzed, planted: str) -> None:
    """The attacker plants a cookie, the victim signs in: the planted one must open nothing."""
    _, victim = hire(target.server, ("officer", "zs"))
    said = signed_in(target, victim.username, **{COOKIE: planted})
    assert said.status_code == 201
    (fresh,) = cookies_of(said)
    assert f"{COOKIE}={planted};" not in fresh
    after = Person(target.server.url, "", headers={"Cookie": f"{COOKIE}={planted}"})
    assert after.ask("/api/session").code == "session.required"


def test_the_attackers_own_session_ends_when_the_victim_signs_in_over_it(target: Fuzzed) -> None:
    """And does not become the victim's."""
    _, attacker = hire(target.server, ("volunteer", "zs"))
    _, victim = hire(target.server, ("duty_chief", "zs"))
    planted = attacker.headers["Cookie"].partition("=")[2]
    assert signed_in(target, victim.username, **{COOKIE: planted}).status_code == 201
    assert attacker.ask("/api/session").code == "session.required"


def test_every_sign_in_is_a_new_session(target: Fuzzed) -> None:
    _, who = hire(target.server, ("officer", "zs"))
    tokens = {cookies_of(signed_in(target, who.username))[0] for _ in range(3)}
    assert len(tokens) == 3


def test_a_session_in_the_address_is_none(target: Fuzzed, chief: Person) -> None:
    token = chief.headers["Cookie"].partition("=")[2]
    nobody = Person(target.server.url, "")
    for query in (f"{COOKIE}={token}", f"session={token}", f"sid={token}"):
        assert nobody.ask(f"/api/session?{query}").code == "session.required"


# --- CSRF --------------------------------------------------------------------------------------


def changing(target: Fuzzed) -> Iterator[tuple[str, str, str]]:
    """(operation id, method, path) of every route that changes something."""
    for path, item in target.document["paths"].items():
        for method, operation in item.items():
            if method != "get" and "security" in operation:
                yield str(operation["operationId"]), method.upper(), path


def filled(target: Fuzzed, path: str) -> str:
    names = {"{matter}": target.seeds.matters[0], "{unit}": target.seeds.units[0], "{step}": "sign"}
    names |= {"{person}": target.ids["officer"], "{provider}": "city", "{token}": "0" * 12}
    for name, value in names.items():
        path = path.replace(name, value)
    while "{" in path:
        path = path[: path.index("{")] + target.seeds.fresh() + path[path.index("}") + 1 :]
    return path


@pytest.mark.parametrize("csrf", [None, "", "0" * 64, "somebody-elses"])
def test_no_change_without_the_token_of_the_session(target: Fuzzed, csrf: str | None) -> None:
    """The cookie alone, as a form of another site would send it, changes nothing at any door."""
    _, victim = hire(target.server, ("duty_chief", "zs"), ("administrator", "zs"))
    _, other = hire(target.server, ("duty_chief", "zs"))
    sent = other.headers["X-CSRF-Token"] if csrf == "somebody-elses" else csrf
    walked = list(changing(target))
    assert len(walked) > 40
    with only_recorded(target):
        for name, method, path in walked:
            more: list[Any] = [("X-CSRF-Token", sent)] if sent is not None else []
            heard = say(
                target,
                method,
                filled(target, path),
                json.dumps(BODIES.get(name, {})).encode(),
                who=victim,
                more=more,
                without=["X-CSRF-Token"],
            )
            assert (heard.status, heard.body["code"]) == (403, "session.csrf"), name


def test_no_get_changes_anything(target: Fuzzed, chief: Person) -> None:
    """A picture on another page can make a browser ask with its cookie."""
    gets = [path for path, item in target.document["paths"].items() if "get" in item]
    with only_recorded(target):
        for path in gets:
            say(target, "GET", filled(target, path), who=chief)


@contextmanager
def only_recorded(target: Fuzzed) -> Iterator[None]:
    """Looks and denials are recorded, and nothing else is written."""
    before = counts(target)
    yield
    after = counts(target)
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    assert changed <= RECORDS


# --- ids of others (IDOR) ----------------------------------------------------------------------


def test_foreign_ids_are_as_if_they_did_not_exist(target: Fuzzed, keeper: Person) -> None:
    """Matter, person, grant, token: the answer is the one for a made-up id, at every door."""
    at = target.seeds.pack.organisations[THEIRS]
    place = {"lon": at.lon, "lat": at.lat, "label": "示例"}
    matter = target.seeds.make("waiting") if at is None else opened(target, place)
    person, _ = hire(target.server, ("officer", THEIRS))
    grant = keeper.do(
        f"/api/people/{person}/grants",
        {"role": "officer", "organisation": THEIRS, "reason": "示例"},
    )["id"]
    token, _ = made(keeper, "metrics", organisation=THEIRS)
    _, chief = hire(target.server, ("duty_chief", OURS), ("administrator", OURS))
    pairs = {
        "{matter}": (matter, str(uuid4())),
        "{person}": (person, "p-000000000000"),
        "{grant}": (grant, str(uuid4())),
        "{token}": (token, "0" * 12),
    }
    walked = 0
    for path, item in target.document["paths"].items():
        name = next((name for name in pairs if name in path), None)
        if name is None or "hold" in path or "retention" in path:
            continue
        for method, operation in item.items():
            said = []
            for one in pairs[name]:
                body = BODIES.get(str(operation["operationId"]))
                address = filled(target, path.replace(name, one))
                sent = json.dumps(body).encode() if body is not None else b""
                heard = say(target, method.upper(), address, sent, who=chief)
                said.append((heard.status, heard.body["code"], heard.body["detail_en"]))
            assert said[0] == said[1], (method, path, said)
            assert said[0][0] in (403, 404, 400), (method, path, said)
            walked += 1
    assert walked > 35


def opened(target: Fuzzed, place: dict[str, Any]) -> str:
    body = target.seeds.report(organisation=THEIRS, place=place)
    return str(target.seeds.chief.do("/api/incidents", body)["matter"])


def test_an_id_that_is_taken_says_nothing_of_a_foreign_matter(
    target: Fuzzed, chief: Person
) -> None:
    """Open, sealed or erased: who may not see it is told the same, at no door "exists", and the
    attempt is on record. Whoever may see it is told that it is there."""
    _, taker = hire(target.server, ("call_taker", "dh"))
    _, auditor = hire(target.server, ("auditor", "zs"))
    away = {"organisation": "dh-lincheng"}
    hidden = [target.seeds.make("waiting"), target.seeds.make("archived"), target.seeds.certified()]
    sealed = {"basis": "invented law", "reason": "示例"}
    target.seeds.second.do(f"/api/retention/matters/{hidden[1]}/seal", sealed)
    said = [taker.try_to("/api/incidents", target.seeds.report(id=one, **away)) for one in hidden]
    assert {(one.status, one.code) for one in said} == {(409, "matter.unusable")}
    assert len({one.body["detail_en"] for one in said}) == 1
    for one in hidden:
        assert taker.ask(f"/api/incidents/{one}").code == "matter.unknown"
        rows = auditor.get(f"/api/access?matter={one}")["items"]
        assert any(row["subject"] == "report matter.unusable" for row in rows), rows
    seen = chief.try_to("/api/incidents", target.seeds.report(id=hidden[0]))
    assert seen.code == "matter.exists"
    again = target.seeds.report(**away)
    assert taker.do("/api/incidents", again)["matter"] == again["id"]


def test_ids_of_orders_and_holds_are_each_matters_own(target: Fuzzed, chief: Person) -> None:
    """Else one could be asked for in another matter."""
    seeds, order, hold = target.seeds, target.seeds.fresh(), target.seeds.fresh()
    for matter in (seeds.make("waiting"), seeds.make("waiting")):
        seeds.do(matter, "dispatch", {"orders": [{"order": order, "unit": seeds.unit()}]})
        body = {"hold": hold, "basis": "invented law", "reason": "示例"}
        chief.do(f"/api/retention/matters/{matter}/place_hold", body)


def test_a_foreign_organisation_gets_nothing_from_us(target: Fuzzed) -> None:
    _, county = hire(target.server, ("administrator", "pt"))
    person, _ = hire(target.server, ("officer", OURS))
    ends = {"expires_at": "2027-06-01T00:00:00Z", "scopes": ["metrics"], "name": "示例"}
    for where in ("zs", "dh", THEIRS):
        wanted: tuple[tuple[str, Any], ...] = (
            (f"/api/people/{person}/grants", {"role": "officer", "organisation": where}),
            ("/api/people", {"name": "示例", "username": f"u{uuid4().hex}", "organisation": where}),
            ("/api/tokens", {**ends, "organisation": where}),
        )
        for path, body in wanted:
            said = county.try_to(path, body)
            assert (said.status, said.code) == (403, "authority.denied"), (path, where)


# --- mass assignment ---------------------------------------------------------------------------

EXTRA = (
    "id",
    "role",
    "is_admin",
    "actor",
    "person",
    "organisation_path",
    "__proto__",
    "active",
    "示",
)


@pytest.mark.parametrize("name", sorted(set(PATHS) & set(BODIES)))
def test_no_body_takes_a_field_more(target: Fuzzed, matter: str, name: str) -> None:
    """At every door, on every level of its body."""
    path, who = PATHS[name].format(matter=matter), asker(target, name)
    with only_recorded(target):
        for extra in EXTRA:
            for body in (BODIES[name] | {extra: True}, *deeper(BODIES[name], extra)):
                if body == BODIES[name] or extra in BODIES[name]:
                    continue
                heard = say(target, "POST", path, json.dumps(body).encode(), who=who)
                assert_refused(heard, 400, "input.invalid")


def deeper(body: Any, extra: str) -> Iterator[Any]:
    """The body with the field in each of its inner objects. A fix is refused by itself, not with
    the whole report (tests/telemetry)."""
    for field, value in body.items():
        if isinstance(value, dict):
            yield body | {field: value | {extra: True}}
        if field != "fixes" and value and isinstance(value, list) and isinstance(value[0], dict):
            yield body | {field: [value[0] | {extra: True}]}


# --- tokens ------------------------------------------------------------------------------------


def test_a_token_makes_no_other(target: Fuzzed, keeper: Person) -> None:
    """With every scope there is: no token, no account, no grant, no session, no proof."""
    device = machine(target, made(keeper, *sorted(TOKEN_SCOPES), organisation="zs")[1])
    device.headers["X-CSRF-Token"] = keeper.headers["X-CSRF-Token"]
    doors: tuple[tuple[str, Any], ...] = (
        ("/api/tokens", BODIES["create_token"]),
        ("/api/people", BODIES["create_person"]),
        ("/api/people/p001/grants", BODIES["give_grant"]),
        ("/api/session/password", BODIES["change_password"]),
    )
    with only_recorded(target):
        for path, body in doors:
            assert device.try_to(path, body).code == "token.scope"
        assert device.ask("/api/session").code == "token.scope"


def test_a_token_cannot_be_a_session(target: Fuzzed, keeper: Person) -> None:
    """Signing in, with a token in hand, is signing in without it."""
    _, value = made(keeper, "read:units")
    for username, password in (("mst", value), (value[:64], value), ("token:x", value)):
        said = httpx.post(
            f"{target.server.url}/api/session",
            json={"username": username, "password": password},
            headers={"Authorization": f"Bearer {value}"},
        )
        assert said.status_code in (401, 429) and not cookies_of(said)


def test_nobody_is_called_like_a_token(target: Fuzzed, keeper: Person) -> None:
    """An account whose id reads `token:…` would have a token's rights."""
    token, _ = made(keeper, "read:units")
    for body in ({"id": f"token:{token}"}, {"username": f"token:{token}"}):
        wanted = {"name": "示例", "username": "u1", "organisation": "pt", **body}
        said = keeper.try_to("/api/people", wanted)
        assert said.code in ("input.invalid", "username.invalid")


# --- paths -------------------------------------------------------------------------------------

WAYS_OUT = (
    "/assets/../secret.txt",
    "/assets/../../secret.txt",
    "/assets/%2e%2e/secret.txt",
    "/assets/%2e%2e%2f%2e%2e%2fsecret.txt",
    "/assets/..%5c..%5csecret.txt",
    "/assets/%252e%252e/secret.txt",
    "/assets//secret.txt",
    "/assets/./../secret.txt",
    "/assets/page.js/../../secret.txt",
    "/assets/%c0%ae%c0%ae/secret.txt",
    "/assets/..;/secret.txt",
    "/api/city/../../secret.txt",
    "/api/city/coast/../../../secret.txt",
    "//secret.txt",
    "/secret.txt",
    "/assets/%00/../secret.txt",
    "/assets/file:///etc/passwd",
)


@pytest.mark.parametrize("path", WAYS_OUT)
def test_no_path_leads_out(target: Fuzzed, chief: Person, path: str) -> None:
    heard = say(target, "GET", path, who=chief)
    assert heard.status in (400, 404, 405), (path, heard.status)
    assert SECRET not in heard.data and b"root:" not in heard.data


def test_a_link_in_the_page_is_not_followed_out(target: Fuzzed) -> None:
    web = Path(str(target.server.settings.web))
    link = web / "assets" / "link.txt"
    link.symlink_to(web.parent / "secret.txt")
    try:
        heard = say(target, "GET", "/assets/link.txt", who=None)
        assert heard.status == 404 and SECRET not in heard.data
    finally:
        link.unlink()


def test_a_pack_names_no_file_outside(tmp_path: Path) -> None:
    """A city pack is a folder of files with fixed names: it cannot point anywhere."""
    pack = tmp_path / "pack"
    shutil.copytree(CITY, pack)
    assert load(pack).city
    (pack / "coast.geojson").unlink()
    (pack / "pack.toml").write_text(
        'coast = "../../etc/passwd"\n' + (pack / "pack.toml").read_text(encoding="utf-8")
    )
    with pytest.raises(PackInvalid):
        load(pack)


# --- open redirects ----------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["next", "return_to", "redirect", "url", "r"])
def test_no_door_sends_a_browser_away(target: Fuzzed, query: str) -> None:
    for path in ("/", "/board", "/first", "/api/session", "/api/oidc", "/api/oidc/callback"):
        heard = say(target, "GET", f"{path}?{query}=https://evil.example", who=None)
        assert "location" not in heard.headers, path
        assert heard.status < 300 or heard.status >= 400
