"""Reviews of sampled rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from psycopg import Connection

from muster.journal.audit import change
from muster.journal.refusal import Refused


class Review(msgspec.Struct, frozen=True):
    """抽查结果. `outcome`: proper, to_ask, improper."""

    number: int
    reviewer: str
    reviewed_at: datetime
    outcome: str
    note: str


def reviews(connection: Connection[Any], numbers: Sequence[int]) -> dict[int, Review]:
    """By the number of the row."""
    rows = connection.execute(
        "SELECT number, reviewer, reviewed_at, outcome, note FROM access_review"
        " WHERE number = ANY(%s)",
        (list(numbers),),
    ).fetchall()
    return {row[0]: Review(*row) for row in rows}


def write_review(connection: Connection[Any], review: Review) -> None:
    """Once for each row. Raises Refused("review.done")."""
    if reviews(connection, [review.number]):
        raise Refused("review.done")
    change(
        connection,
        "access_review",
        {"number": review.number},
        {
            "reviewer": review.reviewer,
            "reviewed_at": review.reviewed_at,
            "outcome": review.outcome,
            "note": review.note,
        },
        actor=review.reviewer,
        reason="sample reviewed",
    )
