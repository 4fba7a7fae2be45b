"""Signing in: fixation, time limits, lock-out, equal cost, ending."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.identity import passwords, people
from muster.identity.passwords import Passwords, check_policy
from muster.identity.sessions import Sessions, csrf_of
from muster.identity.sign_in.attempts import Limits, locked_until
from muster.identity.sign_in.client import Client
from muster.journal.refusal import Refused
from tests.identity.city import PASSWORD, START, City

HOME = Client("192.0.2.1")
ELSEWHERE = Client("198.51.100.9")
WRONG = "wrong-example"


@pytest.fixture
def sessions(city: City) -> Sessions:
    city.hire("li", ("dispatcher", "city"))
    return Sessions(city.pool, city.passwords, now=city.clock)


def refusal(sessions: Sessions, username: str, password: str, client: Client = HOME) -> Refused:
    with pytest.raises(Refused) as refused:
        sessions.sign_in(username, password, client=client)
    return refused.value


def test_signing_in_and_out(sessions: Sessions) -> None:
    token, session = sessions.sign_in("  LI ", PASSWORD, client=HOME)
    assert session.person.username == "li"
    assert [(g.role, g.organisation) for g in session.grants] == [("dispatcher", "city")]
    signed_in = sessions.lookup(token)
    assert signed_in is not None
    assert (signed_in.person, signed_in.csrf) == ("li", session.csrf)
    assert sessions.session(token) == session
    sessions.sign_out(token)
    assert sessions.lookup(token) is None
    with pytest.raises(Refused, match=r"session.required"):
        sessions.session(token)
    sessions.sign_out(token)


def test_a_token_brought_along_is_never_adopted(city: City, sessions: Sessions) -> None:
    planted = "planted-by-somebody-else"
    token, _ = sessions.sign_in("li", PASSWORD, client=HOME, replaces=planted)
    assert token != planted and sessions.lookup(planted) is None
    fresh, _ = sessions.sign_in("li", PASSWORD, client=HOME, replaces=token)
    assert sessions.lookup(token) is None and sessions.lookup(fresh) is not None


def test_the_database_holds_neither_token_nor_csrf(city: City, sessions: Sessions) -> None:
    token, session = sessions.sign_in("li", PASSWORD, client=HOME)
    with city.pool.connection() as connection:
        dump = str(connection.execute("SELECT s::text FROM session s").fetchall())
        dump += str(connection.execute("SELECT convert_from(body, 'UTF8') FROM audit").fetchall())
    assert hashlib.sha256(token.encode()).hexdigest() in dump
    assert token not in dump and session.csrf not in dump and PASSWORD not in dump
    assert "argon2" not in dump


def test_idle_sessions_end_and_used_ones_go_on_to_the_limit(city: City, sessions: Sessions) -> None:
    token, _ = sessions.sign_in("li", PASSWORD, client=HOME)
    idle, _ = sessions.sign_in("li", PASSWORD, client=HOME)
    for _ in range(2):
        city.clock.pass_(hours=11)
        assert sessions.lookup(token) is not None
    assert sessions.lookup(idle) is None
    city.clock.pass_(hours=1, minutes=59)
    assert sessions.lookup(token) is not None
    city.clock.pass_(minutes=2)
    assert sessions.lookup(token) is None


def test_the_shown_end_is_the_end(city: City, sessions: Sessions) -> None:
    token, session = sessions.sign_in("li", PASSWORD, client=HOME)
    city.clock.at = session.expires_at - timedelta(seconds=1)
    assert sessions.session(token).person.id == "li"
    city.clock.at = session.expires_at
    assert sessions.lookup(token) is None


def test_five_failures_lock_for_fifteen_minutes(city: City, sessions: Sessions) -> None:
    for _ in range(5):
        assert refusal(sessions, "li", WRONG).code == "sign_in.failed"
        city.clock.pass_(minutes=1)
    locked = refusal(sessions, "li", PASSWORD)
    assert locked.code == "rate.limited"
    assert locked.values["retry_s"] == 14 * 60 + 1
    neighbour = Client("192.0.2.200")
    assert refusal(sessions, "li", PASSWORD, neighbour).code == "rate.limited"
    city.clock.pass_(minutes=14)
    token, _ = sessions.sign_in("li", PASSWORD, client=HOME)
    assert sessions.lookup(token) is not None


def test_unknown_usernames_lock_alike(city: City, sessions: Sessions) -> None:
    for _ in range(5):
        assert refusal(sessions, "nobody", WRONG).code == "sign_in.failed"
    assert refusal(sessions, "nobody", WRONG).code == "rate.limited"
    assert refusal(sessions, "li", WRONG).code == "sign_in.failed"


def test_a_success_wipes_the_failures_before_it(sessions: Sessions) -> None:
    for _ in range(3):
        for _ in range(4):
            refusal(sessions, "li", WRONG)
        sessions.sign_in("li", PASSWORD, client=HOME)


def test_one_address_cannot_try_many_accounts(city: City, sessions: Sessions) -> None:
    tight = Sessions(city.pool, city.passwords, limits=Limits(by_address=3), now=city.clock)
    for number in range(3):
        refusal(tight, f"nobody{number}", WRONG)
    assert refusal(tight, "li", PASSWORD).code == "rate.limited"
    tight.sign_in("li", PASSWORD, client=ELSEWHERE)
    city.clock.pass_(minutes=16)
    tight.sign_in("li", PASSWORD, client=HOME)


def test_odd_usernames_are_refused_and_counted(sessions: Sessions) -> None:
    for odd in ("", " ", "a\x00b", "x" * 500, "'; DROP TABLE person; --", "\u202e", "😀"):
        assert refusal(sessions, odd, WRONG).code in ("sign_in.failed", "rate.limited")


def test_every_failure_costs_one_check(
    city: City, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unknown, closed and wrong take the same path: one hash is verified, never none."""
    city.hire("closed", ("officer", "city"))
    with city.pool.connection() as connection:
        people.deactivate(connection, "closed", actor="test", reason="test")
        new = people.NewPerson(name="示例", username="mute", organisation="city")
        people.create_person(connection, new, city.passwords, actor="test", reason="test")
    checked: list[str] = []
    hasher = passwords._hasher(True)

    class Counting:
        def verify(self, known: str, given: str) -> bool:
            checked.append(known)
            return hasher.verify(known, given)

        hash = hasher.hash

    monkeypatch.setattr(city.passwords, "_hasher", Counting())
    for username in ("li", "closed", "mute", "nobody"):
        refusal(sessions, username, WRONG)
    assert len(checked) == 4
    assert len({known.rpartition("$")[0].rpartition("$")[0] for known in checked}) == 1


