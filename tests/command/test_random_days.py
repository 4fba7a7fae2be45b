"""Any sequence of operations on a few incidents keeps the rules: hypothesis plays the day."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from muster.command.incidents import inputs
from muster.command.incidents import state as incidents
from muster.command.incidents.possible import possible
from muster.command.incidents.state import AT_WORK, STATES, Incident
from muster.command.retention import inputs as retention
from muster.journal.refusal import Refused

from .city import CREW, UNITS
from .town import OPERATIONS, Town, because, call, feedback, kinds, step

MATTERS = 3
SYSTEMS = {"incident.clock", "incident.reoffer", "incident.erase_again", "retention.clock"}
NAMED = sorted(set(OPERATIONS) - {"incident.report"} - SYSTEMS)
LAW = "invented law, art. 1"
CLASSES = ("caller", "narrative", "place")
PEOPLE = st.sampled_from(["dispatcher", "chief", "taker"])


class Days(RuleBasedStateMachine):
    """What people, the clock and the reaction may do, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.town = Town()
        self.names = [self.town.fresh() for _ in range(MATTERS)]
        self.orders: list[str] = [self.town.fresh()]

    @initialize()
    def first_call(self) -> None:
        self.town.report(id=self.names[0])

    @rule(complete=st.booleans(), level=st.sampled_from([None, 1, 4]))
    @precondition(lambda self: len(self.town.states) < MATTERS)
    def another_call(self, complete: bool, level: int | None) -> None:
        matter = self.names[len(self.town.states)]
        ended = {} if complete else {"call_ended_at": None}
        self.town.report(id=matter, complete=complete, level=level, **ended)

    @rule(
        index=st.integers(0, MATTERS - 1),
        officer=st.sampled_from(sorted(UNITS)),
    )
    @precondition(lambda self: len(self.town.states) < MATTERS)
    def officer_found_it(self, index: int, officer: str) -> None:
        matter, order = self.names[len(self.town.states)], self.new_order()
        asked = call(self.town, id=matter, officer_unit=officer, officer_order=order)
        free = not self.town.bound(officer)
        who: dict[str, Any] = {"person": CREW[officer][0], "role": "officer"}
        code = self.town.refusal(matter, "incident.report", asked, **who)
        assert code == ("" if free else "unit.unavailable")

    @rule(
        data=st.data(),
        index=st.integers(0, MATTERS - 1),
        name=st.sampled_from(NAMED),
        person=PEOPLE,
    )
    def anything(self, data: st.DataObject, index: int, name: str, person: str) -> None:
        """Whatever the state: possible() says beforehand what decide() answers."""
        matter = self.names[index % len(self.town.states)]
        before = self.town.state(matter)
        offered = name in possible(before)
        asked = self.input_for(data, matter, name)
        code = self.town.refusal(matter, name, asked, person=person)
        if not offered:
            assert code, f"{name} was not offered in {before.state} and was done"
        assert not (offered and code in ("state.wrong", "matter.erased")), (name, before.state)
        if code:
            assert self.town.state(matter) is before

    @rule(data=st.data(), index=st.integers(0, MATTERS - 1))
    def something_offered(self, data: st.DataObject, index: int) -> None:
        matter = self.names[index % len(self.town.states)]
        offered = sorted(possible(self.town.state(matter)))
        if offered:
            name = data.draw(st.sampled_from(offered))
            asked = self.input_for(data, matter, name)
            code = self.town.refusal(matter, name, asked, person="chief", role="duty_chief")
            assert code not in ("state.wrong", "matter.erased"), name

    @rule(data=st.data(), index=st.integers(0, MATTERS - 1))
    def clock_runs_out(self, data: st.DataObject, index: int) -> None:
        matter = self.names[index % len(self.town.states)]
        due = sorted(self.town.state(matter).due.items(), key=lambda one: (one[1], one[0]))
        if due:
            name = due[0][0]
            entries = self.town.run_clock(matter, name)
            assert name not in self.town.state(matter).due, "a clock fired and still runs"
            assert entries, "a clock that ran out left no trace"
            if kinds(entries) == ["order.lapsed"]:
                self.offer_again(data, matter, name.partition(":")[2])

    @rule(seconds=st.sampled_from([0, 1, 30, 400]))
    def time_passes(self, seconds: int) -> None:
        self.town.wait(seconds)

    def offer_again(self, data: st.DataObject, matter: str, lapsed: str) -> None:
        free = sorted(unit for unit in UNITS if not self.town.bound(unit))
        unit = data.draw(st.sampled_from([*free, None]))
        asked = inputs.Reoffer(lapsed, "unsigned", self.new_order(), unit)
        who: dict[str, Any] = {"person": "system:reaction", "role": "system:reaction"}
        try:
            self.town.do(matter, "incident.reoffer", asked, **who)
        except Refused as refused:  # a free unit may always be offered
            raise AssertionError(refused.code) from refused

    def new_order(self) -> str:
        self.orders.append(self.town.fresh())
        return self.orders[-1]

    def input_for(self, data: st.DataObject, matter: str, name: str) -> msgspec.Struct:
        if name == "incident.dispatch":
            units = data.draw(st.lists(st.sampled_from(sorted(UNITS)), min_size=1, max_size=3))
            known = st.sampled_from([None, *self.orders])
            wanted = [(data.draw(known) or self.new_order(), unit) for unit in units]
            return inputs.Dispatch(tuple(inputs.OrderWanted(*one) for one in wanted))
        if name.startswith("order."):
            return step(self.town, data.draw(st.sampled_from(self.orders)), reason="示例")
        if name == "incident.withdraw":
            return inputs.Withdraw(data.draw(st.sampled_from(self.orders)), "示例")
        if name in ("incident.merge", "incident.unmerge"):
            other = data.draw(st.sampled_from(self.names))
            kind = inputs.Merge if name == "incident.merge" else inputs.Unmerge
            return kind(other, "示例")
        if name == "incident.feed_back":
            return feedback(data.draw(st.booleans()))
        if name in ("incident.transfer", "incident.ask_in"):
            where = data.draw(st.sampled_from(["south", "harbour"]))
            if name == "incident.transfer":
                return inputs.Transfer(where, "示例")
            return inputs.AskIn(where, "示例")
        if name.startswith("retention."):
            return self.keeping_input(data, matter, name)
        if name == "incident.change_level":
            return inputs.ChangeLevel(data.draw(st.integers(1, 4)), "示例")
        return self.plain_input(name)

    def keeping_input(self, data: st.DataObject, matter: str, name: str) -> msgspec.Struct:
        kept = self.town.state(matter).retention
        some = st.lists(st.sampled_from(CLASSES), min_size=1, max_size=3, unique=True)
        if name == "retention.place_hold":
            return retention.PlaceHold(self.town.fresh(), LAW, "示例")
        if name == "retention.correct_caller":
            right = f"示例-{self.town.fresh()}"
            return retention.CorrectCaller(LAW, "示例", caller_name=right)
        if name == "retention.keep_track":
            order = next(iter(self.town.state(matter).orders.values()), None)
            given = order.times["given"] if order else self.town.now
            return retention.KeepTrack(
                order.order if order else self.town.fresh(), given, self.town.now, LAW, "示例"
            )
        if name == "retention.lift_hold":
            return retention.LiftHold(next(iter(kept.holds), self.town.fresh()), "示例")
        if name == "retention.keep_longer":
            until = self.town.now + timedelta(days=1)
            return retention.KeepLonger(tuple(data.draw(some)), until, "示例")
        if name == "retention.propose_erasure":
            return retention.ProposeErasure(tuple(data.draw(some)), LAW, "示例")
        if name == "retention.approve_erasure":
            return retention.ApproveErasure(kept.proposal.number if kept.proposal else 1)
        if name == "retention.ask_unsealing":
            return retention.AskUnsealing(LAW, "示例", data.draw(st.sampled_from([None, 2])))
        return self.plain_input(name)

    def plain_input(self, name: str) -> msgspec.Struct:
        now = self.town.now
        made: dict[str, msgspec.Struct] = {
            "incident.complete": inputs.Complete(now),
            "incident.remark": inputs.Remark("示例"),
            "incident.urge": inputs.Remark("示例"),
            "incident.correct_place": inputs.CorrectPlace(inputs.Place(122.0, 30.0), "示例"),
            "incident.correct_time": inputs.CorrectTime("reported_at", now, "示例"),
            "incident.categorise": inputs.Categorise("drowning", final=True),
            "incident.request_cancel": inputs.RequestCancel("invalid", "示例"),
            "incident.decline_cancel": because(),
            "incident.return_feedback": because(),
            "incident.call_back": inputs.CallBack(3),
            "retention.restrict": retention.Seal(LAW, "示例"),
            "retention.lift_restriction": because(),
            "retention.seal": retention.Seal(LAW, "示例"),
            "retention.decline_erasure": because(),
        }
        return made.get(name, inputs.Nothing())

    @invariant()
    def every_state_is_a_known_one(self) -> None:
        for state in self.town.states.values():
            assert state.state in STATES
            assert state.open == (state.stage in (*AT_WORK, "reported"))

    @invariant()
    def clocks_belong_to_what_runs(self) -> None:
        for state in self.town.states.values():
            for name in state.due:
                assert runs(state, name), f"{name} runs in {state.state}: {state.due}"

    @invariant()
    def what_runs_has_a_clock(self) -> None:
        for state in self.town.states.values():
            for name in wanted_clocks(state):
                assert name in state.due or name in state.missed, f"{name} lost in {state.state}"

    @invariant()
    def a_unit_has_one_order(self) -> None:
        for unit in UNITS:
            assert len(self.town.bound(unit)) <= 1

    @invariant()
    def what_is_over_binds_nobody(self) -> None:
        for state in self.town.states.values():
            if not state.open:
                assert not any(order.active for order in state.orders.values())

    @invariant()
    def duplicates_and_mains_know_each_other(self) -> None:
        for matter, state in self.town.states.items():
            if state.merged_into is not None:
                assert matter in self.town.state(state.merged_into).duplicates
            for duplicate in state.duplicates:
                assert self.town.state(duplicate).merged_into == matter

    @invariant()
    def numbers_have_no_gap(self) -> None:
        for matter, entries in self.town.matters.items():
            assert [entry.number for entry in entries] == list(range(1, len(entries) + 1))
            assert self.town.state(matter).version == len(entries)

    @invariant()
    def folding_again_gives_the_same(self) -> None:
        for matter, entries in self.town.matters.items():
            state: Incident | None = None
            for entry in entries:
                state = incidents.fold(state, entry)
            assert state == self.town.state(matter)

    @invariant()
    def no_plaintext_in_entries(self) -> None:
        for entries in self.town.matters.values():
            for entry in entries[-1:]:
                assert "示例" not in msgspec.json.encode(entry.fact).decode()


