"""One incident as its readers see it: opened, and masked where the reader may not see people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from muster.action.orders.facts import OrderGiven
from muster.action.orders.state import Order
from muster.command.incidents import facts
from muster.command.incidents.state import Incident
from muster.command.incidents.tables import IncidentRow
from muster.identity.authority import by_crew, suffices
from muster.identity.reader import Reader
from muster.identity.scope import PRIVATE
from muster.journal.entry import Entry, Private, private_fields

#: Fields whose plaintext names a person; they are masked for readers without `read.private`.
PERSONAL = ("caller_name", "caller_phone")


class Caller(msgspec.Struct, frozen=True):
    """`masked`: the reader sees only enough to tell two callers apart."""

    name: str | None
    phone: str | None
    masked: bool


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


def mask_name(name: str) -> str:
    """张三 → 张*"""
    return name[:1] + "*" * max(1, len(name) - 1)


def mask_phone(phone: str) -> str:
    """Keeps the first three and the last two digits."""
    return phone[:3] + "*" * max(1, len(phone) - 5) + phone[-2:] if len(phone) > 5 else "***"


def masked_for(reader: Reader, matter: str, state: Incident) -> bool:
    """Whether callers are masked for this reader in this matter.

    Officers see them only in matters their own unit was sent to.
    """
    access = reader.access(matter)
    held = [grant for grant in reader.scope.grants if suffices(grant, PRIVATE, access)]
    if not held:
        return True
    if not all(by_crew(PRIVATE, grant.role) for grant in held):
        return False
    return not any(reader.actor.person in order.crew for order in state.orders.values())


@dataclass(frozen=True)
class Eyes:
    """How a reader sees one matter."""

    masked: bool
    party_only: bool

    def see(self, field: str, text: str | None) -> str | None:
        """A private text as this reader may see it."""
        if text is None or (self.party_only and field in PERSONAL):
            return None
        if self.masked and field in PERSONAL:
            return mask_name(text) if field == "caller_name" else mask_phone(text)
        return text


def eyes(reader: Reader, matter: str, state: Incident) -> Eyes:
    return Eyes(masked_for(reader, matter, state), reader.party_only)


def timeline(
    reader: Reader, seen: Eyes, entries: Sequence[Entry], names: Mapping[str, str]
) -> list[EntryView]:
    """Entries with their private texts opened in one look-up."""
    opened = reader.open(
        [(entry.matter, item) for entry in entries for item in private_fields(entry.fact).values()]
    )
    return [_entry(seen, entry, opened, names) for entry in entries]


def _entry(
    seen: Eyes,
    entry: Entry,
    opened: Mapping[tuple[str, str], str],
    names: Mapping[str, str],
) -> EntryView:
    body: dict[str, Any] = {}
    for field in entry.fact.__struct_fields__:
        value = getattr(entry.fact, field)
        if isinstance(value, Private):
            text = opened.get((entry.matter, value.item))
            value = _place(text) if field == "place" else seen.see(field, text)
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
    reader: Reader,
    row: IncidentRow,
    state: Incident,
    entries: Sequence[Entry],
    may: Sequence[str],
) -> IncidentDetail:
    """Everything about one incident, for a reader who may see it."""
    remarks = [entry for entry in entries if isinstance(entry.fact, facts.IncidentRemarked)]
    feedback = [entry for entry in entries if isinstance(entry.fact, facts.IncidentFedBack)]
    seen = eyes(reader, row.id, state)
    fields = [state.caller_name, state.caller_phone, state.narrative]
    fields += [entry.fact.text for entry in remarks]  # type: ignore[attr-defined]
    fields += [entry.fact.narrative for entry in feedback[-1:]]  # type: ignore[attr-defined]
    opened = reader.open([(row.id, one) for one in fields if one is not None])

    def text(item: Private | None, field: str = "") -> str | None:
        found = opened.get((row.id, item.item)) if item is not None else None
        return seen.see(field, found)

    return IncidentDetail(
        row=row,
        answered_at=state.answered_at,
        call_ended_at=state.call_ended_at,
        caller=Caller(
            text(state.caller_name, "caller_name"),
            text(state.caller_phone, "caller_phone"),
            seen.masked,
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
        duplicates=sorted(state.duplicates),
        rating=state.rating,
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
