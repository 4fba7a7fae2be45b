"""Counts from the journal, the access log and the registers. The only SQL of the report."""

from __future__ import annotations

from datetime import datetime
from typing import Any, LiteralString

from psycopg import Connection

from muster.review.transparency.report import Counts

Span = tuple[datetime, datetime]


def counts(connection: Connection[Any], since: datetime, until: datetime) -> Counts:
    """What was recorded from `since` on and before `until`. One snapshot, if the caller's
    transaction has one."""
    span = (since, until)
    return Counts(
        entries=_by(connection, _ENTRIES, span),
        looks=_looks(connection, span),
        reviews=_by(connection, _REVIEWS, span),
        erasures=sum(_by(connection, _ERASURES, span).values()),
        changes=_by(connection, _CHANGES, span),
        clock_jumps=sum(_by(connection, _JUMPS, span).values()),
    )


_ENTRIES: LiteralString = """SELECT kind, count(*) FROM entry
WHERE recorded_at >= %s AND recorded_at < %s GROUP BY kind"""
_REVIEWS: LiteralString = """SELECT outcome, count(*) FROM access_review
WHERE reviewed_at >= %s AND reviewed_at < %s GROUP BY outcome"""
_ERASURES: LiteralString = """SELECT 'erased', count(*) FROM erasure
WHERE erased_at >= %s AND erased_at < %s"""
_CHANGES: LiteralString = """SELECT table_name, count(*) FROM audit
WHERE recorded_at >= %s AND recorded_at < %s AND table_name <> 'session' GROUP BY table_name"""
_JUMPS: LiteralString = """SELECT 'jump', count(*) FROM clock_jump WHERE at >= %s AND at < %s"""
_LOOKS: LiteralString = """SELECT what, role, outcome, justification, count(*) FROM access_log
WHERE at >= %s AND at < %s GROUP BY what, role, outcome, justification"""


def _by(connection: Connection[Any], statement: LiteralString, span: Span) -> dict[str, int]:
    return dict(connection.execute(statement, span).fetchall())


def _looks(connection: Connection[Any], span: Span) -> dict[tuple[str, str, str, str], int]:
    rows = connection.execute(_LOOKS, span).fetchall()
    return {(what, role, outcome, why): count for what, role, outcome, why, count in rows}
