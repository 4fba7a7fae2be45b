"""The SQL of signing in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from psycopg import Connection

from muster.identity.sign_in.policy import Said
from muster.identity.tables import Person

Database = Connection[Any]

# --- attempts and devices ----------------------------------------------------------------------
# Counters, not decisions: not audited.


def forget_old(
    connection: Database, *, sessions: datetime, attempts: datetime, devices: datetime
) -> tuple[int, int]:
    """Drop what time ended: sessions and halfway sign-ins, old attempts, devices long unseen.
    Returns how many sessions and how many attempts."""
    ended = connection.execute("DELETE FROM session WHERE expires_at < %s", (sessions,)).rowcount
    connection.execute("DELETE FROM pending_sign_in WHERE expires_at < %s", (sessions,))
    old = connection.execute("DELETE FROM sign_in_attempt WHERE at < %s", (attempts,)).rowcount
    connection.execute("DELETE FROM seen_device WHERE last_seen < %s", (devices,))
    return ended, old


def attempts(
    connection: Database, username_hash: bytes, origin: str, limit: int
) -> list[tuple[datetime, str]]:
    """(at, outcome) of the latest attempts of one count, the newest first."""
    return connection.execute(
        "SELECT at, outcome FROM sign_in_attempt WHERE username_hash = %s AND origin = %s"
        " ORDER BY at DESC, id DESC LIMIT %s",
        (username_hash, origin, limit),
    ).fetchall()


def by_strangers(
    connection: Database, username_hash: bytes, since: datetime, under_way: datetime, limit: int
) -> list[datetime]:
    """When attempts on a username from unknown devices failed, or are still being checked."""
    rows = connection.execute(
        "SELECT at FROM sign_in_attempt WHERE username_hash = %s AND at > %s"
        " AND origin LIKE 'net:%%' AND (outcome = 'failed' OR outcome = 'pending' AND at > %s)"
        " ORDER BY at DESC LIMIT %s",
        (username_hash, since, under_way, limit),
    ).fetchall()
    return [row[0] for row in rows]


def unsuccessful_from(
    connection: Database, address: str, since: datetime, limit: int
) -> list[datetime]:
    """When attempts from an address did not succeed, the newest first."""
    rows = connection.execute(
        "SELECT at FROM sign_in_attempt WHERE address = %s AND at > %s"
        " AND outcome IN ('failed', 'pending') ORDER BY at DESC LIMIT %s",
        (address, since, limit),
    ).fetchall()
    return [row[0] for row in rows]


def add_attempt(
    connection: Database, username_hash: bytes, address: str, origin: str, at: datetime
) -> int:
    row = connection.execute(
        "INSERT INTO sign_in_attempt (username_hash, address, origin, at, outcome)"
        " VALUES (%s, %s, %s, %s, 'pending') RETURNING id",
        (username_hash, address, origin, at),
    ).fetchone()
    assert row is not None
    return int(row[0])


def settle_attempt(connection: Database, attempt: int, outcome: str) -> None:
    connection.execute("UPDATE sign_in_attempt SET outcome = %s WHERE id = %s", (outcome, attempt))


def device_known(connection: Database, device_hash: bytes, username: str, since: datetime) -> bool:
    """Whether the owner of a username has signed in from a device since then."""
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM seen_device d JOIN person p ON p.id = d.person"
        " WHERE d.device_hash = %s AND p.username = %s AND d.last_seen > %s)",
        (device_hash, username, since),
    ).fetchone()
    return bool(row and row[0])


def device_issued(connection: Database, device_hash: bytes) -> bool:
    """Whether anybody has signed in from a device."""
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM seen_device WHERE device_hash = %s)", (device_hash,)
    ).fetchone()
    return bool(row and row[0])


def remember_device(connection: Database, device_hash: bytes, person: str, now: datetime) -> None:
    connection.execute(
        "INSERT INTO seen_device (device_hash, person, last_seen) VALUES (%s, %s, %s)"
        " ON CONFLICT (device_hash, person) DO UPDATE SET last_seen = EXCLUDED.last_seen",
        (device_hash, person, now),
    )


def forget_devices(connection: Database, person: str) -> None:
    """What a person signed in from is a stranger again."""
    connection.execute("DELETE FROM seen_device WHERE person = %s", (person,))


# --- halfway through a sign-in -----------------------------------------------------------------


def add_pending(connection: Database, token_hash: bytes, person: str, expires_at: datetime) -> None:
    connection.execute(
        "INSERT INTO pending_sign_in (token_hash, person, expires_at) VALUES (%s, %s, %s)",
        (token_hash, person, expires_at),
    )


def try_pending(
    connection: Database, token_hash: bytes, now: datetime, tries: int
) -> tuple[str, str] | None:
    """(person, username) of a sign-in that waits for its code; the try is counted."""
    return connection.execute(
        "UPDATE pending_sign_in q SET tries = tries + 1 FROM person p WHERE q.token_hash = %s"
        " AND q.expires_at > %s AND q.tries < %s AND p.id = q.person AND p.active"
        " RETURNING p.id, p.username",
        (token_hash, now, tries),
    ).fetchone()


def end_pending(connection: Database, token_hash: bytes) -> bool:
    """Whether it was still there: of two that finish one sign-in only one does."""
    found = connection.execute(
        "DELETE FROM pending_sign_in WHERE token_hash = %s", (token_hash,)
    ).rowcount
    return found == 1


def end_all_pending(connection: Database, person: str) -> None:
    connection.execute("DELETE FROM pending_sign_in WHERE person = %s", (person,))


# --- second factors ----------------------------------------------------------------------------


class FactorRow(msgspec.Struct, frozen=True):
    """第二因素, as it is kept: sealed."""

    key_secret: bytes | None
    confirmed_at: datetime | None
    begun_secret: bytes | None
    begun_at: datetime | None
    last_step: int


def factor(connection: Database, person: str) -> FactorRow | None:
    row = connection.execute(
        "SELECT key_secret, confirmed_at, begun_secret, begun_at, last_step FROM second_factor"
        " WHERE person = %s",
        (person,),
    ).fetchone()
    return FactorRow(*row) if row else None


def use_step(connection: Database, person: str, step: int) -> bool:
    """Whether the step is later than the last one used, which it is from now on. Of two that use
    one code at once, one does. Not audited: the sign-in is."""
    found = connection.execute(
        "UPDATE second_factor SET last_step = %s WHERE person = %s AND last_step < %s",
        (step, person, step),
    ).rowcount
    return found == 1


def code_unused(connection: Database, person: str, code_hash: bytes) -> bool:
    """Whether a recovery code may still be used; locked until the commit."""
    row = connection.execute(
        "SELECT true FROM recovery_code WHERE person = %s AND code_hash = %s"
        " AND used_at IS NULL FOR UPDATE",
        (person, code_hash),
    ).fetchone()
    return row is not None


def code_hashes(connection: Database, person: str) -> list[tuple[bytes, bool]]:
    """(hash, whether used) of a person's recovery codes."""
    rows = connection.execute(
        "SELECT code_hash, used_at IS NOT NULL FROM recovery_code WHERE person = %s"
        " ORDER BY code_hash",
        (person,),
    ).fetchall()
    return [(bytes(hashed), used) for hashed, used in rows]


