"""May this order take this step now? Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from muster.action.orders.state import Order, Orders
from muster.journal.refusal import Refused

Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]

#: step -> the states it may be taken from
FROM: dict[str, tuple[str, ...]] = {
    "deliver": ("given",),
    "sign": ("given", "delivered"),
    "set_out": ("signed",),
    "arrive": ("signed", "under_way"),
    "handle": ("on_scene",),
    "finish": ("on_scene", "handling"),
    "return": ("given", "delivered", "signed", "under_way"),
}


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A step of an order. `at`: when it happened, by the officer's clock. `lon`, `lat`: WGS-84
    degrees where the unit was. `reason` is needed to return an order."""

    order: Annotated[str, msgspec.Meta(min_length=36, max_length=36)]
    at: datetime
    lon: Annotated[float, msgspec.Meta(ge=-180, le=180)] | None = None
    lat: Annotated[float, msgspec.Meta(ge=-90, le=90)] | None = None
    reason: Reason | None = None
    on_behalf_of: Annotated[str, msgspec.Meta(max_length=64)] | None = None


def order_for(orders: Orders, order: str, step: str) -> Order:
    """The order, if it may take `step`. Raises order.unknown, order.state."""
    found = orders.get(order)
    if found is None:
        raise Refused("order.unknown")
    if found.state not in FROM[step]:
        raise Refused("order.state", state=found.state, step=step)
    return found


def check_crew(order: Order, *, person: str, by_crew: bool, on_behalf_of: str | None) -> str:
    """Who acts as crew steps only his unit's orders; others say for whom. Returns that officer."""
    if by_crew:
        if person not in order.crew:
            raise Refused("order.not_yours")
        return ""
    speaks_for = on_behalf_of or (order.crew[0] if order.crew else "")
    if on_behalf_of and on_behalf_of not in order.crew:
        raise Refused("order.not_crew", person=on_behalf_of)
    return speaks_for
