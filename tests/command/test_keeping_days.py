"""Any sequence of people, clocks and years keeps the rules of keeping: hypothesis plays them.

Nothing is erased while it is open or held or without a second person; what is due is erased, in
review, or held, and nothing else.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from muster.command.incidents import inputs
from muster.command.incidents import state as incidents
from muster.command.incidents.state import Incident
from muster.command.retention import clocks, facts
from muster.command.retention import inputs as retention
from muster.geography.retention import OF_MATTERS
from muster.journal.context import Actor, Context, Due, Planned
from muster.journal.entry import Authority

from .town import Town

CLASSES = ("caller", "narrative", "place")
PEOPLE = st.sampled_from(["anna", "bo", "chen"])
LAW = "invented law"
CLOCK = {"person": "system:clock", "role": "system"}


class Years(RuleBasedStateMachine):
    """Two matters, three people, decades."""

    def __init__(self) -> None:
        super().__init__()
        self.town = Town()
        self.matters: list[str] = []

    @initialize()
    def calls(self) -> None:
        self.matters = [self.town.report(level=3), self.town.report(level=1)]

    def ask(self, which: int, word: str, asked: msgspec.Struct | None, who: str) -> str:
        matter = self.matters[which]
        name = f"retention.{word}"
        code = self.town.refusal(matter, name, asked, person=who, role="duty_chief")
        self.ring(self.town.now)
        return code

    @rule(which=st.integers(0, 1))
    def it_is_over(self, which: int) -> None:
        matter = self.matters[which]
        self.town.refusal(
            matter, "incident.request_cancel", inputs.RequestCancel("invalid", "示例")
        )
        self.town.refusal(matter, "incident.confirm_cancel", person="chief", role="duty_chief")

    @rule(which=st.integers(0, 1), who=PEOPLE, days=st.sampled_from([None, 10, 4000]))
    def hold(self, which: int, who: str, days: int | None) -> None:
        until = self.town.now + timedelta(days=days) if days else None
        asked = retention.PlaceHold(self.town.fresh(), LAW, "示例", until)
        self.ask(which, "place_hold", asked, who)

    @rule(which=st.integers(0, 1), who=PEOPLE)
    def lift(self, which: int, who: str) -> None:
        holds = self.town.state(self.matters[which]).retention.holds
        for hold in holds.values():
            code = self.ask(which, "lift_hold", retention.LiftHold(hold.hold, "示例"), who)
            assert (code == "hold.same_person") == (hold.placed_by == who)

    @rule(
        which=st.integers(0, 1),
        who=PEOPLE,
        classes=st.lists(st.sampled_from(CLASSES), min_size=1, max_size=3, unique=True),
    )
    def propose(self, which: int, who: str, classes: list[str]) -> None:
        asked = retention.ProposeErasure(tuple(classes), LAW, "示例")  # type: ignore[arg-type]
        self.ask(which, "propose_erasure", asked, who)

    @rule(which=st.integers(0, 1), who=PEOPLE)
    def approve(self, which: int, who: str) -> None:
        kept = self.town.state(self.matters[which]).retention
        number = kept.proposal.number if kept.proposal else 1
        code = self.ask(which, "approve_erasure", retention.ApproveErasure(number), who)
        if kept.proposal is not None and kept.proposal.by == who:
            assert code == "erasure.same_person"

    @rule(which=st.integers(0, 1), who=PEOPLE, days=st.sampled_from([1, 400]))
    def keep_longer(self, which: int, who: str, days: int) -> None:
        until = self.town.now + timedelta(days=days)
        self.ask(which, "keep_longer", retention.KeepLonger(CLASSES[:1], until, "示例"), who)

    @rule(days=st.sampled_from([1, 100, 400, 2000]))
    def years_pass(self, days: int) -> None:
        """Each deadline on the way rings at its own moment."""
        self.ring(self.town.now + timedelta(days=days))

    def ring(self, end: datetime) -> None:
        """What the ticker does until then; it is never far behind."""
        while found := [one for one in self.deadlines() if one[0] <= end]:
            due, matter, name = min(found)
            self.town.now = max(self.town.now, due)
            before = len(self.town.matters[matter])
            self.town.do(matter, "retention.clock", Due(name, due), **CLOCK)
            assert len(self.town.matters[matter]) > before, "a clock that rings for ever"
        self.town.now = end

    def deadlines(self) -> list[tuple[datetime, str, str]]:
        schedule = self.town.pack.retention
        return [
            (due, matter, name)
            for matter, state in self.town.states.items()
            for name, due in clocks.due_of(schedule, state.weighed).items()
        ]

    @invariant()
    def nothing_went_that_should_not(self) -> None:
        for matter in self.matters:
            state: Incident | None = None
            for entry in self.town.matters[matter]:
                before, state = state, incidents.fold(state, entry)
                if isinstance(entry.fact, facts.Erased):
                    assert before is not None and not before.open and not before.retention.holds
                    assert entry.fact.approved_by
                    assert entry.fact.approved_by != entry.fact.requested_by
                    assert {item.of for item in entry.fact.items} <= set(OF_MATTERS)

    @invariant()
    def what_is_due_waits_for_somebody(self) -> None:
        for matter in self.matters:
            state = self.town.state(matter)
            for clock in clocks.clocks(self.town.pack.retention, state.weighed):
                if clock.due is not None and clock.due < self.town.now:
                    assert clock.status in ("review", "proposed", "held"), clock

    @invariant()
    def what_is_gone_has_no_clock(self) -> None:
        for matter in self.matters:
            state = self.town.state(matter)
            named = {one.of for one in clocks.clocks(self.town.pack.retention, state.weighed)}
            assert not named & state.retention.erased.keys()
            assert state.erased == (set(CLASSES) <= state.retention.erased.keys())


TestYears = Years.TestCase
TestYears.settings = settings(max_examples=120, stateful_step_count=30, deadline=None)


@pytest.mark.parametrize("field", ["review", "holds"])
def test_the_rules_can_be_broken(field: str) -> None:
    """A machine that erased by itself, or over a hold, would be seen."""
    years = Years()
    years.calls()
    years.it_is_over(0)
    matter = years.matters[0]
    if field == "holds":
        years.hold(0, "anna", None)
    fact = facts.Erased(
        classes=("caller",),
        whole=False,
        items=(),
        basis=LAW,
        requested_by="anna",
        approved_by="" if field == "review" else "bo",
        schedule="x",
    )
    context = Context(matter, years.town.now, Actor("anna"), Authority("duty_chief", "city"), None)
    years.town._append(matter, Planned(fact), context)
    with pytest.raises(AssertionError):
        years.nothing_went_that_should_not()