# --- policies ----------------------------------------------------------------------------------

_SAID = """SELECT o.path, q.shortest, q.factor_roles, q.idle_s, q.longest_s, q.failures, q.lock_s,
q.methods FROM sign_in_policy q JOIN organisation o ON o.id = q.organisation"""


def _said(row: Sequence[Any]) -> Said:
    path, shortest, roles, idle_s, longest_s, failures, lock_s, methods = row
    return Said(
        path=path,
        shortest=shortest,
        factor_roles=None if roles is None else tuple(roles),
        idle_s=idle_s,
        longest_s=longest_s,
        failures=failures,
        lock_s=lock_s,
        methods=None if methods is None else tuple(methods),
    )


def policies(connection: Database) -> list[Said]:
    """All that are said, superiors first."""
    return [_said(row) for row in connection.execute(f"{_SAID} ORDER BY o.path").fetchall()]


def top_policy(connection: Database) -> list[Said]:
    """What the topmost organisation says, if it says anything."""
    return [_said(row) for row in connection.execute(f"{_SAID} WHERE o.parent IS NULL").fetchall()]


def policies_over(connection: Database, path: str) -> list[Said]:
    """What is said at an organisation's path and above it."""
    rows = connection.execute(
        f"{_SAID} WHERE o.path = %s OR starts_with(%s, o.path || '.')", (path, path)
    ).fetchall()
    return [_said(row) for row in rows]


# --- sessions ----------------------------------------------------------------------------------


