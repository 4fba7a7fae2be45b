"""What a provider says of itself: its discovery document, before anybody is sent there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from muster.identity.providers.client import ProviderClient
from muster.identity.providers.configuration import Provider
from muster.identity.providers.visit import Visit
from muster.journal.refusal import Refused
from tests.api.providers import SECRET, Wicked, wicked
from tests.instance import free_port

DISCOVERY = "/.well-known/openid-configuration"


@pytest.fixture
def liar() -> Iterator[Wicked]:
    with wicked(free_port()) as made:
        yield made


def client_of(liar: Wicked) -> ProviderClient:
    provider = Provider(
        id="liar",
        issuer=liar.issuer,
        client_id="muster",
        client_secret_file="oidc-secret",
        public_url="https://muster.example",
        name_zh="示例",
        name_en="Example",
    )
    return ProviderClient(provider, SECRET)


def test_an_honest_document_is_taken_and_kept(liar: Wicked) -> None:
    client = client_of(liar)
    assert client.way_in(Visit.fresh()).startswith(f"{liar.issuer}/auth?")
    assert client.way_in(Visit.fresh()) and liar.asked.count(DISCOVERY) == 1
    assert client.way_out() is None


FIELDS = ("authorization_endpoint", "token_endpoint", "jwks_uri", "end_session_endpoint")
ELSEWHERE = (
    "http://169.254.169.254/latest/meta-data/",
    "https://evil.example/auth",
    "http://127.0.0.1:1/",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "//evil.example/",
)


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("address", ELSEWHERE)
def test_a_document_that_names_another_place(liar: Wicked, field: str, address: str) -> None:
    """Neither we nor a browser of ours goes there."""
    liar.metadata = {field: address}
    client = client_of(liar)
    with pytest.raises(Refused, match=r"oidc\.answer") as caught:
        client.way_in(Visit.fresh())
    assert caught.value.values["fault"] == "origin"
    assert client.way_out() is None
    assert set(liar.asked) == {DISCOVERY}


BAD: dict[str, tuple[int, dict[str, str], bytes]] = {
    "redirect": (302, {"Location": "http://169.254.169.254/"}, b""),
    "huge": (200, {}, b'{"a":"' + b"x" * 1_000_000 + b'"}'),
    "garbage": (200, {}, b"<html>"),
    "a list": (200, {}, b"[]"),
    "nothing in it": (200, {}, b"{}"),
    "gone": (404, {}, b"{}"),
}


@pytest.mark.parametrize("how", sorted(BAD))
def test_a_document_nobody_can_use(liar: Wicked, how: str) -> None:
    liar.answers[DISCOVERY] = lambda _form: BAD[how]
    with pytest.raises(Refused, match=r"oidc\.answer"):
        client_of(liar).way_in(Visit.fresh())


@pytest.mark.parametrize("issuer", ["https://evil.example", "", None, 7])
def test_a_document_of_another_issuer(liar: Wicked, issuer: Any) -> None:
    liar.metadata = {"issuer": issuer}
    with pytest.raises(Refused, match=r"oidc\.answer"):
        client_of(liar).way_in(Visit.fresh())


def test_after_a_bad_document_a_good_one_is_taken(liar: Wicked) -> None:
    client = client_of(liar)
    good = liar.answers.pop(DISCOVERY)
    with pytest.raises(Refused):
        client.way_in(Visit.fresh())
    liar.answers[DISCOVERY] = good
    assert client.way_in(Visit.fresh())


def test_a_provider_that_is_not_there() -> None:
    nobody = Wicked(free_port())
    with pytest.raises(Refused, match=r"oidc\.unreachable"):
        client_of(nobody).way_in(Visit.fresh())


def test_what_is_derived_tells_nothing_else() -> None:
    """State, nonce and verifier are three words; none leads to another or to the cookie."""
    visit = Visit.fresh()
    words = {visit.secret, visit.state, visit.nonce, visit.verifier, visit.hash.hex()}
    assert len(words) == 5 and len(visit.verifier) >= 43
    assert visit.made(visit.state) and not visit.made(visit.nonce) and not visit.made("")
    assert Visit.fresh().state != visit.state
