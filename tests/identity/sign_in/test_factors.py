"""Signing in with a second factor: codes once, recovery codes once, both steps counted."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.identity import people
from muster.identity.sessions import CodeNeeded, Session, Sessions
from muster.identity.sign_in.client import Client
from muster.identity.sign_in.factors import HOW_MANY, Factors, plain
from muster.identity.sign_in.totp import STEP_S, address, fresh_secret, step_at, step_of
from muster.journal.refusal import Refused
from tests.identity.city import PASSWORD, START, City

HOME = Client("192.0.2.1")
Enrol = Callable[[str], tuple[pyotp.TOTP, list[str]]]


def halfway(sessions: Sessions, username: str = "li") -> str:
    """The pending token of a right password."""
    with pytest.raises(CodeNeeded) as half:
        sessions.sign_in(username, PASSWORD, client=HOME)
    return half.value.pending


def both_steps(sessions: Sessions, code: str) -> tuple[str, Session]:
    return sessions.enter_code(halfway(sessions), code, client=HOME)


def refused(sessions: Sessions, pending: str, code: str) -> str:
    with pytest.raises(Refused) as refusal:
        sessions.enter_code(pending, code, client=HOME)
    return refusal.value.code


def test_password_then_code(city: City, sessions: Sessions, enrol: Enrol) -> None:
    app, _ = enrol("li")
    pending = halfway(sessions)
    assert sessions.lookup(pending) is None, "a pending token is no session"
    token, session = sessions.enter_code(pending, app.at(city.clock()), client=HOME)
    assert sessions.lookup(token) is not None
    assert session.person.id == "li" and session.needs == ""
    assert refused(sessions, pending, app.at(city.clock())) == "sign_in.pending"


def test_a_code_is_taken_once(city: City, sessions: Sessions, enrol: Enrol) -> None:
    app, _ = enrol("li")
    code = app.at(city.clock())
    both_steps(sessions, code)
    assert refused(sessions, halfway(sessions), code) == "sign_in.code_wrong"
    city.clock.pass_(seconds=STEP_S)
    assert refused(sessions, halfway(sessions), code) == "sign_in.code_wrong"
    both_steps(sessions, app.at(city.clock()))


def test_an_earlier_code_is_not_taken_after_a_later_one(
    city: City, sessions: Sessions, enrol: Enrol
) -> None:
    app, _ = enrol("li")
    both_steps(sessions, app.at(city.clock() + timedelta(seconds=STEP_S)))
    assert refused(sessions, halfway(sessions), app.at(city.clock())) == "sign_in.code_wrong"


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_a_clock_one_step_off_is_borne(
    city: City, sessions: Sessions, enrol: Enrol, steps: int
) -> None:
    app, _ = enrol("li")
    both_steps(sessions, app.at(city.clock() + timedelta(seconds=steps * STEP_S)))


@pytest.mark.parametrize("steps", [-3, -2, 2, 3, 120])
def test_a_clock_two_steps_off_is_not(
    city: City, sessions: Sessions, enrol: Enrol, steps: int
) -> None:
    app, _ = enrol("li")
    code = app.at(city.clock() + timedelta(seconds=steps * STEP_S))
    assert refused(sessions, halfway(sessions), code) == "sign_in.code_wrong"


@given(st.integers(0, 2**40), st.integers(-4, 4), st.integers(-4, 4))
def test_exactly_the_neighbours_after_the_last_one_are_taken(
    seconds: int, off: int, last: int
) -> None:
    """RFC 6238 with one step either way, and never a step that is not later than the last."""
    secret, moment = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", START + timedelta(seconds=seconds % 10**9)
    now = step_at(moment)
    code = pyotp.TOTP(secret).at((now + off) * STEP_S)
    found = step_of(secret, code, moment, after=now + last)
    others = {now + d for d in (-1, 0, 1) if pyotp.TOTP(secret).at((now + d) * STEP_S) == code}
    assert found == max((one for one in others if one > now + last), default=None)


def test_the_codes_are_those_of_the_standard() -> None:
    """RFC 6238, appendix B (SHA-1), the last six digits."""
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    for seconds, code in ((59, "287082"), (1111111109, "081804"), (20000000000, "353130")):
        moment = START.fromtimestamp(seconds, START.tzinfo)
        assert step_of(secret, code, moment, after=-1) == seconds // STEP_S


def test_a_right_password_waits_five_minutes(city: City, sessions: Sessions, enrol: Enrol) -> None:
    app, _ = enrol("li")
    pending = halfway(sessions)
    city.clock.pass_(minutes=5, seconds=1)
    assert refused(sessions, pending, app.at(city.clock())) == "sign_in.pending"


def test_five_wrong_codes_lock_as_wrong_passwords_do(
    city: City, sessions: Sessions, enrol: Enrol
) -> None:
    """The right password between them wipes nothing: only the whole sign-in does."""
    app, _ = enrol("li")
    for _ in range(5):
        assert refused(sessions, halfway(sessions), "000000") == "sign_in.code_wrong"
    with pytest.raises(Refused, match=r"rate.limited"):
        sessions.sign_in("li", PASSWORD, client=HOME)
    city.clock.pass_(minutes=15)
    both_steps(sessions, app.at(city.clock()))


def test_five_wrong_codes_end_one_pending_sign_in(
    city: City, sessions: Sessions, enrol: Enrol
) -> None:
    app, _ = enrol("li")
    pending = halfway(sessions)
    for number in range(5):
        with pytest.raises(Refused, match=r"sign_in.code_wrong"):
            sessions.enter_code(pending, "000000", client=Client(f"198.51.{number}.1"))
    assert refused(sessions, pending, app.at(city.clock())) == "sign_in.pending"


def test_a_made_up_pending_token_is_none(sessions: Sessions, enrol: Enrol) -> None:
    enrol("li")
    for made_up in ("", "x", "A" * 43, "\udc80"):
        assert refused(sessions, made_up, "000000") == "sign_in.pending"


def test_recovery_codes_are_for_once_each(sessions: Sessions, enrol: Enrol) -> None:
    _, codes = enrol("li")
    assert len(set(codes)) == HOW_MANY
    for number, code in enumerate(codes):
        meant = code.lower().replace("-", " ") if number % 2 else code
        both_steps(sessions, meant)
        assert refused(sessions, halfway(sessions), code) == "sign_in.code_wrong"


def test_of_two_uses_of_one_recovery_code_at_once_one_wins(
    city: City, sessions: Sessions, enrol: Enrol
) -> None:
    _, codes = enrol("li")
    won = at_once(sessions, [halfway(sessions) for _ in range(6)], codes[0])
    assert len(won) == 1


def test_of_two_uses_of_one_app_code_at_once_one_wins(
    city: City, sessions: Sessions, enrol: Enrol
) -> None:
    app, _ = enrol("li")
    won = at_once(sessions, [halfway(sessions) for _ in range(6)], app.at(city.clock()))
    assert len(won) == 1


def at_once(sessions: Sessions, pending: list[str], code: str) -> list[str]:
    """The tokens that several threads got with one code."""
    won: list[str] = []
    start = threading.Barrier(len(pending))

    def enter(half: str) -> None:
        start.wait()
        try:
            won.append(sessions.enter_code(half, code, client=HOME)[0])
        except Refused as refusal:
            assert refusal.code in ("sign_in.code_wrong", "rate.limited")

    threads = [threading.Thread(target=enter, args=(half,)) for half in pending]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return won


def test_new_recovery_codes_end_the_old_ones(
    city: City, sessions: Sessions, factors: Factors, enrol: Enrol
) -> None:
    _, old = enrol("li")
    with city.pool.connection() as connection:
        fresh = factors.fresh_codes(connection, "li", city.clock())
        assert factors.state(connection, "li").codes_left == HOW_MANY
    assert refused(sessions, halfway(sessions), old[0]) == "sign_in.code_wrong"
    both_steps(sessions, fresh[0])
    with city.pool.connection() as connection:
        assert factors.state(connection, "li").codes_left == HOW_MANY - 1


def test_a_begun_factor_is_not_in_force(city: City, sessions: Sessions, factors: Factors) -> None:
    """Nobody locks himself out by closing the page half-way."""
    with city.pool.connection() as connection:
        who = people.find_person(connection, "li")
        factors.begin(connection, who, city.clock())
    sessions.sign_in("li", PASSWORD, client=HOME)
    with city.pool.connection() as connection, pytest.raises(Refused, match=r"code_wrong"):
        factors.confirm(connection, who, "000000", city.clock())
    city.clock.pass_(minutes=16)
    with city.pool.connection() as connection, pytest.raises(Refused, match=r"not_begun"):
        factors.confirm(connection, who, "000000", city.clock())


def test_a_new_app_replaces_the_old_one_only_when_confirmed(
    city: City, sessions: Sessions, factors: Factors, enrol: Enrol
) -> None:
    old, _ = enrol("li")
    with city.pool.connection() as connection:
        who = people.find_person(connection, "li")
        new = pyotp.TOTP(factors.begin(connection, who, city.clock()).secret)
    both_steps(sessions, old.at(city.clock()))
    with city.pool.connection() as connection:
        factors.confirm(connection, who, new.at(city.clock()), city.clock())
    city.clock.pass_(minutes=2)
    assert refused(sessions, halfway(sessions), old.at(city.clock())) == "sign_in.code_wrong"
    both_steps(sessions, new.at(city.clock()))


def test_neither_secret_nor_codes_stand_in_the_database(
    city: City, sessions: Sessions, enrol: Enrol
) -> None:
    app, codes = enrol("li")
    with city.pool.connection() as connection:
        rows = connection.execute("SELECT key_secret, begun_secret FROM second_factor").fetchall()
        dump = str(connection.execute("SELECT f::text FROM second_factor f").fetchall())
        dump += str(connection.execute("SELECT c::text FROM recovery_code c").fetchall())
        dump += str(connection.execute("SELECT convert_from(body, 'UTF8') FROM audit").fetchall())
    secret = app.secret
    assert rows and secret not in dump and secret.encode().hex() not in dump
    assert app.byte_secret().hex() not in dump
    for code in codes:
        assert code not in dump and plain(code) not in dump
    assert bytes(rows[0][0]).hex() not in dump.rpartition("second_factor")[2], "hidden in the audit"


def test_a_secret_moved_to_somebody_else_opens_nothing(
    city: City, sessions: Sessions, factors: Factors, enrol: Enrol
) -> None:
    """With the database one can copy rows; the seal is bound to its person."""
    app, _ = enrol("li")
    city.hire("wang", ("dispatcher", "east1"))
    with city.pool.connection() as connection:
        connection.execute(
            "INSERT INTO second_factor (person, key_secret, confirmed_at)"
            " SELECT 'wang', key_secret, confirmed_at FROM second_factor WHERE person = 'li'"
        )
    pending = halfway(sessions, "wang")
    with pytest.raises(Exception) as failure:
        sessions.enter_code(pending, app.at(city.clock()), client=HOME)
    assert type(failure.value).__name__ == "InvalidTag"


def test_proving_again_needs_the_code_too(city: City, sessions: Sessions, enrol: Enrol) -> None:
    app, _ = enrol("li")
    token, _ = both_steps(sessions, app.at(city.clock()))
    city.clock.pass_(minutes=10)
    with pytest.raises(Refused, match=r"sign_in.code_wrong"):
        sessions.prove(token, PASSWORD, "", client=HOME)
    with pytest.raises(Refused, match=r"sign_in.failed"):
        sessions.prove(token, "wrong-example", app.at(city.clock()), client=HOME)
    fresh, session = sessions.prove(token, PASSWORD, app.at(city.clock()), client=HOME)
    assert session.proven_at == city.clock()
    assert sessions.lookup(token) is None, "a proof gives a new token"
    found = sessions.lookup(fresh)
    assert found is not None and found.proven_at == city.clock()


def test_proving_again_does_not_prolong_the_session(city: City, sessions: Sessions) -> None:
    token, _ = sessions.sign_in("li", PASSWORD, client=HOME)
    for _ in range(4):
        city.clock.pass_(hours=5, minutes=59)
        token, _ = sessions.prove(token, PASSWORD, "", client=HOME)
        assert sessions.lookup(token) is not None
    city.clock.pass_(minutes=5)
    assert sessions.lookup(token) is None


def test_an_authenticator_can_read_the_address() -> None:
    secret = fresh_secret()
    said = pyotp.parse_uri(address(secret, "li.example"))
    assert isinstance(said, pyotp.TOTP)
    assert (said.secret, said.name, said.issuer) == (secret, "li.example", "Muster")
    assert (said.digits, said.interval, said.digest().name) == (6, 30, "sha1")


def test_without_keys_a_second_factor_lets_nobody_in(city: City, enrol: Enrol) -> None:
    city.hire("wu", ("dispatcher", "east1"))
    app, _ = enrol("wu")
    keyless = Sessions(city.pool, city.passwords, now=city.clock)
    with pytest.raises(CodeNeeded) as half:
        keyless.sign_in("wu", PASSWORD, client=HOME)
    with pytest.raises(RuntimeError):
        keyless.enter_code(half.value.pending, app.at(city.clock()), client=HOME)
