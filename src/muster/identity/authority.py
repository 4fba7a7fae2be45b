"""Who may do what: one table, and the pure judgement over it.

A cell answers for one role (column) and one operation or right (row):

    .  no
    O  own: a matter, or an organisation, in the area of the grant
    P  party: an own matter, or one the grant's area was asked into
    U  unit: as P here; the operation itself then checks that the actor crews the unit

The area of a grant is its organisation and everything under it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from functools import cache
from typing import Final

import msgspec

from muster.identity.roles import ROLES, SYSTEM, TOKEN_SCOPES

OWN, ASKED = "own", "asked"
#: Owners of a sealed record, and of one that is opened for some hours.
SEALED, UNSEALED = "sealed", "unsealed"

#: What a matter belongs to: path of organisation -> its relation.
Access = Mapping[str, str]


class Cell(Enum):
    """One answer of the table."""

    NO = "."
    OWN = "O"
    PARTY = "P"
    UNIT = "U"


_COLUMNS: Final = {
    "CT": "call_taker",
    "DI": "dispatcher",
    "DC": "duty_chief",
    "SR": "station_room",
    "OF": "officer",
    "AN": "analyst",
    "PA": "partner",
    "VO": "volunteer",
    "AU": "auditor",
    "AD": "administrator",
    "SI": "simulator",
    "ck": SYSTEM[0],
    "re": SYSTEM[1],
}

# A call taker may raise a level and join a repeated call: neither can wait for somebody else.
# Cancelling and erasing end with a duty chief, so that a second pair of eyes is a senior one.
# Asked-in organisations send their own units; taking orders back stays with the owner.
# Words: what was said, with people masked in it. Who looks at whom is for auditors only:
# administrators make accounts and must not read, or mend, what the accounts were used for.
# Crews of partners and volunteers sign on and send positions; a dispatcher steps their orders.
TABLE: Final = """
                          CT DI DC SR OF AN PA VO AU AD SI ck re
