"""What may be done about the keeping of a matter. Pure: no database, no clock.

A hold beats everything. Whoever proposed an erasure does not approve it; whoever placed a hold
does not lift it; whoever asked for an unsealing does not grant it. A machine proposes, and erases
by itself only where the city's table asks for no review.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

import msgspec

from muster.command.incidents.decide import sealed
from muster.command.incidents.inputs import Because, Nothing
from muster.command.incidents.state import Incident
from muster.command.retention import clocks, facts, inputs
from muster.command.retention.state import class_of
from muster.geography.pack import Pack
from muster.journal.context import Context, Due
from muster.journal.entry import Fact, private
from muster.journal.refusal import Refused
from muster.telemetry.track import Track

LONGEST_KEPT = timedelta(days=366 * 20)


@dataclass(frozen=True)
class Known:
    """The pack, and what was looked up under the locks: the matter's vault items with SHA-256 of
    their ciphertext, whether the matter it was merged into is still open, the caller's phone and
    name, a unit's track during its order."""

    pack: Pack
    items: tuple[tuple[str, str], ...] = ()
    main_open: bool = False
    phone: str = field(default="", repr=False)
    name: str = field(default="", repr=False)
    track: Track | None = field(default=None, repr=False)


Asked = Context[Known]


def existing(state: Incident | None) -> Incident:
    """Raises Refused when the matter does not exist or nothing of it is left."""
    if state is None:
        raise Refused("matter.unknown")
    if state.erased:
        raise Refused("matter.erased")
    return state


def over(state: Incident | None) -> Incident:
    found = existing(state)
    if found.open:
        raise Refused("state.wrong", state=found.state)
    return found


def place_hold(state: Incident | None, asked: inputs.PlaceHold, context: Asked) -> list[Fact]:
    """Also on an open matter. A proposal to erase falls with it."""
    found = existing(state)
    if asked.hold in found.retention.holds:
        raise Refused("hold.exists")
    if asked.until is not None and asked.until <= context.now:
        raise Refused("time.impossible", path="until")
    because = sealed(asked.reason)
    return [
        facts.HoldPlaced(hold=asked.hold, basis=asked.basis, because=because, until=asked.until)
    ]


def lift_hold(state: Incident | None, asked: inputs.LiftHold, context: Asked) -> list[Fact]:
    hold = existing(state).retention.holds.get(asked.hold)
    if hold is None:
        raise Refused("hold.unknown")
    if hold.placed_by == context.actor.person:
        raise Refused("hold.same_person")
    if hold.role == "auditor" and context.authority.role != "auditor":
        raise Refused("hold.of_auditor")
    return [facts.HoldLifted(hold=asked.hold, because=sealed(asked.reason))]


def free(state: Incident | None) -> Incident:
    """Raises Refused while the matter is open or held."""
    found = over(state)
    if found.retention.holds:
        raise Refused("retention.held")
    return found


def still_there(found: Incident, classes: Iterable[str]) -> tuple[str, ...]:
    wanted = tuple(sorted(set(classes)))
    for name in wanted:
        if name not in found.retention.left:
            raise Refused("retention.nothing_there", of=name)
    return wanted


def keep_longer(state: Incident | None, asked: inputs.KeepLonger, context: Asked) -> list[Fact]:
    """The review's other answer. Needs one person only: it takes nothing away."""
    found = over(state)
    if not context.now < asked.until <= context.now + LONGEST_KEPT:
        raise Refused("time.impossible", path="until")
    kept = still_there(found, asked.classes)
    because = sealed(asked.reason)
    return [facts.Reviewed(decision="keep", classes=kept, until=asked.until, because=because)]


def propose_erasure(
    state: Incident | None, asked: inputs.ProposeErasure, context: Asked
) -> list[Fact]:
    """Also before its time, by law or order: the second person sees that it is not due yet."""
    found = free(state)
    if found.retention.proposal is not None:
        raise Refused("erasure.pending")
    if context.read.main_open:
        raise Refused("erasure.main_open")
    classes = still_there(found, asked.classes)
    because = sealed(asked.reason)
    return [facts.ErasureProposed(classes=classes, basis=asked.basis, because=because)]


def decline_erasure(state: Incident | None, asked: Because, context: Asked) -> list[Fact]:
    found = over(state)
    if found.retention.proposal is None:
        raise Refused("erasure.none")
    return [facts.ErasureDeclined(because=sealed(asked.reason))]


