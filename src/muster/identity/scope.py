"""What somebody may see: their grants without their name. Pure.

Two people with the same roles at the same organisations have equal scopes, so the live feed
encodes a message once for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from muster.identity.authority import (
    CELLS,
    OPERATIONS,
    READ,
    Access,
    Cell,
    Grant,
    relations,
    suffices,
    suffices_at,
    visible,
)
from muster.identity.roles import ASKED_IN, TOKEN_SCOPES

PRIVATE = "read.private"
SUMMARY = "read.summary"
WORDS = "read.words"


class Area(msgspec.Struct, frozen=True, order=True):
    """An organisation's path with everything under it, for matters of these relations."""

    path: str
    relations: tuple[str, ...]


class Scope(msgspec.Struct, frozen=True):
    """Hashable; equal scopes see the same. Make it with `scope_of_grants`."""

    grants: tuple[Grant, ...]

    def sees(self, access: Access) -> bool:
        """Whether a matter that belongs to `access` is visible."""
        return visible(self.grants, access)

    def allows(self, operation: str, access: Access) -> bool:
        """Whether an operation or right of the table holds for a matter of `access`."""
        return any(suffices(grant, operation, access) for grant in self.grants)

    def allowed(self, access: Access) -> frozenset[str]:
        """All operations and rights for a matter of `access`; empty if it is not visible."""
        if not self.sees(access):
            return frozenset()
        return frozenset(name for name in OPERATIONS if self.allows(name, access))

    def allows_at(self, operation: str, path: str | None) -> bool:
        """Whether a right holds at an organisation's path, or (None) anywhere."""
        return any(suffices_at(grant, operation, path) for grant in self.grants)

    def paths(self, operation: str) -> tuple[str, ...]:
        """Where a right that concerns no matter holds: the topmost paths, sorted."""
        found = {area.path for area in self.areas(operation)}
        return tuple(sorted(p for p in found if not _inside(p, found)))

    def areas(self, operation: str) -> tuple[Area, ...]:
        """Where an operation or right holds, as the cells of the grants say."""
        held = {
            Area(grant.path, tuple(sorted(fitting)))
            for grant in self.grants
            if (fitting := relations(operation, grant.role))
        }
        return tuple(sorted(held))

    @property
    def counts_all(self) -> bool:
        """Whether it is told the numbers of the whole city; else those of what it may see."""
        return any(CELLS[SUMMARY, grant.role] is Cell.OWN for grant in self.grants)

    def masked_in(self, access: Access) -> bool:
        """Whether the caller's name and phone are hidden in a matter of `access`."""
        return not self.allows(PRIVATE, access)

    @property
    def masked(self) -> bool:
        """Whether they are hidden everywhere."""
        return not self.areas(PRIVATE)

    @property
    def party_only(self) -> bool:
        """Whether all that is seen is seen as an asked-in partner or volunteer, or by a token."""
        reading = [g for g in self.grants if CELLS[READ, g.role] is not Cell.NO]
        return all(g.role in ASKED_IN or g.role in TOKEN_SCOPES for g in reading)


def _inside(path: str, others: Iterable[str]) -> bool:
    return any(path.startswith(other + ".") for other in others)


def scope_of_grants(grants: Iterable[Grant]) -> Scope:
    return Scope(tuple(sorted(set(grants))))
