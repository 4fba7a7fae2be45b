"""The keeping of one matter as people see it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from muster.command.incidents.state import Incident
from muster.command.retention import facts
from muster.command.retention.clocks import Clock, clocks
from muster.command.retention.state import Correction, Track
from muster.geography.retention import Schedule
from muster.journal.entry import Entry, Private


class HoldView(msgspec.Struct, frozen=True):
    hold: str
    basis: str
    placed_by: str
    placed_at: datetime
    until: datetime | None
    because: str | None


class ProposalView(msgspec.Struct, frozen=True):
    """`number`: what somebody who agrees has read."""

    number: int
    classes: tuple[str, ...]
    basis: str
    by: str
    at: datetime
    because: str | None


class RetentionView(msgspec.Struct, frozen=True, kw_only=True):
    """`erased`: class -> number of the entry. `open_until`: sealed, but opened until then.
    `corrections`: of the caller's data. `tracks`: of units, kept as evidence."""

    ended_at: datetime | None
    clocks: list[Clock]
    holds: list[HoldView]
    proposal: ProposalView | None
    erased: dict[str, int]
    sealed: bool
    open_until: datetime | None
    unsealing_asked_by: str | None
    restricted: bool
    corrections: list[Correction]
    tracks: list[Track]


def reasons(entries: Iterable[Entry]) -> list[Private]:
    """The private reasons of holds and proposals."""
    wanted = facts.HoldPlaced | facts.ErasureProposed
    return [entry.fact.because for entry in entries if isinstance(entry.fact, wanted)]


def view(
    schedule: Schedule,
    state: Incident,
    entries: Iterable[Entry] = (),
    opened: Mapping[tuple[str, str], str | None] | None = None,
) -> RetentionView:
    """Of one matter. `opened`: plaintexts by (matter, item), for those who may read them."""
    kept, sealing, texts = state.retention, state.retention.sealing, opened or {}
    placed: dict[str, Private] = {}
    proposed: Private | None = None
    matter = ""
    for entry in entries:
        matter = entry.matter
        if isinstance(entry.fact, facts.HoldPlaced):
            placed[entry.fact.hold] = entry.fact.because
        elif isinstance(entry.fact, facts.ErasureProposed):
            proposed = entry.fact.because

    def text(item: Private | None) -> str | None:
        return texts.get((matter, item.item)) if item is not None else None

    proposal = kept.proposal
    return RetentionView(
        ended_at=kept.ended_at,
        clocks=clocks(schedule, state.weighed),
        holds=[
            HoldView(
                one.hold,
                one.basis,
                one.placed_by,
                one.placed_at,
                one.until,
                text(placed.get(one.hold)),
            )
            for one in kept.holds.values()
        ],
        proposal=ProposalView(
            proposal.number,
            proposal.classes,
            proposal.basis,
            proposal.by,
            proposal.at,
            text(proposed),
        )
        if proposal
        else None,
        erased=dict(kept.erased),
        sealed=sealing is not None,
        open_until=sealing.open_until if sealing else None,
        unsealing_asked_by=(sealing.asked_by or None) if sealing else None,
        restricted=kept.restricted,
        corrections=list(kept.corrections),
        tracks=[] if "recordings" in kept.erased else list(kept.tracks),
    )
