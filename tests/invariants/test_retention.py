"""Erased means gone: from the vault, from every table, and it stays so after a rebuild; and the
reports say what a recount of the journal says."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from muster import app
from muster.command.retention import facts
from muster.command.retention import inputs as retention
from muster.command.retention.daily import follow
from muster.command.retention.report import figures
from muster.command.retention.state import class_of
from muster.geography.retention import Schedule
from muster.journal import erasures
from muster.journal.erasing import left_of
from muster.journal.read import Reading
from muster.journal.verify import Wanted, verify
from tests.instance import Database
from tests.invariants.acting import PLACE, UNITS, Acting
from tests.journal.test_private import holding

LAW = "示例：法定期限"


def matters(acting: Acting, count: int) -> dict[str, dict[str, str]]:
    """Closed matters, each with words nobody else uses, by class."""
    acting.on_duty(UNITS[0])
    found = {}
    for number in range(count):
        words = {
            "caller": f"示例-独孤{number}号测试",
            "narrative": f"示例：第{number}桩事，绿色箱子",
            "place": f"示例-第{number}号泊位",
        }
        matter = acting.report(
            caller_name=words["caller"],
            caller_phone=f"000777{number:05d}",
            narrative=words["narrative"],
            place=type(PLACE)(122.301, 29.947, words["place"]),
        )
        acting.close(matter, UNITS[0])
        found[matter] = words
    return found


def random_steps(acting: Acting, chance: random.Random, ids: list[str]) -> None:
    """People of two minds, for years."""
    for _ in range(60):
        matter = chance.choice(ids)
        kept = acting.state(matter).retention
        some = chance.sample(["caller", "narrative", "place"], chance.randint(1, 3))
        step = chance.choice(["propose", "propose", "approve", "approve", "hold", "lift", "wait"])
        if step == "propose":
            asked: Any = retention.ProposeErasure(tuple(some), LAW, "示例")
            acting.refusal("dispatcher", "retention.propose_erasure", matter, asked)
        elif step == "approve" and kept.proposal is not None:
            asked = retention.ApproveErasure(kept.proposal.number)
            acting.refusal("duty_chief", "retention.approve_erasure", matter, asked)
        elif step == "hold" and chance.random() < 0.3:
            asked = retention.PlaceHold(acting.fresh(), LAW, "示例")
            acting.refusal("auditor", "retention.place_hold", matter, asked)
        elif step == "lift" and kept.holds:
            asked = retention.LiftHold(next(iter(kept.holds)), "示例")
            assert acting.refusal("duty_chief", "retention.lift_hold", matter, asked)
        elif step == "wait":
            acting.wait(chance.choice([60, 86_400, 86_400 * 200]))


@pytest.mark.parametrize("seed", [1, 2])
def test_what_went_is_nowhere_and_the_report_is_a_recount(
    acting: Acting, city_database: Database, seed: int
) -> None:
    chance = random.Random(seed)
    told = matters(acting, 4)
    random_steps(acting, chance, list(told))
    counted: Counter[str] = Counter()
    pool = acting.system.platform.pool
    for matter, words in told.items():
        erased = acting.state(matter).retention.erased
        with pool.connection() as connection:
            left = left_of(connection, matter)
            entries = Reading(
                connection, acting.system.platform.vault, acting.system.platform.kinds
            ).entries(matter)
        for entry in entries:
            if isinstance(entry.fact, facts.Erased):
                counted.update(item.of for item in entry.fact.items)
        assert not {class_of(item) for item in left.items} & erased.keys()
        if "caller" in erased:
            assert left.lookups == 0
        if acting.state(matter).erased:
            assert (left.keys, left.items) == (0, ())
        with psycopg.connect(city_database.owner_dsn) as owner:
            for code in erased.keys() & words.keys():
                assert holding(owner, words[code]) == [], (code, "is still somewhere")
    assert counted, "nothing went: the test proves nothing"
    with pool.connection() as connection:
        said = {
            code: one["erased"]
            for code, one in figures(connection).classes.items()
            if "erased" in one
        }
        assert said == {code: counted.get(code, 0) for code in said}
        assert sum(said.values()) == sum(counted.values())
    with psycopg.connect(city_database.owner_dsn) as owner:
        found = verify(owner, Wanted(vault=acting.system.platform.vault))
    assert found.faults == ()


def test_a_part_erased_is_in_the_ledger_outside(acting: Acting) -> None:
    """A restore from before knows which items went."""
    (matter,) = matters(acting, 1)
    path = Path(acting.system.settings.data) / app.LEDGER
    acting.erase(matter, "caller")
    (line,) = erasures.read(path)
    assert line.matter == matter and line.number > 0
    assert {class_of(item) for item in line.items} == {"caller"}


def test_what_goes_by_itself_is_counted_and_audited(acting: Acting) -> None:
    acting.wait(86_400)
    rows = acting.rows("SELECT class, count FROM retention_run ORDER BY class")
    assert [one[0] for one in rows] == ["attempts", "positions", "sessions", "telephone"]
    audited = acting.rows("SELECT count(*) FROM audit WHERE table_name = 'retention_run'")
    assert audited == [(4,)]
    acting.wait(60)
    assert len(acting.rows("SELECT 1 FROM retention_run")) == 4, "once a day"
    acting.rows("SELECT position_make_day('2020-01-01')")
    acting.wait(86_400 * 40)
    went = dict(acting.rows("SELECT class, sum(count)::int FROM retention_run GROUP BY class"))
    assert went["positions"] > 0


def test_another_schedule_starts_every_clock_anew(acting: Acting) -> None:
    """Also of matters that were over before there was a schedule, as after an upgrade."""
    (matter,) = matters(acting, 1)
    system = acting.system
    with system.platform.pool.connection() as connection:
        kept = connection.execute("SELECT class, due_at FROM retention_due ORDER BY 1").fetchall()
        connection.execute("DELETE FROM retention_due")
        connection.execute("DELETE FROM deadline WHERE starts_with(name, 'retention')")
        connection.execute("UPDATE retention_schedule SET version = 'older'")
    assert follow(system.platform.journal, acting.pack.retention) == 1
    assert acting.rows("SELECT class, due_at FROM retention_due ORDER BY 1") == kept
    assert acting.rows("SELECT count(*) FROM deadline WHERE starts_with(name, 'retention:')") == [
        (3,)
    ]
    assert follow(system.platform.journal, acting.pack.retention) == 0
    shorter = msgspec.structs.replace(acting.pack.retention.classes["caller"], months=6, longer=())
    classes = {**acting.pack.retention.classes, "caller": shorter}
    assert follow(system.platform.journal, Schedule("shorter", classes)) == 1
    (again,) = acting.rows("SELECT due_at FROM retention_due WHERE class = 'caller'")
    assert again[0] < dict(kept)["caller"]
    follow(system.platform.journal, acting.pack.retention)
    assert acting.state(matter).retention.ended_at
