"""Transfer, asking in, cancelling by two people, merging, feedback and review, erasing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from muster.command.incidents import facts, inputs

from .city import CITY, CREW, NORTH, SECONDS, SOUTH
from .stages import at_stage
from .town import Town, because, fact_of, feedback, kinds, sent, take

CHIEF: dict[str, Any] = {"person": "chief", "role": "duty_chief"}


def after(town: Town, name: str) -> Any:
    return town.now + timedelta(seconds=SECONDS[name])


# --- 转办 and asking in --------------------------------------------------------------------


def test_the_first_receiver_keeps_it_until_the_other_accepts() -> None:
    town = Town()
    matter = town.report()
    town.do(matter, "incident.transfer", inputs.Transfer(SOUTH, "示例"))
    state = town.state(matter)
    assert (state.organisation, state.offered_to) == (NORTH, SOUTH)
    assert state.due["transfer_accept"] == after(town, "transfer_accept")
    again = inputs.Transfer(CITY, "示例")
    assert town.refusal(matter, "incident.transfer", again) == "transfer.pending"
    assert town.refusal(matter, "incident.accept_transfer", organisation=NORTH) == (
        "authority.denied"
    )
    town.do(matter, "incident.accept_transfer", organisation=SOUTH)
    state = town.state(matter)
    assert (state.organisation, state.offered_to) == (SOUTH, "")
    assert "transfer_accept" not in state.due
    assert NORTH in state.asked  # who gave it away still sees it


def test_a_superior_accepts_for_its_station() -> None:
    town = Town()
    matter = town.report()
    town.do(matter, "incident.transfer", inputs.Transfer(SOUTH, "示例"))
    town.do(matter, "incident.accept_transfer", organisation=CITY)
    assert town.state(matter).organisation == SOUTH


@pytest.mark.parametrize(
    ("operation", "kind"),
    [("incident.transfer", inputs.Transfer), ("incident.ask_in", inputs.AskIn)],
)
def test_only_other_known_organisations(operation: str, kind: Any) -> None:
    town = Town()
    matter = town.report()
    assert town.refusal(matter, operation, kind("nowhere", "x")) == "organisation.unknown"
    assert town.refusal(matter, operation, kind(NORTH, "x")) == "organisation.same"


def test_who_is_asked_in_is_asked_once() -> None:
    town = Town()
    matter = town.report()
    town.do(matter, "incident.ask_in", inputs.AskIn("harbour", "示例"))
    assert town.state(matter).asked == {"harbour"}
    again = inputs.AskIn("harbour", "示例")
    assert town.refusal(matter, "incident.ask_in", again) == "organisation.same"


# --- 无效/撤销: two people ------------------------------------------------------------------


def cancel_asked(town: Town, matter: str) -> None:
    town.do(matter, "incident.request_cancel", inputs.RequestCancel("invalid", "示例"), **CHIEF)


def test_the_one_who_asked_cannot_confirm() -> None:
    town = Town()
    matter = town.report()
    cancel_asked(town, matter)
    assert town.state(matter).due["cancel_confirm"] == after(town, "cancel_confirm")
    assert town.refusal(matter, "incident.confirm_cancel", **CHIEF) == "cancel.same_person"
    assert town.state(matter).state == "waiting"
    town.do(matter, "incident.confirm_cancel", person="other", role="duty_chief")
    assert town.state(matter).state == "cancelled"
    assert fact_of(town.matters[matter][-1], facts.IncidentCancelled).why == "invalid"
    assert town.state(matter).due == {}


def test_a_request_stands_alone_and_can_be_declined() -> None:
    town = Town()
    matter = town.report()
    cancel_asked(town, matter)
    again = inputs.RequestCancel("cancelled", "示例")
    assert town.refusal(matter, "incident.request_cancel", again) == "cancel.pending"
    town.do(matter, "incident.decline_cancel", because(), **CHIEF)
    state = town.state(matter)
    assert (state.cancel_asked_by, state.cancel_why) == ("", "")
    assert "cancel_confirm" not in state.due
    town.do(matter, "incident.request_cancel", again)


def test_units_on_the_way_are_called_back_first() -> None:
    town, matter = at_stage("UW")
    cancel_asked(town, matter)
    other: dict[str, Any] = {"person": "other", "role": "duty_chief"}
    assert town.refusal(matter, "incident.confirm_cancel", **other) == "orders.active"
    order = next(iter(town.state(matter).orders))
    town.do(matter, "incident.withdraw", inputs.Withdraw(order, "示例"))
    town.do(matter, "incident.confirm_cancel", **other)
    assert town.state(matter).state == "cancelled"


def test_an_officer_asks_to_cancel_only_his_own() -> None:
    town, matter = at_stage("OS")
    asked = inputs.RequestCancel("invalid", "示例")
    stranger: dict[str, Any] = {"person": CREW["s1"][0], "role": "officer"}
    assert town.refusal(matter, "incident.request_cancel", asked, **stranger) == "order.not_yours"
    town.do(matter, "incident.request_cancel", asked, person=CREW["n1"][0], role="officer")


def test_the_closing_feedback_settles_a_cancellation() -> None:
    town, matter = at_stage("HA")
    cancel_asked(town, matter)
    town.do(matter, "incident.feed_back", feedback())
    assert town.state(matter).cancel_asked_by == ""
    assert "cancel_confirm" not in town.state(matter).due


# --- 合并 -----------------------------------------------------------------------------------


def test_a_duplicate_keeps_its_journal_and_comes_out_again() -> None:
    town = Town()
    main, copy = town.report(), town.report()
    entries = town.do(copy, "incident.merge", inputs.Merge(main, "示例"))
    assert [(e.matter, e.kind) for e in entries] == [
        (copy, "incident.merged"),
        (main, "incident.absorbed"),
    ]
    assert (town.state(copy).state, town.state(copy).merged_into) == ("merged", main)
    assert town.state(main).duplicates == {copy}
    town.wait(60)
    town.do(copy, "incident.unmerge", inputs.Unmerge(main, "示例"))
    state = town.state(copy)
    assert (state.state, state.merged_into) == ("waiting", None)
    assert state.due == {"wait": after(town, "wait")}
    assert town.state(main).duplicates == set()


def test_what_cannot_be_merged() -> None:
    town = Town()
    main, copy, third = town.report(), town.report(), town.report()

    def merge(one: str, into: str) -> str:
        return town.refusal(one, "incident.merge", inputs.Merge(into, "示例"))

    assert merge(main, main) == "merge.itself"
    assert merge(main, town.fresh()) == "matter.unknown"
    assert merge(copy, main) == ""
    assert merge(main, third) == "merge.has_duplicates"  # no chains of duplicates
    assert merge(third, copy) == "merge.main_closed"  # nor a duplicate of a duplicate
    elsewhere = inputs.Unmerge(third, "示例")
    assert town.refusal(copy, "incident.unmerge", elsewhere) == "merge.not_there"


def test_a_merged_matter_that_was_handled_still_owes_its_feedback() -> None:
    town, matter = at_stage("LE")
    main = town.report()
    town.do(matter, "incident.merge", inputs.Merge(main, "示例"))
    town.do(matter, "incident.unmerge", inputs.Unmerge(main, "示例"))
    assert town.state(matter).state == "handling"
    assert set(town.state(matter).due) == {"final_feedback"}


# --- 反馈, 审核, 办结, 回访, 归档 -------------------------------------------------------------


def test_first_and_closing_feedback() -> None:
    town, matter = at_stage("OS")
    assert {"first_feedback", "final_feedback"} <= set(town.state(matter).due)
    town.do(matter, "incident.feed_back", feedback(final=False, final_category="drowning"))
    assert town.state(matter).state == "on_scene"
    assert "first_feedback" not in town.state(matter).due
    town.do(matter, "incident.feed_back", feedback())
    state = town.state(matter)
    assert (state.state, state.category_final) == ("reported", "drowning")
    assert state.due == {"review": after(town, "review")}
    assert state.feedback is not None and state.feedback.final


def test_feedback_names_a_known_category() -> None:
    town, matter = at_stage("OS")
    asked = feedback(final_category="unheard")
    assert town.refusal(matter, "incident.feed_back", asked) == "category.unknown"


def test_an_officer_feeds_back_only_his_own() -> None:
    town, matter = at_stage("OS")
    stranger: dict[str, Any] = {"person": CREW["s1"][0], "role": "officer"}
    assert town.refusal(matter, "incident.feed_back", feedback(), **stranger) == "order.not_yours"
    town.do(matter, "incident.feed_back", feedback(), person=CREW["n1"][0], role="officer")


def test_the_review_sends_back_and_the_feedback_is_owed_again() -> None:
    town, matter = at_stage("RP")
    town.do(matter, "incident.return_feedback", because())
    state = town.state(matter)
    assert (state.state, state.feedback) == ("handling", None)
    assert state.due == {"final_feedback": after(town, "final_feedback")}
    town.do(matter, "incident.feed_back", feedback())
    town.do(matter, "incident.close")
    assert town.state(matter).due == {"call_back": after(town, "call_back")}


def test_clocks_of_units_run_on_after_the_closing_feedback() -> None:
    town, matter = at_stage("HA")
    late = town.fresh()
    town.do(matter, "incident.dispatch", sent(("s1", late)))
    town.do(matter, "incident.feed_back", feedback())
    assert set(town.state(matter).due) == {"review", f"sign:{late}"}
    town.run_clock(matter, f"sign:{late}")
    assert town.state(matter).orders[late].state == "lapsed"


def test_the_whole_way() -> None:
    town = Town()
    matter, order = town.report(), town.fresh()
    town.do(matter, "incident.dispatch", sent(("n1", order)))
    seen = [town.state(matter).state]
    for name in ("sign", "set_out", "arrive", "handle"):
        take(town, matter, order, name)
        seen.append(town.state(matter).state)
    take(town, matter, order, "finish")
    for name, asked in (
        ("feed_back", feedback()),
        ("close", None),
        ("call_back", inputs.CallBack(1, "示例：满意")),
        ("archive", None),
    ):
        town.do(matter, f"incident.{name}", asked)
        seen.append(town.state(matter).state)
    assert seen == [
        "dispatched",
        "signed",
        "under_way",
        "on_scene",
        "handling",
        "reported",
        "closed",
        "called_back",
        "archived",
    ]
    assert (town.state(matter).rating, town.state(matter).due) == (1, {})


# --- erasing --------------------------------------------------------------------------------


def test_erasing_stops_every_clock() -> None:
    """A clock of an erased matter could never be performed and would stop all others."""
    town, matter = at_stage("CL")
    assert set(town.state(matter).due) == {"call_back"}
    town.erase(matter)
    assert town.state(matter).erased and town.state(matter).due == {}
    assert kinds(town.matters[matter])[-1] == "retention.erased"
