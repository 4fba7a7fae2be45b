"""Signing in at an outside provider: the certified one, and one that lies."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import psycopg
import pytest
from joserfc.jwk import OctKey, RSAKey

from muster.journal.clock import real_now
from muster.supervise.postgres import Postgres
from tests.api.providers import SECRET, Browser, Certified, Wicked, configured, wicked
from tests.api.staff import hire
from tests.instance import Instance, copied, free_port, settings_for
from tests.stories.desk import Person

SUBJECT = "示例-subject"


class Place:
    """A Muster with two providers: `city` is real, `liar` is not."""

    def __init__(self, server: Instance, city: Certified, liar: Wicked) -> None:
        self.server, self.city, self.liar = server, city, liar
        self.keeper = hire(server, ("administrator", "zs"))[1]
        self.second = hire(server, ("duty_chief", "zs"))[1]
        self.auditor = hire(server, ("auditor", "zs"))[1]

    def bound(self, provider: str, subject: str) -> tuple[str, Person]:
        """Somebody new, bound to a subject by the administrator and a second person."""
        person, who = hire(self.server, ("duty_chief", "zs"))
        body = {"provider": provider, "subject": subject}
        waits = self.keeper.do(f"/api/people/{person}/identities", body)
        self.second.do(f"/api/trust-requests/{waits['id']}/confirm")
        return person, who

    def last(self) -> dict[str, Any]:
        found: dict[str, Any] = self.auditor.get("/api/oidc/outcomes?limit=1")["items"][0]
        return found


@pytest.fixture(scope="module")
def place(
    cluster: Postgres, prepared: tuple[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("oidc")
    port = free_port()
    here = f"http://127.0.0.1:{port}"
    city = Certified(free_port(), f"{here}/api/oidc/callback")
    with copied(cluster, prepared[0], "oidc_doors") as database, wicked(free_port()) as liar:
        configured(folder / "data", here, {"city": city.issuer, "liar": liar.issuer})
        server = Instance(settings_for(database, folder / "data", port=port), folder / "server.log")
        city.start()
        server.start()
        try:
            yield Place(server, city, liar)
        finally:
            server.stop()
            city.stop()


@pytest.fixture
def visitor(place: Place) -> Iterator[Browser]:
    place.liar.honest()
    with Browser(place.server) as made:
        yield made


def refused(place: Place, response: httpx.Response, status: int, code: str) -> None:
    """One page in both languages, no session, and a record for the auditor."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"].startswith("text/html")
    assert code in response.text and re.search(r"[一-鿿]{4}", response.text)
    assert "Not signed in" in response.text and "<script" not in response.text
    assert "muster_session" not in response.headers.get("set-cookie", "")
    assert response.headers["cache-control"] == "no-store"
    assert place.last()["outcome"].split()[0] == code


# --- the certified provider --------------------------------------------------------------------


def test_signing_in_from_start_to_end(place: Place, visitor: Browser) -> None:
    person, _ = place.bound("city", "alpha")
    begun = visitor.begin("city")
    assert begun.status_code == 303
    asked = parse_qs(urlsplit(begun.headers["Location"]).query)
    assert asked["code_challenge_method"] == ["S256"] and asked["scope"] == ["openid"]
    assert asked["response_type"] == ["code"] and asked["nonce"] and asked["state"]
    cookie = begun.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie and "max-age=600" in cookie
    back = visitor.get(visitor.sign_in_there("alpha", begun))
    assert (back.status_code, back.headers["Location"]) == (303, "/board")
    assert visitor.session().json()["person"]["id"] == person
    session = next(one for one in back.headers.get_list("set-cookie") if "muster_session" in one)
    assert "httponly" in session.lower() and "samesite=strict" in session.lower()
    found = place.last()
    assert (found["outcome"], found["person"], found["provider"]) == ("signed_in", person, "city")
    assert "amr" in found and "acr" in found


