"""The orders of one matter, folded from its journal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from muster.action.orders import facts
from muster.journal.entry import Entry

#: Steps in the order they come; an order's `state` is the last one reached, or how it ended.
STEPS = ("given", "delivered", "signed", "under_way", "on_scene", "handling")
ENDED = ("finished", "returned", "lapsed", "withdrawn")

_NEXT: Mapping[type, str] = {
    facts.OrderDelivered: "delivered",
    facts.OrderSigned: "signed",
    facts.OrderSetOut: "under_way",
    facts.OrderArrived: "on_scene",
    facts.OrderHandled: "handling",
    facts.OrderFinished: "finished",
    facts.OrderReturned: "returned",
    facts.OrderLapsed: "lapsed",
    facts.OrderWithdrawn: "withdrawn",
}


class Order(msgspec.Struct, frozen=True):
    """One order. `times` maps a state to when it was reached (the client's claim)."""

    order: str
    unit: str
    call_sign: str
    organisation: str
    crew: tuple[str, ...]
    state: str
    sign_by: datetime
    times: Mapping[str, datetime]

    @property
    def active(self) -> bool:
        return self.state not in ENDED

    @property
    def progress(self) -> int:
        """Position in STEPS; -1 when it has ended."""
        return STEPS.index(self.state) if self.active else -1


Orders = Mapping[str, Order]


def fold(orders: Orders, entry: Entry) -> Orders:
    """The orders after one `order.*` entry."""
    fact, at = entry.fact, entry.happened_at
    if isinstance(fact, facts.OrderGiven):
        order = Order(
            order=fact.order,
            unit=fact.unit,
            call_sign=fact.call_sign,
            organisation=fact.organisation,
            crew=fact.crew,
            state="given",
            sign_by=fact.sign_by,
            times={"given": at},
        )
        return {**orders, fact.order: order}
    reached = _NEXT[type(fact)]
    order = orders[fact.order]  # type: ignore[attr-defined]
    moved = msgspec.structs.replace(order, state=reached, times={**order.times, reached: at})
    return {**orders, order.order: moved}


def furthest(orders: Orders) -> Order | None:
    """The active order that got furthest, or None when none is active."""
    active = [order for order in orders.values() if order.active]
    return max(active, key=lambda order: order.progress, default=None)
