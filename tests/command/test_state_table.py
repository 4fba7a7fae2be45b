"""Every operation from every state: allowed exactly where domain.md 1.3 says so.

The table was written from the domain, not from the code. A cell is `+` (allowed) or the
refusal:

    w state.wrong       u matter.unknown    e matter.erased    x matter.exists
    b orders.active     n nobody there yet  c no cancel asked  t no transfer offered
    q order.unknown     o order.state      h hold.unknown      p erasure.none
    s sealing.not_sealed  k sealing.not_asked  f restriction.none

Columns: NO such matter · REceived · WAiting · DIspatched · SIgned · Under Way · On Scene ·
HAndling · the units LEft · RePorted · reported, a unit still Bound (RB) · CLosed · Called Back ·
ARchived · MErged · CAncelled · ERased after closing.
"""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from muster.command.incidents import inputs
from muster.command.incidents.possible import possible
from muster.command.incidents.state import STATES
from muster.command.retention import inputs as retention

from .stages import MAIN, ORDER, OTHER, STAGES, at_stage
from .town import OPERATIONS, Town, because, call, feedback, sent, step

TABLE = """
                          NO RE WA DI SI UW OS HA LE RP RB CL CB AR ME CA ER
incident.report            +  x  x  x  x  x  x  x  x  x  x  x  x  x  x  x  x
incident.complete          u  +  w  w  w  w  w  w  w  w  w  w  w  w  w  w  e
incident.remark            u  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  e
incident.correct_place     u  +  +  +  +  +  +  +  +  +  +  w  w  w  w  w  e
incident.correct_time      u  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  e
incident.categorise        u  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  e
incident.change_level      u  +  +  +  +  +  +  +  +  +  +  w  w  w  w  w  e
incident.dispatch          u  +  +  +  +  +  +  +  +  w  w  w  w  w  w  w  e
incident.withdraw          u  q  q  +  +  +  +  +  o  o  +  o  o  o  q  q  e
incident.transfer          u  +  +  +  +  +  +  +  +  +  +  w  w  w  w  w  e
incident.accept_transfer   u  t  t  t  t  t  t  t  t  t  t  w  w  w  w  w  e
incident.ask_in            u  +  +  +  +  +  +  +  +  +  +  w  w  w  w  w  e
incident.urge              u  +  +  +  +  +  +  +  +  +  +  w  w  w  w  w  e
incident.request_cancel    u  +  +  +  +  +  +  +  +  w  w  w  w  w  w  w  e
incident.confirm_cancel    u  c  c  c  c  c  c  c  c  w  w  w  w  w  w  w  e
incident.decline_cancel    u  c  c  c  c  c  c  c  c  w  w  w  w  w  w  w  e
incident.merge             u  +  +  b  b  b  b  b  +  w  w  w  w  w  w  w  e
incident.unmerge           u  w  w  w  w  w  w  w  w  w  w  w  w  w  +  w  e
incident.feed_back         u  n  n  n  n  n  +  +  +  w  w  w  w  w  w  w  e
incident.return_feedback   u  w  w  w  w  w  w  w  w  +  +  w  w  w  w  w  e
incident.close             u  w  w  w  w  w  w  w  w  +  b  w  w  w  w  w  e
incident.call_back         u  w  w  w  w  w  w  w  w  w  w  +  w  w  w  w  e
incident.archive           u  w  w  w  w  w  w  w  w  w  w  +  +  w  +  +  e
retention.place_hold       u  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  e
retention.lift_hold        u  h  h  h  h  h  h  h  h  h  h  h  h  h  h  h  e
retention.keep_longer      u  w  w  w  w  w  w  w  w  w  w  +  +  +  +  +  e
retention.propose_erasure  u  w  w  w  w  w  w  w  w  w  w  +  +  +  +  +  e
retention.approve_erasure  u  w  w  w  w  w  w  w  w  w  w  p  p  p  p  p  e
retention.decline_erasure  u  w  w  w  w  w  w  w  w  w  w  p  p  p  p  p  e
retention.seal             u  w  w  w  w  w  w  w  w  w  w  +  +  +  +  +  e
retention.ask_unsealing    u  s  s  s  s  s  s  s  s  s  s  s  s  s  s  s  e
retention.approve_unsealing u  k  k  k  k  k  k  k  k  k  k  k  k  k  k  k  e
retention.restrict         u  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  e
retention.correct_caller   u  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  e
retention.keep_track       u  q  q  +  +  +  +  +  +  +  +  +  +  +  q  q  e
retention.lift_restriction u  f  f  f  f  f  f  f  f  f  f  f  f  f  f  f  e
order.deliver              u  q  q  +  o  o  o  o  o  o  o  w  w  w  w  w  e
order.sign                 u  q  q  +  o  o  o  o  o  o  o  w  w  w  w  w  e
order.set_out              u  q  q  o  +  o  o  o  o  o  o  w  w  w  w  w  e
order.arrive               u  q  q  o  +  +  o  o  o  o  o  w  w  w  w  w  e
order.handle               u  q  q  o  o  o  +  o  o  o  o  w  w  w  w  w  e
order.finish               u  q  q  o  o  o  +  +  o  o  +  w  w  w  w  w  e
order.return               u  q  q  +  +  +  o  o  o  o  o  w  w  w  w  w  e
"""
CODES = {
    "+": "",
    "w": "state.wrong",
    "u": "matter.unknown",
    "e": "matter.erased",
    "x": "matter.exists",
    "b": "orders.active",
    "n": "feedback.nobody_there",
    "c": "cancel.none",
    "t": "transfer.none",
    "q": "order.unknown",
    "o": "order.state",
    "h": "hold.unknown",
    "p": "erasure.none",
    "s": "sealing.not_sealed",
    "k": "sealing.not_asked",
    "f": "restriction.none",
}
#: The system's own: the clock and the reaction. They find nothing to do instead of refusing.
SYSTEMS = {"incident.clock", "incident.reoffer", "incident.erase_again", "retention.clock"}