def test_a_closed_account_cannot_sign_in_with_the_right_password(
    city: City, sessions: Sessions
) -> None:
    token, _ = sessions.sign_in("li", PASSWORD, client=HOME)
    with city.pool.connection() as connection:
        people.deactivate(connection, "li", actor="test", reason="left")
    assert sessions.lookup(token) is None
    assert refusal(sessions, "li", PASSWORD).code == "sign_in.failed"
    with city.pool.connection() as connection:
        people.set_active(connection, "li", True, actor="test", reason="back")
    assert sessions.lookup(token) is None
    sessions.sign_in("li", PASSWORD, client=HOME)


def test_the_own_password(city: City, sessions: Sessions) -> None:
    token, _ = sessions.sign_in("li", PASSWORD, client=HOME)
    other, _ = sessions.sign_in("li", PASSWORD, client=HOME)
    with pytest.raises(Refused, match=r"sign_in.failed"):
        sessions.change_password(token, WRONG, "another-example", client=HOME)
    with pytest.raises(Refused, match=r"password.short"):
        sessions.change_password(token, PASSWORD, "short", client=HOME)
    fresh, session = sessions.change_password(token, PASSWORD, "another-example", client=HOME)
    assert sessions.lookup(fresh) is not None and session.person.id == "li"
    assert sessions.lookup(token) is None and sessions.lookup(other) is None
    assert refusal(sessions, "li", PASSWORD).code == "sign_in.failed"
    sessions.sign_in("li", "another-example", client=HOME)


def test_guessing_the_old_password_locks_too(city: City, sessions: Sessions) -> None:
    token, _ = sessions.sign_in("li", PASSWORD, client=HOME)
    codes = []
    for _ in range(6):
        with pytest.raises(Refused) as refused:
            sessions.change_password(token, WRONG, "another-example", client=HOME)
        codes.append(refused.value.code)
    assert codes == ["sign_in.failed"] * 5 + ["rate.limited"]


def test_an_old_hash_is_renewed_when_its_owner_signs_in(city: City, sessions: Sessions) -> None:
    strong = Sessions(city.pool, Passwords(), now=city.clock)
    strong.sign_in("li", PASSWORD, client=HOME)
    assert ("person", "li", "hash renewed") in city.audit()
    again = len(city.audit())
    strong.sign_in("li", PASSWORD, client=HOME)
    assert len(city.audit()) == again + 1


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("ninechars", "password.short"),
        ("示例密码示例密码示", "password.short"),
        ("x" * 257, "password.long"),
        ("Invented.Person", "password.username"),
        ("ｉｎｖｅｎｔｅｄ.person", "password.username"),
    ],
)
def test_the_password_policy(password: str, code: str) -> None:
    with pytest.raises(Refused, match=code):
        check_policy(password, "invented.person")


def test_widths_of_letters_do_not_matter() -> None:
    cheap = Passwords(testing=True)
    assert cheap.check(cheap.hash("ａｂｃdefghij"), "abcdefghij")
    assert not cheap.check(None, "abcdefghij")
    assert not cheap.check("no hash at all", "abcdefghij")
    assert csrf_of("a") != csrf_of("b")


MINUTES = st.lists(st.integers(0, 60), max_size=30)


@given(MINUTES, st.lists(st.sampled_from(["failed", "succeeded"]), min_size=30, max_size=30))
def test_a_lock_needs_five_failures_within_the_window(
    minutes: list[int], outcomes: list[str]
) -> None:
    now = START + timedelta(minutes=60)
    moments = sorted((START + timedelta(minutes=m) for m in minutes), reverse=True)
    latest = list(zip(moments, outcomes, strict=False))
    until = locked_until(latest, Limits(), now)
    failures = 0
    for at, outcome in latest:
        if outcome == "succeeded" or latest[0][0] - at > timedelta(minutes=15):
            break
        failures += 1
    if until > now:
        assert failures >= 5
        assert until == latest[0][0] + timedelta(minutes=15)
    else:
        assert failures < 5 or latest[0][0] <= now - timedelta(minutes=15)


def test_too_many_attempts_under_way_wait_a_moment() -> None:
    now = START
    under_way = [(now, "pending")] * 20
    assert locked_until(under_way, Limits(), now) == now + timedelta(seconds=1)
    assert locked_until(under_way[:19], Limits(), now) <= now
    stale = [(now - timedelta(minutes=1), "pending")] * 20
    assert locked_until(stale, Limits(), now) <= now
