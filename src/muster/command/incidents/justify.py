"""Why somebody opens a matter: derived from the matter and from what this person has to do with
it now. Nobody is asked to type it: people who look without a reason do not write honest ones."""

from __future__ import annotations

import msgspec

from muster.action.orders.state import Order
from muster.command.incidents.state import Incident
from muster.identity.authority import (
    CELLS,
    OWN,
    READ,
    Access,
    Cell,
    Grant,
    by_crew,
    suffices,
)
from muster.identity.looks.look import Justification
from muster.identity.scope import PRIVATE, WORDS

CALL_BACK = "incident.call_back"
#: Orders that came to nothing give nobody a reason to look.
_CAME_TO_NOTHING = ("returned", "lapsed", "withdrawn")


class Onlooker(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who opens a matter: the live grants, whose the matter is, the units crewed now,
    and whether a look at this matter waits for this person's review."""

    person: str
    grants: tuple[Grant, ...]
    access: Access
    crews: tuple[str, ...] = ()
    sampled: bool = False

    def holds(self, right: str) -> list[Grant]:
        """The grants that give a right in this matter, whoever crews the unit."""
        return [grant for grant in self.grants if suffices(grant, right, self.access)]


def justify(state: Incident, reporter: str, who: Onlooker) -> Justification:
    """The strongest reason there is. `reporter`: who took the report. Pure."""
    order = _order_of(state, who)
    if order is not None:
        return Justification("order", f"order:{order.order} unit:{order.unit}")
    desk = [grant for grant in who.holds(PRIVATE) if at_a_desk(grant)]
    if desk and state.open:
        return Justification("area_duty", f"organisation:{desk[0].organisation}")
    if _call_back_due(state) and who.holds(CALL_BACK):
        return Justification("callback_due", f"state:{state.stage}")
    if who.sampled:
        return Justification("review_sample")
    return _without_work(state, reporter, who)


def _without_work(state: Incident, reporter: str, who: Onlooker) -> Justification:
    """Reasons to know of a matter that are no work at hand: they show nobody's name."""
    reading = who.holds(READ)
    if state.open and who.person == reporter:
        return Justification("reported_it")
    if any(grant.role == "analyst" for grant in reading):
        return Justification("analysis")
    own = {path: OWN for path, relation in who.access.items() if relation == OWN}
    if state.open and any(suffices(grant, READ, own) for grant in reading):
        return Justification("own_area")
    if state.open and reading:
        return Justification("asked_in", f"organisation:{reading[0].organisation}")
    return Justification()


def _order_of(state: Incident, who: Onlooker) -> Order | None:
    """The order that is this person's to carry out, or to report back on."""
    mine = [one for one in state.orders.values() if _crews(one, who)]
    for order in mine:
        if order.active:
            return order
    done = [one for one in mine if one.state not in _CAME_TO_NOTHING]
    return done[0] if done and state.open else None


def _crews(order: Order, who: Onlooker) -> bool:
    return who.person in order.crew or (order.active and order.unit in who.crews)


def _call_back_due(state: Incident) -> bool:
    return state.stage == "closed" and ("call_back" in state.due or "call_back" in state.missed)


def at_a_desk(grant: Grant) -> bool:
    """Whether the role works on the matters of its area, and does not only look at them."""
    return CELLS[CALL_BACK, grant.role] is Cell.OWN


def may_unmask(state: Incident, who: Onlooker) -> bool:
    """Whether the role may see people in this matter, with work at hand or by asking for it."""
    held = who.holds(PRIVATE)
    if any(not by_crew(PRIVATE, grant.role) for grant in held):
        return True
    return bool(held) and any(who.person in order.crew for order in state.orders.values())


def may_read_words(state: Incident, who: Onlooker) -> bool:
    """Whether what was said may be read, with people masked in it: by volunteers only while their
    own order runs."""
    held = who.holds(WORDS)
    if any(not by_crew(WORDS, grant.role) for grant in held):
        return True
    active = [order for order in state.orders.values() if order.active]
    return bool(held) and any(_crews(order, who) for order in active)
