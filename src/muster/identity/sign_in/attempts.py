"""Counted attempts: guessing is slowed and locked, and nobody can lock somebody else out.

An attempt is on the count of a device the person has signed in from, or else of the piece of the
network it came from. Each count is locked by itself. All strangers together are slowed, not locked,
and a known device not even that (OWASP: device cookies).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any, Final

import msgspec
from psycopg import Connection

from muster.identity.sign_in import tables
from muster.identity.sign_in.client import Client, device_hash, network
from muster.identity.sign_in.policy import in_force
from muster.journal.refusal import Refused

KEEP_DEVICES: Final = timedelta(days=180)
UNDER_WAY: Final = timedelta(seconds=30)
HOUR: Final = timedelta(hours=1)


class Limits(msgspec.Struct, frozen=True):
    """`failures` within `window` lock a count for `lock` (both the policy of the top says);
    `parallel` attempts on it may be under way at once; `by_address` may fail from one address
    within `window`. After `strangers` failures on a username within an hour from where it never
    signed in, strangers may try it once in `gap`."""

    failures: int = 5
    window: timedelta = timedelta(minutes=15)
    lock: timedelta = timedelta(minutes=15)
    parallel: int = 20
    by_address: int = 60
    strangers: int = 20
    gap: timedelta = timedelta(minutes=1)


def forget_old(
    connection: Connection[Any], *, sessions: timedelta, attempts: timedelta, now: datetime
) -> tuple[int, int]:
    """Drop ended sessions and attempts kept that long; returns how many of each. Counts of
    failures look back an hour at most, so attempts are kept for a day at least."""
    return tables.forget_old(
        connection,
        sessions=now - sessions,
        attempts=now - max(attempts, timedelta(days=1)),
        devices=now - KEEP_DEVICES,
    )


def begin(
    connection: Connection[Any], username: str, client: Client, limits: Limits, now: datetime
) -> int:
    """Count the attempt before it is checked, so that parallel guesses count too; its number.

    Raises Refused("rate.limited") with `retry_s`.
    """
    hashed = username_hash(username)
    limits = _as_the_top_says(connection, limits)
    device = device_hash(client.device)
    since = now - KEEP_DEVICES
    known = bool(client.device) and tables.device_known(connection, device, username, since)
    origin = f"device:{device.hex()[:32]}" if known else f"net:{network(client.address)}"
    latest = tables.attempts(connection, hashed, origin, limits.failures + limits.parallel)
    until = locked_until(latest, limits, now)
    if not known:
        strangers = tables.by_strangers(
            connection, hashed, now - HOUR, now - UNDER_WAY, limits.strangers
        )
        near = _address_until(connection, client.address, limits, now)
        until = max(until, near, slowed_until(strangers, limits, now))
    if until > now:
        raise Refused("rate.limited", retry_s=int((until - now).total_seconds()) + 1)
    return tables.add_attempt(connection, hashed, client.address, origin, now)


def _as_the_top_says(connection: Connection[Any], limits: Limits) -> Limits:
    """One rule for all usernames: a lock that came sooner would tell that somebody has the name."""
    said = tables.top_policy(connection)
    if not said:
        return limits
    policy = in_force(said)
    return msgspec.structs.replace(limits, failures=policy.failures, lock=policy.lock)


def _address_until(
    connection: Connection[Any], address: str, limits: Limits, now: datetime
) -> datetime:
    since = now - limits.window
    nearby = tables.unsuccessful_from(connection, address, since, limits.by_address)
    return nearby[-1] + limits.window if len(nearby) >= limits.by_address else now


def locked_until(latest: Sequence[tuple[datetime, str]], limits: Limits, now: datetime) -> datetime:
    """When attempts of one count are allowed again; `now` or earlier when they are. Pure.

    `latest`: (at, outcome), the newest first. A success wipes what was before it; a right password
    whose code is still to come does not.
    """
    recent = list(takewhile(lambda one: one[1] != "succeeded", latest))
    failed = [at for at, outcome in recent if outcome == "failed"][: limits.failures]
    if len(failed) == limits.failures and failed[0] - failed[-1] <= limits.window:
        locked = failed[0] + limits.lock
        if locked > now:
            return locked
    pending = [at for at, outcome in recent if outcome == "pending"]
    under_way = [at for at in pending if now - at < UNDER_WAY]
    if len(under_way) >= limits.parallel:
        return now + timedelta(seconds=1)
    return now


def slowed_until(failed: Sequence[datetime], limits: Limits, now: datetime) -> datetime:
    """When a stranger may try a username again. Pure. `failed`: within the hour, newest first."""
    return failed[0] + limits.gap if len(failed) >= limits.strangers else now


def username_hash(username: str) -> bytes:
    """How a username stands in counters and denials."""
    return hashlib.sha256(username.encode()).digest()
