"""Correcting what is held about a caller, at that person's wish or one's own. Pure.

What was wrong goes from the vault for good; that it was corrected, when, by whom and which field
stays. To take a correction back is another correction.
"""

from __future__ import annotations

from muster.command.incidents.decide import sealed
from muster.command.incidents.state import Incident
from muster.command.retention import facts, inputs
from muster.command.retention.decide import Asked, existing
from muster.command.retention.state import class_of
from muster.journal.entry import Fact, private
from muster.journal.refusal import Refused

CALLER = "caller"


def correct_caller(
    state: Incident | None, asked: inputs.CorrectCaller, context: Asked
) -> list[Fact]:
    """Open or over, also while it is restricted. Not on hold: nothing may go then."""
    found, read = existing(state), context.read
    kept = found.retention
    if kept.sealing is not None:
        raise Refused("sealing.sealed")
    if kept.holds:
        raise Refused("retention.held")
    if CALLER in kept.erased:
        raise Refused("retention.nothing_there", of=CALLER)
    was = {"caller_name": read.name, "caller_phone": read.phone}
    given = {name: getattr(asked, name) for name in was}
    now = {name: was[name] if value is None else value.strip() for name, value in given.items()}
    fields = tuple(name for name in was if now[name] != was[name])
    if not fields:
        raise Refused("correction.same")
    phone = private(now["caller_phone"])
    return [
        facts.CallerCorrected(
            basis=asked.basis,
            because=sealed(asked.reason),
            fields=fields,
            items=tuple(
                facts.ErasedItem(item, CALLER, sha256)
                for item, sha256 in sorted(read.items)
                if class_of(item) == CALLER
            ),
            caller_name=private(now["caller_name"]),
            caller_phone=None if kept.restricted else phone,
            unlisted_phone=phone if kept.restricted else None,
        )
    ]
