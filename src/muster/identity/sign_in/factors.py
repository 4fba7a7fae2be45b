"""The second factor: codes of an authenticator app, and ten recovery codes for when it is lost."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg import Connection

from muster.identity.sign_in import tables
from muster.identity.sign_in.totp import DIGITS, address, fresh_secret, step_of
from muster.identity.tables import Person
from muster.journal import chain
from muster.journal.audit import change
from muster.journal.refusal import Refused

BEGUN_FOR: Final = timedelta(minutes=15)
HOW_MANY: Final = 10
NONCE_BYTES: Final = 12
#: Without letters and digits that are read for one another.
LETTERS: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH: Final = 12

Database = Connection[Any]


class KeyMaker(Protocol):
    """What is needed of the vault."""

    def key_for(self, purpose: str) -> bytes: ...


class Begun(msgspec.Struct, frozen=True):
    """An enrolment begun: the secret for typing, and the address for the QR code."""

    secret: str
    address: str


class FactorState(msgspec.Struct, frozen=True):
    """`since` None: there is no second factor. `codes_left`: recovery codes not yet used."""

    since: datetime | None
    codes_left: int


class Factors:
    """Enrols, checks and removes second factors. Every method runs in the caller's transaction."""

    def __init__(self, keys: KeyMaker) -> None:
        self._seal = AESGCM(keys.key_for("second factor"))
        self._codes = keys.key_for("recovery codes")

    def state(self, connection: Database, person: str) -> FactorState:
        row = tables.factor(connection, person)
        since = row.confirmed_at if row else None
        left = [used for _, used in tables.code_hashes(connection, person)].count(False)
        return FactorState(since, left if since else 0)

    def begin(self, connection: Database, person: Person, now: datetime) -> Begun:
        """A fresh secret, in force once a code of it was given; until then the old one is."""
        secret = fresh_secret()
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = nonce + self._seal.encrypt(nonce, secret.encode(), person.id.encode())
        values = {"begun_secret": sealed, "begun_at": now}
        _write(connection, person.id, values, actor=person.id, reason="factor begun")
        return Begun(secret, address(secret, person.username))

    def confirm(self, connection: Database, person: Person, code: str, now: datetime) -> list[str]:
        """The begun secret is in force; the recovery codes, shown this once.

        Raises Refused: factor.not_begun (or too long ago), factor.code_wrong.
        """
        row = tables.factor(connection, person.id)
        if row is None or row.begun_secret is None or row.begun_at is None:
            raise Refused("factor.not_begun")
        if now - row.begun_at > BEGUN_FOR:
            raise Refused("factor.not_begun")
        secret = self._open(row.begun_secret, person.id)
        step = step_of(secret, plain(code), now, after=0)
        if step is None:
            raise Refused("factor.code_wrong")
        values = {
            "key_secret": row.begun_secret,
            "confirmed_at": now,
            "begun_secret": None,
            "begun_at": None,
            "last_step": step,
        }
        _write(connection, person.id, values, actor=person.id, reason="factor confirmed")
        return self.fresh_codes(connection, person.id, now)

    def fresh_codes(self, connection: Database, person: str, now: datetime) -> list[str]:
        """Ten new recovery codes; the old ones stop working. Raises Refused("factor.none")."""
        row = tables.factor(connection, person)
        if row is None or row.confirmed_at is None:
            raise Refused("factor.none")
        _forget_codes(connection, person, actor=person, reason="new recovery codes")
        made = ["".join(secrets.choice(LETTERS) for _ in range(LENGTH)) for _ in range(HOW_MANY)]
        for code in made:
            key = {"person": person, "code_hash": self._code_hash(person, code)}
            values = {"made_at": now, "used_at": None}
            change(
                connection, "recovery_code", key, values, actor=person, reason="new recovery codes"
            )
        return ["-".join(code[at : at + 4] for at in range(0, LENGTH, 4)) for code in made]

    def take(self, connection: Database, person: str, code: str, now: datetime) -> bool:
        """Whether a code fits, of the app or for recovery; it is used up then."""
        row = tables.factor(connection, person)
        if row is None or row.key_secret is None:
            return False
        with connection.cursor() as cursor:
            # Before any row, as `change` does it: else two could wait for one another.
            chain.lock(cursor, "audit")
        given = plain(code)
        if len(given) == DIGITS and given.isdecimal():
            secret = self._open(row.key_secret, person)
            step = step_of(secret, given, now, after=row.last_step)
            return step is not None and tables.use_step(connection, person, step)
        hashed = self._code_hash(person, given)
        if not tables.code_unused(connection, person, hashed):
            return False
        key = {"person": person, "code_hash": hashed}
        change(
            connection,
            "recovery_code",
            key,
            {"used_at": now},
            actor=person,
            reason="recovery code used",
        )
        return True

    def _open(self, sealed: bytes, person: str) -> str:
        sealed = bytes(sealed)
        nonce, data = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        return self._seal.decrypt(nonce, data, person.encode()).decode()

    def _code_hash(self, person: str, code: str) -> bytes:
        return hmac.new(self._codes, f"{person}\0{code}".encode(), hashlib.sha256).digest()


def remove_factor(connection: Database, person: str, *, actor: str, reason: str) -> None:
    """There is no second factor any more. Raises Refused("factor.none")."""
    row = tables.factor(connection, person)
    if row is None or row.confirmed_at is None:
        raise Refused("factor.none")
    _forget_codes(connection, person, actor=actor, reason=reason)
    change(connection, "second_factor", {"person": person}, None, actor=actor, reason=reason)


def plain(code: str) -> str:
    """A code as it was meant: wide digits, small letters, spaces and dashes are all right."""
    kept = unicodedata.normalize("NFKC", code)
    return "".join(letter for letter in kept.upper() if letter.isalnum())


def _write(
    connection: Database, person: str, values: dict[str, Any], *, actor: str, reason: str
) -> None:
    change(connection, "second_factor", {"person": person}, values, actor=actor, reason=reason)


def _forget_codes(connection: Database, person: str, *, actor: str, reason: str) -> None:
    for hashed, _ in tables.code_hashes(connection, person):
        key = {"person": person, "code_hash": hashed}
        change(connection, "recovery_code", key, None, actor=actor, reason=reason)
