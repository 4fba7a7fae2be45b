"""One incident as its readers see it: opened, and masked where the reader may not see people."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import msgspec

from muster.action.orders.facts import OrderGiven
from muster.action.orders.state import Order
from muster.command.incidents import facts
from muster.command.incidents.mask import mask_name, mask_phone, mask_words
from muster.command.incidents.state import Incident
from muster.command.incidents.tables import IncidentRow
from muster.command.retention.view import RetentionView
from muster.identity.looks.look import Justification
from muster.identity.reader import Reader
from muster.journal.entry import Entry, Fact, Private, private_fields

#: Fields whose plaintext names a person; other texts may name people among other words.
PERSONAL = ("caller_name", "caller_phone", "unlisted_phone")
TRACK = "track"
#: Fields of facts that name another matter.
OTHERS = ("into", "duplicate")


Shown = Literal["clear", "masked", "withheld"]


class Caller(msgspec.Struct, frozen=True):
    """`masked`: the reader sees only enough to tell two callers apart."""

    name: str | None
    phone: str | None
    masked: bool


class Seen(msgspec.Struct, frozen=True):
    """How this reader sees the matter, and why (查阅理由). `words`: texts in clear, with people
    masked, or withheld. `may_unmask`: asking for it (`unmask`) shows people, and is recorded."""

    why: str
    words: Shown
    may_unmask: bool


class RemarkView(msgspec.Struct, frozen=True):
    number: int
    at: datetime
    actor: str
    text: str | None


class OrderView(msgspec.Struct, frozen=True, kw_only=True):
    """`times`: state → when it was reached."""

    order: str
    unit: str
    call_sign: str
    organisation: str
    state: str
    active: bool
    sign_by: datetime
    times: dict[str, datetime]
    crew: tuple[str, ...]


class FeedbackView(msgspec.Struct, frozen=True):
    number: int
    result: str
    final: bool
    narrative: str | None


class IncidentDetail(msgspec.Struct, frozen=True, kw_only=True):
    """All of one incident. `may`: operations this session may do now."""

    row: IncidentRow
    seen: Seen
    answered_at: datetime
    call_ended_at: datetime | None
    caller: Caller
    narrative: str | None
    remarks: list[RemarkView]
    orders: list[OrderView]
    feedback: FeedbackView | None
    parties: list[str]
    offered_to: str | None
    cancel_asked_by: str | None
    duplicates: list[str]
    rating: int | None
    retention: RetentionView
    may: list[str]


class Person(msgspec.Struct, frozen=True):
    id: str
    name: str


class EntryView(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the logbook. `body` holds the fact's fields, private texts opened or None."""

    number: int
    kind: str
    happened_at: datetime
    recorded_at: datetime
    actor: Person
    role: str
    organisation: str
    command: str
    body: dict[str, Any]


@dataclass(frozen=True)
class Eyes:
    """How a reader sees one matter. `clear`: with people; `words`: at least what was said, with
    people masked in it; `names`: the caller's, to be masked."""

    clear: bool
    words: bool
    party_only: bool
    names: tuple[str, ...] = ()

    @property
    def shows(self) -> Shown:
        if self.clear:
            return "clear"
        return "masked" if self.words else "withheld"

    def see(self, field: str, text: str | None) -> str | None:
        """A private text as this reader may see it."""
        if text is None:
            return None
        if field in PERSONAL:
            if self.party_only:
                return None
            masked = mask_name if field == "caller_name" else mask_phone
            return text if self.clear else masked(text)
        if self.clear:
            return text
        return mask_words(text, self.names) if self.words else None


@dataclass(frozen=True)
class Opened:
    """A matter on somebody's desk: its row, its entries, and how this reader sees it. `may_unmask`:
    asking for it shows people."""

    row: IncidentRow
    state: Incident
    entries: Sequence[Entry]
    eyes: Eyes
    why: Justification
    may_unmask: bool
    caller_name: str | None

    @property
    def seen(self) -> Seen:
        return Seen(
            why=self.why.code,
            words=self.eyes.shows,
            may_unmask=self.may_unmask and not self.eyes.clear and not self.state.erased,
        )


def timeline(
    reader: Reader, seen: Eyes, entries: Sequence[Entry], names: Mapping[str, str]
) -> list[EntryView]:
    """Entries with their private texts opened in one look-up."""
    opened = reader.open([(entry.matter, item) for entry in entries for item in _texts(entry.fact)])
    others = {other for entry in entries if (other := _other(entry.fact))}
    known = reader.visible_of(others)
    return [_entry(seen, entry, opened, names, known) for entry in entries]


