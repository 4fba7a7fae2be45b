"""Late joiner equals fresh load: whatever happens, whoever comes and goes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from muster.api import live_picture
from muster.journal.context import Actor
from tests.api.picture_world import Away, Console, Incident, OrderRow, Stage, Unit, World

OWNERS = ("east", "west", "sea")
PEOPLE = ("chief", "east-1", "east-2", "west-1")
replace = msgspec.structs.replace


def small_world() -> World:
    world = World()
    world.grants = {
        "chief": frozenset(OWNERS),
        "east-1": frozenset({"east"}),
        "east-2": frozenset({"east"}),
        "west-1": frozenset({"west"}),
    }
    for n, owner in enumerate(OWNERS):
        world.units[f"u{n}"] = Unit(id=f"u{n}", owner=owner)
        world.incidents[f"i{n}"] = Incident(id=f"i{n}", owner=owner)
    return world


class LateJoiner(RuleBasedStateMachine):
    """Changes, holds, joins, breaks, resumes, lost databases and changed grants in any order."""

    @initialize()
    def begin(self) -> None:
        self.stage = Stage(small_world())
        self.world = self.stage.world
        self.away: list[Console] = []
        self.may_know: dict[str, set[str]] = {owner: set() for owner in OWNERS}
        self._know()

    def _know(self) -> None:
        for row in self.world.incidents.values():
            self.may_know[row.owner].add(row.id)

    incidents = st.sampled_from([f"i{n}" for n in range(6)])
    units = st.sampled_from(["u0", "u1", "u2"])
    owners = st.sampled_from(OWNERS)

    @rule(matter=incidents, owner=owners, is_open=st.booleans(), hold=st.booleans())
    def change(self, matter: str, owner: str, is_open: bool, hold: bool) -> None:
        old = self.world.incidents.get(matter)
        version = old.version + 1 if old else 1
        orders = old.orders if old else ()
        self.world.incidents[matter] = Incident(
            id=matter, owner=owner, open=is_open, orders=orders, version=version
        )
        self.world.happened(matter, "incident.changed", hold)
        self._know()

    @rule(matter=incidents, unit=units, hold=st.booleans())
    def give_order(self, matter: str, unit: str, hold: bool) -> None:
        old = self.world.incidents.get(matter)
        if old is None:
            return
        order = OrderRow(f"o{old.version}-{matter}", unit)
        self.world.incidents[matter] = replace(
            old, orders=(*old.orders, order), version=old.version + 1
        )
        self._bump(unit)
        self.world.happened(matter, "order.given", hold, order=order.order, unit=unit)

    @rule(matter=incidents, hold=st.booleans())
    def step_order(self, matter: str, hold: bool) -> None:
        old = self.world.incidents.get(matter)
        if old is None or not old.orders:
            return
        self.world.incidents[matter] = replace(old, version=old.version + 1)
        self._bump(old.orders[-1].unit)
        self.world.happened(matter, "order.signed", hold, order=old.orders[-1].order)

    def _bump(self, unit: str, **changes: Any) -> None:
        old = self.world.units[unit]
        self.world.units[unit] = replace(old, version=old.version + 1, **changes)

    @rule(unit=units, owner=owners, on_duty=st.booleans())
    def change_unit(self, unit: str, owner: str, on_duty: bool) -> None:
        self._bump(unit, owner=owner, on_duty=on_duty)
        self.stage.picture.unit_changed([unit])

    @rule()
    def release(self) -> None:
        self.world.release()

    @rule()
    def turn(self) -> None:
        self.stage.picture.turn()

    @rule(calls=st.integers(0, 8))
    def turn_with_the_database_going_away(self, calls: int) -> None:
        self.world.calls_until_away = calls
        try:
            self.stage.picture.turn()
        except Away:
            pass
        finally:
            self.world.calls_until_away = None

    @rule(person=st.sampled_from(PEOPLE))
    @precondition(lambda self: len(self.stage.consoles) < 6)
    def join(self, person: str) -> None:
        self.stage.join(person)

    @rule(data=st.data())
    @precondition(lambda self: self.stage.consoles)
    def take_and_part(self, data: st.DataObject) -> None:
        console = data.draw(st.sampled_from(self.stage.consoles))
        if data.draw(st.booleans()):
            console.take()
        self.stage.part(console)
        self.away.append(console)

    @rule(data=st.data())
    @precondition(lambda self: self.away)
    def resume(self, data: st.DataObject) -> None:
        console = data.draw(st.sampled_from(self.away))
        self.away.remove(console)
        self.stage.join(console.actor.person, console)

    @rule(person=st.sampled_from(PEOPLE[1:]), owner=owners)
    def change_grants(self, person: str, owner: str) -> None:
        self.world.grants[person] = frozenset({owner})

    @rule()
    def check_sessions(self) -> None:
        self.stage.check_sessions()

    @invariant()
    def nobody_learns_of_foreign_matters(self) -> None:
        for audience in self.stage.picture.audiences.values():
            allowed = set[str]().union(*(self.may_know[owner] for owner in audience.key))  # type: ignore[attr-defined]
            assert audience.shown <= allowed
        for told in self.stage.told:
            message = msgspec.json.decode(told.message.data)
            token = message["cursor"].partition("-")[0]
            for audience in self.stage.picture.audiences.values():
                if audience.token == token:
                    allowed = set[str]().union(*(self.may_know[o] for o in audience.key))  # type: ignore[attr-defined]
                    ids = {row["id"] for row in message["incidents"]}
                    assert ids | set(message.get("gone", ())) <= allowed
        self.stage.told.clear()

    def teardown(self) -> None:
        if not hasattr(self, "stage"):
            return
        self.world.release()
        for console in list(self.away):
            self.stage.join(console.actor.person, console)
        self.stage.picture.turn()
        for console in self.stage.consoles:
            # Only whoever sees otherwise now is asked anew, as the hub does.
            key = self.stage.key_of(console.actor.person)
            audience = self.stage.picture.audiences.get(key)
            if audience is None or console not in audience.members:
                self.stage.picture.enter(console, key, None)
        self.stage.settle()
        for console in self.stage.consoles:
            incidents, units = self.stage.fresh(console.actor.person)
            assert console.incidents == incidents
            assert console.units == units


LateJoiner.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestLateJoiner = LateJoiner.TestCase


@pytest.fixture
def stage() -> Stage:
    return Stage(small_world())


def change(stage: Stage, matter: str, **changes: Any) -> None:
    old = stage.world.incidents[matter]
    stage.world.incidents[matter] = replace(old, version=old.version + 1, **changes)
    stage.world.happened(matter, "incident.changed", hold=False)


def kinds(console: Console) -> list[str]:
    return [message["type"] for message in console.said]


def test_a_client_is_told_what_changed_and_nothing_else(stage: Stage) -> None:
    east, west = stage.join("east-1"), stage.join("west-1")
    stage.settle()
    change(stage, "i0", open=True)
    stage.settle()
    assert kinds(east) == ["snapshot", "changes"]
    assert [row["id"] for row in east.said[1]["incidents"]] == ["i0"]
    assert kinds(west) == ["snapshot"]


def test_a_closed_incident_is_gone(stage: Stage) -> None:
    east = stage.join("east-1")
    stage.settle()
    change(stage, "i0", open=False)
    stage.settle()
    assert east.said[-1]["gone"] == ["i0"] and east.incidents == {}


def test_an_incident_handed_to_others_is_gone_here_and_there(stage: Stage) -> None:
    east, west = stage.join("east-1"), stage.join("west-1")
    stage.settle()
    change(stage, "i0", owner="west")
    stage.settle()
    assert "i0" not in east.incidents and "i0" in west.incidents


def test_clients_of_one_scope_share_one_encoding_and_one_reading(stage: Stage) -> None:
    for _ in range(50):
        stage.join("east-1")
        stage.join("east-2")
    stage.picture.turn()
    openings = [told.message for told in stage.told if told.opening]
    assert len(openings) == 100 and len({id(message) for message in openings}) == 1
    stage.told.clear()
    before = stage.world.reads
    change(stage, "i0")
    stage.picture.turn()
    assert len(stage.told) == 1 and len(stage.told[0].members) == 100
    assert stage.world.reads - before == 3  # the feed, a reader, the rows


def test_a_break_is_bridged_by_what_was_missed(stage: Stage) -> None:
    east = stage.join("east-1")
    other = stage.join("east-2")
    stage.settle()
    stage.part(east)
    change(stage, "i0", open=False)
    change(stage, "i1", open=False)
    stage.world.incidents["i9"] = Incident(id="i9", owner="east")
    stage.world.happened("i9", "incident.reported", hold=False)
    stage.settle()
    stage.join("east-1", east)
    stage.settle()
    assert kinds(east) == ["snapshot", "changes"]
    assert east.said[-1]["gone"] == ["i0"]  # i1 was never theirs to know
    assert set(east.incidents) == {"i9"} == set(other.incidents)


def test_the_last_client_of_a_scope_may_come_back_too(stage: Stage) -> None:
    east = stage.join("east-1")
    stage.settle()
    stage.part(east)
    stage.settle()
    change(stage, "i0", open=False)
    stage.settle()
    stage.join("east-1", east)
    stage.settle()
    assert kinds(east) == ["snapshot", "changes"] and east.incidents == {}


def test_a_scope_nobody_uses_is_forgotten(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    east = stage.join("east-1")
    stage.settle()
    stage.part(east)
    monkeypatch.setattr(live_picture, "KEEP_S", -1.0)
    stage.picture.turn()
    assert stage.picture.audiences == {}
    reads = stage.world.reads
    stage.picture.turn()
    assert stage.world.reads == reads  # nobody watches, nothing is read
    stage.join("east-1", east)
    stage.settle()
    assert kinds(east) == ["snapshot", "snapshot"]


@pytest.mark.parametrize("cursor", ["", "x", "0-0", "00000000-1", "-5", "9" * 99, "１-１"])
def test_a_cursor_that_is_none_of_ours_gives_a_snapshot(stage: Stage, cursor: str) -> None:
    stage.join("east-2")
    stage.settle()
    east = stage.join("east-1", Console(Actor("east-1"), cursor=cursor))
    stage.settle()
    assert kinds(east) == ["snapshot"]


def test_a_cursor_of_another_scope_gives_a_snapshot(stage: Stage) -> None:
    east, chief = stage.join("east-1"), stage.join("chief")
    stage.settle()
    stage.part(east)
    east.cursor = chief.cursor
    stage.join("east-1", east)
    stage.settle()
    assert kinds(east) == ["snapshot", "snapshot"] and set(east.incidents) == {"i0"}


def test_too_long_a_break_gives_a_snapshot(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_picture, "LONGEST_GAP", 10)
    east = stage.join("east-1")
    stage.join("east-2")
    stage.settle()
    stage.part(east)
    for _ in range(11):
        change(stage, "i0")
        stage.settle()
    stage.join("east-1", east)
    stage.settle()
    assert kinds(east) == ["snapshot", "snapshot"]


def test_too_many_changes_at_once_give_a_snapshot(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_picture, "MOST_TOUCHED", 1)
    chief = stage.join("chief")
    stage.settle()
    change(stage, "i0", open=False)
    change(stage, "i1")
    stage.settle()
    assert kinds(chief) == ["snapshot", "snapshot"]
    assert chief.incidents == stage.fresh("chief")[0]


def test_a_session_that_ended_is_dismissed_and_the_others_go_on(stage: Stage) -> None:
    gone, stays = stage.join("east-1"), stage.join("east-2")
    stage.settle()
    stage.world.ended.add("east-1")
    change(stage, "i0", open=False)
    stage.settle()
    assert gone.refusal == "session.expired"
    assert stays.incidents == {}


def test_whoever_joins_after_the_session_ended_is_dismissed(stage: Stage) -> None:
    stage.world.ended.add("east-1")
    console = stage.join("east-1")
    stage.picture.turn()
    assert console.refusal == "session.expired" and stage.picture.audiences == {}


def test_an_order_step_tells_its_unit(stage: Stage) -> None:
    orders = (OrderRow("o1", "u0"),)
    stage.world.incidents["i0"] = Incident(id="i0", owner="east", orders=orders)
    east = stage.join("east-1")
    stage.settle()
    stage.world.units["u0"] = replace(stage.world.units["u0"], version=2)
    stage.world.happened("i0", "order.signed", hold=False, order="o1")
    stage.settle()
    assert [row["id"] for row in east.said[-1]["units"]] == ["u0"]


def test_a_unit_that_is_no_longer_theirs_makes_a_snapshot(stage: Stage) -> None:
    east = stage.join("east-1")
    stage.settle()
    stage.world.units["u0"] = replace(stage.world.units["u0"], owner="west")
    stage.picture.unit_changed(["u0"])
    stage.settle()
    assert kinds(east) == ["snapshot", "snapshot"] and east.units == {}