incident.report            O  O  O  O  O  .  .  .  .  .  .  .  .
incident.complete          O  O  O  O  .  .  .  .  .  .  .  .  .
incident.remark            P  P  P  P  P  .  P  P  .  .  .  .  .
incident.correct_place     O  O  O  O  U  .  .  .  .  .  .  .  .
incident.correct_time      O  O  O  O  .  .  .  .  .  .  .  .  .
incident.categorise        O  O  O  O  .  .  .  .  .  .  .  .  .
incident.change_level      O  O  O  O  .  .  .  .  .  .  .  .  .
incident.dispatch          .  P  P  P  .  .  .  .  .  .  .  .  .
incident.withdraw          .  O  O  O  .  .  .  .  .  .  .  .  .
incident.transfer          .  O  O  O  .  .  .  .  .  .  .  .  .
incident.accept_transfer   .  P  P  P  .  .  P  .  .  .  .  .  .
incident.ask_in            .  O  O  O  .  .  .  .  .  .  .  .  .
incident.urge              O  O  O  O  .  .  .  .  .  .  .  .  .
incident.request_cancel    O  O  O  O  U  .  .  .  .  .  .  .  .
incident.confirm_cancel    .  .  O  .  .  .  .  .  .  .  .  .  .
incident.decline_cancel    .  .  O  .  .  .  .  .  .  .  .  .  .
incident.merge             O  O  O  O  .  .  .  .  .  .  .  .  .
incident.unmerge           .  O  O  O  .  .  .  .  .  .  .  .  .
incident.feed_back         .  O  O  O  U  .  U  .  .  .  .  .  .
incident.return_feedback   .  O  O  O  .  .  .  .  .  .  .  .  .
incident.close             .  O  O  O  .  .  .  .  .  .  .  .  .
incident.call_back         O  O  O  O  .  .  .  .  .  .  .  .  .
incident.archive           .  .  O  O  .  .  .  .  .  .  .  .  .
incident.erase_again       .  .  .  .  .  .  .  .  .  .  .  .  O
incident.clock             .  .  .  .  .  .  .  .  .  .  .  O  .
incident.reoffer           .  .  .  .  .  .  .  .  .  .  .  .  O
retention.place_hold       .  .  O  .  .  .  .  .  O  .  .  .  .
retention.lift_hold        .  .  O  .  .  .  .  .  O  .  .  .  .
retention.keep_longer      .  .  O  O  .  .  .  .  .  .  .  .  .
retention.propose_erasure  .  O  O  O  .  .  .  .  .  .  .  .  .
retention.decline_erasure  .  .  O  .  .  .  .  .  .  .  .  .  .
retention.approve_erasure  .  .  O  .  .  .  .  .  .  .  .  .  .
retention.seal             .  .  O  .  .  .  .  .  .  .  .  .  .
retention.ask_unsealing    .  .  O  .  .  .  .  .  .  .  .  .  .
retention.approve_unsealing .  .  O  .  .  .  .  .  O  .  .  .  .
retention.restrict         .  .  O  .  .  .  .  .  .  .  .  .  .
retention.lift_restriction .  .  O  .  .  .  .  .  .  .  .  .  .
retention.correct_caller   .  .  O  O  .  .  .  .  .  .  .  .  .
retention.keep_track       .  .  O  .  .  .  .  .  .  .  .  .  .
retention.clock            .  .  .  .  .  .  .  .  .  .  .  O  .
order.deliver              .  P  P  P  U  .  U  U  .  .  .  .  .
order.sign                 .  P  P  P  U  .  U  U  .  .  .  .  .
order.set_out              .  P  P  P  U  .  U  U  .  .  .  .  .
order.arrive               .  P  P  P  U  .  U  U  .  .  .  .  .
order.handle               .  P  P  P  U  .  U  U  .  .  .  .  .
order.finish               .  P  P  P  U  .  U  U  .  .  .  .  .
order.return               .  P  P  P  U  .  U  U  .  .  .  .  .
unit.sign_on               .  O  O  O  U  .  U  U  .  .  .  .  .
unit.sign_off              .  O  O  O  U  .  U  U  .  .  .  .  .
unit.set_status            .  O  O  O  U  .  U  U  .  .  .  .  .
telephone.notify           .  .  .  .  .  .  .  .  .  .  .  .  .
telephone.take             O  O  O  O  .  .  .  .  .  .  .  .  .
unit.call_for_help         .  O  O  O  U  .  U  U  .  .  .  .  .
position.report            .  .  .  .  U  .  U  U  .  .  .  .  .
read.incident              P  P  P  P  P  P  P  P  P  .  .  .  .
read.private               O  O  O  O  U  .  .  .  O  .  .  .  .
read.words                 P  P  P  P  P  .  P  U  O  .  .  .  .
read.units                 O  O  O  O  O  O  O  O  O  O  .  .  .
read.positions             O  O  O  O  O  .  O  .  O  .  .  .  .
read.summary               O  O  O  O  O  O  P  P  O  O  .  .  .
read.people                .  O  O  O  .  .  .  .  O  O  .  .  .
read.audit                 .  .  .  .  .  .  .  .  O  O  .  .  .
read.access_log            .  .  .  .  .  .  .  .  O  .  .  .  .
review.access_log          .  .  .  .  .  .  .  .  O  .  .  .  .
read.retention             .  .  O  O  .  .  .  .  O  .  .  .  .
read.sealed                .  .  .  .  .  .  .  .  O  .  .  .  .
read.unsealed              .  .  O  .  .  .  .  .  O  .  .  .  .
read.policy                .  .  .  .  .  .  .  .  O  O  .  .  .
manage.people              .  .  .  .  .  .  .  .  .  O  .  .  .
manage.policy              .  .  .  .  .  .  .  .  .  O  .  .  .
confirm.reset              .  .  O  .  .  .  .  .  .  O  .  .  .
confirm.trust              .  .  O  .  .  .  .  .  .  O  .  .  .
manage.units               .  .  O  .  .  .  .  .  .  O  .  .  .
manage.tokens              .  .  .  .  .  .  .  .  .  O  .  .  .
simulate.clock             .  .  .  .  .  .  .  .  .  .  O  .  .
"""

#: Operations whose matter does not exist before: only the input's organisation counts.
OPENING: Final = frozenset({"incident.report"})
READ: Final = "read.incident"
RETENTION: Final = "read.retention"

#: On a sealed record nothing can be done but look at it, by the right of its relation ...
_LOOKING: Final = frozenset({READ, "read.private", "read.words"})
_RIGHT: Final = {SEALED: "read.sealed", UNSEALED: "read.unsealed"}
#: ... and what concerns its keeping, also by those who do not see it.
_KEEPING: Final = "retention."


def parse(table: str) -> dict[tuple[str, str], Cell]:
    """(operation, role) -> cell. Raises ValueError for a missing, surplus or unknown cell, a row
    that stands twice, and a role without a column."""
    head, *rows = [line.split() for line in table.strip("\n").splitlines()]
    roles = [_COLUMNS[short] for short in head]
    if sorted(roles) != sorted([*ROLES, *SYSTEM]):
        raise ValueError("the columns of the table are not the roles")
    cells: dict[tuple[str, str], Cell] = {}
    for operation, *answers in rows:
        if len(answers) != len(roles):
            raise ValueError(f"{operation} has {len(answers)} cells for {len(roles)} roles")
        for role, answer in zip(roles, answers, strict=True):
            if (operation, role) in cells:
                raise ValueError(f"{operation} stands twice")
            cells[operation, role] = Cell(answer)
    return cells


OPERATIONS: Final[tuple[str, ...]] = tuple(dict.fromkeys(name for name, _ in parse(TABLE)))
CELLS: Final[Mapping[tuple[str, str], Cell]] = {
    **parse(TABLE),
    # A token's scopes are judged as roles are, by rows of the same table.
    **{
        (operation, scope): Cell(rows.get(operation, Cell.NO.value))
        for scope, rows in TOKEN_SCOPES.items()
        for operation in OPERATIONS
    },
}
#: How much a role may do at all; of two roles that suffice the lesser is used.
POWER: Final[Mapping[str, int]] = {
    role: sum(CELLS[name, role] is not Cell.NO for name in OPERATIONS)
    for role in (*ROLES, *TOKEN_SCOPES)
}


class Grant(msgspec.Struct, frozen=True, order=True):
    """A live grant: a role at an organisation, whose path says where that stands."""

    role: str
    organisation: str
    path: str


def covers(above: str, below: str) -> bool:
    """Whether the path `below` is in the area of the path `above`."""
    return below == above or below.startswith(above + ".")


def by_crew(operation: str, role: str) -> bool:
    """Whether the role may do this only for a unit the actor crews. Raises KeyError when the
    operation or role is not in the table."""
    return CELLS[operation, role] is Cell.UNIT


def suffices(grant: Grant, operation: str, access: Access) -> bool:
    """Whether the grant allows the operation on a matter that belongs to `access`."""
    fitting = relations(operation, grant.role)
    return any(
        relation in fitting and covers(grant.path, path) for path, relation in access.items()
    )


@cache
def relations(operation: str, role: str) -> frozenset[str]:
    """The relations a role's cell holds for."""
    cell = CELLS[operation, role]
    if cell is Cell.NO:
        return frozenset()
    found = {OWN} if cell is Cell.OWN else {OWN, ASKED}
    if operation in _LOOKING:
        found |= {one for one, right in _RIGHT.items() if CELLS[right, role] is not Cell.NO}
    elif operation == RETENTION or operation.startswith(_KEEPING):
        found |= {SEALED, UNSEALED}
    return frozenset(found)


