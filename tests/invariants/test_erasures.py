"""What is erased is on the disk a second time, and stays erased when the database goes back."""

from __future__ import annotations

from pathlib import Path

import psycopg

from muster import app
from muster.command.incidents import inputs
from muster.journal import erasures
from tests.instance import Database
from tests.invariants.acting import PHONE, UNITS, Acting
from tests.invariants.test_rebuild import erased_matter


def ledger(acting: Acting) -> list[erasures.Erasure]:
    return erasures.read(Path(acting.system.settings.data) / app.LEDGER)


def test_an_erasure_is_in_the_file_when_it_is_answered(acting: Acting) -> None:
    gone, _ = erased_matter(acting)
    assert ledger(acting) == []
    acting.erase(gone)
    (one,) = ledger(acting)
    assert (one.matter, one.reason) == (gone, "示例：法定删除")
    assert one.actor == acting.top("duty_chief").person


def test_a_database_gone_back_to_before_is_erased_again_at_the_start(
    acting: Acting, city_database: Database
) -> None:
    """As after a machine's snapshot: the matter's words are there, the ledger knows better."""
    acting.on_duty(*UNITS)
    gone, stays = acting.report(), acting.report()
    path = Path(acting.system.settings.data) / app.LEDGER
    now = acting.system.platform.clock.now()
    erasures.record(path, erasures.Erasure(gone, now, "p1", "示例：法定删除"))
    system = app.open_system(acting.system.settings)
    system.start()
    try:
        acting.system = system
        assert acting.state(gone).erased and not acting.state(stays).erased
        assert acting.kinds(gone)[-1] == "incident.erased"
        assert acting.rows("SELECT matter::text FROM incident WHERE erased") == [(gone,)]
        assert acting.rows("SELECT actor FROM erasure") == [("p1",)]
        with psycopg.connect(city_database.owner_dsn) as owner:
            for table in ("vault_key", "vault_item", "vault_lookup"):
                left = owner.execute(f"SELECT DISTINCT matter::text FROM {table}".encode())
                assert left.fetchall() == [(stays,)], table
        with system.platform.reader(acting.top("duty_chief")) as reader:
            assert reader.matters_by_lookup("phone", PHONE) == [stays]
        assert acting.refusal("dispatcher", "incident.remark", gone, inputs.Remark("示例")) == (
            "matter.erased"
        )
    finally:
        system.stop()
    once = app.open_system(acting.system.settings)
    once.start()
    try:
        acting.system = once
        assert acting.kinds(gone).count("incident.erased") == 1
    finally:
        once.stop()