def test_nobody_is_bound_because_names_are_alike(place: Place, visitor: Browser) -> None:
    """The provider's subject and e-mail are a username of ours; that is no proof."""
    there = visitor.sign_in_there("dispatcher", visitor.begin("city"))
    response = visitor.get(there)
    refused(place, response, 403, "oidc.unbound")
    assert visitor.session().status_code == 401
    assert place.last()["outcome"] == "oidc.unbound dispatcher"


def test_a_callback_is_good_once(place: Place, visitor: Browser) -> None:
    place.bound("city", "beta")
    there = visitor.sign_in_there("beta", visitor.begin("city"))
    kept = {"Cookie": f"muster_visit={visitor.cookies['muster_visit']}"}
    assert visitor.get(there).status_code == 303
    with Browser(place.server) as again:
        refused(place, again.get(there, headers=kept), 403, "oidc.visit")


def test_a_code_is_good_once(place: Place, visitor: Browser) -> None:
    """The code of one way, put into another that was begun properly."""
    place.bound("city", "gamma")
    there = visitor.sign_in_there("gamma", visitor.begin("city"))
    assert visitor.get(there).status_code == 303
    code = parse_qs(urlsplit(there).query)["code"][0]
    state = parse_qs(urlsplit(visitor.begin("city").headers["Location"]).query)["state"][0]
    callback = f"{place.server.url}/api/oidc/callback"
    refused(place, visitor.get(callback, params={"code": code, "state": state}), 502, "oidc.answer")


def test_anothers_code_needs_anothers_verifier(place: Place, visitor: Browser) -> None:
    """A stolen, unused code (login CSRF, code injection): PKCE and the nonce tie it to the visitor
    that began."""
    place.bound("city", "delta")
    with Browser(place.server) as thief:
        stolen = thief.sign_in_there("delta", thief.begin("city"))
        refused(place, visitor.get(stolen), 403, "oidc.visit")
        begun = visitor.begin("city")
        code = parse_qs(urlsplit(stolen).query)["code"][0]
        state = parse_qs(urlsplit(begun.headers["Location"]).query)["state"][0]
        callback = f"{place.server.url}/api/oidc/callback"
        response = visitor.get(callback, params={"code": code, "state": state})
        refused(place, response, 502, "oidc.answer")
    assert visitor.session().status_code == 401


def test_a_wrong_state_is_refused(place: Place, visitor: Browser) -> None:
    place.bound("city", "epsilon")
    there = visitor.sign_in_there("epsilon", visitor.begin("city"))
    state = parse_qs(urlsplit(there).query)["state"][0]
    for wrong in (there.replace(state, state[::-1]), there.replace(f"state={state}", "x=1")):
        refused(place, visitor.get(wrong), 403, "oidc.visit")
    refused(place, visitor.get(there), 403, "oidc.visit")  # a wrong one used it up


def test_new_keys_are_fetched(place: Place, visitor: Browser) -> None:
    place.bound("city", "zeta")
    assert visitor.get(visitor.sign_in_there("zeta", visitor.begin("city"))).status_code == 303
    place.city.rotate()
    with Browser(place.server) as other:
        assert other.get(other.sign_in_there("zeta", other.begin("city"))).status_code == 303


def test_a_closed_account_stays_closed(place: Place, visitor: Browser) -> None:
    person, _ = place.bound("city", "eta")
    place.keeper.do(f"/api/people/{person}/close", {"reason": "示例"})
    refused(
        place,
        visitor.get(visitor.sign_in_there("eta", visitor.begin("city"))),
        401,
        "sign_in.failed",
    )


def test_an_unbound_identity_opens_nothing(place: Place, visitor: Browser) -> None:
    person, _ = place.bound("city", "theta")
    path = f"/api/people/{person}/identities"
    (row,) = place.keeper.get(path)["items"]
    assert (row["provider"], row["subject"]) == ("city", "theta")
    assert place.keeper._ask("DELETE", f"{path}/{row['id']}").status == 204
    refused(
        place,
        visitor.get(visitor.sign_in_there("theta", visitor.begin("city"))),
        403,
        "oidc.unbound",
    )