class Standing(msgspec.Struct, frozen=True):
    """What signing in asks about a person. `said`: the policies over the person's organisation
    and over those where the person holds a role; `password_until`: somebody else has seen it."""

    password_until: datetime | None
    factor: bool
    roles: tuple[str, ...]
    said: tuple[Said, ...]


class SessionRow(msgspec.Struct, frozen=True):
    """会话, of a person who is active. `address` and `agent`: whence it was opened."""

    token_hash: bytes
    id: str
    person: Person
    created_at: datetime
    expires_at: datetime
    last_seen: datetime
    proven_at: datetime | None
    method: str
    address: str
    agent: str
    standing: Standing


_LIVE_GRANT = """g.person = p.id AND g.revoked_at IS NULL AND g.valid_from <= %(now)s
AND (g.valid_until IS NULL OR g.valid_until > %(now)s)"""
# Policies are few: in most installations the innermost SELECT never runs.
_STANDING = f"""p.password_until,
EXISTS (SELECT FROM second_factor f WHERE f.person = p.id AND f.confirmed_at IS NOT NULL),
ARRAY(SELECT DISTINCT g.role FROM role_grant g WHERE {_LIVE_GRANT}),
ARRAY(SELECT jsonb_build_array(o.path, q.shortest, q.factor_roles, q.idle_s, q.longest_s,
        q.failures, q.lock_s, q.methods)
    FROM sign_in_policy q JOIN organisation o ON o.id = q.organisation
    WHERE EXISTS (SELECT FROM organisation m
        WHERE (m.path = o.path OR starts_with(m.path, o.path || '.'))
        AND (m.id = p.organisation
            OR m.id IN (SELECT g.organisation FROM role_grant g WHERE {_LIVE_GRANT}))))"""
_SESSION = f"""SELECT s.token_hash, s.id::text, s.created_at, s.expires_at, s.last_seen,
s.proven_at, s.method, s.address, s.agent,
p.id, p.name, p.username, p.organisation, p.active, p.invented, {_STANDING}
FROM session s JOIN person p ON p.id = s.person"""


def _standing(row: Sequence[Any]) -> Standing:
    until, factor_on, roles, said = row
    return Standing(until, factor_on, tuple(roles), tuple(_said(one) for one in said))


def _session(row: Sequence[Any]) -> SessionRow:
    hashed, session, created_at, expires_at, last_seen, proven_at, method, address, agent = row[:9]
    return SessionRow(
        token_hash=bytes(hashed),
        id=session,
        person=Person(*row[9:15]),
        created_at=created_at,
        expires_at=expires_at,
        last_seen=last_seen,
        proven_at=proven_at,
        method=method,
        address=address,
        agent=agent,
        standing=_standing(row[15:]),
    )


def standing(connection: Database, person: str, now: datetime) -> Standing:
    """Raises TypeError for a person who does not exist: that is a defect."""
    row: Any = connection.execute(
        f"SELECT {_STANDING} FROM person p WHERE p.id = %(person)s", {"person": person, "now": now}
    ).fetchone()
    return _standing(row)


def live_session(connection: Database, token_hash: bytes, now: datetime) -> SessionRow | None:
    row = connection.execute(
        f"{_SESSION} WHERE s.token_hash = %(hash)s AND s.expires_at > %(now)s AND p.active",
        {"hash": token_hash, "now": now},
    ).fetchone()
    return _session(row) if row else None


def sessions_of(connection: Database, person: str, now: datetime) -> list[SessionRow]:
    """The live sessions of a person, the one used last first."""
    rows = connection.execute(
        f"{_SESSION} WHERE s.person = %(person)s AND s.expires_at > %(now)s AND p.active"
        " ORDER BY s.last_seen DESC, s.id",
        {"person": person, "now": now},
    ).fetchall()
    return [_session(row) for row in rows]


def touch_session(
    connection: Database, token_hash: bytes, *, now: datetime, expires_at: datetime
) -> None:
    """Not audited: it says only that the session was used, once a minute."""
    connection.execute(
        "UPDATE session SET last_seen = %s, expires_at = %s WHERE token_hash = %s",
        (now, expires_at, token_hash),
    )


# --- denials -----------------------------------------------------------------------------------


class DenialRow(msgspec.Struct, frozen=True):
    """拒绝, as it is kept. `times`: so often within the minute that ends with `last_at`."""

    id: int
    minute: datetime
    last_at: datetime
    what: str
    person: str | None
    username_hash: bytes | None
    address: str
    method: str
    route: str
    times: int


