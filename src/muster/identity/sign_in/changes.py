"""What was changed of somebody's sign-in: told wherever it was not done, until it is read."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, Final

import msgspec
from psycopg import Connection

from muster.identity.sign_in import tables
from muster.identity.sign_in.tables import ChangeRow, SessionRow
from muster.journal.audit import change
from muster.journal.refusal import Refused

PASSWORD, FACTOR, FACTOR_OFF = "password", "factor", "factor_off"
CODES, IDENTITY, IDENTITY_OFF = "codes", "identity", "identity_off"
#: How many are shown at once; the older ones come when these are read.
SHOWN: Final = 20

Database = Connection[Any]


def tell(
    connection: Database,
    person: str,
    what: str,
    *,
    by: str,
    at: datetime,
    here: SessionRow | None = None,
) -> None:
    """Keep for a person that something was changed. `here`: the own session it was done in, which
    is not told."""
    row = ChangeRow(str(uuid.uuid4()), person, what, at, by)
    if here is not None:
        row = msgspec.structs.replace(row, session=here.id, address=here.address, agent=here.agent)
    values = msgspec.structs.asdict(row)
    key = {"id": values.pop("id")}
    change(connection, "sign_in_change", key, values, actor=by, reason=f"{what} told")


def tell_here(connection: Database, session_hash: bytes, what: str, at: datetime) -> None:
    """The same for what a person has just done in the own session."""
    here = tables.live_session(connection, session_hash, at)
    if here is not None:
        tell(connection, here.person.id, what, by=here.person.id, at=at, here=here)


def unseen(connection: Database, session_hash: bytes, now: datetime) -> list[ChangeRow]:
    """What the owner of a session has not read yet and did not do in it, the oldest first."""
    here = tables.live_session(connection, session_hash, now)
    if here is None:
        raise Refused("session.required")
    return tables.unseen_changes(connection, here.person.id, here.id, SHOWN)


def read(connection: Database, person: str, told: str, *, now: datetime) -> None:
    """The person has read it. Raises Refused("change.unknown")."""
    if not tables.change_waits(connection, person, told):
        raise Refused("change.unknown")
    values = {"seen_at": now}
    change(connection, "sign_in_change", {"id": told}, values, actor=person, reason="read")
