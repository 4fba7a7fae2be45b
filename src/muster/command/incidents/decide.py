"""What may be done to an incident, and what follows. Pure: no database, no clock.

Every function is `(state, input, context) -> facts` or raises Refused. `context.read` is a
`Rules`: the city pack's numbers, and what was looked up under the locks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from muster.command.incidents import facts, inputs
from muster.command.incidents.state import AT_WORK, Incident
from muster.geography.pack import Pack
from muster.identity.authority import by_crew
from muster.journal.context import Context, Due, Planned
from muster.journal.entry import Fact, Private, private
from muster.journal.refusal import Refused

FUTURE_TOLERANCE = timedelta(minutes=5)
PAST_LIMIT = timedelta(days=366)


@dataclass(frozen=True)
class Located:
    """A place with what follows from it: geohash cell, organisation in charge, and whether
    that came from a boundary (True) or from the nearest station (False)."""

    text: str
    cell: str
    jurisdiction: str
    sure: bool


@dataclass(frozen=True)
class Rules:
    """The pack, and what the command looked up."""

    pack: Pack
    number: str = ""
    located: Located | None = None

    def by(self, name: str, level: int, now: datetime) -> datetime:
        """When a hand-off that starts now must be done."""
        return now + timedelta(seconds=self.pack.clock(name, level))


Known = Context[Rules]


def sealed(text: str | None) -> Private:
    return private(text or "-") or Private(plain="-")


def existing(state: Incident | None) -> Incident:
    """Raises Refused when the matter does not exist or some of its words are erased: nothing is
    added to what has begun to go."""
    if state is None:
        raise Refused("matter.unknown")
    if state.erased or state.retention.erased:
        raise Refused("matter.erased")
    return state


def in_stage(state: Incident | None, *stages: str) -> Incident:
    found = existing(state)
    if found.stage not in stages:
        raise Refused("state.wrong", state=found.state)
    return found


def still_open(state: Incident | None) -> Incident:
    return in_stage(state, *AT_WORK, "reported")


def acts_as_crew(context: Known) -> bool:
    """Whether the role used is one that acts only for the unit it crews (officer, partner)."""
    return by_crew("order.sign", context.authority.role)


def crew_only(found: Incident, context: Known) -> None:
    """An officer acts only on matters his unit was sent to. Raises order.not_yours."""
    if acts_as_crew(context) and not any(
        context.actor.person in order.crew for order in found.orders.values()
    ):
        raise Refused("order.not_yours")


def check_time(at: datetime, now: datetime, path: str) -> datetime:
    """A claimed time: not in the future (five minutes' grace for clocks), not over a year ago."""
    if at > now + FUTURE_TOLERANCE or at < now - PAST_LIMIT:
        raise Refused("time.impossible", path=path)
    return at


def report(state: Incident | None, asked: inputs.Report, context: Known) -> list[Fact]:
    """接警: open the matter."""
    if state is not None:
        raise Refused("matter.exists")
    rules, now = context.read, context.now
    located = rules.located
    assert located is not None
    category = rules.pack.categories.get(asked.category)
    if category is None:
        raise Refused("category.unknown", category=asked.category)
    if asked.channel not in rules.pack.channels:
        raise Refused("channel.unknown", channel=asked.channel)
    level = asked.level or category.level
    check_call_times(asked, now)
    organisation = asked.organisation or located.jurisdiction
    if organisation not in rules.pack.organisations:
        raise Refused("organisation.unknown", organisation=organisation)
    return [
        facts.IncidentReported(
            number=rules.number,
            organisation=organisation,
            jurisdiction=located.jurisdiction,
            jurisdiction_sure=located.sure,
            channel=asked.channel,
            category=asked.category,
            level=level,
            reported_at=asked.reported_at,
            answered_at=asked.answered_at,
            call_ended_at=asked.call_ended_at,
            caller_name=private(asked.caller_name),
            caller_phone=private(asked.caller_phone),
            narrative=sealed(asked.narrative),
            place=sealed(located.text),
            cell=located.cell,
            complete=asked.complete,
            wait_by=rules.by("wait", level, now),
            officer_initiated=asked.officer_unit is not None,
        )
    ]


def check_call_times(asked: inputs.Report, now: datetime) -> None:
    """报警 <= 接警 <= 接警完成, none impossible."""
    check_time(asked.reported_at, now, "reported_at")
    check_time(asked.answered_at, now, "answered_at")
    if asked.answered_at < asked.reported_at:
        raise Refused("time.order", path="answered_at")
    if asked.call_ended_at is not None:
        check_time(asked.call_ended_at, now, "call_ended_at")
        if asked.call_ended_at < asked.answered_at:
            raise Refused("time.order", path="call_ended_at")


def complete(state: Incident | None, asked: inputs.Complete, context: Known) -> list[Fact]:
    """The call ended: received → waiting."""
    found = in_stage(state, "received")
    check_time(asked.call_ended_at, context.now, "call_ended_at")
    if asked.call_ended_at < found.answered_at:
        raise Refused("time.order", path="call_ended_at")
    wait_by = context.read.by("wait", found.level, context.now)
    return [facts.IncidentCompleted(call_ended_at=asked.call_ended_at, wait_by=wait_by)]


def remark(state: Incident | None, asked: inputs.Remark, context: Known) -> list[Fact]:
    existing(state)
    return [facts.IncidentRemarked(text=sealed(asked.text))]


def correct_place(state: Incident | None, asked: inputs.CorrectPlace, context: Known) -> list[Fact]:
    crew_only(still_open(state), context)
    located = context.read.located
    assert located is not None
    return [
        facts.IncidentPlaceCorrected(
            place=sealed(located.text),
            cell=located.cell,
            jurisdiction=located.jurisdiction,
            jurisdiction_sure=located.sure,
            reason=sealed(asked.reason),
        )
    ]


def correct_time(state: Incident | None, asked: inputs.CorrectTime, context: Known) -> list[Fact]:
    found = existing(state)
    check_time(asked.at, context.now, "at")
    times: dict[str, datetime | None] = {
        "reported_at": found.reported_at,
        "answered_at": found.answered_at,
        "call_ended_at": found.call_ended_at,
    }
    was = times[asked.field]
    times[asked.field] = asked.at
    known = [at for at in times.values() if at is not None]
    if known != sorted(known):
        raise Refused("time.order", path="at")
    return [
        facts.IncidentTimeCorrected(
            field=asked.field, at=asked.at, was=was, reason=sealed(asked.reason)
        )
    ]


def categorise(state: Incident | None, asked: inputs.Categorise, context: Known) -> list[Fact]:
    existing(state)
    if asked.category not in context.read.pack.categories:
        raise Refused("category.unknown", category=asked.category)
    return [
        facts.IncidentCategorised(
            category=asked.category, final=asked.final, reason=private(asked.reason)
        )
    ]


def change_level(state: Incident | None, asked: inputs.ChangeLevel, context: Known) -> list[Fact]:
    found = still_open(state)
    if asked.level == found.level:
        raise Refused("level.same", level=found.level)
    changed: list[Fact] = [
        facts.IncidentLevelChanged(level=asked.level, was=found.level, reason=sealed(asked.reason))
    ]
    if asked.level <= 2 and asked.level < found.level:
        changed.append(facts.IncidentEscalated(why="level_raised"))
    return changed


def transfer(state: Incident | None, asked: inputs.Transfer, context: Known) -> list[Fact]:
    """转办: the first receiver handles until the other accepts."""
    found = still_open(state)
    if asked.organisation not in context.read.pack.organisations:
        raise Refused("organisation.unknown", organisation=asked.organisation)
    if asked.organisation == found.organisation:
        raise Refused("organisation.same")
    if found.offered_to:
        raise Refused("transfer.pending", organisation=found.offered_to)
    return [
        facts.IncidentTransferred(
            organisation=asked.organisation,
            reason=sealed(asked.reason),
            accept_by=context.read.by("transfer_accept", found.level, context.now),
        )
    ]


def accept_transfer(state: Incident | None, asked: inputs.Nothing, context: Known) -> list[Fact]:
    found = still_open(state)
    if not found.offered_to:
        raise Refused("transfer.none")
    below = context.read.pack.subtree(context.authority.organisation)
    if found.offered_to not in below:
        raise Refused("authority.denied", operation="incident.accept_transfer")
    return [facts.IncidentTransferAccepted(organisation=found.offered_to)]


def ask_in(state: Incident | None, asked: inputs.AskIn, context: Known) -> list[Fact]:
    """Let another organisation see and join this matter."""
    found = still_open(state)
    if asked.organisation not in context.read.pack.organisations:
        raise Refused("organisation.unknown", organisation=asked.organisation)
    if asked.organisation in found.asked or asked.organisation == found.organisation:
        raise Refused("organisation.same")
    return [
        facts.IncidentOrganisationAsked(
            organisation=asked.organisation, reason=sealed(asked.reason)
        )
    ]


def urge(state: Incident | None, asked: inputs.Remark, context: Known) -> list[Fact]:
    still_open(state)
    return [facts.IncidentUrged(text=sealed(asked.text))]


def request_cancel(
    state: Incident | None, asked: inputs.RequestCancel, context: Known
) -> list[Fact]:
    found = in_stage(state, *AT_WORK)
    crew_only(found, context)
    if found.cancel_asked_by:
        raise Refused("cancel.pending")
    return [
        facts.IncidentCancelRequested(
            reason=sealed(asked.reason),
            why=asked.kind,
            confirm_by=context.read.by("cancel_confirm", found.level, context.now),
        )
    ]


def confirm_cancel(state: Incident | None, asked: inputs.Nothing, context: Known) -> list[Fact]:
    """两人核对: the one who asked cannot confirm. Units on the way are called back first."""
    found = in_stage(state, *AT_WORK)
    if not found.cancel_asked_by:
        raise Refused("cancel.none")
    if found.cancel_asked_by == context.actor.person:
        raise Refused("cancel.same_person")
    if any(order.active for order in found.orders.values()):
        raise Refused("orders.active")
    return [facts.IncidentCancelled(why=found.cancel_why)]


def decline_cancel(state: Incident | None, asked: inputs.Because, context: Known) -> list[Fact]:
    found = in_stage(state, *AT_WORK)
    if not found.cancel_asked_by:
        raise Refused("cancel.none")
    return [facts.IncidentCancelDeclined(reason=sealed(asked.reason))]


def merge(state: Incident | None, asked: inputs.Merge, context: Known) -> Sequence[Fact | Planned]:
    """合并: this one becomes a duplicate of `into`."""
    found = in_stage(state, *AT_WORK)
    main: Incident | None = context.others.get(asked.into)
    if asked.into == context.matter:
        raise Refused("merge.itself")
    if main is None:
        raise Refused("matter.unknown")
    if not main.open:
        raise Refused("merge.main_closed", state=main.state)
    if found.duplicates:
        raise Refused("merge.has_duplicates")
    if any(order.active for order in found.orders.values()):
        raise Refused("orders.active")
    return [
        facts.IncidentMerged(into=asked.into, reason=sealed(asked.reason)),
        Planned(
            facts.IncidentAbsorbed(duplicate=context.matter, number=found.number),
            matter=asked.into,
        ),
    ]


def unmerge(
    state: Incident | None, asked: inputs.Unmerge, context: Known
) -> Sequence[Fact | Planned]:
    found = in_stage(state, "merged")
    if found.merged_into != asked.main:
        raise Refused("merge.not_there")
    wait_by = context.read.by("wait", found.level, context.now)
    return [
        facts.IncidentUnmerged(reason=sealed(asked.reason), wait_by=wait_by),
        Planned(facts.IncidentReleased(duplicate=context.matter), matter=asked.main),
    ]


def feed_back(state: Incident | None, asked: inputs.FeedBack, context: Known) -> list[Fact]:
    """反馈: what was found and done. The closing one goes to review."""
    found = in_stage(state, *AT_WORK)
    crew_only(found, context)
    if found.handled_since is None:
        raise Refused("feedback.nobody_there")
    if asked.final_category and asked.final_category not in context.read.pack.categories:
        raise Refused("category.unknown", category=asked.final_category)
    return [
        facts.IncidentFedBack(
            result=asked.result,
            final=asked.final,
            category=asked.final_category or "",
            narrative=sealed(asked.narrative),
            injured=asked.injured,
            dead=asked.dead,
            rescued=asked.rescued,
            people=asked.people,
            vehicles=asked.vehicles,
            boats=asked.boats,
            review_by=context.read.by("review", found.level, context.now),
        )
    ]


def return_feedback(state: Incident | None, asked: inputs.Because, context: Known) -> list[Fact]:
    """审核退回."""
    found = in_stage(state, "reported")
    by = context.read.by("final_feedback", found.level, context.now)
    return [facts.IncidentFeedbackReturned(reason=sealed(asked.reason), final_feedback_by=by)]


def close(state: Incident | None, asked: inputs.Nothing, context: Known) -> list[Fact]:
    """办结, once reviewed and every unit is free."""
    found = in_stage(state, "reported")
    if any(order.active for order in found.orders.values()):
        raise Refused("orders.active")
    by = context.read.by("call_back", found.level, context.now)
    return [facts.IncidentClosed(call_back_by=by)]


def call_back(state: Incident | None, asked: inputs.CallBack, context: Known) -> list[Fact]:
    in_stage(state, "closed")
    return [facts.IncidentCalledBack(rating=asked.rating, note=private(asked.note))]


def archive(state: Incident | None, asked: inputs.Nothing, context: Known) -> list[Fact]:
    in_stage(state, "closed", "called_back", "cancelled", "merged")
    return [facts.IncidentArchived()]


def miss_clock(state: Incident | None, asked: Due, context: Known) -> list[Fact]:
    """A clock ran out: say so, and tell the duty chief."""
    if state is None or state.due.get(asked.name) != asked.due:
        return []
    return [
        facts.IncidentClockMissed(name=asked.name, due=asked.due),
        facts.IncidentEscalated(why=asked.name.partition(":")[0]),
    ]


def erase_again(state: Incident | None, asked: inputs.Erase, context: Known) -> list[Fact]:
    """Say in a journal restored from before its erasure that the words are gone, at any stage."""
    if state is None or state.erased:
        return []
    return [facts.IncidentErased(basis=asked.basis)]