def _texts(fact: Fact) -> list[Private]:
    """What a fact says in words. A track is no text: it has a door of its own."""
    return [item for name, item in private_fields(fact).items() if name != TRACK]


def _other(fact: Any) -> str:
    """The other matter that a fact names, if any."""
    return str(next((getattr(fact, name) for name in OTHERS if hasattr(fact, name)), ""))


def _entry(
    seen: Eyes,
    entry: Entry,
    opened: Mapping[tuple[str, str], str],
    names: Mapping[str, str],
    known: Collection[str],
) -> EntryView:
    """`known`: the other matters whose ids and numbers this reader may have."""
    body: dict[str, Any] = {}
    foreign = _other(entry.fact) not in {"", *known}
    for field in entry.fact.__struct_fields__:
        value = getattr(entry.fact, field)
        if isinstance(value, Private):
            text = opened.get((entry.matter, value.item))
            value = _place(text) if field == "place" else seen.see(field, text)
        elif foreign and field in (*OTHERS, "number"):
            value = None
        body[field] = msgspec.to_builtins(value, builtin_types=(datetime,))
    return EntryView(
        number=entry.number,
        kind=entry.kind,
        happened_at=entry.happened_at,
        recorded_at=entry.recorded_at,
        actor=Person(entry.actor, names.get(entry.actor, "")),
        role=entry.authority.role,
        organisation=entry.authority.organisation,
        command=entry.command,
        body=body,
    )


def _place(text: str | None) -> Any:
    return msgspec.json.decode(text) if text else None


def detail(
    reader: Reader, opened: Opened, kept: RetentionView, may: Sequence[str]
) -> IncidentDetail:
    """Everything about one incident, for a reader who may see it."""
    row, state, entries = opened.row, opened.state, opened.entries
    remarks = [entry for entry in entries if isinstance(entry.fact, facts.IncidentRemarked)]
    feedback = [entry for entry in entries if isinstance(entry.fact, facts.IncidentFedBack)]
    fields = [state.caller_name, state.caller_phone, state.narrative]
    fields += [entry.fact.text for entry in remarks]  # type: ignore[attr-defined]
    fields += [entry.fact.narrative for entry in feedback[-1:]]  # type: ignore[attr-defined]
    plain = reader.open([(row.id, one) for one in fields if one is not None])

    def text(item: Private | None, field: str = "") -> str | None:
        found = plain.get((row.id, item.item)) if item is not None else None
        return opened.eyes.see(field, found)

    return IncidentDetail(
        row=row,
        seen=opened.seen,
        answered_at=state.answered_at,
        call_ended_at=state.call_ended_at,
        caller=Caller(
            text(state.caller_name, "caller_name"),
            text(state.caller_phone, "caller_phone"),
            not opened.eyes.clear,
        ),
        narrative=text(state.narrative),
        remarks=[
            RemarkView(one.number, one.happened_at, one.actor, text(one.fact.text))  # type: ignore[attr-defined]
            for one in remarks
        ],
        orders=[_order(order) for order in state.orders.values()],
        feedback=_feedback(state, feedback, text) if state.feedback else None,
        parties=sorted({state.organisation, state.jurisdiction, *state.asked}),
        offered_to=state.offered_to or None,
        cancel_asked_by=state.cancel_asked_by or None,
        duplicates=sorted(reader.visible_of(state.duplicates)),
        rating=state.rating,
        retention=kept,
        may=sorted(may),
    )


def _order(order: Order) -> OrderView:
    return OrderView(
        order=order.order,
        unit=order.unit,
        call_sign=order.call_sign,
        organisation=order.organisation,
        state=order.state,
        active=order.active,
        sign_by=order.sign_by,
        times=dict(order.times),
        crew=order.crew,
    )


def _feedback(state: Incident, given: Sequence[Entry], text: Any) -> FeedbackView:
    last = given[-1]
    assert isinstance(last.fact, facts.IncidentFedBack)
    return FeedbackView(last.number, last.fact.result, last.fact.final, text(last.fact.narrative))


def unit_of(entry: Entry) -> str | None:
    """The unit an order was given to, for entries that open one."""
    return entry.fact.unit if isinstance(entry.fact, OrderGiven) else None