def runs(state: Incident, name: str) -> bool:
    """Whether the hand-off a clock stands for is waited for in this state."""
    kind, _, order_id = name.partition(":")
    if order_id:
        wanted = {"sign": ("given", "delivered"), "set_out": ("signed",), "arrive": ("under_way",)}
        return state.orders[order_id].state in wanted[kind] and state.open
    at_work = state.stage in AT_WORK
    busy = any(order.active for order in state.orders.values())
    return {
        "wait": at_work and not busy and state.handled_since is None,
        "first_feedback": at_work and state.handled_since is not None,
        "final_feedback": at_work and state.handled_since is not None,
        "review": state.stage == "reported",
        "call_back": state.stage == "closed" and not state.erased,
        "transfer_accept": state.open and bool(state.offered_to),
        "cancel_confirm": at_work and bool(state.cancel_asked_by),
    }[kind]


def wanted_clocks(state: Incident) -> list[str]:
    """Every hand-off somebody is waiting for: none may be without its clock."""
    if not state.open:
        return ["call_back"] if state.stage == "closed" and not state.erased else []
    clocks = {"given": "sign", "delivered": "sign", "signed": "set_out", "under_way": "arrive"}
    names = [
        f"{clocks[order.state]}:{order.order}"
        for order in state.orders.values()
        if order.state in clocks
    ]
    if state.stage == "reported":
        names.append("review")
    elif state.handled_since is not None:
        names.append("final_feedback")
    elif not any(order.active for order in state.orders.values()):
        names.append("wait")
    if state.offered_to:
        names.append("transfer_accept")
    if state.cancel_asked_by:
        names.append("cancel_confirm")
    return names


TestDays = Days.TestCase
TestDays.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
