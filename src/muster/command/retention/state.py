"""What of a matter's words is kept, held, sealed and gone, as its journal tells it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from muster.command.retention import facts
from muster.journal.entry import Entry, Fact, private_fields

#: Class of a private field by its name; every other field is `narrative`.
CLASS_OF_FIELD: Final[Mapping[str, str]] = {
    "caller_name": "caller",
    "caller_phone": "caller",
    "unlisted_phone": "caller",
    "place": "place",
    "because": "decision",
    "track": "recordings",
}
REST: Final = "narrative"
#: Goes only with the last of the others.
LAST: Final = "decision"


class Hold(msgspec.Struct, frozen=True):
    """`role`: under which it was placed. An auditor's hold is an auditor's to lift."""

    hold: str
    basis: str
    placed_by: str
    role: str
    placed_at: datetime
    until: datetime | None


class Proposal(msgspec.Struct, frozen=True):
    """`number`: the entry that proposed it."""

    number: int
    classes: tuple[str, ...]
    basis: str
    by: str
    at: datetime


class Sealing(msgspec.Struct, frozen=True):
    """`open_until`: sealed, but opened for a while. `asked_by`: wants it opened for `hours`, or
    (None) ended."""

    since: datetime
    basis: str
    by: str
    asked_by: str = ""
    hours: int | None = None
    open_until: datetime | None = None


class Correction(msgspec.Struct, frozen=True):
    """更正: which fields about the caller, never what they said."""

    number: int
    fields: tuple[str, ...]
    basis: str
    by: str
    at: datetime


class Track(msgspec.Struct, frozen=True):
    """A track that was kept. `number`: the entry that holds it."""

    number: int
    order: str
    unit: str
    since: datetime
    until: datetime
    positions: int
    basis: str
    by: str
    at: datetime


class Retention(msgspec.Struct, frozen=True):
    """`ended_at`: when the matter was over, None while it is open. `words`: classes of which it
    holds items. `kept_until`: class -> the later day a review decided. `erased`: class -> number
    of the entry."""

    ended_at: datetime | None = None
    words: frozenset[str] = frozenset()
    holds: Mapping[str, Hold] = {}
    in_review: frozenset[str] = frozenset()
    kept_until: Mapping[str, datetime] = {}
    proposal: Proposal | None = None
    erased: Mapping[str, int] = {}
    sealing: Sealing | None = None
    restricted: bool = False
    corrections: tuple[Correction, ...] = ()
    tracks: tuple[Track, ...] = ()

    @property
    def left(self) -> frozenset[str]:
        """Classes that are still there, the reasons of decisions apart."""
        return self.words - self.erased.keys() - {LAST}

    @property
    def whole_erased(self) -> bool:
        return bool(self.erased) and not self.left


def class_of(item: str) -> str:
    """The class of a vault item, from the field its name ends with."""
    return CLASS_OF_FIELD.get(item.rpartition(".")[2], REST)


def classes_in(fact: Fact) -> frozenset[str]:
    """Classes of the words a fact brings."""
    return frozenset(CLASS_OF_FIELD.get(name, REST) for name in private_fields(fact))


def follow(was: Retention, entry: Entry, *, open_before: bool, open_after: bool) -> Retention:
    """After one more entry of any kind: what it holds, and whether the matter is over. A matter
    taken up again begins a new clock when it is over again."""
    changes: dict[str, Any] = {}
    fresh = classes_in(entry.fact) - was.words
    if fresh:
        changes["words"] = was.words | fresh
    if open_after and was.ended_at is not None:
        changes |= {"ended_at": None, "in_review": frozenset(), "kept_until": {}, "proposal": None}
    elif open_before and not open_after:
        changes["ended_at"] = entry.recorded_at
    return msgspec.structs.replace(was, **changes) if changes else was


def fold(was: Retention, entry: Entry) -> Retention:
    """After one more fact of this slice."""
    return msgspec.structs.replace(was, **_CHANGES[type(entry.fact)](was, entry.fact, entry))


def gone(was: Retention, entry: Entry) -> Retention:
    """After `incident.erased`: everything went, by one word."""
    erased = dict.fromkeys(was.words, entry.number)
    changes: dict[str, Any] = {"holds": {}, "in_review": frozenset[str](), "proposal": None}
    return msgspec.structs.replace(was, erased=erased, **changes)


def _placed(was: Retention, fact: facts.HoldPlaced, entry: Entry) -> dict[str, Any]:
    role = entry.authority.role
    hold = Hold(fact.hold, fact.basis, entry.actor, role, entry.recorded_at, fact.until)
    return {"holds": {**was.holds, fact.hold: hold}, "proposal": None}


def _ended(was: Retention, fact: Any, entry: Entry) -> dict[str, Any]:
    return {"holds": {one: hold for one, hold in was.holds.items() if one != fact.hold}}


def _reviewed(was: Retention, fact: facts.Reviewed, entry: Entry) -> dict[str, Any]:
    changes: dict[str, Any] = {
        "in_review": was.in_review - set(fact.classes),
        "proposal": None,
    }
    if fact.until is not None:
        until = dict.fromkeys(fact.classes, fact.until)
        changes["kept_until"] = {**was.kept_until, **until}
    return changes


def _erased(was: Retention, fact: facts.Erased, entry: Entry) -> dict[str, Any]:
    gone = dict.fromkeys(fact.classes, entry.number)
    return {
        "erased": {**was.erased, **gone},
        "in_review": was.in_review - set(fact.classes),
        "proposal": None,
    }


def _proposed(was: Retention, fact: facts.ErasureProposed, entry: Entry) -> dict[str, Any]:
    at = entry.recorded_at
    return {"proposal": Proposal(entry.number, fact.classes, fact.basis, entry.actor, at)}


def _sealing(was: Retention, **changes: Any) -> dict[str, Any]:
    assert was.sealing is not None, "only what is sealed is unsealed"
    return {"sealing": msgspec.structs.replace(was.sealing, **changes)}


def _unsealed(was: Retention, fact: facts.Unsealed, entry: Entry) -> dict[str, Any]:
    if fact.until is None:
        return {"sealing": None}
    return _sealing(was, asked_by="", hours=None, open_until=fact.until)


def _corrected(was: Retention, fact: facts.CallerCorrected, entry: Entry) -> dict[str, Any]:
    of = Correction(entry.number, fact.fields, fact.basis, entry.actor, entry.recorded_at)
    return {"corrections": (*was.corrections, of)}


def _track(was: Retention, fact: facts.TrackKept, entry: Entry) -> dict[str, Any]:
    what = (fact.order, fact.unit, fact.since, fact.until, fact.positions)
    kept = Track(entry.number, *what, fact.basis, entry.actor, entry.recorded_at)
    return {"tracks": (*was.tracks, kept)}


_CHANGES: Mapping[type, Any] = {
    facts.HoldPlaced: _placed,
    facts.HoldLifted: _ended,
    facts.HoldLapsed: _ended,
    facts.ReviewAsked: lambda w, f, e: {"in_review": w.in_review | set(f.classes)},
    facts.Reviewed: _reviewed,
    facts.ErasureProposed: _proposed,
    facts.ErasureDeclined: lambda w, f, e: {"proposal": None},
    facts.Erased: _erased,
    facts.Sealed: lambda w, f, e: {"sealing": Sealing(e.recorded_at, f.basis, e.actor)},
    facts.UnsealingAsked: lambda w, f, e: _sealing(w, asked_by=e.actor, hours=f.hours),
    facts.Unsealed: _unsealed,
    facts.UnsealingEnded: lambda w, f, e: _sealing(w, open_until=None),
    facts.Restricted: lambda w, f, e: {"restricted": True},
    facts.RestrictionLifted: lambda w, f, e: {"restricted": False},
    facts.CallerCorrected: _corrected,
    facts.TrackKept: _track,
}
