"""接警: what a call must say, its times, place, category and level, and their corrections."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from muster.command.incidents import facts, inputs
from muster.command.incidents.decide import FUTURE_TOLERANCE, PAST_LIMIT

from .city import CREW, NORTH, SECONDS
from .town import START, Town, call, fact_of, kinds

SECOND = timedelta(seconds=1)


def refused(**changed: Any) -> str:
    town = Town()
    asked = call(town, **changed)
    return town.refusal(asked.id, "incident.report", asked)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_a_call_opens_a_waiting_matter_with_its_clock() -> None:
    town = Town()
    matter = town.report()
    state = town.state(matter)
    assert (state.state, state.level, state.category) == ("waiting", 3, "theft")
    assert state.organisation == state.jurisdiction == NORTH
    assert state.due == {"wait": START + timedelta(seconds=SECONDS["wait"])}
    assert kinds(town.matters[matter]) == ["incident.reported"]


def test_the_level_is_the_category_s_unless_said() -> None:
    town = Town()
    assert town.state(town.report(category="drowning")).level == 1
    assert town.state(town.report(category="drowning", level=4)).level == 4


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"category": "unheard"}, "category.unknown"),
        ({"channel": "pigeon"}, "channel.unknown"),
        ({"organisation": "elsewhere"}, "organisation.unknown"),
        # 报警 ≤ 接警 ≤ 接警完成
        ({"answered_at": at(-61)}, "time.order"),
        ({"answered_at": at(-60)}, ""),
        ({"call_ended_at": at(-51)}, "time.order"),
        ({"call_ended_at": at(-50)}, ""),
        ({"call_ended_at": None}, ""),
    ],
)
def test_what_a_call_must_say(changed: dict[str, Any], code: str) -> None:
    assert refused(**changed) == code


@pytest.mark.parametrize("field", ["reported_at", "answered_at", "call_ended_at"])
def test_times_are_neither_in_the_future_nor_of_another_year(field: str) -> None:
    names = ("reported_at", "answered_at", "call_ended_at")
    late, early = START + FUTURE_TOLERANCE, START - PAST_LIMIT
    later = dict.fromkeys(names[names.index(field) :], late)
    assert refused(**later) == ""
    assert refused(**{**later, field: late + SECOND}) == "time.impossible"
    earlier = dict.fromkeys(names[: names.index(field) + 1], early)
    assert refused(**earlier) == ""
    assert refused(**{**earlier, field: early - SECOND}) == "time.impossible"


def test_a_call_still_going_on_is_completed_later() -> None:
    town = Town()
    matter = town.report(complete=False, call_ended_at=None)
    town.wait(30)
    early = inputs.Complete(town.state(matter).answered_at - SECOND)
    assert town.refusal(matter, "incident.complete", early) == "time.order"
    future = inputs.Complete(town.now + FUTURE_TOLERANCE + SECOND)
    assert town.refusal(matter, "incident.complete", future) == "time.impossible"
    town.do(matter, "incident.complete", inputs.Complete(town.now))
    state = town.state(matter)
    assert (state.state, state.call_ended_at) == ("waiting", town.now)
    assert state.due == {"wait": town.now + timedelta(seconds=SECONDS["wait"])}


@pytest.mark.parametrize(
    ("field", "seconds", "code"),
    [
        ("reported_at", -55, ""),
        ("reported_at", -49, "time.order"),
        ("answered_at", -55, ""),
        ("answered_at", -61, "time.order"),
        ("answered_at", -19, "time.order"),
        ("call_ended_at", -51, "time.order"),
        ("call_ended_at", 100, ""),
        ("call_ended_at", 301, "time.impossible"),
    ],
)
def test_a_wrong_time_is_corrected_by_a_new_fact(field: Any, seconds: int, code: str) -> None:
    town = Town()
    matter = town.report()
    was, opened = getattr(town.state(matter), field), town.matters[matter][0]
    asked = inputs.CorrectTime(field, at(seconds), "示例")
    assert town.refusal(matter, "incident.correct_time", asked) == code
    assert getattr(town.state(matter), field) == (was if code else at(seconds))
    assert getattr(opened.fact, field) == was
    assert town.matters[matter][0] == opened
    if not code:
        fact = fact_of(town.matters[matter][-1], facts.IncidentTimeCorrected)
        assert (fact.field, fact.was, fact.at) == (field, was, at(seconds))


def test_a_wrong_place_is_corrected_and_the_first_one_stays() -> None:
    town = Town()
    matter = town.report()
    first = town.state(matter).place
    asked = inputs.CorrectPlace(inputs.Place(122.2, 30.2), "示例")
    town.do(matter, "incident.correct_place", asked)
    assert town.state(matter).place != first
    assert fact_of(town.matters[matter][0], facts.IncidentReported).place == first


def test_the_final_category_stands_beside_the_first() -> None:
    town = Town()
    matter = town.report()
    town.do(matter, "incident.categorise", inputs.Categorise("drowning", final=True))
    assert (town.state(matter).category, town.state(matter).category_final) == (
        "theft",
        "drowning",
    )
    town.do(matter, "incident.categorise", inputs.Categorise("drowning"))
    assert town.state(matter).category == "drowning"
    unknown = inputs.Categorise("unheard")
    assert town.refusal(matter, "incident.categorise", unknown) == "category.unknown"


@pytest.mark.parametrize(("was", "level", "told"), [(3, 2, True), (4, 3, False), (1, 2, False)])
def test_raising_to_a_grave_level_tells_the_duty_chief(was: int, level: int, told: bool) -> None:
    town = Town()
    matter = town.report(level=was)
    assert town.refusal(matter, "incident.change_level", inputs.ChangeLevel(was, "x")) == (
        "level.same"
    )
    entries = town.do(matter, "incident.change_level", inputs.ChangeLevel(level, "示例"))
    assert ("incident.escalated" in kinds(entries)) is told
    assert (town.state(matter).level, town.state(matter).escalated) == (level, told)


def test_an_officer_s_own_discovery_is_on_scene_at_once() -> None:
    town = Town()
    order = town.fresh()
    asked = call(town, officer_unit="n1", officer_order=order)
    stranger = {"person": CREW["n2"][0], "role": "officer"}
    assert town.refusal(asked.id, "incident.report", asked, **stranger) == "order.not_yours"
    town.do(asked.id, "incident.report", asked, person=CREW["n1"][0], role="officer")
    state = town.state(asked.id)
    assert (state.state, state.orders[order].unit) == ("on_scene", "n1")
    assert set(state.due) == {"first_feedback", "final_feedback"}
    assert fact_of(town.matters[asked.id][0], facts.IncidentReported).officer_initiated
    again = call(town, officer_unit="n1", officer_order=town.fresh())
    assert town.refusal(again.id, "incident.report", again) == "unit.unavailable"


@pytest.mark.parametrize(
    ("unit", "order", "code"),
    [("n1", None, "input.invalid"), ("ghost", "x", "unit.unknown")],
)
def test_an_officer_s_report_names_a_real_unit_and_an_order(
    unit: str, order: str | None, code: str
) -> None:
    assert refused(officer_unit=unit, officer_order=order) == code
