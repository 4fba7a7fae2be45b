"""Who may be a second person, and for whom.

A confirmation by somebody whom the asking person made is none. So a second person's own role was
itself confirmed, or came from the installation, the first link or the machine; and of the two
neither has ever handed the other a password.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from psycopg import Connection

from muster.identity.authority import Grant, suffices_at
from muster.identity.organisations import path_of
from muster.identity.people import find_person
from muster.identity.trust import tables
from muster.journal.refusal import Refused

MANAGE: Final = "manage.people"

Database = Connection[Any]
#: Who asked, and who would be the second person.
Pair = tuple[str, str]


def holds(connection: Database, person: str, right: str, path: str, now: datetime) -> bool:
    """Whether somebody has a right at a path now."""
    return any(
        suffices_at(Grant(one.role, one.organisation, one.path), right, path)
        for one in tables.held(connection, person, now)
    )


def stands(connection: Database, person: str, right: str, path: str, now: datetime) -> bool:
    """Whether somebody has a right at a path by a grant that more than one person stands behind."""
    return any(
        one.confirmed_by is not None
        and suffices_at(Grant(one.role, one.organisation, one.path), right, path)
        for one in tables.held(connection, person, now)
    )


def areas_of(connection: Database, person: str, now: datetime) -> list[str]:
    """The paths at which somebody belongs or holds a role, now or later: who decides about the
    person's sign-in decides about all of them."""
    home = path_of(connection, find_person(connection, person).organisation)
    return [home, *tables.paths_held(connection, person, now)]


def check_second(
    connection: Database, pair: Pair, right: str, paths: Sequence[str], now: datetime
) -> None:
    """Whether the other of the pair is a second person to whoever asked, for these paths.

    Raises Refused: trust.gone (who asked is not in charge any more), trust.alone (one person alone
    gave the second one the right), trust.pair (one of the two has handed the other a password).
    """
    asked_by, second = pair
    if not all(holds(connection, asked_by, MANAGE, path, now) for path in paths[:1]):
        raise Refused("trust.gone")
    if not all(stands(connection, second, right, path, now) for path in paths):
        raise Refused("trust.alone")
    by_asker = tables.vouched_by(connection, second) == asked_by
    if by_asker or tables.vouched_by(connection, asked_by) == second:
        raise Refused("trust.pair")
