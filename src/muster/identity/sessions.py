"""Signing in and out. Server-side sessions on the real clock, ended by time or by us at once.

The browser holds a random token; the database holds its SHA-256. The CSRF token is derived from
the token, so neither can be read from a copy of the database. Whatever proves more about a person
(signing in, a code, proving again, a new password) gives a new token; the one before ends.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from psycopg import Connection
from psycopg_pool import ConnectionPool

from muster.identity import tables
from muster.identity.organisations import root_of
from muster.identity.passwords import LONGEST, Passwords, check_policy
from muster.identity.sign_in import attempts, changes
from muster.identity.sign_in import tables as sign_in_tables
from muster.identity.sign_in.attempts import Limits
from muster.identity.sign_in.changes import tell_here
from muster.identity.sign_in.client import NOWHERE, Client, device_hash
from muster.identity.sign_in.factors import Factors
from muster.identity.sign_in.policy import PASSWORD, in_force
from muster.identity.sign_in.standing import Needs, ends_at, live, needs_of
from muster.identity.sign_in.tables import SessionRow
from muster.identity.tables import Account, Person
from muster.journal.audit import change
from muster.journal.clock import real_now
from muster.journal.context import Actor
from muster.journal.refusal import Refused

#: A watch lasts 24 hours: no session is longer unless a policy says so (`policy.DEFAULT`), and no
#: cookie in any case.
LONGEST_SESSION: Final = timedelta(hours=48)
TOUCH_AFTER: Final = timedelta(minutes=1)
#: How long a right password waits for its code.
PENDING_FOR: Final = timedelta(minutes=5)
CODE_TRIES: Final = 5
USERNAME: Final = re.compile(r"[\w.@-]{1,64}")

Pool = ConnectionPool[Connection[Any]]


class PersonShown(msgspec.Struct, frozen=True):
    id: str
    name: str
    username: str


class GrantShown(msgspec.Struct, frozen=True):
    role: str
    organisation: str
    until: datetime | None


class Session(msgspec.Struct, frozen=True):
    """会话, as its owner sees it. `csrf` goes into the header X-CSRF-Token of every change.
    `needs`: what must be done before anything else, a new password or a second factor."""

    person: PersonShown
    grants: tuple[GrantShown, ...]
    csrf: str
    expires_at: datetime
    proven_at: datetime | None
    needs: Needs


class SignedIn(msgspec.Struct, frozen=True):
    """A checked session: whose, its id (hex SHA-256 of the token) and its CSRF token. `proven_at`:
    when the person last proved who they are; None: never, as with a token of a machine."""

    person: str
    session: str
    csrf: str
    proven_at: datetime | None = None
    needs: Needs = ""

    @property
    def actor(self) -> Actor:
        return Actor(self.person, self.session)


class CodeNeeded(Exception):
    """The password was right and the code of the second factor is to come. No session: `pending`
    is good for five minutes and for nothing but the second step."""

    def __init__(self, pending: str) -> None:
        super().__init__("the code of the second factor is needed")
        self.pending = pending


class Entered(msgspec.Struct, frozen=True):
    """What a new session is opened with, beside the person."""

    client: Client = NOWHERE
    method: str = PASSWORD
    reason: str = "sign in"


class Sessions:
    """Signing in and out over a pool. Threads share it. Without `factors` nobody who has a second
    factor gets in."""

    def __init__(
        self,
        pool: Pool,
        passwords: Passwords,
        *,
        factors: Factors | None = None,
        limits: Limits | None = None,
        now: Callable[[], datetime] = real_now,
    ) -> None:
        self._pool, self._passwords, self._now = pool, passwords, now
        self._factors, self._limits = factors, limits or Limits()

    def sign_in(
        self, username: str, password: str, *, client: Client, replaces: str = ""
    ) -> tuple[str, Session]:
        """A fresh token and its session; the session of the token `replaces` ends.

        Raises CodeNeeded when there is a second factor, and Refused: sign_in.failed (no such
        account, wrong password, account closed: they look alike and cost alike), rate.limited
        with `retry_s`, sign_in.method.
        """
        wanted = normal_username(username)
        person, attempt = self._checked(wanted, password, client)
        with self._pool.connection() as connection:
            now = self._now()
            standing = sign_in_tables.standing(connection, person.id, now)
            if PASSWORD not in in_force(standing.said).methods:
                sign_in_tables.settle_attempt(connection, attempt, "halfway")
                stopped: Exception = Refused("sign_in.method")
            elif standing.factor:
                sign_in_tables.settle_attempt(connection, attempt, "halfway")
                token = secrets.token_urlsafe(32)
                ends = now + PENDING_FOR
                sign_in_tables.add_pending(connection, token_hash(token), person.id, ends)
                stopped = CodeNeeded(token)
            else:
                sign_in_tables.settle_attempt(connection, attempt, "succeeded")
                return self._open(connection, person, Entered(client), replaces)
        raise stopped

    def enter_code(
        self, pending: str, code: str, *, client: Client, replaces: str = ""
    ) -> tuple[str, Session]:
        """The second step, with a code of the app or a recovery code.

        Raises Refused: sign_in.pending (unknown, older than five minutes, or five wrong codes),
        sign_in.code_wrong, rate.limited.
        """
        hashed = token_hash(pending)
        with self._pool.connection() as connection:
            found = sign_in_tables.try_pending(connection, hashed, self._now(), CODE_TRIES)
            if found is not None:
                attempt = self._begin(connection, found[1], client)
        if found is None:
            raise Refused("sign_in.pending")
        with self._pool.connection() as connection:
            fits = self._takes(connection, found[0], code)
            # Of two right codes at once only one finds it still there.
            fits = fits and sign_in_tables.end_pending(connection, hashed)
            outcome = "succeeded" if fits else "failed"
            sign_in_tables.settle_attempt(connection, attempt, outcome)
            person = tables.person(connection, found[0]) if fits else None
            if person is not None and person.active:
                return self._open(connection, person, Entered(client), replaces)
        raise Refused("sign_in.code_wrong", person=found[0])

    def open_for(
        self, connection: Connection[Any], person: str, entered: Entered | None = None
    ) -> tuple[str, Session]:
        """A fresh session for somebody who has just proven otherwise who they are. Raises Refused:
        sign_in.failed, sign_in.method."""
        entered = entered or Entered()
        found = tables.person(connection, person)
        if found is None or not found.active:
            raise Refused("sign_in.failed")
        standing = sign_in_tables.standing(connection, person, self._now())
        if entered.method not in in_force(standing.said).methods:
            raise Refused("sign_in.method")
        return self._open(connection, found, entered, "")

    def lookup(self, token: str) -> SignedIn | None:
        """The session of a token, or None. Asks the database every time: a revoked session, a
        closed account and a stricter policy hold at once."""
        hashed, now = token_hash(token), self._now()
        with _alone(self._pool) as connection:
            row = live(connection, hashed, now)
            if row is None:
                return None
            if now - row.last_seen >= TOUCH_AFTER:
                ends = ends_at(in_force(row.standing.said), row.created_at, now)
                sign_in_tables.touch_session(connection, hashed, now=now, expires_at=ends)
        needs = needs_of(row.standing, row.method)
        return SignedIn(row.person.id, hashed.hex(), csrf_of(token), row.proven_at, needs)

    def session(self, token: str) -> Session:
        """What the owner of the token sees. Raises Refused("session.required")."""
        with self._pool.connection() as connection:
            row = self._live(connection, token)
            return self._shown(connection, row, token)

    def hand_over(
        self, connection: Connection[Any], token: str, person: str, client: Client
    ) -> tuple[str, Session]:
        """The session of a token ends and one of the next person, proven before, begins. In one
        transaction: there is no moment with both or with none. Raises Refused: session.required,
        and as `open_for`."""
        leaving = self._live(connection, token)
        reason = "handed over"
        _write(connection, leaving.token_hash, None, leaving.person.id, reason)
        return self.open_for(connection, person, Entered(client, reason="taken over"))

    def sign_out(self, token: str) -> None:
        """End the session of a token; nothing happens when there is none."""
        with self._pool.connection() as connection:
            self._end(connection, token)

    def prove(self, token: str, password: str, code: str, *, client: Client) -> tuple[str, Session]:
        """The owner of a session proves again who they are; the session goes on under a new token.

        Raises Refused: sign_in.failed, sign_in.code_wrong, rate.limited, session.required.
        """
        with self._pool.connection() as connection:
            owner = self._live(connection, token).person
        self.prove_person(owner.username, password, code, client=client)
        with self._pool.connection() as connection:
            return self.renew(connection, token, reason="proven again", proven=True)

    def prove_person(self, username: str, password: str, code: str, *, client: Client) -> Person:
        """Password and, where there is a second factor, its code, in one step. Counted as a
        sign-in. Raises Refused: sign_in.failed, sign_in.code_wrong, rate.limited."""
        person, attempt = self._checked(normal_username(username), password, client)
        with self._pool.connection() as connection:
            standing = sign_in_tables.standing(connection, person.id, self._now())
            fits = not standing.factor or self._takes(connection, person.id, code)
            outcome = "succeeded" if fits else "failed"
            sign_in_tables.settle_attempt(connection, attempt, outcome)
        if not fits:
            raise Refused("sign_in.code_wrong", person=person.id)
        return person

    def renew(
        self, connection: Connection[Any], token: str, *, reason: str, proven: bool = False
    ) -> tuple[str, Session]:
        """The session goes on under a new token: the old one is worth nothing any more. Raises
        Refused("session.required")."""
        row = self._live(connection, token)
        fresh = secrets.token_urlsafe(32)
        _write(connection, row.token_hash, None, row.person.id, reason)
        values = {
            "id": row.id,
            "person": row.person.id,
            "created_at": row.created_at,
            "expires_at": row.expires_at,
            "last_seen": row.last_seen,
            "proven_at": self._now() if proven else row.proven_at,
            "method": row.method,
            "address": row.address,
            "agent": row.agent,
        }
        _write(connection, token_hash(fresh), values, row.person.id, reason)
        return fresh, self._shown(connection, self._live(connection, fresh), fresh)

    def change_password(
        self, token: str, old: str, new: str, *, client: Client
    ) -> tuple[str, Session]:
        """The owner's own change: other sessions of the person end, this one gets a new token.

        Raises Refused: sign_in.failed when `old` is wrong (counted like a failed sign-in),
        password.same, rate.limited, session.required, and as `check_policy`.
        """
        with self._pool.connection() as connection:
            row = self._live(connection, token)
            person, policy = row.person, in_force(row.standing.said)
            names = names_of_city(connection)
        check_policy(new, person.username, shortest=policy.shortest, names=names)
        _, attempt = self._checked(person.username, old, client)
        hashed = self._passwords.hash(new)
        with self._pool.connection() as connection:
            sign_in_tables.settle_attempt(connection, attempt, "succeeded")
            if row.standing.password_until is not None and self._same(old, new):
                refused = Refused("password.same")
            else:
                reason = "password changed"
                set_password_hash(connection, person, hashed, actor=person.id, reason="own change")
                tell_here(connection, row.token_hash, changes.PASSWORD, self._now())
                end_sessions(
                    connection, person.id, actor=person.id, reason=reason, keep=row.token_hash
                )
                return self.renew(connection, token, reason=reason, proven=True)
        raise refused

    def password_rules(self, token: str) -> tuple[str, int]:
        """(username, shortest password) for the owner of a session. Raises
        Refused("session.required")."""
        with self._pool.connection() as connection:
            row = self._live(connection, token)
        return row.person.username, in_force(row.standing.said).shortest

    def remember(self, person: str, client: Client) -> str:
        """The device's token, now known for the person: the one brought along if it is ours, else
        a fresh one. A planted token is never taken over."""
        with self._pool.connection() as connection:
            device = client.device
            if not device or not sign_in_tables.device_issued(connection, device_hash(device)):
                device = secrets.token_urlsafe(32)
            sign_in_tables.remember_device(connection, device_hash(device), person, self._now())
        return device

    def _checked(self, username: str, password: str, client: Client) -> tuple[Person, int]:
        """The person whose password it is, and the number of the attempt, still to be settled.
        Raises Refused: sign_in.failed, rate.limited."""
        if not USERNAME.fullmatch(username):
            username = ""  # nobody's, and harmless: it is only counted
        with self._pool.connection() as connection:
            attempt = self._begin(connection, username, client)
            found = tables.person_by_username(connection, username)
        # Outside any transaction: a check takes long, and connections are few.
        known = found.password_hash if found is not None and found.usable(self._now()) else None
        fits = len(password) <= LONGEST and self._passwords.check(known, password)
        if fits and found is not None:
            with self._pool.connection() as connection:
                self._renew_hash(connection, found, password)
            return found.person, attempt
        with self._pool.connection() as connection:
            sign_in_tables.settle_attempt(connection, attempt, "failed")
        raise Refused("sign_in.failed")

    def _begin(self, connection: Connection[Any], username: str, client: Client) -> int:
        return attempts.begin(connection, username, client, self._limits, self._now())

    def _takes(self, connection: Connection[Any], person: str, code: str) -> bool:
        if self._factors is None:
            raise RuntimeError("second factors cannot be checked without their keys")
        return self._factors.take(connection, person, code, self._now())

    def _same(self, old: str, new: str) -> bool:
        return unicodedata.normalize("NFKC", old) == unicodedata.normalize("NFKC", new)

    def _renew_hash(self, connection: Connection[Any], account: Account, password: str) -> None:
        known = account.password_hash
        if known is not None and self._passwords.outdated(known):
            # The same password: whether it is one to be changed stays as it is.
            key, values = (
                {"id": account.person.id},
                {"password_hash": self._passwords.hash(password)},
            )
            actor = account.person.id
            change(connection, "person", key, values, actor=actor, reason="hash renewed")

    def _live(self, connection: Connection[Any], token: str) -> SessionRow:
        row = live(connection, token_hash(token), self._now())
        if row is None:
            raise Refused("session.required")
        return row

    def _open(
        self, connection: Connection[Any], person: Person, entered: Entered, replaces: str
    ) -> tuple[str, Session]:
        now = self._now()
        if replaces:
            self._end(connection, replaces)
        token = secrets.token_urlsafe(32)
        policy = in_force(sign_in_tables.standing(connection, person.id, now).said)
        values = {
            "person": person.id,
            "created_at": now,
            "expires_at": ends_at(policy, now, now),
            "last_seen": now,
            "proven_at": now,
            "method": entered.method,
            "address": entered.client.address,
            "agent": entered.client.agent,
        }
        _write(connection, token_hash(token), values, person.id, entered.reason)
        return token, self._shown(connection, self._live(connection, token), token)

    def _end(self, connection: Connection[Any], token: str) -> None:
        row = sign_in_tables.live_session(connection, token_hash(token), self._now())
        if row is not None:
            _write(connection, row.token_hash, None, row.person.id, "sign out")

    def _shown(self, connection: Connection[Any], row: SessionRow, token: str) -> Session:
        now, person = self._now(), row.person
        held = [g for g in tables.grants_of(connection, [person.id]) if is_live(g, now)]
        return Session(
            person=PersonShown(person.id, person.name, person.username),
            grants=tuple(GrantShown(g.role, g.organisation, g.valid_until) for g in held),
            csrf=csrf_of(token),
            expires_at=row.expires_at,
            proven_at=row.proven_at,
            needs=needs_of(row.standing, row.method),
        )


def names_of_city(connection: Connection[Any]) -> tuple[str, ...]:
    """Words no password may consist of: what the city is called."""
    root = root_of(connection)
    return root.id, root.name_zh, root.name_en


def _write(
    connection: Connection[Any],
    hashed: bytes,
    values: dict[str, Any] | None,
    actor: str,
    reason: str,
) -> None:
    change(connection, "session", {"token_hash": hashed}, values, actor=actor, reason=reason)


@contextmanager
def _alone(pool: Pool) -> Iterator[Connection[Any]]:
    """A connection whose statements stand alone: every request looks its session up, and
    beginning and committing would be two more round trips."""
    with pool.connection() as connection:
        connection.autocommit = True
        try:
            yield connection
        finally:
            if not connection.closed:
                connection.autocommit = False


def is_live(grant: tables.GrantRow, now: datetime) -> bool:
    """Whether a grant holds at a moment."""
    ended = grant.valid_until is not None and grant.valid_until <= now
    return grant.revoked_at is None and grant.valid_from <= now and not ended


def normal_username(username: str) -> str:
    """How usernames are compared and kept."""
    return unicodedata.normalize("NFKC", username).strip().lower()


def token_hash(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="replace")).digest()


def csrf_of(token: str) -> str:
    return hashlib.sha256(b"muster csrf\0" + token.encode(errors="replace")).hexdigest()


def set_password_hash(
    connection: Connection[Any],
    person: tables.Person,
    hashed: str,
    *,
    actor: str,
    reason: str,
    until: datetime | None = None,
) -> None:
    """Keep a new password hash, with its audit row; `until`: only to choose another, until then.
    Nothing else of the person is written: while the hash was made, somebody may have closed the
    account."""
    values = {"password_hash": hashed, "password_until": until}
    change(connection, "person", {"id": person.id}, values, actor=actor, reason=reason)


def end_sessions(
    connection: Connection[Any], person: str, *, actor: str, reason: str, keep: bytes = b""
) -> None:
    """End every session of a person, but the one with the token hash `keep`, and every sign-in
    that is halfway."""
    sign_in_tables.end_all_pending(connection, person)
    for hashed in tables.session_hashes(connection, person):
        if hashed != keep:
            change(connection, "session", {"token_hash": hashed}, None, actor=actor, reason=reason)
