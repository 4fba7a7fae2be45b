"""What happens to an order. These facts stand in the journal of the matter the order is for."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from muster.journal.entry import Fact, Private


class OrderGiven(Fact, frozen=True, kw_only=True):
    """A unit was told to go (派警). `sign_by`: when it must have signed (签收)."""

    kind: ClassVar[str] = "order.given"
    order: str
    unit: str
    call_sign: str
    organisation: str
    crew: tuple[str, ...] = ()
    sign_by: datetime
    opinion: Private | None = None
    chosen_by: str = "person"
    reasons: tuple[str, ...] = ()


class OrderStep(Fact, frozen=True, kw_only=True):
    """What all steps share. `on_behalf_of` is the officer a dispatcher spoke for.
    `away_m`: metres between the place and the unit when it said so; -1 when not known."""

    kind: ClassVar[str] = ""
    order: str
    on_behalf_of: str = ""
    away_m: int = -1


class OrderDelivered(OrderStep, frozen=True, kw_only=True):
    """The order reached the unit's terminal (送达)."""

    kind: ClassVar[str] = "order.delivered"


class OrderSigned(OrderStep, frozen=True, kw_only=True):
    """The unit accepted it (签收)."""

    kind: ClassVar[str] = "order.signed"
    set_out_by: datetime


class OrderSetOut(OrderStep, frozen=True, kw_only=True):
    """The unit is under way (出发)."""

    kind: ClassVar[str] = "order.set_out"
    arrive_by: datetime


class OrderArrived(OrderStep, frozen=True, kw_only=True):
    """The unit is on scene (到场)."""

    kind: ClassVar[str] = "order.arrived"
    first_feedback_by: datetime
    final_feedback_by: datetime


class OrderHandled(OrderStep, frozen=True, kw_only=True):
    """The unit began to handle the matter (处置)."""

    kind: ClassVar[str] = "order.handled"


class OrderFinished(OrderStep, frozen=True, kw_only=True):
    """The unit is done and free again."""

    kind: ClassVar[str] = "order.finished"


class OrderReturned(OrderStep, frozen=True, kw_only=True):
    """The unit gave the order back (退单). `wait_by`: when somebody else must be sent."""

    kind: ClassVar[str] = "order.returned"
    reason: Private
    wait_by: datetime


class OrderLapsed(Fact, frozen=True, kw_only=True):
    """Nobody signed in time. `wait_by`: when somebody else must be sent."""

    kind: ClassVar[str] = "order.lapsed"
    order: str
    unit: str
    wait_by: datetime


class OrderWithdrawn(Fact, frozen=True, kw_only=True):
    """The dispatcher took the order back (改派, 撤回)."""

    kind: ClassVar[str] = "order.withdrawn"
    order: str
    reason: Private | None = None
    wait_by: datetime


FACTS: tuple[type[Fact], ...] = (
    OrderGiven,
    OrderDelivered,
    OrderSigned,
    OrderSetOut,
    OrderArrived,
    OrderHandled,
    OrderFinished,
    OrderReturned,
    OrderLapsed,
    OrderWithdrawn,
)
