"""Codes of an authenticator app: RFC 6238 with SHA-1, 30 s, six digits, as every app knows them."""

from __future__ import annotations

import hmac
from datetime import datetime
from typing import Final

import pyotp

STEP_S: Final = 30
#: Steps a phone's clock may be off, either way.
NEIGHBOURS: Final = 1
DIGITS: Final = 6
ISSUER: Final = "Muster"


def fresh_secret() -> str:
    """160 random bits in base 32."""
    return pyotp.random_base32(32)


def address(secret: str, username: str) -> str:
    """The otpauth:// address an authenticator app reads from the QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=ISSUER)


def step_at(moment: datetime) -> int:
    """How many steps of 30 s have passed since 1970."""
    return int(moment.timestamp()) // STEP_S


def step_of(secret: str, code: str, moment: datetime, *, after: int) -> int | None:
    """The step whose code this is, one later than `after`; None when there is none.

    All neighbours are compared, whichever fits first: the time taken says nothing.
    """
    made, middle, found = pyotp.TOTP(secret), step_at(moment), None
    for step in range(middle - NEIGHBOURS, middle + NEIGHBOURS + 1):
        fits = hmac.compare_digest(made.at(step * STEP_S).encode(), code.encode())
        if fits and step > after:
            found = step
    return found