def reachable(grants: Iterable[Grant], operation: str, access: Access) -> bool:
    """Whether the matter may be named in a command: it is visible, or it is sealed and the
    command is about its keeping."""
    held = list(grants)
    if visible(held, access):
        return True
    sealed = {path: one for path, one in access.items() if one in _RIGHT}
    return operation.startswith(_KEEPING) and any(suffices(g, operation, sealed) for g in held)


def suffices_at(grant: Grant, operation: str, path: str | None) -> bool:
    """Whether the grant allows what concerns no matter: at an organisation, or (None) at all."""
    cell = CELLS[operation, grant.role]
    return cell is not Cell.NO and (path is None or covers(grant.path, path))


def least(grants: Iterable[Grant], operation: str) -> Grant | None:
    """Of grants that suffice the least powerful one, then the nearest.

    A grant that asks for crewing the unit comes last: identity cannot see the crew, and a
    dispatcher who is an officer too acts for a unit as the dispatcher.
    """

    def order(grant: Grant) -> tuple[bool, int, int, Grant]:
        return by_crew(operation, grant.role), POWER[grant.role], -grant.path.count("."), grant

    return min(grants, key=order, default=None)


def choose(grants: Sequence[Grant], operation: str, accesses: Sequence[Access]) -> Grant | None:
    """The grant to act under, or None if some of the matters is not allowed.

    One grant for all matters if there is one, else the one for the first matter.
    """
    enough = [{g for g in grants if suffices(g, operation, access)} for access in accesses]
    if not enough or not all(enough):
        return None
    return least(set.intersection(*enough), operation) or least(enough[0], operation)


def visible(grants: Iterable[Grant], access: Access) -> bool:
    """Whether any of the grants lets its holder see the matter."""
    return any(suffices(grant, READ, access) for grant in grants)