def test_a_person_binds_the_own_identity(place: Place, visitor: Browser) -> None:
    """Proven here first; then who comes back in this visitor is this person."""
    person, who = hire(place.server, ("officer", "zs"))
    said = httpx.post(f"{place.server.url}/api/oidc/city/bind", headers=who.headers)
    assert said.status_code == 200, said.text
    visitor.cookies.set("muster_visit", said.cookies["muster_visit"])
    begun = httpx.Response(303, headers={"Location": said.json()["location"]})
    back = visitor.get(visitor.sign_in_there("iota", begun))
    assert (back.status_code, back.headers["Location"]) == (303, "/#page=security")
    assert "muster_session" not in back.headers.get("set-cookie", "")
    (row,) = who.get("/api/oidc/identities")["items"]
    assert row["subject"] == "iota"
    with Browser(place.server) as other:
        assert other.get(other.sign_in_there("iota", other.begin("city"))).status_code == 303
        assert other.session().json()["person"]["id"] == person
    taken, _ = hire(place.server, ("officer", "zs"))
    body = {"provider": "city", "subject": "iota"}
    assert place.keeper.try_to(f"/api/people/{taken}/identities", body).code == "oidc.taken"
    assert who._ask("DELETE", f"/api/oidc/identities/{row['id']}").status == 204
    assert who.get("/api/oidc/identities")["items"] == []


def test_the_providers_are_listed_with_a_way_out(place: Place, visitor: Browser) -> None:
    visitor.begin("city")
    said = httpx.get(f"{place.server.url}/api/oidc").json()
    city = next(one for one in said["items"] if one["id"] == "city")
    assert city["name_zh"] == "示例统一认证" and city["name_en"] == "Example sign-on"
    assert city["sign_out"].startswith(f"{place.city.issuer}/session/end?")
    assert SECRET not in str(said)


def test_the_provider_is_down(place: Place, visitor: Browser) -> None:
    place.bound("city", "kappa")
    there = visitor.sign_in_there("kappa", visitor.begin("city"))
    place.city.stop()
    try:
        refused(place, visitor.get(there), 503, "oidc.unreachable")
    finally:
        place.city.start()
    # It came back with other keys, which are not fetched anew at every wrong signature.
    for _ in range(40):
        back = visitor.get(visitor.sign_in_there("kappa", visitor.begin("city")))
        if back.status_code == 303:
            break
        time.sleep(0.5)
    assert back.status_code == 303


# --- one that lies -----------------------------------------------------------------------------


def come_back(place: Place, visitor: Browser, **more: str) -> httpx.Response:
    """From the liar, without ever going there."""
    begun = visitor.begin("liar")
    assert begun.status_code == 303, begun.text
    asked = parse_qs(urlsplit(begun.headers["Location"]).query)
    place.liar.nonce = asked["nonce"][0]
    params = {"code": "x", "state": asked["state"][0], **more}
    return visitor.get(f"{place.server.url}/api/oidc/callback", params=params)


@pytest.fixture(scope="module")
def known(place: Place) -> str:
    return place.bound("liar", SUBJECT)[0]


def test_the_liar_can_tell_the_truth(place: Place, visitor: Browser, known: str) -> None:
    """Else what follows proves nothing."""
    place.liar.claims = {"acr": "urn:example:two", "amr": ["pwd", "otp"]}
    assert come_back(place, visitor).status_code == 303
    found = place.last()
    assert (found["person"], found["acr"], found["amr"]) == (known, "urn:example:two", "pwd otp")


