"""Refused at the door: wrong passwords and codes, lock-outs, expired tokens, forged requests.

What somebody signed in was not allowed to see or do stands in the access log, which is chained;
here stands what happened before anybody was known, and what was tried in somebody's name. Equal
denials of one minute are one row that counts: a flood fills no disk.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from psycopg import Connection

from muster.identity.sign_in import tables


class Denial(msgspec.Struct, frozen=True, kw_only=True):
    """One refusal, without any text of a person. `what`: the code of the refusal. `person`: if
    known. `username_hash`: of what was typed as a username. `route`: the template of the path."""

    at: datetime
    what: str
    person: str | None = None
    username_hash: bytes | None = None
    address: str = ""
    method: str = ""
    route: str = ""


def record(connection: Connection[Any], denial: Denial) -> None:
    """Keep it, or count it to the same of this minute."""
    minute = denial.at.replace(second=0, microsecond=0)
    tables.add_denial(
        connection,
        {
            "minute": minute,
            "at": denial.at,
            "what": denial.what[:64],
            "person": denial.person,
            "username_hash": denial.username_hash,
            "address": denial.address[:64],
            "method": denial.method[:16],
            "route": denial.route[:200],
        },
    )
