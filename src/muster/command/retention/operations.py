"""Every operation on the keeping of a matter, with what it reads under the locks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from muster.command.incidents.inputs import Because, Nothing
from muster.command.incidents.state import Incident
from muster.command.incidents.tables import is_open
from muster.command.retention import decide, inputs
from muster.command.retention.correct import correct_caller
from muster.command.retention.decide import Known
from muster.command.retention.track import keep_track, order_within
from muster.geography.pack import Pack
from muster.journal.context import Due
from muster.journal.erasing import ciphertexts
from muster.journal.perform import Opening, Operation
from muster.telemetry.tracks import track_of


def retention_operations(pack: Pack) -> list[Operation[Any, Any, Any]]:
    """All operations of this slice."""

    def nothing(_opening: Opening, _asked: Any) -> Known:
        return Known(pack)

    def there(opening: Opening, _asked: Any) -> Known:
        state: Incident | None = opening.state
        main = state.merged_into if state is not None else None
        main_open = main is not None and is_open(opening.connection, main)
        found = ciphertexts(opening.connection, opening.matter)
        return Known(pack, items=tuple(found), main_open=main_open)

    def phone(opening: Opening, _asked: Any) -> Known:
        state: Incident | None = opening.state
        if state is None or state.caller_phone is None or "caller" not in state.retention.left:
            return Known(pack)
        return Known(pack, phone=opening.open(opening.matter, state.caller_phone))

    def caller(opening: Opening, _asked: Any) -> Known:
        state: Incident | None = opening.state
        if state is None:
            return Known(pack)
        found = tuple(ciphertexts(opening.connection, opening.matter))
        there = {item for item, _ in found}
        name, phone = (
            opening.open(opening.matter, one) if one is not None and one.item in there else ""
            for one in (state.caller_name, state.caller_phone)
        )
        return Known(pack, items=found, name=name, phone=phone)

    def tracked(opening: Opening, asked: inputs.KeepTrack) -> Known:
        order = order_within(opening.state, asked, opening.now)
        track = track_of(opening.connection, order.unit, asked.since, asked.until)
        return Known(pack, track=track)

    listed: Sequence[tuple[str, type[msgspec.Struct], Any, Any]] = (
        ("place_hold", inputs.PlaceHold, decide.place_hold, nothing),
        ("lift_hold", inputs.LiftHold, decide.lift_hold, nothing),
        ("keep_longer", inputs.KeepLonger, decide.keep_longer, nothing),
        ("propose_erasure", inputs.ProposeErasure, decide.propose_erasure, there),
        ("decline_erasure", Because, decide.decline_erasure, nothing),
        ("approve_erasure", inputs.ApproveErasure, decide.approve_erasure, there),
        ("seal", inputs.Seal, decide.seal, nothing),
        ("ask_unsealing", inputs.AskUnsealing, decide.ask_unsealing, nothing),
        ("approve_unsealing", Nothing, decide.approve_unsealing, phone),
        ("restrict", inputs.Seal, decide.restrict, nothing),
        ("lift_restriction", Because, decide.lift_restriction, phone),
        ("correct_caller", inputs.CorrectCaller, correct_caller, caller),
        ("keep_track", inputs.KeepTrack, keep_track, tracked),
        ("clock", Due, decide.clock, there),
    )
    return [
        Operation(name=f"retention.{name}", input=kind, decide=function, reads=reads)
        for name, kind, function, reads in listed
    ]
