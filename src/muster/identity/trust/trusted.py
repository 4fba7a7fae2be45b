"""Which roles are trusted ones: read off the table of authority, so that none is forgotten."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from muster.identity.authority import CELLS, Cell
from muster.identity.roles import ROLES

#: Rows of the table that make a second person, or make others' accounts and policies, or see who
#: looked at what.
DECIDES: Final = (
    "incident.confirm_cancel",
    "incident.decline_cancel",
    "retention.lift_hold",
    "retention.decline_erasure",
    "retention.approve_erasure",
    "retention.approve_unsealing",
    "retention.lift_restriction",
    "read.audit",
    "read.access_log",
    "review.access_log",
    "read.sealed",
    "read.unsealed",
    "manage.people",
    "manage.policy",
    "manage.tokens",
    "confirm.reset",
    "confirm.trust",
)
TRUSTED: Final = frozenset(
    role
    for role, found in ROLES.items()
    if not found.machine and any(CELLS[row, role] is not Cell.NO for row in DECIDES)
)
#: Who makes accounts does not also judge what is done with them.
_MAKES: Final = "administrator"
_JUDGES: Final = frozenset({"duty_chief", "auditor"})
#: How the system's own actors begin: installation, first link, the machine's owner.
SYSTEM_ACTOR: Final = "system:"


def by_system(actor: str) -> bool:
    """Whether nobody did it through a door. No person's id has a colon."""
    return actor.startswith(SYSTEM_ACTOR)


def combined(role: str, others: Collection[str]) -> bool:
    """Whether a role and one of the others must not be one person's."""
    if role == _MAKES:
        return not _JUDGES.isdisjoint(others)
    return role in _JUDGES and _MAKES in others
