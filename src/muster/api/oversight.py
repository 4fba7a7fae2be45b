"""Misuse found in the access log, and the sample an auditor reviews: doors of `review`."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal

import msgspec
from litestar import get, post
from litestar.params import Parameter
from psycopg import Connection

from muster.api.opening import disclosed, reads
from muster.api.platform import Platform, RunningPlatform
from muster.api.review import LookView, view_of
from muster.command.incidents.view import Person
from muster.identity import tables as identity_tables
from muster.identity.authoriser import authorise, scope_of
from muster.identity.looks import tables as looks
from muster.identity.looks.look import LookRow
from muster.identity.looks.tables import Wanted
from muster.identity.people import names_of
from muster.identity.reader import Reader
from muster.journal.clock import real_now
from muster.journal.context import Actor
from muster.journal.entry import check_input
from muster.journal.refusal import Refused
from muster.review.oversight import tables
from muster.review.oversight.finding import Finding
from muster.review.oversight.rules import findings
from muster.review.oversight.sample import BLOCK, assigned_to, is_drawn, of_areas

READ_LOG: Final = "read.access_log"
REVIEW: Final = "review.access_log"
MOST_ROWS: Final = 200_000
DAYS_OF_SAMPLE: Final = 14
Outcome = Literal["proper", "to_ask", "improper"]


class FindingView(msgspec.Struct, frozen=True, kw_only=True):
    """A rule, whom or which matter it names, the rows it rests on (`count` of them, at most a
    hundred named), and why, in both languages."""

    rule: str
    person: str
    name: str
    matter: str
    first: datetime
    last: datetime
    count: int
    rows: tuple[int, ...]
    values: dict[str, int]
    why_zh: str
    why_en: str


class Findings(msgspec.Struct, frozen=True):
    """Per rule, never summed up. `looked`: rows of the log that were gone through."""

    items: list[FindingView]
    looked: int
    since: datetime


class Sampled(msgspec.Struct, frozen=True, kw_only=True):
    """A drawn row. `assigned`: whose turn it is, None when nobody is left. `review`: None until
    somebody, the `reviewer`, has reviewed it."""

    row: LookView
    assigned: Person | None
    review: tables.Review | None
    reviewer: Person | None


class Sample(msgspec.Struct, frozen=True):
    """Newest first."""

    items: list[Sampled]


class ReviewGiven(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`row`: the number of a sampled row."""

    row: Annotated[int, msgspec.Meta(ge=1, le=2**53 - 1)]
    outcome: Outcome
    note: Annotated[str, msgspec.Meta(max_length=500)] = ""


@get(
    "/api/oversight/findings",
    sync_to_thread=True,
    opt=reads("oversight.read"),
    operation_id="list_findings",
    summary="疑似不当查阅: what rules find in the access log",
)
def list_findings(
    platform: Platform,
    actor: Actor,
    days: Annotated[int, Parameter(ge=1, le=31, description="so many days back")] = 7,
) -> Findings:
    since = platform.clock.now() - timedelta(days=days)
    with platform.pool.connection() as connection:
        authority = authorise(connection, actor, READ_LOG)
        paths = scope_of(connection, actor).paths(READ_LOG)
        rows = looks.rows(connection, Wanted(since=since, limit=MOST_ROWS), paths)
        found = findings(rows)
        names = names_of(connection, {one.person for one in found})
    disclosed(
        platform, actor, authority, "oversight.read", count=len(found), subject=f"days={days}"
    )
    return Findings([_finding(one, names) for one in found], len(rows), since)


def _finding(one: Finding, names: Mapping[str, str]) -> FindingView:
    fields = {name: getattr(one, name) for name in one.__struct_fields__}
    fields |= {"rows": one.rows[-100:], "count": len(one.rows), "name": names.get(one.person, "")}
    return FindingView(**fields)


@get(
    "/api/oversight/sample",
    sync_to_thread=True,
    opt=reads("oversight.read"),
    operation_id="list_sample",
    summary="抽查: rows drawn for review",
)
def list_sample(platform: Platform, actor: Actor) -> Sample:
    """Drawn from each hundred rows that is full, of the last fourteen days of one's area."""
    since = platform.clock.now() - timedelta(days=DAYS_OF_SAMPLE)
    with platform.pool.connection() as connection:
        authority = authorise(connection, actor, REVIEW)
        paths = scope_of(connection, actor).paths(REVIEW)
        drawn = _drawn(connection, Wanted(since=since, limit=MOST_ROWS), paths)
        items = _sampled(connection, drawn)
    disclosed(platform, actor, authority, "oversight.read", count=len(items), subject="sample")
    return Sample(items)


@post(
    "/api/oversight/sample",
    sync_to_thread=True,
    operation_id="review_look",
    summary="抽查结果: what came of a drawn row",
)
def review_look(platform: Platform, actor: Actor, data: ReviewGiven) -> Sampled:
    """Once for each row, by an auditor of the area who is not the one who looked."""
    check_input(data)
    with platform.pool.connection() as connection:
        authorise(connection, actor, REVIEW)
        paths = scope_of(connection, actor).paths(REVIEW)
        drawn = _drawn(connection, Wanted(number=data.row, limit=1), paths)
        if not drawn:
            raise Refused("review.unknown")
        if drawn[0][0].actor == actor.person:
            raise Refused("review.own")
        review = tables.Review(
            data.row, actor.person, platform.clock.now(), data.outcome, data.note
        )
        tables.write_review(connection, review)
        return _sampled(connection, drawn)[0]


def to_review(platform: RunningPlatform, reader: Reader, matter: str) -> bool:
    """Whether a look at this matter waits for the reader's review: then the auditor has work at
    hand there. Not the own looks."""
    paths = reader.scope.paths(REVIEW)
    if not paths:
        return False
    since = platform.clock.now() - timedelta(days=DAYS_OF_SAMPLE)
    wanted = Wanted(matter=matter, since=since, limit=MOST_ROWS)
    mine = [
        row
        for row, _seed in _drawn(reader.connection, wanted, paths)
        if row.actor != reader.actor.person
    ]
    done = tables.reviews(reader.connection, [row.number for row in mine])
    return any(row.number not in done for row in mine)


def _drawn(
    connection: Connection[Any], wanted: Wanted, paths: Sequence[str]
) -> list[tuple[LookRow, str]]:
    seeded = looks.seeded(connection, wanted, paths, block=BLOCK)
    return [(row, seed) for row, seed in seeded if is_drawn(row, seed)]


def _sampled(connection: Connection[Any], drawn: Sequence[tuple[LookRow, str]]) -> list[Sampled]:
    auditors: dict[str, list[str]] = {}
    for person, path in identity_tables.holders(connection, "auditor", real_now()):
        auditors.setdefault(person, []).append(path)
    paths = {one.id: one.path for one in identity_tables.organisations(connection)}
    done = tables.reviews(connection, [row.number for row, _ in drawn])
    turns = {
        row.number: assigned_to(row, seed, of_areas(auditors, paths.get(row.organisation, "")))
        for row, seed in drawn
    }
    people = {row.actor for row, _ in drawn} | {one.reviewer for one in done.values()}
    names = names_of(connection, people | set(turns.values()))
    return [
        Sampled(
            row=view_of(row, names),
            assigned=_person(turns[row.number], names),
            review=done.get(row.number),
            reviewer=_person(done[row.number].reviewer, names) if row.number in done else None,
        )
        for row, _seed in drawn
    ]


def _person(person: str, names: Mapping[str, str]) -> Person | None:
    return Person(person, names.get(person, "")) if person else None


HANDLERS: Final = (list_findings, list_sample, review_look)