def cells() -> dict[tuple[str, str], str]:
    head, *rows = [line.split() for line in TABLE.strip().splitlines()]
    found = {}
    for name, *answers in rows:
        assert len(answers) == len(head), name
        found.update({(name, column): one for column, one in zip(head, answers, strict=True)})
    return found


CELLS = cells()


def asked_for(town: Town, operation: str) -> msgspec.Struct:
    """A good input, so that only the state can be the reason of a refusal."""
    made: dict[str, msgspec.Struct] = {
        "incident.complete": inputs.Complete(town.now),
        "incident.remark": inputs.Remark("示例补充"),
        "incident.correct_place": inputs.CorrectPlace(inputs.Place(122.1, 30.1), "示例"),
        "incident.correct_time": inputs.CorrectTime(
            "reported_at", town.now.replace(hour=7, minute=0), "示例"
        ),
        "incident.categorise": inputs.Categorise("drowning"),
        "incident.change_level": inputs.ChangeLevel(2, "示例"),
        "incident.dispatch": sent(("s1", OTHER)),
        "incident.withdraw": inputs.Withdraw(ORDER, "示例"),
        "incident.transfer": inputs.Transfer("south", "示例"),
        "incident.ask_in": inputs.AskIn("harbour", "示例"),
        "incident.urge": inputs.Remark("示例催办"),
        "incident.request_cancel": inputs.RequestCancel("cancelled", "示例"),
        "incident.decline_cancel": because(),
        "incident.merge": inputs.Merge(MAIN, "示例"),
        "incident.unmerge": inputs.Unmerge(MAIN, "示例"),
        "incident.feed_back": feedback(),
        "incident.return_feedback": because(),
        "incident.call_back": inputs.CallBack(2),
        "retention.place_hold": retention.PlaceHold(ORDER, "示例法条", "示例"),
        "retention.lift_hold": retention.LiftHold(ORDER, "示例"),
        "retention.keep_longer": retention.KeepLonger(
            ("narrative",), town.now + timedelta(days=9), "示例"
        ),
        "retention.propose_erasure": retention.ProposeErasure(("caller",), "示例法条", "示例"),
        "retention.approve_erasure": retention.ApproveErasure(1),
        "retention.decline_erasure": because(),
        "retention.seal": retention.Seal("示例法条", "示例"),
        "retention.ask_unsealing": retention.AskUnsealing("示例法条", "示例"),
        "retention.restrict": retention.Seal("示例法条", "示例"),
        "retention.lift_restriction": because(),
        "retention.correct_caller": retention.CorrectCaller(
            "示例法条", "示例", caller_name="示例-更正"
        ),
        "retention.keep_track": during_the_order(town),
        "incident.report": call(town),
    }
    if operation.startswith("order."):
        return step(town, ORDER, reason="示例")
    return made.get(operation, inputs.Nothing())


def during_the_order(town: Town) -> retention.KeepTrack:
    orders = [one.orders[ORDER] for one in town.states.values() if ORDER in one.orders]
    given = orders[0].times["given"] if orders else town.now
    ends = [town.now, *(max(one.times.values()) for one in orders if not one.active)]
    return retention.KeepTrack(ORDER, given, min(ends), "示例法条", "示例")


def test_the_table_is_whole() -> None:
    assert {name for name, _ in CELLS} == set(OPERATIONS) - SYSTEMS
    assert {column for _, column in CELLS} == set(STAGES)
    assert {shown for shown, _ in STAGES.values()} == {*STATES, ""}


@pytest.mark.parametrize("column", STAGES)
def test_each_stage_is_what_it_says(column: str) -> None:
    town, matter = at_stage(column)
    shown = town.states[matter].state if matter in town.states else ""
    assert shown == STAGES[column][0]


@pytest.mark.parametrize(("operation", "column"), CELLS)
def test_allowed_exactly_where_the_domain_says(operation: str, column: str) -> None:
    town, matter = at_stage(column)
    code = town.refusal(matter, operation, asked_for(town, operation))
    assert code == CODES[CELLS[operation, column]]


@pytest.mark.parametrize("column", [one for one in STAGES if one != "NO"])
def test_the_panel_offers_exactly_what_is_allowed(column: str) -> None:
    town, matter = at_stage(column)
    allowed = {name for (name, one), cell in CELLS.items() if one == column and cell == "+"}
    assert possible(town.state(matter)) == allowed


@pytest.mark.parametrize("column", [one for one in STAGES if one != "NO"])
def test_refused_means_unchanged(column: str) -> None:
    town, matter = at_stage(column)
    before, count = town.state(matter), len(town.matters[matter])
    for (operation, one), cell in CELLS.items():
        if one == column and cell != "+":
            assert town.refusal(matter, operation, asked_for(town, operation))
    assert town.state(matter) is before
    assert len(town.matters[matter]) == count
