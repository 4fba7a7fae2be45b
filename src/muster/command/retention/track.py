"""Keeping a unit's track as evidence: only of an order of this matter, only while it ran. Pure.

Positions go on schedule, and nobody's movements are collected beyond that: an explicit fact, with
a basis and a reason, copies what one order's unit reported during that order, and nothing else.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from muster.action.orders.state import Order
from muster.command.incidents.decide import sealed
from muster.command.incidents.state import Incident
from muster.command.retention import facts, inputs
from muster.command.retention.decide import Asked, existing
from muster.journal.entry import Fact, Private, canonical
from muster.journal.refusal import Refused

LONGEST = timedelta(hours=12)


def order_within(state: Incident | None, asked: inputs.KeepTrack, now: datetime) -> Order:
    """The order, if the span lies in its time: from when it was given to its end, or now.

    Raises Refused: order.unknown, track.outside_order, track.too_long, sealing.sealed.
    """
    found = existing(state)
    if found.retention.sealing is not None:
        raise Refused("sealing.sealed")
    order = found.orders.get(asked.order)
    if order is None:
        raise Refused("order.unknown")
    end = now if order.active else order.times[order.state]
    if not order.times["given"] <= asked.since < asked.until <= end:
        raise Refused("track.outside_order")
    if asked.until - asked.since > LONGEST:
        raise Refused("track.too_long")
    return order


def keep_track(state: Incident | None, asked: inputs.KeepTrack, context: Asked) -> list[Fact]:
    order = order_within(state, asked, context.now)
    track = context.read.track
    if track is None:
        raise Refused("track.nothing_there")
    return [
        facts.TrackKept(
            basis=asked.basis,
            because=sealed(asked.reason),
            order=order.order,
            unit=order.unit,
            since=track.since,
            until=track.until,
            positions=track.positions,
            segments=len(track.segments),
            track=Private(plain=canonical(track).decode()),
        )
    ]
