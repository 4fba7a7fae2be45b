"""The public report says what the logs say, and points at nobody."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta

import psycopg
from hypothesis import given
from hypothesis import strategies as st

from muster.identity.looks.look import Justification, Look
from muster.identity.looks.tables import append
from muster.journal.context import Actor
from muster.review.transparency.report import SMALL, Counts, html, report
from muster.review.transparency.tables import counts
from tests.instance import Database

SINCE, UNTIL = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
NOTHING = Counts({}, {}, {}, 0, {}, 0)


def look(at: datetime, what: str, outcome: str, why: str) -> Look:
    return Look(
        at=at,
        actor=Actor("示例", ""),
        what=what,
        outcome=outcome,  # type: ignore[arg-type]
        matter=str(uuid.uuid4()),
        role="dispatcher",
        organisation="zhoushan",
        why=Justification(why),
    )


def test_figures_are_a_recount_of_the_log(city_database: Database) -> None:
    inside = [SINCE + timedelta(days=day) for day in range(0, 60, 5)]
    looks = [look(at, "matter.opened", "shown", "order") for at in inside]
    looks += [look(at, "matter.opened", "denied", "no_task") for at in inside[:7]]
    looks += [look(at, "caller.unmasked", "shown", "no_task") for at in inside[:3]]
    outside = [look(UNTIL, "matter.opened", "shown", "order")]
    outside += [look(SINCE - timedelta(seconds=1), "matter.opened", "shown", "order")]
    with psycopg.connect(city_database.owner_dsn) as connection:
        append(connection, [*looks, *outside])
        found = counts(connection, SINCE, UNTIL)
        again = Counter(
            (what, role, outcome, why)
            for at, what, role, outcome, why in connection.execute(
                "SELECT at, what, role, outcome, justification FROM access_log"
            )
            if SINCE <= at < UNTIL
        )
    assert found.looks == dict(again) and sum(again.values()) == len(looks)
    made = report(found, city="示例", since=SINCE, until=UNTIL)
    figures = {line.en: line.count for section in made.sections for line in section.lines}
    assert figures["matters opened"] == 19 and figures["denied"] == 7
    assert figures["an order the person crews"] == 12
    assert figures["callers unmasked by an explicit act"] is None  # three: under five
    assert figures["no task at hand"] == 0  # denied ones opened nothing


@given(st.dictionaries(st.sampled_from(["proper", "improper", "sonst"]), st.integers(0, 40)))
def test_no_figure_is_small_enough_to_point_at_somebody(reviews: dict[str, int]) -> None:
    made = report(Counts({}, {}, reviews, 0, {}, 0), city="示例", since=SINCE, until=UNTIL)
    shown = [line.count for section in made.sections for line in section.lines]
    assert not {count for count in shown if count is not None and 0 < count < SMALL}
    assert shown.count(None) == sum(0 < count < SMALL for count in reviews.values())


def test_the_page_is_whole_and_needs_nothing_from_elsewhere() -> None:
    page = html(report(NOTHING, city="<示例>", since=SINCE, until=UNTIL))
    assert "&lt;示例&gt;" in page and "<示例>" not in page
    assert "http" not in page and "<script" not in page