def add_denial(connection: Database, values: dict[str, Any]) -> None:
    connection.execute(
        "INSERT INTO denial AS d (minute, last_at, what, person, username_hash, address, method,"
        " route) VALUES (%(minute)s, %(at)s, %(what)s, %(person)s, %(username_hash)s,"
        " %(address)s, %(method)s, %(route)s)"
        " ON CONFLICT (minute, what, person, username_hash, address, method, route)"
        " DO UPDATE SET times = d.times + 1, last_at = greatest(d.last_at, EXCLUDED.last_at)",
        values,
    )


def denials(
    connection: Database, *, what: str, person: str, before: int | None, limit: int
) -> list[DenialRow]:
    """The newest first, those with ids below `before`; empty filters let all through."""
    rows = connection.execute(
        "SELECT id, minute, last_at, what, person, username_hash, address, method, route, times"
        " FROM denial WHERE (%(before)s::bigint IS NULL OR id < %(before)s)"
        " AND (%(what)s = '' OR what = %(what)s OR starts_with(what, %(what)s || '.'))"
        " AND (%(person)s = '' OR person = %(person)s) ORDER BY id DESC LIMIT %(limit)s",
        {"what": what, "person": person, "before": before, "limit": limit},
    ).fetchall()
    return [DenialRow(*row) for row in rows]


# --- resets by two -----------------------------------------------------------------------------


class ResetRow(msgspec.Struct, frozen=True):
    """重设, asked for and not yet decided."""

    id: str
    person: str
    what: str
    reason: str
    asked_by: str
    asked_at: datetime
    expires_at: datetime


_RESET = "SELECT id::text, person, what, reason, asked_by, asked_at, expires_at FROM sign_in_reset"
_OPEN = "decided_at IS NULL AND expires_at > %(now)s"


def open_resets(connection: Database, now: datetime) -> list[ResetRow]:
    rows = connection.execute(
        f"{_RESET} WHERE {_OPEN} ORDER BY asked_at, id", {"now": now}
    ).fetchall()
    return [ResetRow(*row) for row in rows]


def open_reset(connection: Database, reset: str, now: datetime) -> ResetRow | None:
    """Locked until the commit: of two that decide at once one does."""
    row = connection.execute(
        f"{_RESET} WHERE id = %(id)s::uuid AND {_OPEN} FOR UPDATE", {"id": reset, "now": now}
    ).fetchone()
    return ResetRow(*row) if row else None


# --- hand-overs --------------------------------------------------------------------------------


class HandOverRow(msgspec.Struct, frozen=True):
    """交接, as it is kept; the note sealed."""

    id: str
    at: datetime
    from_person: str
    to_person: str
    desk: str
    open_matters: int
    note_secret: bytes | None


def hand_overs_of(connection: Database, person: str, limit: int) -> list[HandOverRow]:
    """Those a person gave or took, the newest first."""
    rows = connection.execute(
        "SELECT id::text, at, from_person, to_person, desk, open_matters, note_secret"
        " FROM hand_over WHERE to_person = %(person)s OR from_person = %(person)s"
        " ORDER BY at DESC, id LIMIT %(limit)s",
        {"person": person, "limit": limit},
    ).fetchall()
    return [HandOverRow(*row) for row in rows]


# --- what was changed of a sign-in -------------------------------------------------------------


class ChangeRow(msgspec.Struct, frozen=True):
    """登录变动, until it is read."""

    id: str
    person: str
    what: str
    at: datetime
    by: str
    session: str | None = None
    address: str = ""
    agent: str = ""


def unseen_changes(connection: Database, person: str, session: str, limit: int) -> list[ChangeRow]:
    """Not those made in the session."""
    rows = connection.execute(
        "SELECT id::text, person, what, at, by, session::text, address, agent FROM sign_in_change"
        " WHERE person = %s AND seen_at IS NULL AND session IS DISTINCT FROM %s::uuid"
        " ORDER BY at, id LIMIT %s",
        (person, session, limit),
    ).fetchall()
    return [ChangeRow(*row) for row in rows]


def change_waits(connection: Database, person: str, told: str) -> bool:
    """Whether it is the person's and was not read; locked until the commit."""
    row = connection.execute(
        "SELECT true FROM sign_in_change WHERE id = %s::uuid AND person = %s AND seen_at IS NULL"
        " FOR UPDATE",
        (told, person),
    ).fetchone()
    return row is not None
