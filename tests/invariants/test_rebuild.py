"""Rebuild equals live after whatever happened; erasing and rebuilding commute."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from muster.action.orders.decide import Step
from muster.command.incidents import inputs
from muster.command.incidents.possible import possible
from muster.command.incidents.state import Incident
from muster.command.retention import clocks
from muster.command.retention import inputs as retention
from muster.journal.rebuild import kept_tables, rebuild
from tests.instance import Database
from tests.invariants.acting import PHONE, PLACE, SECRETS, UNITS, Acting
from tests.invariants.rebuilt import rebuild_differences
from tests.journal.test_private import holding

#: Left out of most steps of a random day: it is soon over when these come first.
KEEPING = {"retention.approve_erasure", "retention.seal", "retention.place_hold"}


def input_for(acting: Acting, name: str, state: Incident, chance: random.Random) -> Any:
    """Some good input for an operation that is possible now; None when there is none."""
    now = acting.system.platform.clock.now()
    active = [order.order for order in state.orders.values() if order.active]
    order = chance.choice(active or [acting.fresh()])
    made: dict[str, Any] = {
        "incident.complete": inputs.Complete(now),
        "incident.remark": inputs.Remark("示例：补充"),
        "incident.urge": inputs.Remark("示例：催办"),
        "incident.correct_place": inputs.CorrectPlace(inputs.Place(122.1, 30.02), "示例"),
        "incident.correct_time": inputs.CorrectTime("call_ended_at", now, "示例"),
        "incident.categorise": inputs.Categorise("010104", final=True),
        "incident.change_level": inputs.ChangeLevel(chance.randint(1, 4), "示例"),
        "incident.transfer": inputs.Transfer(chance.choice(["pt", "dh", "zs"]), "示例"),
        "incident.ask_in": inputs.AskIn(chance.choice(["pt", "dh"]), "示例"),
        "incident.request_cancel": inputs.RequestCancel("invalid", "示例"),
        "incident.decline_cancel": inputs.Because("示例"),
        "incident.feed_back": inputs.FeedBack(result="handled", final=chance.random() < 0.7),
        "incident.return_feedback": inputs.Because("示例"),
        "incident.call_back": inputs.CallBack(1),
        "incident.withdraw": inputs.Withdraw(order, "示例"),
        "incident.unmerge": inputs.Unmerge(state.merged_into or acting.fresh(), "示例"),
        "retention.place_hold": retention.PlaceHold(acting.fresh(), "示例", "示例"),
        "retention.lift_hold": retention.LiftHold(
            next(iter(state.retention.holds), acting.fresh()), "示例"
        ),
        "retention.keep_longer": retention.KeepLonger(
            ("place",), now + timedelta(days=chance.randint(1, 9)), "示例"
        ),
        "retention.propose_erasure": retention.ProposeErasure(
            chance.choice([("caller",), ("narrative", "place"), ("caller", "narrative", "place")]),
            "示例",
            "示例",
        ),
        "retention.approve_erasure": retention.ApproveErasure(
            state.retention.proposal.number if state.retention.proposal else 1
        ),
        "retention.seal": retention.Seal("示例", "示例"),
        "retention.ask_unsealing": retention.AskUnsealing("示例", "示例", chance.choice([None, 5])),
        "retention.restrict": retention.Seal("示例", "示例"),
        "retention.decline_erasure": inputs.Because("示例"),
        "retention.lift_restriction": inputs.Because("示例"),
        "retention.correct_caller": retention.CorrectCaller(
            "示例", "示例", caller_phone=f"000{chance.randint(10_000_000, 99_999_999)}"
        ),
        "retention.keep_track": retention.KeepTrack(order, now, now, "示例", "示例"),
    }
    if name == "incident.dispatch":
        unit = chance.choice(UNITS)
        return inputs.Dispatch((inputs.OrderWanted(acting.fresh(), unit),))
    if name.startswith("order."):
        return Step(order=order, at=now, reason="示例")
    return made.get(name, inputs.Nothing())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_after_a_random_day(acting: Acting, seed: int) -> None:
    """Two hundred operations on a dozen matters, with the clock running; then the fixture of
    this folder rebuilds and compares."""
    chance = random.Random(seed)
    acting.on_duty(*UNITS)
    matters: list[str] = []
    done = 0
    for _ in range(200):
        if (len(matters) < 12 and chance.random() < 0.15) or not matters:
            matters.append(acting.report(complete=chance.random() < 0.8))
            continue
        matter = chance.choice(matters)
        state = acting.state(matter)
        offered = sorted(possible(state) - (KEEPING if chance.random() < 0.6 else set()))
        if not offered:
            continue
        name = chance.choice(offered)
        asked = input_for(acting, name, state, chance)
        if name == "incident.merge":
            asked = inputs.Merge(chance.choice(matters), "示例")
        who = chance.choice(["duty_chief", "dispatcher", "duty_chief"])
        done += not acting.refusal(who, name, matter, asked)
        if chance.random() < 0.2:
            acting.wait(chance.choice([1, 30, 300, 3600]))
    assert done > 60
    assert_rows_say_the_state(acting)


def assert_rows_say_the_state(acting: Acting) -> None:
    """Against the keepers themselves: a rebuild runs the same ones and cannot find their faults.
    The rows are compared with the folded states, column by column."""
    states = {
        matter: acting.state(matter)
        for (matter,) in acting.rows("SELECT matter::text FROM incident")
    }
    assert set(states) == {
        matter for (matter,) in acting.rows("SELECT DISTINCT matter::text FROM entry")
    }
    for row in acting.rows(
        "SELECT matter::text, state, open, level, organisation, version, merged_into::text,"
        " escalated, erased, category_final, due_name, due_at FROM incident"
    ):
        state = states[row[0]]
        soonest = min(state.due.items(), key=lambda one: (one[1], one[0]), default=(None, None))
        assert row[1:] == (
            state.state,
            state.open,
            state.level,
            state.organisation,
            state.version,
            state.merged_into,
            state.escalated,
            state.erased,
            state.category_final,
            *soonest,
        )
    orders = {
        (matter, order.order, order.unit, order.state, order.active)
        for matter, state in states.items()
        for order in state.orders.values()
    }
    kept_orders = "SELECT matter::text, order_id::text, unit, state, active FROM unit_order"
    assert set(acting.rows(kept_orders)) == orders
    schedule = acting.pack.retention
    due = {
        (matter, name, at)
        for matter, state in states.items()
        for name, at in {**state.due, **clocks.due_of(schedule, state.weighed)}.items()
    }
    assert set(acting.rows("SELECT matter::text, name, due FROM deadline")) == due
    own = {
        (matter, acting.path(organisation))
        for matter, state in states.items()
        for organisation in (state.organisation, state.jurisdiction)
    }
    kept_own = "SELECT matter::text, path FROM matter_access WHERE relation <> 'asked'"
    assert set(acting.rows(kept_own)) == own
    asked = {
        (matter, acting.path(organisation))
        for matter, state in states.items()
        if state.retention.sealing is None
        for organisation in (*state.asked, state.desk)
        if organisation
    }
    kept_asked = "SELECT matter::text, path FROM matter_access WHERE relation = 'asked'"
    assert set(acting.rows(kept_asked)) == asked - own


BROKEN = {
    "incident": "UPDATE incident SET level = 5 - level",
    "unit_order": "UPDATE unit_order SET active = NOT active",
    "matter_access": "DELETE FROM matter_access",
    "retention_due": "UPDATE retention_due SET status = 'permanent'",
    "retention_hold": "DELETE FROM retention_hold",
    "retention_sealing": "UPDATE retention_sealing SET hours = 1",
    "retention_gone": "UPDATE retention_gone SET items = items + 1",
    "deadline": "UPDATE deadline SET due = due + interval '1 microsecond'",
}


def test_a_row_that_does_not_follow_from_the_journal_is_found(
    acting: Acting, city_database: Database
) -> None:
    """The comparison can fail, for every kept table."""
    acting.on_duty(*UNITS)
    acting.dispatch(acting.report(), UNITS[0])
    acting.keep(acting.report(), UNITS[1])
    journal = acting.system.platform.journal
    assert sorted(BROKEN) == kept_tables(journal)
    for table, statement in BROKEN.items():
        with psycopg.connect(city_database.owner_dsn) as owner:
            owner.execute(statement.encode())
        found = rebuild_differences(journal, city_database.app_dsn)
        assert found and all(line.startswith(table) for line in found), table
        with psycopg.connect(city_database.app_dsn) as connection:
            rebuild(journal, connection)  # puts it right again


# --- erasing -----------------------------------------------------------------------------------


def kept(acting: Acting) -> dict[str, list[Any]]:
    tables = kept_tables(acting.system.platform.journal)
    return {table: sorted(map(str, acting.rows(f"SELECT * FROM {table}"))) for table in tables}


def rebuild_now(acting: Acting) -> None:
    with acting.system.platform.pool.connection() as connection:
        rebuild(acting.system.platform.journal, connection)


def erased_matter(acting: Acting) -> tuple[str, str]:
    """A closed matter that is erased, and one beside it that is not."""
    acting.on_duty(UNITS[0])
    gone, stays = acting.report(), acting.report()
    acting.do("dispatcher", "incident.remark", gone, inputs.Remark("示例：穿蓝色雨衣，向东走"))
    acting.do("dispatcher", "incident.correct_place", gone, inputs.CorrectPlace(PLACE, "示例"))
    acting.close(gone, UNITS[0])
    return gone, stays


def test_erase_then_rebuild_equals_rebuild_then_erase(acting: Acting) -> None:
    gone, _ = erased_matter(acting)
    rebuild_now(acting)
    acting.erase(gone)
    after_erasing = kept(acting)
    rebuild_now(acting)
    assert kept(acting) == after_erasing


def test_no_word_of_an_erased_matter_is_left_anywhere(
    acting: Acting, city_database: Database
) -> None:
    gone, stays = erased_matter(acting)
    before = acting.rows("SELECT count(*) FROM entry WHERE matter = %s::uuid", gone)[0][0]
    acting.erase(gone)
    rebuild_now(acting)
    for table in ("vault_key", "vault_item", "vault_lookup"):
        assert acting.rows(f"SELECT 1 FROM {table} WHERE matter = %s::uuid", gone) == []
        assert acting.rows(f"SELECT 1 FROM {table} WHERE matter = %s::uuid", stays) != []
    assert acting.rows("SELECT count(*) FROM erasure") == [(1,)]
    assert acting.rows("SELECT count(*) FROM entry WHERE matter = %s::uuid", gone) == [
        (before + 3,)
    ]
    with psycopg.connect(city_database.owner_dsn) as owner:
        for words in (*SECRETS, "穿蓝色雨衣，向东走"):
            assert holding(owner, words) == []
    read = acting.system.platform.reader(acting.top("duty_chief"))
    with read as reader:
        assert reader.matters_by_lookup("phone", PHONE) == [stays]
        assert reader.open([(gone, acting.state(gone).place)]) == {}


def test_nothing_more_is_done_to_an_erased_matter_and_the_clocks_run_on(acting: Acting) -> None:
    gone, stays = erased_matter(acting)
    acting.erase(gone)
    for name in ("incident.remark", "retention.place_hold", "incident.archive"):
        asked = input_for(acting, name, acting.state(gone), random.Random(1))
        assert acting.refusal("duty_chief", name, gone, asked) == "matter.erased"
    acting.wait(30 * 24 * 3600)
    assert "incident.clock_missed" in acting.kinds(stays)
    assert acting.kinds(gone)[-1] == "retention.erased"
    assert acting.rows("SELECT matter FROM deadline") == []
