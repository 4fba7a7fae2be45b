"""Passwords: Argon2id, one check costs some 40 ms of a 2026 server core and 19 MiB."""

from __future__ import annotations

import secrets
import unicodedata
from functools import lru_cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from muster.journal.refusal import Refused

SHORTEST: Final = 10
#: A longer "password" is a load test.
LONGEST: Final = 256


class Passwords:
    """Hashes and checks. `testing` makes both cheap: only for data folders of tests."""

    def __init__(self, *, testing: bool = False) -> None:
        self._hasher = _hasher(testing)

    def hash(self, password: str) -> str:
        """The encoded hash, salt and parameters included."""
        return self._hasher.hash(_normal(password))

    def check(self, known: str | None, password: str) -> bool:
        """Whether the password fits the hash. Nobody's hash (None) costs as much as somebody's."""
        try:
            fits = self._hasher.verify(known or _nobody(self._hasher), _normal(password))
        except (VerificationError, InvalidHashError):
            return False
        return fits and known is not None

    def outdated(self, known: str) -> bool:
        """Whether a hash was made with other parameters than those of today."""
        return self._hasher.check_needs_rehash(known)


def check_policy(password: str, username: str) -> None:
    """Raises Refused: password.short, password.long, password.username."""
    normal = _normal(password)
    if len(normal) < SHORTEST:
        raise Refused("password.short", least=SHORTEST)
    if len(normal) > LONGEST:
        raise Refused("password.long", most=LONGEST)
    if normal.casefold() == _normal(username).casefold():
        raise Refused("password.username")


def _normal(text: str) -> str:
    # The same keys pressed on two input methods give the same password.
    return unicodedata.normalize("NFKC", text)


@lru_cache(maxsize=2)
def _hasher(testing: bool) -> PasswordHasher:
    if testing:
        return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    return PasswordHasher(time_cost=3, memory_cost=19 * 1024, parallelism=1)


@lru_cache(maxsize=2)
def _nobody(hasher: PasswordHasher) -> str:
    """A hash no password fits, to be checked when there is no account."""
    return hasher.hash(secrets.token_urlsafe(32))
