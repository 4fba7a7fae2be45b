"""What the access log says of one look: who looked at what, under what authority, and why. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

import msgspec

from muster.journal.context import Actor

#: What can be looked at. A door that opens or discloses something new adds its word here.
WHATS: Final = frozenset(
    {
        "matter.opened",
        "caller.unmasked",
        "track.opened",
        "lookup.phone",
        "people.read",
        "audit.read",
        "access_log.read",
        "oversight.read",
        "retention.read",
        "export",
        "backup",
        "list",
        "own",
        "change",
    }
)
Outcome = Literal["shown", "masked", "empty", "denied"]
#: Justifications that are work at hand, then those that are not.
AT_HAND: Final = ("order", "area_duty", "callback_due", "review_sample")
ELSE: Final = ("asked_in", "reported_it", "analysis", "own_area", "role", "no_task")
JUSTIFICATIONS: Final = (*AT_HAND, *ELSE)


class Justification(msgspec.Struct, frozen=True):
    """Why, derived from the work at hand and never typed: a code, and the ids it follows from
    (`order:<id> unit:<id>`)."""

    code: str = "no_task"
    basis: str = ""

    @property
    def at_hand(self) -> bool:
        return self.code in AT_HAND


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """One look, to be recorded. No personal text: a phone stands as `Vault.lookup_hash`, people
    as ids. `role` and `organisation`: the authority used, empty for a denial. `subject`: what was
    asked for besides a matter. `marks`: what the analytics should know and cannot see later,
    such as `off_duty` or `own_name`. `purpose`: free words, optional."""

    at: datetime
    actor: Actor
    what: str
    outcome: Outcome
    matter: str | None = None
    role: str = ""
    organisation: str = ""
    subject: str = ""
    why: Justification = Justification()
    purpose: str = ""
    marks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.what not in WHATS or self.why.code not in JUSTIFICATIONS:
            raise ValueError(f"the access log has no word {self.what} or {self.why.code}")


class LookRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the log. `hash` (hex) chains it to the row before."""

    number: int
    at: datetime
    actor: str
    session: str
    role: str
    organisation: str
    what: str
    matter: str | None
    subject: str
    outcome: str
    justification: str
    basis: str
    purpose: str
    marks: tuple[str, ...]
    hash: str
