"""Incidents played without a database: real decisions, real folds, sealed and encoded entries.

    town = Town()
    matter = town.report()
    town.do(matter, "incident.dispatch", sent("n1"))
    assert town.state(matter).state == "dispatched"

What the journal does with a lock and a table, the town does with a dictionary: it says whether
a unit is bound, seals what is private, and passes every entry through its canonical bytes.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from muster.action.orders import facts as order_facts
from muster.action.orders.decide import Step
from muster.command.dispatch import decide as dispatch
from muster.command.incidents import decide, facts, inputs
from muster.command.incidents import state as incidents
from muster.command.incidents.state import Incident
from muster.command.operations import operations
from muster.command.retention import facts as retention_facts
from muster.command.retention import inputs as retention
from muster.command.retention.decide import Known
from muster.command.retention.state import class_of
from muster.journal.context import Actor, Context, Due, Planned
from muster.journal.entry import (
    FIRST_PREVIOUS,
    Authority,
    Entry,
    Envelope,
    Fact,
    canonical,
    decode,
    digest,
    kinds_of,
    private_fields,
)
from muster.journal.refusal import Refused
from muster.journal.vault import MatterKey, seal
from muster.telemetry.track import Track

from .city import CITY, CREW, NORTH, UNITS, small_city

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
KINDS = kinds_of((*order_facts.FACTS, *facts.FACTS, *retention_facts.FACTS))
KEY = MatterKey(b"k" * 32, b"s" * 32)
NOBODYS = str(uuid.UUID(int=0xDEAD))

#: operation -> how it is wired in the product.
OPERATIONS = operations(small_city())


class Town:
    """Several incidents at once. `now` moves only when told to."""

    def __init__(self) -> None:
        self.pack = small_city()
        self.now = START
        self.matters: dict[str, list[Entry]] = {}
        self.states: dict[str, Incident] = {}
        self._serial = itertools.count(1)

    def state(self, matter: str) -> Incident:
        return self.states[matter]

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def fresh(self) -> str:
        """A UUID nobody had: for matters and orders."""
        return str(uuid.UUID(int=next(self._serial) << 64))

    def report(self, **changed: Any) -> str:
        """Open a matter with a call that came in just now; returns its id."""
        matter = changed.pop("id", None) or self.fresh()
        asked = call(self, id=matter, **changed)
        self.do(matter, "incident.report", asked, role="call_taker", person="taker")
        return matter

    def do(
        self,
        matter: str,
        operation: str,
        asked: Any = None,
        *,
        person: str = "dispatcher",
        role: str = "dispatcher",
        organisation: str = CITY,
        away_m: int = -1,
    ) -> list[Entry]:
        """Decide and fold one operation. Raises Refused; then nothing has changed."""
        wired = OPERATIONS[operation]
        asked = wired.input() if asked is None else asked
        assert isinstance(asked, wired.input), f"{operation} wants {wired.input.__name__}"
        context = Context(
            matter=matter,
            now=self.now,
            actor=Actor(person),
            authority=Authority(role, organisation),
            read=self._kept(matter) if "retention." in operation else self._read(away_m),
            others={one: state for one, state in self.states.items() if one != matter},
        )
        decided = wired.decide(self.states.get(matter), asked, context)
        planned = [each if isinstance(each, Planned) else Planned(each) for each in decided]
        return [self._append(matter, each, context) for each in planned]

    def refusal(self, matter: str, operation: str, asked: Any = None, **who: Any) -> str:
        """The code with which an operation is refused; empty when it is not (and then done)."""
        try:
            self.do(matter, operation, asked, **who)
        except Refused as refused:
            return refused.code
        return ""

    def run_clock(self, matter: str, name: str) -> list[Entry]:
        """What the ticker does when the clock `name` of a matter runs out."""
        due = self.state(matter).due[name]
        self.now = max(self.now, due)
        who: dict[str, Any] = {"person": "system:clock", "role": "system:clock"}
        return self.do(matter, "incident.clock", Due(name, due), **who)

    def bound(self, unit: str) -> list[tuple[str, str]]:
        """(matter, order) of the active orders of a unit."""
        return [
            (matter, order.order)
            for matter, state in self.states.items()
            for order in state.orders.values()
            if order.unit == unit and order.active
        ]

    def erase(self, matter: str, *classes: str) -> None:
        """Two people: one proposes, the other agrees. All classes that are left when none named."""
        left = classes or sorted(self.state(matter).retention.left)
        asked = retention.ProposeErasure(left, "示例法条", "示例")  # type: ignore[arg-type]
        number = self.do(matter, "retention.propose_erasure", asked)[0].number
        chief = {"person": "chief", "role": "duty_chief"}
        self.do(matter, "retention.approve_erasure", retention.ApproveErasure(number), **chief)

    def _kept(self, matter: str) -> Known:
        """The vault items the entries name and that did not go, each with a made-up hash."""
        entries = self.matters.get(matter, [])
        named = {one.item for e in entries for one in private_fields(e.fact).values()}
        gone = self.states[matter].retention.erased if matter in self.states else {}
        there = sorted(item for item in named if class_of(item) not in gone)
        track = Track(unit="n1", since=self.now, until=self.now, positions=0, segments=())
        items = tuple((item, "0" * 64) for item in there)
        return Known(self.pack, items=items, track=track)

    def _read(self, away_m: int) -> dispatch.DispatchRules:
        units = {
            unit: dispatch.Sendable(
                unit=unit,
                call_sign=unit.upper(),
                organisation=organisation,
                crew=CREW[unit],
                why_not="bound" if self.bound(unit) else "",
            )
            for unit, organisation in UNITS.items()
        }
        located = decide.Located('{"lat":30.0,"lon":122.0}', "wtt0000", NORTH, True)
        number = f"990000{self.now:%Y%m%d}{len(self.matters):06d}"
        return dispatch.DispatchRules(
            self.pack, number=number, located=located, units=units, away_m=away_m
        )

    def _append(self, asked_of: str, planned: Planned, context: Context[Any]) -> Entry:
        matter = planned.matter or asked_of
        entries = self.matters.setdefault(matter, [])
        fact, _ = seal(planned.fact, KEY, matter=matter, number=len(entries) + 1)
        envelope = Envelope(
            matter=matter,
            number=len(entries) + 1,
            kind=fact.kind,
            version=fact.version,
            happened_at=planned.happened_at or self.now,
            clock_offset_ms=0,
            recorded_at=self.now,
            actor=context.actor.person,
            authority=context.authority,
            cause="",
            command="c",
            body=msgspec.Raw(canonical(fact)),
            previous=entries[-1].hash if entries else FIRST_PREVIOUS,
        )
        data = canonical(envelope)
        entry = decode(data, KINDS, digest(data))
        self.states[matter] = incidents.fold(self.states.get(matter), entry)
        entries.append(entry)
        return entry


def call(town: Town, **changed: Any) -> inputs.Report:
    """An invented call: reported a minute ago, answered, and ended half a minute later."""
    values: dict[str, Any] = {
        "id": town.fresh(),
        "channel": "110",
        "category": "theft",
        "reported_at": town.now - timedelta(seconds=60),
        "answered_at": town.now - timedelta(seconds=50),
        "call_ended_at": town.now - timedelta(seconds=20),
        "caller_name": "示例甲",
        "caller_phone": "000-0000-0001",
        "narrative": "示例：自行车被盗",
        "place": inputs.Place(122.0, 30.0, "示例路口"),
    }
    return inputs.Report(**{**values, **changed})


def sent(*pairs: tuple[str, str] | str) -> inputs.Dispatch:
    """An input of dispatch: units, or (unit, order id) pairs; orders are made up when missing."""
    wanted = []
    for pair in pairs:
        unit, order = pair if isinstance(pair, tuple) else (pair, str(uuid.uuid4()))
        wanted.append(inputs.OrderWanted(order=order, unit=unit))
    return inputs.Dispatch(orders=tuple(wanted))


def step(town: Town, order: str, *, ago_s: float = 0, **more: Any) -> Step:
    """A step of an order taken `ago_s` seconds before now."""
    return Step(order=order, at=town.now - timedelta(seconds=ago_s), **more)


def feedback(final: bool = True, **more: Any) -> inputs.FeedBack:
    return inputs.FeedBack(result="handled", final=final, narrative="示例：已处置", **more)


def because(reason: str = "示例理由") -> inputs.Because:
    return inputs.Because(reason)


def kinds(entries: Sequence[Entry]) -> list[str]:
    return [entry.kind for entry in entries]


def take(town: Town, matter: str, order: str, *steps: str) -> None:
    """Walk an order through steps, ten seconds apart, by its own crew."""
    unit = town.state(matter).orders[order].unit
    for name in steps:
        town.wait(10)
        asked = step(town, order, reason="示例" if name == "return" else None)
        town.do(matter, f"order.{name}", asked, person=CREW[unit][0], role="officer")


def fact_of(entry: Entry, kind: type[Fact]) -> Any:
    assert isinstance(entry.fact, kind), entry.kind
    return entry.fact
