"""An incident as its journal tells it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from muster.action.orders import facts as order_facts
from muster.action.orders.state import Orders, furthest
from muster.action.orders.state import fold as fold_orders
from muster.command.incidents import facts
from muster.command.retention import state as retained
from muster.command.retention.clocks import Weighed
from muster.command.retention.facts import CallerCorrected, Erased
from muster.command.retention.state import Retention
from muster.journal.entry import Entry, Private

STATES = (
    "received",
    "waiting",
    "dispatched",
    "signed",
    "under_way",
    "on_scene",
    "handling",
    "reported",
    "closed",
    "called_back",
    "archived",
    "merged",
    "cancelled",
)
CLOSED_STATES = ("closed", "called_back", "archived", "merged", "cancelled")
#: Stages in which units are sent and at work.
AT_WORK = ("received", "waiting")

#: Clocks that end with the closing feedback; those of orders and of a transfer run on.
_OF_THE_PAPERWORK = ("wait", "first_feedback", "final_feedback", "cancel_confirm")

_OF_ORDER = {
    "given": "dispatched",
    "delivered": "dispatched",
    "signed": "signed",
    "under_way": "under_way",
    "on_scene": "on_scene",
    "handling": "handling",
}


class Feedback(msgspec.Struct, frozen=True):
    """The latest feedback: entry number, result code, whether it was the closing one."""

    number: int
    result: str
    final: bool


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """The state. `stage` is where the paperwork stands; `state` adds how far the units got.
    `due` maps the name of a running clock to its moment. `desk`: the organisation that took the
    call; it keeps sight of it, also in somebody else's area."""

    matter_kind: str = "incident"
    number: str
    organisation: str
    jurisdiction: str
    channel: str
    category: str
    category_final: str = ""
    level: int
    reported_at: datetime
    answered_at: datetime
    call_ended_at: datetime | None
    recorded_at: datetime
    caller_name: Private | None
    caller_phone: Private | None
    narrative: Private
    place: Private
    cell: str
    stage: str
    stage_since: datetime
    desk: str = ""
    orders: Orders = {}
    asked: frozenset[str] = frozenset()
    offered_to: str = ""
    cancel_asked_by: str = ""
    cancel_why: str = ""
    merged_into: str | None = None
    duplicates: frozenset[str] = frozenset()
    feedback: Feedback | None = None
    handled_since: datetime | None = None
    rating: int | None = None
    due: Mapping[str, datetime] = {}
    missed: tuple[str, ...] = ()
    escalated: bool = False
    erased: bool = False
    retention: Retention = Retention()
    version: int = 0

    @property
    def state(self) -> str:
        if self.stage not in AT_WORK:
            return self.stage
        order = furthest(self.orders)
        if order is not None:
            return _OF_ORDER[order.state]
        return "handling" if self.handled_since else self.stage

    @property
    def state_since(self) -> datetime:
        order = furthest(self.orders)
        if self.stage not in AT_WORK or order is None:
            return self.stage_since
        return order.times[order.state]

    @property
    def open(self) -> bool:
        return self.stage not in CLOSED_STATES

    @property
    def weighed(self) -> Weighed:
        """What decides how long its words are kept."""
        return Weighed(self.retention, self.level, self.category_final or self.category)


def fold(state: Incident | None, entry: Entry) -> Incident:
    """The incident after one more entry of its journal."""
    fact = entry.fact
    if isinstance(fact, facts.IncidentReported):
        return _reported(fact, entry)
    assert state is not None, "a journal starts with incident.reported"
    if entry.kind.startswith("order."):
        changes = _order(state, entry)
    elif entry.kind.startswith("retention."):
        changes = _retained(state, entry)
    else:
        changes = _CHANGES[type(fact)](state, fact, entry)
    after = msgspec.structs.replace(state, version=entry.number, **changes)
    kept = retained.follow(after.retention, entry, open_before=state.open, open_after=after.open)
    if kept is not after.retention:
        after = msgspec.structs.replace(after, retention=kept)
    return after


def _retained(state: Incident, entry: Entry) -> dict[str, Any]:
    kept = retained.fold(state.retention, entry)
    if isinstance(entry.fact, Erased) and entry.fact.whole:
        return {"retention": kept, "erased": True, "due": {}}
    if isinstance(entry.fact, CallerCorrected):
        phone = entry.fact.caller_phone or entry.fact.unlisted_phone
        name = entry.fact.caller_name
        return {"retention": kept, "caller_name": name, "caller_phone": phone}
    return {"retention": kept}


