"""Passwords: Argon2id, one check costs some 40 ms of a 2026 server core and 19 MiB."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from muster.journal.refusal import Refused

#: What the policy of an organisation says instead where it says something.
SHORTEST: Final = 12
#: A longer "password" is a load test.
REPEATED: Final = re.compile(r"(.+?)\1+", re.DOTALL)
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


def check_policy(
    password: str, username: str, *, shortest: int = SHORTEST, names: Iterable[str] = ()
) -> None:
    """Length counts, kinds of characters do not; what everybody tries first is refused. `names`:
    of the city and its organs.

    Raises Refused: password.short, password.long, password.username, password.common.
    """
    normal = _normal(password)
    if len(normal) < shortest:
        raise Refused("password.short", least=shortest)
    if len(normal) > LONGEST:
        raise Refused("password.long", most=LONGEST)
    own = _normal(username).casefold()
    if normal.casefold() == own or _core(normal) == _core(own) != "":
        raise Refused("password.username")
    if is_common(normal, names):
        raise Refused("password.common")


def is_common(password: str, names: Iterable[str] = ()) -> bool:
    """Whether a password is one of those tried first, dressed up or not.

    Looked at is what stays of it without digits and signs ("P@ssw0rd2026!!" is `password`), said
    once or again and again; runs of the keyboard and of the alphabet; and few different characters.
    The stems are our own small list: leaked lists are of passwords shorter than ours.
    """
    folded = _normal(password).casefold()
    bare = "".join(letter for letter in folded if letter.isalnum())
    refused = {*STEMS, *(_core(_normal(name)) for name in names)} - {""}
    cores = {_core(folded), _core(folded.translate(_DRESSED))}
    if any(_once(core) in refused for core in cores):
        return True
    if len(set(bare)) < FEWEST:
        return True
    return bool(bare) and any(_once(bare) in run or bare in run for run in RUNS)


#: Fewer different letters and digits are no password.
FEWEST: Final = 5
_DRESSED: Final = str.maketrans("@4310$57!", "aaeiossti")
#: What people choose first, in English and pinyin; compiled for Muster, taken from no list.
STEMS: Final = frozenset(
    word
    for line in Path(__file__).with_name("common_passwords.txt").read_text().splitlines()
    if not line.startswith("#")
    for word in line.split()
)
RUNS: Final = tuple(
    text * 3
    for row in (
        "0123456789",
        "abcdefghijklmnopqrstuvwxyz",
        "qwertyuiop",
        "qwertyuiopasdfghjklzxcvbnm",
        "1q2w3e4r5t6y7u8i9o0p",
        "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
        "qazwsxedcrfvtgbyhnujmikolp",
        "147258369",
        "1a2b3c4d5e6f7g8h9i0j",
        "a1b2c3d4e5f6g7h8i9j0",
        "abc123",
        "qwe123",
        "5201314",
        "woaini1314",
    )
    for text in (row, row[::-1])
)


def _core(text: str) -> str:
    """What stays without digits and signs."""
    return "".join(letter for letter in text.casefold() if letter.isalpha())


def _once(text: str) -> str:
    """What a text repeats, or the text."""
    found = REPEATED.fullmatch(text)
    return found.group(1) if found else text


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
