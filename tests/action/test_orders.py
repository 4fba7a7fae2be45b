"""派警单: the steps of an order, who may take them, and what the fold makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.action.orders import decide, facts
from muster.action.orders.state import ENDED, STEPS, Order, fold, furthest
from muster.journal.entry import Authority, Entry, Fact, Private
from muster.journal.refusal import Refused

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
BY = START + timedelta(minutes=1)

#: step -> (fact, state reached), in the order of domain.md 1.3
REACHED: dict[str, tuple[Fact, str]] = {
    "deliver": (facts.OrderDelivered(order="o"), "delivered"),
    "sign": (facts.OrderSigned(order="o", set_out_by=BY), "signed"),
    "set_out": (facts.OrderSetOut(order="o", arrive_by=BY), "under_way"),
    "arrive": (
        facts.OrderArrived(order="o", first_feedback_by=BY, final_feedback_by=BY),
        "on_scene",
    ),
    "handle": (facts.OrderHandled(order="o"), "handling"),
    "finish": (facts.OrderFinished(order="o"), "finished"),
    "return": (
        facts.OrderReturned(order="o", reason=Private(item="1.reason"), wait_by=BY),
        "returned",
    ),
}
#: What the domain allows: rows are states, columns the steps above in their order.
ALLOWED = """
given      deliver sign return
delivered  sign return
signed     set_out arrive return
under_way  arrive return
on_scene   handle finish
handling   finish
finished
returned
lapsed
withdrawn
"""
MAY = {row.split()[0]: set(row.split()[1:]) for row in ALLOWED.strip().splitlines()}


def entry(fact: Fact, minute: int = 0) -> Entry:
    at = START + timedelta(minutes=minute)
    return Entry("m", 1, at, at, "a", Authority("officer", "o"), "", "c", fact, "h")


def given_order(order: str = "o", unit: str = "u") -> Fact:
    return facts.OrderGiven(
        order=order, unit=unit, call_sign="U", organisation="org", crew=("ann", "bob"), sign_by=BY
    )


def after(*more: Fact) -> Order:
    orders: Any = {}
    for minute, fact in enumerate((given_order(), *more)):
        orders = fold(orders, entry(fact, minute))
    found: Order = orders["o"]
    return found


def in_state(state: str) -> Order:
    ends: dict[str, Fact] = {
        "lapsed": facts.OrderLapsed(order="o", unit="u", wait_by=BY),
        "withdrawn": facts.OrderWithdrawn(order="o", wait_by=BY),
    }
    if state in ends:
        return after(ends[state])
    way: list[Fact] = []
    for fact, reached in REACHED.values():
        if state == "given":
            break
        if state == "returned":
            return after(REACHED["return"][0])
        way.append(fact)
        if reached == state:
            break
    return after(*way)


def code(orders: Any, order: str, step: str) -> str:
    try:
        decide.order_for(orders, order, step)
    except Refused as refused:
        return refused.code
    return ""


def test_every_state_can_be_played() -> None:
    assert set(MAY) == {*STEPS, *ENDED}
    for state in MAY:
        assert in_state(state).state == state


@pytest.mark.parametrize("state", MAY)
def test_steps_are_allowed_exactly_where_the_domain_says(state: str) -> None:
    order = in_state(state)
    allowed = {step for step in REACHED if not code({"o": order}, "o", step)}
    assert allowed == MAY[state]
    assert {code({"o": order}, "o", step) for step in set(REACHED) - allowed} <= {"order.state"}


def test_every_step_has_a_row() -> None:
    assert set(decide.FROM) == set(REACHED)
    assert code({}, "o", "sign") == "order.unknown"


@pytest.mark.parametrize("state", MAY)
def test_an_order_binds_its_unit_until_it_has_ended(state: str) -> None:
    order = in_state(state)
    assert order.active == (state in STEPS)
    assert order.progress == (STEPS.index(state) if state in STEPS else -1)


def test_when_each_state_was_reached_is_kept() -> None:
    order = after(*(fact for fact, _ in list(REACHED.values())[:4]))
    assert order.times == {
        state: START + timedelta(minutes=minute)
        for minute, state in enumerate(("given", "delivered", "signed", "under_way", "on_scene"))
    }


def test_orders_of_one_matter_do_not_touch_each_other() -> None:
    orders = fold(fold({}, entry(given_order("o", "u"))), entry(given_order("p", "v")))
    moved = fold(orders, entry(REACHED["sign"][0], 1))
    assert moved["o"].state == "signed" and moved["p"] == orders["p"]
    assert orders["o"].state == "given"  # the state before is a value of its own


@given(st.lists(st.sampled_from(sorted(MAY)), max_size=6))
def test_the_furthest_is_an_active_one_nobody_passed(states: Sequence[str]) -> None:
    orders = {str(n): in_state(state) for n, state in enumerate(states)}
    found = furthest(orders)
    active = [order for order in orders.values() if order.active]
    assert (found is None) == (not active)
    if found is not None:
        assert found.active and found.progress == max(order.progress for order in active)


@pytest.mark.parametrize(
    ("person", "by_crew", "behalf", "expected"),
    [
        ("ann", True, None, ""),
        ("bob", True, "ann", ""),
        ("eve", True, None, "order.not_yours"),
        ("eve", True, "ann", "order.not_yours"),
        ("dan", False, None, "ann"),
        ("dan", False, "bob", "bob"),
        ("dan", False, "eve", "order.not_crew"),
    ],
)
def test_who_steps_for_whom(person: str, by_crew: bool, behalf: str | None, expected: str) -> None:
    order = after()
    try:
        got = decide.check_crew(order, person=person, by_crew=by_crew, on_behalf_of=behalf)
    except Refused as refused:
        got = refused.code
    assert got == expected