def _reported(fact: facts.IncidentReported, entry: Entry) -> Incident:
    return Incident(
        number=fact.number,
        organisation=fact.organisation,
        jurisdiction=fact.jurisdiction,
        channel=fact.channel,
        category=fact.category,
        level=fact.level,
        reported_at=fact.reported_at,
        answered_at=fact.answered_at,
        call_ended_at=fact.call_ended_at,
        recorded_at=entry.recorded_at,
        caller_name=fact.caller_name,
        caller_phone=fact.caller_phone,
        narrative=fact.narrative,
        place=fact.place,
        cell=fact.cell,
        stage="waiting" if fact.complete else "received",
        stage_since=entry.recorded_at,
        desk=entry.authority.organisation,
        due={"wait": fact.wait_by},
        retention=Retention(words=retained.classes_in(fact)),
        version=entry.number,
    )


def _without(due: Mapping[str, datetime], *names: str) -> dict[str, datetime]:
    return {name: at for name, at in due.items() if name not in names}


def _order(state: Incident, entry: Entry) -> dict[str, Any]:
    fact = entry.fact
    orders = fold_orders(state.orders, entry)
    order = fact.order  # type: ignore[attr-defined]
    of_order = [name for name in state.due if name.endswith(order)]
    due = _without(state.due, *of_order)
    changes: dict[str, Any] = {"orders": orders}
    if isinstance(fact, order_facts.OrderGiven):
        due = {**_without(due, "wait"), f"sign:{order}": fact.sign_by}
        changes["asked"] = state.asked | {fact.organisation}
    elif isinstance(fact, order_facts.OrderDelivered):
        due = dict(state.due)
    elif isinstance(fact, order_facts.OrderSigned):
        due[f"set_out:{order}"] = fact.set_out_by
    elif isinstance(fact, order_facts.OrderSetOut):
        due[f"arrive:{order}"] = fact.arrive_by
    elif isinstance(fact, order_facts.OrderArrived):
        if state.handled_since is None:
            changes["handled_since"] = entry.happened_at
            due["first_feedback"] = fact.first_feedback_by
            due["final_feedback"] = fact.final_feedback_by
    elif isinstance(
        fact, order_facts.OrderReturned | order_facts.OrderLapsed | order_facts.OrderWithdrawn
    ) and _needs_somebody(state, orders):
        due["wait"] = fact.wait_by
        changes["stage_since"] = entry.recorded_at
    if isinstance(fact, order_facts.OrderLapsed):
        changes["missed"] = (*state.missed, f"sign:{order}")
    return {**changes, "due": due}


def _needs_somebody(state: Incident, orders: Orders) -> bool:
    return state.stage in AT_WORK and state.handled_since is None and furthest(orders) is None


def _stage(name: str, entry: Entry, **changes: Any) -> dict[str, Any]:
    return {"stage": name, "stage_since": entry.recorded_at, **changes}


def _fed_back(state: Incident, fact: facts.IncidentFedBack, entry: Entry) -> dict[str, Any]:
    feedback = Feedback(entry.number, fact.result, fact.final)
    final = fact.category or state.category_final
    if not fact.final:
        due = _without(state.due, "first_feedback")
        return {"feedback": feedback, "category_final": final, "due": due}
    due = {**_without(state.due, *_OF_THE_PAPERWORK), "review": fact.review_by}
    moved = _stage("reported", entry, feedback=feedback, category_final=final, due=due)
    return {**moved, "cancel_asked_by": "", "cancel_why": ""}


def _completed(state: Incident, fact: facts.IncidentCompleted, entry: Entry) -> dict[str, Any]:
    """Units may have been sent while the caller was still speaking: then nobody waits."""
    wait = {"wait": fact.wait_by} if _needs_somebody(state, state.orders) else {}
    ended = fact.call_ended_at
    return _stage("waiting", entry, call_ended_at=ended, due={**state.due, **wait})


def _feedback_returned(
    state: Incident, fact: facts.IncidentFeedbackReturned, entry: Entry
) -> dict[str, Any]:
    due = {**_without(state.due, "review"), "final_feedback": fact.final_feedback_by}
    return _stage("waiting", entry, feedback=None, due=due)


