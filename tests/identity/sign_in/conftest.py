"""Somebody of the invented city, with keys for second factors."""

from __future__ import annotations

from collections.abc import Callable

import pyotp
import pytest

from muster.identity.people import find_person
from muster.identity.sessions import Sessions
from muster.identity.sign_in.factors import Factors
from muster.journal.vault import Vault
from tests.identity.city import City


@pytest.fixture
def factors() -> Factors:
    return Factors(Vault(bytes(range(32))))


@pytest.fixture
def sessions(city: City, factors: Factors) -> Sessions:
    city.hire("li", ("dispatcher", "east1"))
    return Sessions(city.pool, city.passwords, factors=factors, now=city.clock)


@pytest.fixture
def enrol(city: City, factors: Factors) -> Callable[[str], tuple[pyotp.TOTP, list[str]]]:
    """Gives a person a second factor: the app, and the recovery codes."""

    def enrolled(person: str) -> tuple[pyotp.TOTP, list[str]]:
        with city.pool.connection() as connection:
            who = find_person(connection, person)
            app = pyotp.TOTP(factors.begin(connection, who, city.clock()).secret)
            codes = factors.confirm(connection, who, app.at(city.clock()), city.clock())
        city.clock.pass_(minutes=2)
        return app, codes

    return enrolled
