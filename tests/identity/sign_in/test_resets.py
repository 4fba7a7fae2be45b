"""Somebody else's sign-in is reset by two, and never by one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pyotp
import pytest

from muster.identity.sessions import Sessions
from muster.identity.sign_in import resets
from muster.identity.sign_in.client import Client
from muster.journal.refusal import Refused
from tests.identity.city import PASSWORD, City

HOME = Client("192.0.2.1")
Enrol = Callable[[str], tuple[pyotp.TOTP, list[str]]]


@pytest.fixture
def chiefs(city: City) -> tuple[str, str]:
    city.hire("one", ("administrator", "city"))
    city.hire("two", ("duty_chief", "city"))
    return "one", "two"


def asked(city: City, what: str = "password", person: str = "li", by: str = "one") -> str:
    with city.pool.connection() as connection:
        row = resets.ask(connection, person, what, actor=by, reason="示例", now=city.clock())
    return row.id


def confirmed(city: City, reset: str, by: str = "two") -> str:
    with city.pool.connection() as connection:
        row = resets.find(connection, reset, city.clock())
        return resets.confirm(connection, row, city.passwords, actor=by, now=city.clock())


def test_a_password_for_once(city: City, sessions: Sessions, chiefs: tuple[str, str]) -> None:
    token, _ = sessions.sign_in("li", PASSWORD, client=HOME)
    reset = asked(city)
    sessions.sign_in("li", PASSWORD, client=HOME)
    fresh = confirmed(city, reset)
    assert sessions.lookup(token) is None
    with pytest.raises(Refused, match=r"sign_in.failed"):
        sessions.sign_in("li", PASSWORD, client=HOME)
    came, session = sessions.sign_in("li", fresh, client=HOME)
    assert session.needs == "password"
    with pytest.raises(Refused, match=r"password.same"):
        sessions.change_password(came, fresh, fresh, client=HOME)
    came, session = sessions.change_password(came, fresh, "chosen-by-the-owner", client=HOME)
    assert session.needs == ""
    with pytest.raises(Refused, match=r"sign_in.failed"):
        sessions.sign_in("li", fresh, client=HOME)
    assert fresh not in str(city.audit())


def test_a_password_for_once_runs_out(
    city: City, sessions: Sessions, chiefs: tuple[str, str]
) -> None:
    fresh = confirmed(city, asked(city))
    city.clock.pass_(hours=24)
    with pytest.raises(Refused, match=r"sign_in.failed"):
        sessions.sign_in("li", fresh, client=HOME)


def test_one_person_is_not_two(city: City, sessions: Sessions, chiefs: tuple[str, str]) -> None:
    reset = asked(city)
    with pytest.raises(Refused, match=r"reset.same_person"):
        confirmed(city, reset, by="one")
    with pytest.raises(Refused, match=r"person.self"):
        confirmed(city, reset, by="li")
    with pytest.raises(Refused, match=r"person.self"):
        asked(city, person="one", by="one")
    confirmed(city, reset)


def test_it_waits_an_hour_and_is_done_once(
    city: City, sessions: Sessions, chiefs: tuple[str, str]
) -> None:
    reset = asked(city)
    with pytest.raises(Refused, match=r"reset.asked"):
        asked(city, by="two")
    city.clock.pass_(minutes=61)
    with pytest.raises(Refused, match=r"reset.unknown"):
        confirmed(city, reset)
    again = asked(city)
    confirmed(city, again)
    with pytest.raises(Refused, match=r"reset.unknown"):
        confirmed(city, again)


def test_two_who_confirm_at_once_do_it_once(
    city: City, sessions: Sessions, chiefs: tuple[str, str]
) -> None:
    city.hire("three", ("duty_chief", "city"))
    reset, done = asked(city), []
    start = threading.Barrier(2)

    def decide(by: str) -> None:
        start.wait()
        try:
            done.append(confirmed(city, reset, by))
        except Refused as refusal:
            assert refusal.code == "reset.unknown"

    threads = [threading.Thread(target=decide, args=(by,)) for by in ("two", "three")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 1


def test_declined_is_not_done(city: City, sessions: Sessions, chiefs: tuple[str, str]) -> None:
    reset = asked(city)
    with city.pool.connection() as connection:
        row = resets.find(connection, reset, city.clock())
        resets.decline(connection, row, actor="two", now=city.clock())
    with pytest.raises(Refused, match=r"reset.unknown"):
        confirmed(city, reset)
    sessions.sign_in("li", PASSWORD, client=HOME)


def test_a_lost_phone(
    city: City, sessions: Sessions, chiefs: tuple[str, str], enrol: Enrol
) -> None:
    with pytest.raises(Refused, match=r"factor.none"):
        asked(city, "factor")
    enrol("li")
    assert confirmed(city, asked(city, "factor")) == ""
    _, session = sessions.sign_in("li", PASSWORD, client=HOME)
    assert session.needs == ""


def test_a_reset_makes_devices_strangers(
    city: City, sessions: Sessions, chiefs: tuple[str, str]
) -> None:
    sessions.remember("li", HOME)
    confirmed(city, asked(city))
    with city.pool.connection() as connection:
        left = connection.execute("SELECT count(*) FROM seen_device").fetchone()
    assert left == (0,)


def test_the_database_refuses_one_person_too(
    city: City, sessions: Sessions, chiefs: tuple[str, str]
) -> None:
    """The rule stands in the table as well: a slip in the code cannot break it."""
    reset = asked(city)
    with city.pool.connection() as connection, pytest.raises(Exception, match="check constraint"):
        connection.execute(
            "UPDATE sign_in_reset SET decided_by = asked_by, decided_at = %s, done = true"
            " WHERE id = %s",
            (city.clock() + timedelta(minutes=1), reset),
        )