NOW = int(real_now().timestamp())
LIES: dict[str, dict[str, Any]] = {
    "nonce": {"nonce": "somebody-elses"},
    "no nonce": {"nonce": None},
    "audience": {"aud": "another-client"},
    "audiences": {"aud": ["muster", "another"], "azp": "another"},
    "audiences without party": {"aud": ["muster", "another"]},
    "no audience": {"aud": None},
    "issuer": {"iss": "https://evil.example"},
    "issuer with a slash": {"iss": "http://127.0.0.1/"},
    "no issuer": {"iss": None},
    "expired": {"exp": NOW - 61 - 60, "iat": NOW - 300},
    "no expiry": {"exp": None},
    "from the future": {"iat": NOW + 3600, "nbf": NOW + 3600},
    "old": {"iat": NOW - 3600, "exp": NOW + 3600},
    "no time": {"iat": None},
    "no subject": {"sub": None},
    "empty subject": {"sub": ""},
    "subject of another kind": {"sub": ["示例-subject"]},
    "long subject": {"sub": "x" * 300},
    "expiry of another kind": {"exp": "tomorrow"},
}


@pytest.mark.parametrize("lie", sorted(LIES))
def test_a_token_that_lies(place: Place, visitor: Browser, known: str, lie: str) -> None:
    place.liar.claims = LIES[lie]
    refused(place, come_back(place, visitor), 403, "oidc.token")
    assert visitor.session().status_code == 401


def test_a_clock_a_little_off_is_forgiven(place: Place, visitor: Browser, known: str) -> None:
    now = int(real_now().timestamp())
    place.liar.claims = {"iat": now + 20, "exp": now - 20}
    assert come_back(place, visitor).status_code == 303


def confused(liar: Wicked) -> bytes:
    """HS256 with the text of the public key as the secret, made by hand: no library would."""
    signed = "eyJhbGciOiJIUzI1NiIsImtpZCI6ImsxIn0." + liar.token().split(".")[1]
    made = hmac.digest(liar.key.as_pem(private=False), signed.encode(), hashlib.sha256)
    token = f"{signed}.{urlsafe_b64encode(made).rstrip(b'=').decode()}"
    return json.dumps({"id_token": token}).encode()


def unsigned(liar: Wicked) -> bytes:
    token = f"eyJhbGciOiJub25lIn0.{liar.token().split('.')[1]}."
    return json.dumps({"id_token": token}).encode()


@pytest.mark.parametrize("how", ["none", "our secret", "public key", "stranger", "unknown"])
def test_a_signature_that_is_none(place: Place, visitor: Browser, known: str, how: str) -> None:
    liar = place.liar
    if how == "none":
        liar.answers["/token"] = lambda _form: (200, {}, unsigned(liar))
    elif how == "our secret":
        liar.header, liar.signing = {"alg": "HS256"}, OctKey.import_key(SECRET)
    elif how == "public key":
        liar.answers["/token"] = lambda _form: (200, {}, confused(liar))
    elif how == "stranger":
        liar.signing = RSAKey.generate_key(2048, {"kid": "k1"})
    else:
        liar.header = {"kid": "k2"}
    refused(place, come_back(place, visitor), 403, "oidc.token")


BODIES: dict[str, tuple[int, dict[str, str], bytes]] = {
    "garbage": (200, {}, b"<html>"),
    "nothing": (200, {}, b""),
    "huge": (200, {}, b'{"a":"' + b"x" * 2_000_000 + b'"}'),
    "deep": (200, {}, b"[" * 100_000),
    "not UTF-8": (200, {}, b'{"a":"\xff"}'),
    "packed": (200, {"Content-Encoding": "gzip"}, b"\x1f\x8b" + b"\0" * 100),
    "a list": (200, {}, b"[]"),
    "a number": (200, {}, b"1"),
    "an error": (400, {}, b'{"error":"invalid_grant"}'),
    "to metadata": (302, {"Location": "http://169.254.169.254/latest/meta-data/"}, b""),
    "to us": (307, {"Location": "http://127.0.0.1:1/"}, b""),
}


