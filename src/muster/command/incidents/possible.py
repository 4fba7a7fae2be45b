"""What the state of an incident allows, whoever asks. The panel shows only these. Pure."""

from __future__ import annotations

from muster.action.orders.decide import FROM
from muster.command.incidents.state import AT_WORK, Incident

_ALWAYS = ("remark", "correct_time", "categorise")
_OPEN = ("correct_place", "change_level", "transfer", "ask_in", "urge")


def possible(state: Incident) -> frozenset[str]:
    """Operation names (`incident.…`, `order.…`) that would not be refused for the state alone."""
    if state.erased:
        return frozenset()
    if state.retention.erased:
        return _keeping(state)
    names = set(_ALWAYS)
    busy = any(order.active for order in state.orders.values())
    if state.open:
        names.update(_OPEN)
    if state.offered_to:
        names.add("accept_transfer")
        names.discard("transfer")
    if state.stage == "received":
        names.add("complete")
    if state.stage in AT_WORK:
        names |= _at_work(state, busy)
    if state.stage == "reported":
        names.add("return_feedback")
        if not busy:
            names.add("close")
    if state.stage == "closed":
        names.add("call_back")
    if state.stage in ("closed", "called_back", "cancelled", "merged"):
        names.add("archive")
    if state.stage == "merged":
        names.add("unmerge")
    if busy:
        names.add("withdraw")
    return frozenset(f"incident.{name}" for name in names) | _steps(state) | _keeping(state)


def _keeping(state: Incident) -> frozenset[str]:
    """What can be done about how long its words stay."""
    kept = state.retention
    names = {"place_hold", "lift_restriction" if kept.restricted else "restrict"}
    if kept.holds:
        names.add("lift_hold")
    elif kept.sealing is None and "caller" not in kept.erased:
        names.add("correct_caller")
    if state.orders and kept.sealing is None:
        names.add("keep_track")
    if kept.sealing is not None:
        names.add("ask_unsealing")
        if kept.sealing.asked_by:
            names.add("approve_unsealing")
    if not state.open:
        names.add("keep_longer")
        if kept.sealing is None:
            names.add("seal")
        if not kept.holds:
            decide = {"approve_erasure", "decline_erasure"}
            names |= {"propose_erasure"} if kept.proposal is None else decide
    return frozenset(f"retention.{name}" for name in names)


def _at_work(state: Incident, busy: bool) -> set[str]:
    names = {"dispatch"}
    if state.handled_since is not None:
        names.add("feed_back")
    if state.cancel_asked_by:
        names.add("decline_cancel")
        if not busy:
            names.add("confirm_cancel")
    else:
        names.add("request_cancel")
    if not busy and not state.duplicates:
        names.add("merge")
    return names


def _steps(state: Incident) -> frozenset[str]:
    if not state.open:
        return frozenset()
    states = {order.state for order in state.orders.values()}
    return frozenset(f"order.{step}" for step, start in FROM.items() if states & set(start))
