"""What an organisation asks of a sign-in, and what holds for one person. Pure.

An organisation's policy binds whoever belongs to it or holds a role at it, and everything under
it. The topmost organisation may choose within the ranges; what stands below it can only be
stricter than what stands above (decisions/0017).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

import msgspec

PASSWORD, OIDC = "password", "oidc"
METHODS: Final = (PASSWORD, OIDC)


class Said(msgspec.Struct, frozen=True):
    """What one organisation's policy says; None: nothing. `path`: the organisation's."""

    path: str
    shortest: int | None = None
    factor_roles: tuple[str, ...] | None = None
    idle_s: int | None = None
    longest_s: int | None = None
    failures: int | None = None
    lock_s: int | None = None
    methods: tuple[str, ...] | None = None


class Policy(msgspec.Struct, frozen=True):
    """What holds. `factor_roles`: who needs a second factor; `failures`, then `lock`."""

    shortest: int = 12
    factor_roles: frozenset[str] = frozenset()
    idle: timedelta = timedelta(hours=12)
    longest: timedelta = timedelta(hours=24)
    failures: int = 5
    lock: timedelta = timedelta(minutes=15)
    methods: frozenset[str] = frozenset(METHODS)


DEFAULT: Final = Policy()


def is_top(path: str) -> bool:
    return "." not in path


def in_force(said: Iterable[Said]) -> Policy:
    """The policy over one person or organisation, of all that is said above and at it."""
    listed = sorted(said, key=lambda one: one.path)
    found = DEFAULT
    for one in listed:
        found = (_instead if is_top(one.path) else _stricter)(found, one)
    return found


def _instead(found: Policy, one: Said) -> Policy:
    """The top chooses, instead of the defaults."""
    changes = {name: value for name, value in _values(one).items() if value is not None}
    return msgspec.structs.replace(found, **changes)


def _stricter(found: Policy, one: Said) -> Policy:
    """Field by field the stricter of what held and what is said."""
    said = _values(one)
    least = {"idle", "longest", "failures"}
    changes: dict[str, object] = {}
    for name, value in said.items():
        held = getattr(found, name)
        if value is None:
            continue
        if name == "factor_roles":
            changes[name] = held | value
        elif name == "methods":
            changes[name] = held & value
        else:
            changes[name] = min(held, value) if name in least else max(held, value)
    return msgspec.structs.replace(found, **changes)


def _values(one: Said) -> dict[str, object]:
    """What is said, in the policy's own types; None where nothing is."""
    seconds = {"idle": one.idle_s, "longest": one.longest_s, "lock": one.lock_s}
    spans = {n: None if s is None else timedelta(seconds=s) for n, s in seconds.items()}
    sets = {"factor_roles": one.factor_roles, "methods": one.methods}
    return {
        "shortest": one.shortest,
        "failures": one.failures,
        **spans,
        **{name: None if value is None else frozenset(value) for name, value in sets.items()},
    }
