"""Sending units, and what units say back. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from muster.action.orders import decide as orders
from muster.action.orders import facts as order_facts
from muster.action.orders.state import Order
from muster.command.incidents import inputs
from muster.command.incidents.decide import (
    Rules,
    acts_as_crew,
    check_time,
    existing,
    in_stage,
    miss_clock,
    sealed,
)
from muster.command.incidents.facts import IncidentEscalated
from muster.command.incidents.state import AT_WORK, Incident
from muster.identity.authority import by_crew
from muster.journal.context import Context, Due, Planned
from muster.journal.entry import Fact, private
from muster.journal.refusal import Refused

#: Phones' clocks differ; a step may claim to be this much earlier than the one before it.
CLOCK_SLACK = timedelta(minutes=5)


@dataclass(frozen=True)
class Sendable:
    """A unit under its lock. `why_not`: empty when it may be sent."""

    unit: str
    call_sign: str
    organisation: str
    crew: tuple[str, ...]
    why_not: str


@dataclass(frozen=True)
class DispatchRules(Rules):
    """Rules, the units asked for, and how far the reporting unit is from the place."""

    units: Mapping[str, Sendable] = field(default_factory=dict)
    away_m: int = -1


Known = Context[DispatchRules]


def dispatch(state: Incident | None, asked: inputs.Dispatch, context: Known) -> list[Fact]:
    """派警, 增援, 改派 after a return: one order a unit."""
    found = in_stage(state, *AT_WORK)
    if len({one.unit for one in asked.orders}) < len(asked.orders):
        raise Refused("unit.twice")
    if len({one.order for one in asked.orders}) < len(asked.orders):
        raise Refused("order.exists")
    return [
        _give(found, one.order, one.unit, context, opinion=asked.opinion) for one in asked.orders
    ]


def _give(
    incident: Incident,
    order: str,
    unit: str,
    context: Known,
    *,
    opinion: str | None = None,
    chosen_by: str = "person",
) -> order_facts.OrderGiven:
    sendable = context.read.units.get(unit)
    if sendable is None:
        raise Refused("unit.unknown", unit=unit)
    if sendable.why_not:
        raise Refused("unit.unavailable", unit=unit, why=sendable.why_not)
    if sendable.organisation not in context.read.pack.subtree(context.authority.organisation):
        raise Refused("unit.elsewhere", unit=unit)
    if order in incident.orders:
        raise Refused("order.exists")
    return order_facts.OrderGiven(
        order=order,
        unit=unit,
        call_sign=sendable.call_sign,
        organisation=sendable.organisation,
        crew=sendable.crew,
        sign_by=context.read.by("sign", incident.level, context.now),
        opinion=private(opinion),
        chosen_by=chosen_by,
    )


def officer_arrival(incident_level: int, asked: inputs.Report, context: Known) -> list[Fact]:
    """The order of an officer who found it himself: given, signed and on scene at once."""
    if not asked.officer_unit or not asked.officer_order:
        raise Refused("input.invalid", path="officer_order", reason="missing")
    sendable = context.read.units.get(asked.officer_unit)
    if sendable is None:
        raise Refused("unit.unknown", unit=asked.officer_unit)
    if sendable.why_not:
        raise Refused("unit.unavailable", unit=asked.officer_unit, why=sendable.why_not)
    if acts_as_crew(context) and context.actor.person not in sendable.crew:
        raise Refused("order.not_yours")
    by, now, order = context.read.by, context.now, asked.officer_order
    return [
        order_facts.OrderGiven(
            order=order,
            unit=asked.officer_unit,
            call_sign=sendable.call_sign,
            organisation=sendable.organisation,
            crew=sendable.crew,
            sign_by=by("sign", incident_level, now),
            chosen_by="officer",
        ),
        order_facts.OrderSigned(order=order, set_out_by=by("set_out", incident_level, now)),
        order_facts.OrderArrived(
            order=order,
            away_m=0,
            first_feedback_by=by("first_feedback", incident_level, now),
            final_feedback_by=by("final_feedback", incident_level, now),
        ),
    ]


def withdraw(state: Incident | None, asked: inputs.Withdraw, context: Known) -> list[Fact]:
    """撤回: the unit is free again."""
    found = existing(state)
    order = found.orders.get(asked.order)
    if order is None:
        raise Refused("order.unknown")
    if not order.active:
        raise Refused("order.state", state=order.state, step="withdraw")
    wait_by = context.read.by("wait", found.level, context.now)
    return [
        order_facts.OrderWithdrawn(order=asked.order, reason=sealed(asked.reason), wait_by=wait_by)
    ]


def step(name: str) -> Callable[[Incident | None, orders.Step, Known], list[Planned]]:
    """The operation behind one step of an order."""

    def decide(state: Incident | None, asked: orders.Step, context: Known) -> list[Planned]:
        found = in_stage(state, *AT_WORK, "reported")
        order = orders.order_for(found.orders, asked.order, name)
        at = check_time(asked.at, context.now, "at")
        if at < max(order.times.values()) - CLOCK_SLACK:
            raise Refused("time.order", path="at")
        behalf = orders.check_crew(
            order,
            person=context.actor.person,
            by_crew=by_crew(f"order.{name}", context.authority.role),
            on_behalf_of=asked.on_behalf_of,
        )
        fact = _FACTS[name](found, asked, context, behalf)
        return [Planned(fact, happened_at=at)]

    return decide


def _deliver(_found: Incident, asked: orders.Step, _context: Known, behalf: str) -> Fact:
    return order_facts.OrderDelivered(order=asked.order, on_behalf_of=behalf)


def _sign(found: Incident, asked: orders.Step, context: Known, behalf: str) -> Fact:
    by = context.read.by("set_out", found.level, context.now)
    return order_facts.OrderSigned(order=asked.order, on_behalf_of=behalf, set_out_by=by)


def _set_out(found: Incident, asked: orders.Step, context: Known, behalf: str) -> Fact:
    by = context.read.by("arrive", found.level, context.now)
    return order_facts.OrderSetOut(order=asked.order, on_behalf_of=behalf, arrive_by=by)


def _arrive(found: Incident, asked: orders.Step, context: Known, behalf: str) -> Fact:
    return order_facts.OrderArrived(
        order=asked.order,
        on_behalf_of=behalf,
        away_m=context.read.away_m,
        first_feedback_by=context.read.by("first_feedback", found.level, context.now),
        final_feedback_by=context.read.by("final_feedback", found.level, context.now),
    )


def _handle(_found: Incident, asked: orders.Step, _context: Known, behalf: str) -> Fact:
    return order_facts.OrderHandled(order=asked.order, on_behalf_of=behalf)


def _finish(_found: Incident, asked: orders.Step, _context: Known, behalf: str) -> Fact:
    return order_facts.OrderFinished(order=asked.order, on_behalf_of=behalf)


def _return(found: Incident, asked: orders.Step, context: Known, behalf: str) -> Fact:
    if not asked.reason:
        raise Refused("reason.needed")
    return order_facts.OrderReturned(
        order=asked.order,
        on_behalf_of=behalf,
        reason=sealed(asked.reason),
        wait_by=context.read.by("wait", found.level, context.now),
    )


_FACTS: Mapping[str, Callable[[Incident, orders.Step, Known, str], Fact]] = {
    "deliver": _deliver,
    "sign": _sign,
    "set_out": _set_out,
    "arrive": _arrive,
    "handle": _handle,
    "finish": _finish,
    "return": _return,
}


def clock(state: Incident | None, asked: Due, context: Known) -> list[Fact]:
    """What the ticker performs: an unsigned order lapses, any other clock is missed."""
    kind, _, order = asked.name.partition(":")
    if kind != "sign" or state is None:
        return miss_clock(state, asked, context)
    if state.due.get(asked.name) != asked.due:
        return []
    found: Order = state.orders[order]
    wait_by = context.read.by("wait", state.level, context.now)
    return [order_facts.OrderLapsed(order=order, unit=found.unit, wait_by=wait_by)]


def reoffer(state: Incident | None, asked: inputs.Reoffer, context: Known) -> list[Fact]:
    """The reaction to an order that lapsed or came back: tell the chief, offer it to the next."""
    if state is None or state.stage not in AT_WORK or state.erased:
        return []
    told: list[Fact] = [IncidentEscalated(why=asked.why, order=asked.lapsed)]
    if asked.order in state.orders:
        return []
    if asked.unit is None:
        return [*told, IncidentEscalated(why="no_unit")]
    given = _give(state, asked.order, asked.unit, context, chosen_by="reoffer")
    return [*told, given]
