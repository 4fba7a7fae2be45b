"""派警: sending, reinforcing, returning, lapsing and offering again; steps and their times."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from muster.action.orders import facts as order_facts
from muster.command.dispatch.decide import CLOCK_SLACK
from muster.command.incidents import facts, inputs
from muster.journal.context import Due

from .city import CREW, SECONDS
from .stages import ORDER, at_stage
from .town import NOBODYS, Town, fact_of, kinds, sent, step, take

SYSTEM: dict[str, Any] = {"person": "system:reaction", "role": "system:reaction"}


def test_one_order_a_unit_each_with_its_clock() -> None:
    town = Town()
    matter, one, two = town.report(), town.fresh(), town.fresh()
    town.do(matter, "incident.dispatch", sent(("n1", one), ("s1", two)))
    state = town.state(matter)
    by = town.now + timedelta(seconds=SECONDS["sign"])
    assert state.due == {f"sign:{one}": by, f"sign:{two}": by}
    assert {order.unit for order in state.orders.values()} == {"n1", "s1"}
    assert state.asked == {"north", "south"}  # whose units are sent, sees the matter
    assert state.orders[one].crew == CREW["n1"]


def test_a_grave_matter_is_signed_faster() -> None:
    town = Town()
    matter, order = town.report(level=1), town.fresh()
    town.do(matter, "incident.dispatch", sent(("n1", order)))
    assert town.state(matter).orders[order].sign_by == town.now + timedelta(seconds=30)


def test_what_cannot_be_sent() -> None:
    town = Town()
    matter, other, order = town.report(), town.report(), town.fresh()

    def dispatch(*pairs: tuple[str, str]) -> str:
        return town.refusal(matter, "incident.dispatch", sent(*pairs))

    assert dispatch(("ghost", order)) == "unit.unknown"
    assert dispatch(("n1", order), ("n1", town.fresh())) == "unit.twice"
    assert dispatch(("n1", order), ("n2", order)) == "order.exists"
    town.do(other, "incident.dispatch", sent("n1"))
    assert dispatch(("n1", order)) == "unit.unavailable"
    assert dispatch(("n2", order)) == ""
    assert dispatch(("s1", order)) == "order.exists"


def test_nothing_is_sent_when_one_of_several_cannot_be() -> None:
    town = Town()
    matter, other = town.report(), town.report()
    town.do(other, "incident.dispatch", sent("n1"))
    assert town.refusal(matter, "incident.dispatch", sent("s1", "n1")) == "unit.unavailable"
    assert not town.state(matter).orders


def test_reinforcing_does_not_set_the_matter_back() -> None:
    town, matter = at_stage("OS")
    more = town.fresh()
    town.do(matter, "incident.dispatch", sent(("s1", more)))
    assert town.state(matter).state == "on_scene"
    take(town, matter, more, "return")
    assert town.state(matter).state == "on_scene"
    assert "wait" not in town.state(matter).due  # somebody is there


def test_two_arrivals_start_the_feedback_clocks_once() -> None:
    town, matter = at_stage("OS")
    first = dict(town.state(matter).due)
    more = town.fresh()
    town.wait(100)
    town.do(matter, "incident.dispatch", sent(("s1", more)))
    take(town, matter, more, "sign", "set_out", "arrive")
    assert {k: v for k, v in town.state(matter).due.items() if ":" not in k} == {
        k: v for k, v in first.items() if ":" not in k
    }


@pytest.mark.parametrize("column", ["DI", "SI", "UW"])
def test_a_returned_order_lets_the_matter_wait_again(column: str) -> None:
    town, matter = at_stage(column)
    officer: dict[str, Any] = {"person": CREW["n1"][0], "role": "officer"}
    assert town.refusal(matter, "order.return", step(town, ORDER), **officer) == "reason.needed"
    town.do(matter, "order.return", step(town, ORDER, reason="示例：车坏"), **officer)
    state = town.state(matter)
    assert state.state == "waiting"
    assert state.due == {"wait": town.now + timedelta(seconds=SECONDS["wait"])}
    assert not town.bound("n1")


def test_withdrawing_frees_the_unit() -> None:
    town, matter = at_stage("UW")
    unknown = inputs.Withdraw(NOBODYS, "示例")
    assert town.refusal(matter, "incident.withdraw", unknown) == "order.unknown"
    town.do(matter, "incident.withdraw", inputs.Withdraw(ORDER, "示例"))
    assert (town.state(matter).state, town.bound("n1")) == ("waiting", [])
    assert set(town.state(matter).due) == {"wait"}


def test_the_last_unit_leaving_after_handling_does_not_ask_for_another() -> None:
    town, matter = at_stage("LE")
    assert town.state(matter).state == "handling"
    assert "wait" not in town.state(matter).due


# --- a missed sign-in ------------------------------------------------------------------------


def test_an_unsigned_order_lapses_and_is_offered_again() -> None:
    town, matter = at_stage("DI")
    entries = town.run_clock(matter, f"sign:{ORDER}")
    assert kinds(entries) == ["order.lapsed"]
    state = town.state(matter)
    assert (state.state, state.missed) == ("waiting", (f"sign:{ORDER}",))
    assert set(state.due) == {"wait"}
    again = town.fresh()
    entries = town.do(
        matter, "incident.reoffer", inputs.Reoffer(ORDER, "unsigned", again, "s1"), **SYSTEM
    )
    assert kinds(entries) == ["incident.escalated", "order.given"]
    assert fact_of(entries[0], facts.IncidentEscalated).why == "unsigned"
    assert fact_of(entries[1], order_facts.OrderGiven).chosen_by == "reoffer"
    assert town.state(matter).orders[again].unit == "s1"
    assert set(town.state(matter).due) == {f"sign:{again}"}


def test_nobody_left_is_said() -> None:
    town, matter = at_stage("DI")
    town.run_clock(matter, f"sign:{ORDER}")
    asked = inputs.Reoffer(ORDER, "unsigned", town.fresh(), None)
    entries = town.do(matter, "incident.reoffer", asked, **SYSTEM)
    assert [fact_of(e, facts.IncidentEscalated).why for e in entries] == ["unsigned", "no_unit"]


def test_offering_again_twice_does_nothing_more() -> None:
    town, matter = at_stage("DI")
    town.run_clock(matter, f"sign:{ORDER}")
    asked = inputs.Reoffer(ORDER, "unsigned", town.fresh(), "s1")
    town.do(matter, "incident.reoffer", asked, **SYSTEM)
    assert town.do(matter, "incident.reoffer", asked, **SYSTEM) == []


@pytest.mark.parametrize("column", ["RP", "CL", "AR", "ME", "CA", "ER"])
def test_nothing_is_offered_for_what_is_over(column: str) -> None:
    town, matter = at_stage(column)
    asked = inputs.Reoffer(ORDER, "unsigned", town.fresh(), "s1")
    assert town.do(matter, "incident.reoffer", asked, **SYSTEM) == []


def test_a_bound_unit_is_not_offered() -> None:
    town, matter = at_stage("DI")
    other = town.report()
    town.run_clock(matter, f"sign:{ORDER}")
    town.do(other, "incident.dispatch", sent("s1"))
    asked = inputs.Reoffer(ORDER, "unsigned", town.fresh(), "s1")
    assert town.refusal(matter, "incident.reoffer", asked, **SYSTEM) == "unit.unavailable"


def test_a_signature_in_time_stops_the_clock() -> None:
    town, matter = at_stage("DI")
    due = town.state(matter).due[f"sign:{ORDER}"]
    take(town, matter, ORDER, "sign")
    assert town.do(matter, "incident.clock", Due(f"sign:{ORDER}", due), **SYSTEM) == []
    assert town.state(matter).orders[ORDER].state == "signed"


@pytest.mark.parametrize(
    ("column", "name"),
    [
        ("WA", "wait"),
        ("SI", "set_out"),
        ("UW", "arrive"),
        ("OS", "first_feedback"),
        ("RP", "review"),
    ],
)
def test_a_missed_clock_is_said_once_and_told_to_the_chief(column: str, name: str) -> None:
    town, matter = at_stage(column)
    full = next(one for one in town.state(matter).due if one.partition(":")[0] == name)
    due = town.state(matter).due[full]
    entries = town.run_clock(matter, full)
    assert kinds(entries) == ["incident.clock_missed", "incident.escalated"]
    assert fact_of(entries[1], facts.IncidentEscalated).why == name
    assert full in town.state(matter).missed and full not in town.state(matter).due
    assert town.do(matter, "incident.clock", Due(full, due), **SYSTEM) == []


def test_a_clock_of_another_moment_does_nothing() -> None:
    town, matter = at_stage("WA")
    due = town.state(matter).due["wait"] - timedelta(microseconds=1)
    assert town.do(matter, "incident.clock", Due("wait", due), **SYSTEM) == []


# --- steps: whose, and when ------------------------------------------------------------------


def test_officers_step_only_their_own_orders() -> None:
    town, matter = at_stage("DI")
    stranger: dict[str, Any] = {"person": CREW["s1"][0], "role": "officer"}
    assert town.refusal(matter, "order.sign", step(town, ORDER), **stranger) == "order.not_yours"


def test_a_dispatcher_speaks_for_somebody_of_the_crew() -> None:
    town, matter = at_stage("DI")
    wrong = step(town, ORDER, on_behalf_of=CREW["s1"][0])
    assert town.refusal(matter, "order.sign", wrong) == "order.not_crew"
    entries = town.do(matter, "order.sign", step(town, ORDER, on_behalf_of=CREW["n1"][0]))
    assert fact_of(entries[0], order_facts.OrderSigned).on_behalf_of == CREW["n1"][0]
    assert entries[0].actor == "dispatcher"


def test_the_officer_s_clock_is_kept_beside_ours() -> None:
    town, matter = at_stage("DI")
    town.wait(40)
    entries = town.do(matter, "order.sign", step(town, ORDER, ago_s=30))
    assert entries[0].happened_at == town.now - timedelta(seconds=30)
    assert entries[0].recorded_at == town.now
    assert town.state(matter).orders[ORDER].times["signed"] == town.now - timedelta(seconds=30)


@pytest.mark.parametrize(
    ("ago", "code"),
    [
        (timedelta(0), ""),
        (-timedelta(minutes=5), ""),
        (-timedelta(minutes=5, seconds=1), "time.impossible"),
        (timedelta(days=367), "time.impossible"),
        (timedelta(hours=2), "time.order"),
    ],
)
def test_a_step_s_time(ago: timedelta, code: str) -> None:
    town, matter = at_stage("SI")
    asked = step(town, ORDER, ago_s=ago.total_seconds())
    assert town.refusal(matter, "order.set_out", asked) == code


def test_a_step_may_claim_to_be_a_little_earlier_than_the_one_before() -> None:
    town, matter = at_stage("SI")
    last = town.state(matter).orders[ORDER].times["signed"]
    slack = (town.now - last + CLOCK_SLACK).total_seconds()
    over = step(town, ORDER, ago_s=slack + 1)
    assert town.refusal(matter, "order.set_out", over) == "time.order"
    assert town.refusal(matter, "order.set_out", step(town, ORDER, ago_s=slack)) == ""


def test_the_way_back_from_the_place_is_measured_at_arrival() -> None:
    town, matter = at_stage("UW")
    entries = town.do(matter, "order.arrive", step(town, ORDER), away_m=4321)
    assert fact_of(entries[0], order_facts.OrderArrived).away_m == 4321