def _over(name: str, entry: Entry, **changes: Any) -> dict[str, Any]:
    """No hand-off is waited for any more: neither a transfer nor a cancellation."""
    rest = {"offered_to": "", "cancel_asked_by": "", "due": {}}
    return _stage(name, entry, **{**rest, **changes})


def _place(state: Incident, fact: facts.IncidentPlaceCorrected, entry: Entry) -> dict[str, Any]:
    return {"place": fact.place, "cell": fact.cell, "jurisdiction": fact.jurisdiction}


def _categorised(state: Incident, fact: facts.IncidentCategorised, entry: Entry) -> dict[str, Any]:
    return {"category_final" if fact.final else "category": fact.category}


def _accepted(
    state: Incident, fact: facts.IncidentTransferAccepted, entry: Entry
) -> dict[str, Any]:
    return {
        "asked": state.asked | {state.organisation},
        "organisation": fact.organisation,
        "offered_to": "",
        "due": _without(state.due, "transfer_accept"),
    }


def _cancel_asked(
    state: Incident, fact: facts.IncidentCancelRequested, entry: Entry
) -> dict[str, Any]:
    return {
        "cancel_asked_by": entry.actor,
        "cancel_why": fact.why,
        "due": {**state.due, "cancel_confirm": fact.confirm_by},
    }


def _missed(state: Incident, fact: facts.IncidentClockMissed, entry: Entry) -> dict[str, Any]:
    return {"missed": (*state.missed, fact.name), "due": _without(state.due, fact.name)}


def _unmerged(state: Incident, fact: facts.IncidentUnmerged, entry: Entry) -> dict[str, Any]:
    """Nobody was there yet: somebody must be sent. Somebody was: the feedback is still owed."""
    name = "wait" if state.handled_since is None else "final_feedback"
    return _stage("waiting", entry, merged_into=None, due={name: fact.wait_by})


def _erased(state: Incident, fact: facts.IncidentErased, entry: Entry) -> dict[str, Any]:
    return {"erased": True, "due": {}, "retention": retained.gone(state.retention, entry)}


_CHANGES: Mapping[type, Any] = {
    facts.IncidentCompleted: _completed,
    facts.IncidentRemarked: lambda s, f, e: {},
    facts.IncidentPlaceCorrected: _place,
    facts.IncidentTimeCorrected: lambda s, f, e: {f.field: f.at},
    facts.IncidentCategorised: _categorised,
    facts.IncidentLevelChanged: lambda s, f, e: {"level": f.level},
    facts.IncidentTransferred: lambda s, f, e: {
        "offered_to": f.organisation,
        "asked": s.asked | {f.organisation},
        "due": {**s.due, "transfer_accept": f.accept_by},
    },
    facts.IncidentTransferAccepted: _accepted,
    facts.IncidentOrganisationAsked: lambda s, f, e: {"asked": s.asked | {f.organisation}},
    facts.IncidentUrged: lambda s, f, e: {},
    facts.IncidentCancelRequested: _cancel_asked,
    facts.IncidentCancelled: lambda s, f, e: _over("cancelled", e),
    facts.IncidentCancelDeclined: lambda s, f, e: {
        "cancel_asked_by": "",
        "cancel_why": "",
        "due": _without(s.due, "cancel_confirm"),
    },
    facts.IncidentMerged: lambda s, f, e: _over("merged", e, merged_into=f.into),
    facts.IncidentAbsorbed: lambda s, f, e: {"duplicates": s.duplicates | {f.duplicate}},
    facts.IncidentUnmerged: _unmerged,
    facts.IncidentReleased: lambda s, f, e: {"duplicates": s.duplicates - {f.duplicate}},
    facts.IncidentFedBack: _fed_back,
    facts.IncidentFeedbackReturned: _feedback_returned,
    facts.IncidentClosed: lambda s, f, e: _over("closed", e, due={"call_back": f.call_back_by}),
    facts.IncidentCalledBack: lambda s, f, e: _stage("called_back", e, rating=f.rating, due={}),
    facts.IncidentArchived: lambda s, f, e: _stage("archived", e, due={}),
    facts.IncidentClockMissed: _missed,
    facts.IncidentEscalated: lambda s, f, e: {"escalated": True},
    facts.IncidentErased: _erased,
}


def due(state: Incident) -> Mapping[str, datetime]:
    """The running clocks: what the deadlines table holds."""
    return state.due