def approve_erasure(
    state: Incident | None, asked: inputs.ApproveErasure, context: Asked
) -> list[Fact]:
    """审查同意: the second person agrees, and it goes."""
    found = free(state)
    proposal = found.retention.proposal
    if proposal is None or proposal.number != asked.proposal:
        raise Refused("erasure.none")
    if proposal.by == context.actor.person:
        raise Refused("erasure.same_person")
    if context.read.main_open:
        raise Refused("erasure.main_open")
    reviewed = facts.Reviewed(decision="erase", classes=proposal.classes, proposed_by=proposal.by)
    gone = erased(found, context, proposal.classes, proposal.basis)
    by = {"requested_by": proposal.by, "approved_by": context.actor.person}
    return [reviewed, msgspec.structs.replace(gone, **by)]


def erased(found: Incident, context: Asked, classes: tuple[str, ...], basis: str) -> facts.Erased:
    """The fact that these classes go, at the request of whoever acts."""
    whole = not found.retention.left - set(classes)
    items = tuple(
        facts.ErasedItem(item, class_of(item), sha256)
        for item, sha256 in sorted(context.read.items)
        if whole or class_of(item) in classes
    )
    return facts.Erased(
        classes=classes,
        whole=whole,
        items=items,
        basis=basis,
        requested_by=context.actor.person,
        schedule=context.read.pack.retention.version,
    )


def seal(state: Incident | None, asked: inputs.Seal, context: Asked) -> list[Fact]:
    found = over(state)
    if found.retention.sealing is not None:
        raise Refused("sealing.sealed")
    return [facts.Sealed(basis=asked.basis, because=sealed(asked.reason))]


def ask_unsealing(state: Incident | None, asked: inputs.AskUnsealing, context: Asked) -> list[Fact]:
    sealing = existing(state).retention.sealing
    if sealing is None:
        raise Refused("sealing.not_sealed")
    if sealing.open_until is not None and asked.hours is not None:
        raise Refused("sealing.open")
    because = sealed(asked.reason)
    return [facts.UnsealingAsked(basis=asked.basis, because=because, hours=asked.hours)]


def approve_unsealing(state: Incident | None, asked: Nothing, context: Asked) -> list[Fact]:
    found = existing(state)
    sealing = found.retention.sealing
    if sealing is None or not sealing.asked_by:
        raise Refused("sealing.not_asked")
    if sealing.asked_by == context.actor.person:
        raise Refused("sealing.same_person")
    until = None if sealing.hours is None else context.now + timedelta(hours=sealing.hours)
    phone = "" if found.retention.restricted else context.read.phone
    return [
        facts.Unsealed(asked_by=sealing.asked_by, until=until, caller_phone=private(phone)),
    ]


def restrict(state: Incident | None, asked: inputs.Seal, context: Asked) -> list[Fact]:
    """限制处理: at the request of the person concerned."""
    if existing(state).retention.restricted:
        raise Refused("restriction.there")
    return [facts.Restricted(basis=asked.basis, because=sealed(asked.reason))]


def lift_restriction(state: Incident | None, asked: Because, context: Asked) -> list[Fact]:
    found = existing(state)
    if not found.retention.restricted:
        raise Refused("restriction.none")
    phone = "" if found.retention.sealing is not None else context.read.phone
    because = sealed(asked.reason)
    return [facts.RestrictionLifted(because=because, caller_phone=private(phone))]


def clock(state: Incident | None, asked: Due, context: Asked) -> list[Fact]:
    """A deadline of this slice rang."""
    if state is None or state.erased:
        return []
    schedule = context.read.pack.retention
    weighed = state.weighed
    if clocks.due_of(schedule, weighed).get(asked.name) != asked.due:
        return []
    if asked.name == clocks.UNSEALING:
        return [facts.UnsealingEnded()]
    if asked.name.startswith(clocks.HOLD):
        return [facts.HoldLapsed(hold=asked.name.removeprefix(clocks.HOLD))]
    name = asked.name.removeprefix(clocks.CLASS)
    if schedule.classes[name].review or context.read.main_open:
        return [facts.ReviewAsked(classes=(name,), due=asked.due, schedule=schedule.version)]
    return [erased(state, context, (name,), schedule.classes[name].basis_zh)]
