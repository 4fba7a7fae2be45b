"""What follows when an order lapses or comes back: the duty chief hears of it, and the next
unit is asked."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from muster.action.orders.facts import OrderLapsed, OrderReturned
from muster.command.dispatch.nearest import Scene, World, candidates
from muster.command.incidents import inputs
from muster.command.incidents.state import AT_WORK, Incident
from muster.journal.context import Actor
from muster.journal.entry import Entry
from muster.journal.perform import Asked, Journal, Operation, derived_command
from muster.journal.reactions import Reaction
from muster.journal.read import Reading


def reoffer_reaction(
    journal: Journal,
    world: World,
    operation: Operation[inputs.Reoffer, Incident | None, object],
) -> Reaction:
    """The reaction, for the list in app.py."""

    def react(entry: Entry) -> Sequence[Asked]:
        fact = entry.fact
        assert isinstance(fact, OrderLapsed | OrderReturned)
        with journal.pool.connection() as connection:
            reading = Reading(connection, journal.vault, journal.kinds)
            state: Incident = journal.fold(reading.entries(entry.matter))
            if state.stage not in AT_WORK or state.erased:
                return []
            unit = _next(reading, world, journal, entry.matter, state)
        cause = f"{entry.matter}/{entry.number}"
        return [
            Asked(
                operation=operation,
                actor=Actor("system:reaction"),
                matter=entry.matter,
                input=inputs.Reoffer(
                    lapsed=fact.order,
                    why="unsigned" if isinstance(fact, OrderLapsed) else "returned",
                    order=derived_command("reoffer order", cause),
                    unit=unit,
                ),
                command=derived_command("reoffer", cause),
                cause=cause,
            )
        ]

    return Reaction(
        name="reoffer",
        kinds=frozenset({OrderLapsed.kind, OrderReturned.kind}),
        react=react,
        again_on=frozenset({"unit.unavailable"}),
    )


def _next(
    reading: Reading, world: World, journal: Journal, matter: str, state: Incident
) -> str | None:
    """The best free unit that was not asked for this matter before."""
    opened = reading.open([(matter, state.place)])
    text = opened.get((matter, state.place.item))
    if text is None:
        return None
    place = msgspec.json.decode(text, type=inputs.Place)
    tried = {order.unit for order in state.orders.values()}
    found = candidates(
        reading.connection,
        world,
        Scene(place.lon, place.lat, state.jurisdiction),
        now=journal.clock.now(),
        limit=1,
        without=tried,
    )
    return found[0].unit if found else None