@pytest.mark.parametrize("body", sorted(BODIES))
@pytest.mark.parametrize("path", ["/token", "/jwks"])
def test_answers_nobody_can_use(
    place: Place, visitor: Browser, known: str, path: str, body: str
) -> None:
    """Keys that are known are not fetched again: a stranger's key makes us ask for them."""
    begun = visitor.begin("liar")
    asked = parse_qs(urlsplit(begun.headers["Location"]).query)
    place.liar.nonce = asked["nonce"][0]
    place.liar.answers[path] = lambda _form: BODIES[body]
    if path == "/jwks":
        place.liar.header = {"kid": f"never-seen-{body}"}
    params = {"code": "x", "state": asked["state"][0]}
    response = visitor.get(f"{place.server.url}/api/oidc/callback", params=params)
    code = "oidc.answer" if path == "/token" else "oidc."
    assert response.status_code in (403, 502) and code in response.text
    assert visitor.session().status_code == 401


def test_the_error_of_a_provider_is_not_shown(place: Place, visitor: Browser, known: str) -> None:
    wicked_words = "<script>alert(1)</script>"
    response = come_back(place, visitor, error=wicked_words, error_description=wicked_words)
    refused(place, response, 403, "oidc.refused")
    assert wicked_words not in response.text


def test_the_issuer_in_the_answer_counts(place: Place, visitor: Browser, known: str) -> None:
    """Mix-up: the answer of one provider sent as that of another (RFC 9207)."""
    response = come_back(place, visitor, iss=place.city.issuer)
    refused(place, response, 403, "oidc.token")
    assert "/token" not in place.liar.asked


@pytest.mark.parametrize(
    "return_to",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "/%2f/evil.example",
        "/a//b",
        "/..",
        "javascript:alert(1)",
        "/x\r\nSet-Cookie: a=b",
        "/x?y=z",
        " /",
        "",
    ],
)
def test_one_comes_back_to_a_page_of_ours(place: Place, visitor: Browser, return_to: str) -> None:
    response = visitor.begin("city", return_to)
    assert response.status_code == 400 and "Location" not in response.headers


def test_an_unknown_provider(place: Place, visitor: Browser) -> None:
    refused(place, visitor.begin("nobody"), 404, "oidc.unknown")
    assert visitor.begin("../session").status_code in (400, 404)


def test_the_secret_is_nowhere(place: Place, visitor: Browser) -> None:
    from tests.journal.test_private import holding

    assert SECRET not in place.server.log.read_text()
    with psycopg.connect(place.server.settings.owner_dsn) as owner:
        assert holding(owner, SECRET) == []
        kept = owner.execute("SELECT count(*) FROM provider_visit").fetchone()
        audit = owner.execute(
            "SELECT count(*) FROM audit WHERE table_name = 'provider_identity'"
        ).fetchone()
    assert kept is not None and audit is not None and audit[0] > 0


def test_what_the_browser_keeps_is_not_what_we_keep(place: Place, visitor: Browser) -> None:
    """From a copy of the database nobody finishes somebody else's sign-in."""
    from tests.journal.test_private import holding

    begun = visitor.begin("city")
    asked = parse_qs(urlsplit(begun.headers["Location"]).query)
    with psycopg.connect(place.server.settings.owner_dsn) as owner:
        for word in (visitor.cookies["muster_visit"], asked["state"][0], asked["nonce"][0]):
            assert holding(owner, word) == []


@pytest.mark.parametrize("role", ["duty_chief", "administrator"])
def test_only_whoever_manages_a_person_binds_it(place: Place, role: str) -> None:
    _, foreign = hire(place.server, (role, "dh"))
    person, _ = hire(place.server, ("officer", "pt"))
    body = {"provider": "city", "subject": "lambda"}
    path = f"/api/people/{person}/identities"
    for said in (foreign.ask(path), foreign.try_to(path, body)):
        assert said.code == ("person.unknown" if role == "administrator" else "authority.denied")
    assert place.keeper.try_to(path, {**body, "person": "p1"}).code == "input.invalid"
    mine = place.keeper.get("/api/session")["person"]["id"]
    assert place.keeper.try_to(f"/api/people/{mine}/identities", body).code == "person.self"
    assert foreign.ask("/api/oidc/outcomes").code == "authority.denied"
