"""Who may try again when: a stranger is stopped, and nobody else by that."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.identity.sessions import Sessions
from muster.identity.sign_in.attempts import Limits, slowed_until
from muster.identity.sign_in.client import Client, agent_family, device_hash, network
from muster.journal.refusal import Refused
from tests.identity.city import PASSWORD, START, City

DESK = Client("192.0.2.1")
WRONG = "wrong-example"


def tried(sessions: Sessions, client: Client, password: str = WRONG) -> str:
    try:
        sessions.sign_in("li", password, client=client)
    except Refused as refusal:
        return refusal.code
    return "in"


def stranger(number: int) -> Client:
    """Each from a piece of the network of its own."""
    return Client(f"203.{number // 250}.{number % 250}.7")


def test_a_stranger_locks_himself_out_and_not_the_dispatcher(
    city: City, sessions: Sessions
) -> None:
    """Three in the morning: somebody guesses from outside; the dispatcher comes from the desk."""
    guesser = Client("203.0.113.9")
    said = [tried(sessions, guesser) for _ in range(8)]
    assert said == ["sign_in.failed"] * 5 + ["rate.limited"] * 3
    assert tried(sessions, guesser, PASSWORD) == "rate.limited"
    assert tried(sessions, Client("203.0.113.77"), PASSWORD) == "rate.limited", "one network"
    assert tried(sessions, DESK, PASSWORD) == "in"
    city.clock.pass_(minutes=15)
    assert tried(sessions, guesser, PASSWORD) == "in"


def test_many_strangers_are_slowed_and_a_known_desk_is_not(city: City, sessions: Sessions) -> None:
    """A thousand addresses: less than a hundred guesses an hour (ASVS 2.2.1), while whoever has
    signed in from a browser before goes on as always."""
    _, session = sessions.sign_in("li", PASSWORD, client=DESK)
    desk = Client(DESK.address, device=sessions.remember(session.person.id, DESK))
    started, guesses = city.clock(), 0
    for number in range(720):
        guesses += tried(sessions, stranger(number)) == "sign_in.failed"
        if number % 60 == 0:
            assert tried(sessions, desk, PASSWORD) == "in"
        city.clock.pass_(seconds=5)
    assert city.clock() - started == timedelta(hours=1)
    assert 20 < guesses < 100
    city.clock.pass_(minutes=1)
    assert tried(sessions, stranger(9000)) == "sign_in.failed", "a minute later the next one"
    assert tried(sessions, stranger(9001), PASSWORD) == "rate.limited"


def test_a_success_elsewhere_does_not_make_strangers_faster(city: City, sessions: Sessions) -> None:
    said = []
    for number in range(25):
        said.append(tried(sessions, stranger(number)))
        if number % 5 == 0:
            tried(sessions, DESK, PASSWORD)
    assert said.count("sign_in.failed") == 20


def test_a_known_desk_has_its_own_count(city: City, sessions: Sessions) -> None:
    """A stolen browser is no way round: five failures lock it, and it alone."""
    known = Client(DESK.address, device=sessions.remember("li", DESK))
    other = Client("198.51.100.4", device=sessions.remember("li", Client("198.51.100.4")))
    for _ in range(5):
        assert tried(sessions, known) == "sign_in.failed"
    assert tried(sessions, known, PASSWORD) == "rate.limited"
    assert tried(sessions, other, PASSWORD) == "in"
    assert tried(sessions, Client(DESK.address), PASSWORD) == "in", "the address was not counted"


def test_a_device_is_known_for_its_people_only(city: City, sessions: Sessions) -> None:
    city.hire("wang", ("dispatcher", "east1"))
    device = sessions.remember("wang", DESK)
    for _ in range(5):
        tried(sessions, Client(DESK.address, device=device))
    assert tried(sessions, Client(DESK.address), PASSWORD) == "rate.limited", "a stranger"


def test_a_planted_device_is_replaced(city: City, sessions: Sessions) -> None:
    planted = "planted-by-somebody-else"
    given = sessions.remember("li", Client(DESK.address, device=planted))
    assert given != planted
    assert sessions.remember("li", Client(DESK.address, device=given)) == given
    with city.pool.connection() as connection:
        rows = connection.execute("SELECT device_hash FROM seen_device").fetchall()
    assert [bytes(row[0]) for row in rows] == [device_hash(given)]


def test_devices_unseen_for_half_a_year_are_strangers_again(city: City, sessions: Sessions) -> None:
    desk = Client(DESK.address, device=sessions.remember("li", DESK))
    city.clock.pass_(days=181)
    for _ in range(5):
        tried(sessions, desk)
    assert tried(sessions, Client("192.0.2.9"), PASSWORD) == "rate.limited"


@pytest.mark.parametrize(
    ("address", "piece"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2ff:3::4", "2001:db8:1:200::/56"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_addresses_are_counted_by_network(address: str, piece: str) -> None:
    assert network(address) == piece


@pytest.mark.parametrize(
    ("header", "family"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0", "Firefox · Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge · Windows"),
        ("Mozilla/5.0 (iPhone; CPU like Mac OS X) Version/18.0 Safari/604.1", "Safari · iOS"),
        ("<script>alert(1)</script>\x1b[31m", ""),
        ("", ""),
    ],
)
def test_of_a_browsers_name_two_words_of_ours_are_kept(header: str, family: str) -> None:
    assert agent_family(header) == family


@given(st.lists(st.integers(0, 3600), max_size=60))
def test_strangers_wait_for_a_minute_after_twenty(seconds: list[int]) -> None:
    limits = Limits()
    failed = sorted((START - timedelta(seconds=one) for one in seconds), reverse=True)
    until = slowed_until(failed[: limits.strangers], limits, START)
    if len(failed) < limits.strangers:
        assert until <= START
    else:
        assert until == failed[0] + timedelta(minutes=1)
