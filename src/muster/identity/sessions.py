"""Signing in and out. Server-side sessions on the real clock, ended by time or by us at once.

The browser holds a random token; the database holds its SHA-256. The CSRF token is derived from
the token, so neither can be read from a copy of the database.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any, Final

import msgspec
from psycopg import Connection
from psycopg_pool import ConnectionPool

from muster.identity import tables
from muster.identity.passwords import LONGEST, Passwords, check_policy
from muster.journal.audit import change
from muster.journal.clock import real_now
from muster.journal.context import Actor
from muster.journal.refusal import Refused

IDLE: Final = timedelta(hours=12)
#: A watch lasts 24 hours; whoever takes over signs in.
LONGEST_SESSION: Final = timedelta(hours=24)
TOUCH_AFTER: Final = timedelta(minutes=1)
KEEP_ATTEMPTS: Final = timedelta(days=1)
USERNAME: Final = re.compile(r"[\w.@-]{1,64}")

Pool = ConnectionPool[Connection[Any]]


class Limits(msgspec.Struct, frozen=True):
    """`failures` within `window` lock a username for `lock`; `parallel` attempts on it may be
    under way at once; `by_address` may fail from one address within `window`."""

    failures: int = 5
    window: timedelta = timedelta(minutes=15)
    lock: timedelta = timedelta(minutes=15)
    parallel: int = 20
    by_address: int = 60


class PersonShown(msgspec.Struct, frozen=True):
    id: str
    name: str
    username: str


class GrantShown(msgspec.Struct, frozen=True):
    role: str
    organisation: str
    until: datetime | None


class Session(msgspec.Struct, frozen=True):
    """会话, as its owner sees it. `csrf` goes into the header X-CSRF-Token of every change."""

    person: PersonShown
    grants: tuple[GrantShown, ...]
    csrf: str
    expires_at: datetime


class SignedIn(msgspec.Struct, frozen=True):
    """A checked session: whose, its id (hex SHA-256 of the token) and its CSRF token."""

    person: str
    session: str
    csrf: str

    @property
    def actor(self) -> Actor:
        return Actor(self.person, self.session)


class Sessions:
    """Signing in and out over a pool. Threads share it."""

    def __init__(
        self,
        pool: Pool,
        passwords: Passwords,
        *,
        limits: Limits | None = None,
        now: Callable[[], datetime] = real_now,
    ) -> None:
        self._pool, self._passwords, self._now = pool, passwords, now
        self._limits = limits or Limits()

    def sign_in(
        self, username: str, password: str, *, address: str, replaces: str = ""
    ) -> tuple[str, Session]:
        """A fresh token and its session; the session of the token `replaces` ends.

        Raises Refused: sign_in.failed (no such account, wrong password, account closed: they
        look alike and cost alike), rate.limited with `retry_s` seconds.
        """
        wanted = normal_username(username)
        if not USERNAME.fullmatch(wanted):
            wanted = ""  # nobody's, and harmless: it is only counted
        with self._pool.connection() as connection:
            attempt = self._begin(connection, wanted, address)
            found = tables.person_by_username(connection, wanted)
        # Outside any transaction: a check takes long, and connections are few.
        open_account = found if found is not None and found[0].active else None
        fits = len(password) <= LONGEST and self._passwords.check(
            open_account[1] if open_account else None, password
        )
        with self._pool.connection() as connection:
            tables.settle_attempt(connection, attempt, "succeeded" if fits else "failed")
            if fits and open_account is not None:
                self._renew_hash(connection, open_account, password)
                return self._open(connection, open_account[0], replaces)
        raise Refused("sign_in.failed")

    def open_for(self, connection: Connection[Any], person: str) -> tuple[str, Session]:
        """A fresh session for somebody who has just proven otherwise who they are."""
        found = tables.person(connection, person)
        if found is None or not found.active:
            raise Refused("sign_in.failed")
        return self._open(connection, found, "")

    def lookup(self, token: str) -> SignedIn | None:
        """The session of a token, or None. Asks the database every time: a revoked session and a
        closed account end at once."""
        hashed, now = token_hash(token), self._now()
        with _alone(self._pool) as connection:
            row = tables.live_session(connection, hashed, now)
            if row is None:
                return None
            if now - row.last_seen >= TOUCH_AFTER:
                expires_at = min(row.created_at + LONGEST_SESSION, now + IDLE)
                tables.touch_session(connection, hashed, now=now, expires_at=expires_at)
        return SignedIn(row.person.id, hashed.hex(), csrf_of(token))

    def session(self, token: str) -> Session:
        """What the owner of the token sees. Raises Refused("session.required")."""
        with self._pool.connection() as connection:
            row = tables.live_session(connection, token_hash(token), self._now())
            if row is None:
                raise Refused("session.required")
            return self._shown(connection, row.person, token, row.expires_at)

    def sign_out(self, token: str) -> None:
        """End the session of a token; nothing happens when there is none."""
        with self._pool.connection() as connection:
            self._end(connection, token)

    def change_password(self, signed_in: SignedIn, old: str, new: str, *, address: str) -> None:
        """The owner's own change; other sessions of the person end.

        Raises Refused: sign_in.failed when `old` is wrong (counted like a failed sign-in),
        rate.limited, and as `check_policy`.
        """
        with self._pool.connection() as connection:
            person = tables.person(connection, signed_in.person)
            assert person is not None
            check_policy(new, person.username)
            attempt = self._begin(connection, person.username, address)
            known = tables.person_by_username(connection, person.username)
        fits = known is not None and self._passwords.check(known[1], old)
        hashed = self._passwords.hash(new) if fits else ""
        with self._pool.connection() as connection:
            tables.settle_attempt(connection, attempt, "succeeded" if fits else "failed")
            if fits:
                set_password_hash(connection, person, hashed, actor=person.id, reason="own change")
                end_sessions(
                    connection,
                    person.id,
                    actor=person.id,
                    reason="password changed",
                    keep=bytes.fromhex(signed_in.session),
                )
        if not fits:
            raise Refused("sign_in.failed")

    def _begin(self, connection: Connection[Any], username: str, address: str) -> int:
        """Count the attempt before it is checked, so that parallel guesses count too."""
        now, hashed = self._now(), hashlib.sha256(username.encode()).digest()
        limits = self._limits
        tables.forget_old(connection, sessions_until=now, attempts_until=now - KEEP_ATTEMPTS)
        latest = tables.attempts(connection, hashed, limits.failures + limits.parallel)
        since = now - limits.window
        nearby = tables.unsuccessful_from(connection, address, since, limits.by_address)
        until = max(
            locked_until(latest, limits, now),
            nearby[-1] + limits.window if len(nearby) >= limits.by_address else now,
        )
        if until > now:
            raise Refused("rate.limited", retry_s=int((until - now).total_seconds()) + 1)
        return tables.add_attempt(connection, hashed, address, now)

    def _renew_hash(
        self, connection: Connection[Any], account: tuple[tables.Person, str | None], password: str
    ) -> None:
        person, known = account
        if known is not None and self._passwords.outdated(known):
            fresh = self._passwords.hash(password)
            set_password_hash(connection, person, fresh, actor=person.id, reason="hash renewed")

    def _open(
        self, connection: Connection[Any], person: tables.Person, replaces: str
    ) -> tuple[str, Session]:
        now = self._now()
        if replaces:
            self._end(connection, replaces)
        token = secrets.token_urlsafe(32)
        expires_at = now + IDLE
        change(
            connection,
            "session",
            {"token_hash": token_hash(token)},
            {"person": person.id, "created_at": now, "expires_at": expires_at, "last_seen": now},
            actor=person.id,
            reason="sign in",
        )
        return token, self._shown(connection, person, token, expires_at)

    def _end(self, connection: Connection[Any], token: str) -> None:
        hashed = token_hash(token)
        row = tables.live_session(connection, hashed, self._now())
        if row is not None:
            key = {"token_hash": hashed}
            change(connection, "session", key, None, actor=row.person.id, reason="sign out")

    def _shown(
        self,
        connection: Connection[Any],
        person: tables.Person,
        token: str,
        expires_at: datetime,
    ) -> Session:
        now = self._now()
        live = [g for g in tables.grants_of(connection, [person.id]) if is_live(g, now)]
        return Session(
            person=PersonShown(person.id, person.name, person.username),
            grants=tuple(GrantShown(g.role, g.organisation, g.valid_until) for g in live),
            csrf=csrf_of(token),
            expires_at=expires_at,
        )


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


def locked_until(latest: Sequence[tuple[datetime, str]], limits: Limits, now: datetime) -> datetime:
    """When attempts on a username are allowed again; `now` or earlier when they are. Pure.

    `latest`: (at, outcome), the newest first. A success wipes what was before it.
    """
    recent = list(takewhile(lambda one: one[1] != "succeeded", latest))
    failed = [at for at, outcome in recent if outcome == "failed"][: limits.failures]
    if len(failed) == limits.failures and failed[0] - failed[-1] <= limits.window:
        locked = failed[0] + limits.lock
        if locked > now:
            return locked
    pending = [at for at, outcome in recent if outcome == "pending"]
    under_way = [at for at in pending if now - at < timedelta(seconds=30)]
    if len(under_way) >= limits.parallel:
        return now + timedelta(seconds=1)
    return now


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
    connection: Connection[Any], person: tables.Person, hashed: str, *, actor: str, reason: str
) -> None:
    """Keep a new password hash, with its audit row. Nothing else of the person is written: while
    the hash was made, somebody may have closed the account."""
    key = {"id": person.id}
    change(connection, "person", key, {"password_hash": hashed}, actor=actor, reason=reason)


def end_sessions(
    connection: Connection[Any], person: str, *, actor: str, reason: str, keep: bytes = b""
) -> None:
    """End every session of a person, but the one with the token hash `keep`."""
    for hashed in tables.session_hashes(connection, person):
        if hashed != keep:
            change(connection, "session", {"token_hash": hashed}, None, actor=actor, reason=reason)
