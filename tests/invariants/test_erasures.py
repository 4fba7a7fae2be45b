"""What is erased is on the disk a second time, and stays erased when the database goes back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from cryptography.exceptions import InvalidTag

from muster import app
from muster.command.incidents import inputs
from muster.command.retention import inputs as retention
from muster.journal import erasures
from muster.journal.vault import open_item
from muster.journal.verify import Wanted, verify
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


def three_erased(acting: Acting) -> Path:
    for _ in range(3):
        gone, _ = erased_matter(acting)
        acting.erase(gone)
    path = Path(acting.system.settings.data) / app.LEDGER
    assert acting.system.condition.notes() == [] and len(erasures.read(path)) == 3
    return path


def told(acting: Acting, caplog: pytest.LogCaptureFixture) -> str:
    """What /readyz says, which must stand in the log, too."""
    acting.system.condition.look()
    (note,) = [one for one in acting.system.condition.notes() if one.startswith("erasures")]
    assert note in caplog.messages
    return note


def found(acting: Acting, path: Path) -> list[str]:
    with psycopg.connect(acting.system.settings.owner_dsn) as connection:
        wanted = Wanted(ledger=lambda: erasures.read(path))
        return [f"{one.what} {one.table}" for one in verify(connection, wanted).faults]


def test_a_ledger_that_is_taken_away_or_cut_is_told(
    acting: Acting, caplog: pytest.LogCaptureFixture
) -> None:
    path = three_erased(acting)
    whole = path.read_bytes()
    assert found(acting, path) == []
    path.unlink()
    assert "removed" in told(acting, caplog)
    assert found(acting, path) == ["lacking erasure"] * 3
    path.write_bytes(whole[: whole.index(b"\n") + 1])
    assert "2 of 3 lines are gone" in told(acting, caplog)
    assert found(acting, path) == ["lacking erasure"] * 2
    path.write_bytes(whole)
    acting.system.condition.look()
    assert acting.system.condition.notes() == []
    assert any(one.startswith("over: erasures") for one in caplog.messages)


def test_a_ledger_that_is_altered_is_told_even_when_its_chain_was_made_again(
    acting: Acting, caplog: pytest.LogCaptureFixture
) -> None:
    path = three_erased(acting)
    whole, all_ = path.read_bytes(), erasures.read(path)
    path.write_bytes(whole.replace("法定删除".encode(), "法定保留".encode(), 1))
    assert "altered in line 1" in told(acting, caplog)
    with pytest.raises(erasures.LedgerBroken):
        found(acting, path)
    path.unlink()
    erasures.add(path, [msgspec.structs.replace(all_[0], reason="示例：别的"), *all_[1:]])
    assert "altered" in told(acting, caplog)
    assert found(acting, path) == ["otherwise erasure"]
    # An erasure is done meanwhile, and nothing of it is lost when the file is put back.
    path.write_bytes(whole.replace("法定删除".encode(), "法定保留".encode(), 1))
    gone, _ = erased_matter(acting)
    acting.erase(gone)
    assert acting.state(gone).erased and "erasures: the ledger" in acting.system.ledger.trouble
    path.write_bytes(whole)
    acting.system.ledger.catch_up()
    assert acting.system.ledger.trouble == "" and len(erasures.read(path)) == 4


def test_a_ledger_missing_at_the_start_is_written_again_and_told(acting: Acting) -> None:
    path = three_erased(acting)
    path.unlink()
    system = app.open_system(acting.system.settings)
    system.start()
    try:
        (note,) = system.condition.notes()
        assert "3 lines were written again" in note and len(erasures.read(path)) == 3
    finally:
        system.stop()


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


def vault_of(owner: psycopg.Connection[Any], matter: str) -> tuple[Any, dict[str, bytes]]:
    """The matter's wrapped key and its items, as a copy of the tables would hold them."""
    key = owner.execute("SELECT wrapped FROM vault_key WHERE matter = %s", (matter,)).fetchone()
    items = owner.execute("SELECT item, data FROM vault_item WHERE matter = %s", (matter,))
    assert key is not None
    return bytes(key[0]), {item: bytes(data) for item, data in items.fetchall()}


def test_the_key_that_stays_opens_no_copy_of_what_went(
    acting: Acting, city_database: Database
) -> None:
    """A part is erased, or a caller corrected; somebody kept the vault's rows from before."""
    matter, _ = erased_matter(acting)
    vault = acting.system.platform.vault

    def opens(items: dict[str, bytes], wrapped: bytes) -> set[str]:
        key, found = vault.unwrap(matter, wrapped), set()
        for item, data in items.items():
            try:
                open_item(data, key, matter=matter, item=item)
            except InvalidTag:
                continue
            found.add(item)
        return found

    with psycopg.connect(city_database.owner_dsn, autocommit=True) as owner:
        for act in (
            lambda: acting.do(
                "duty_chief",
                "retention.correct_caller",
                matter,
                retention.CorrectCaller("示例", "示例", caller_name="示例-更正后"),
            ),
            lambda: acting.erase(matter, "caller"),
        ):
            before, copied = vault_of(owner, matter)
            act()
            after, left = vault_of(owner, matter)
            assert opens(copied, before) == set(copied) and opens(copied, after) == set()
            assert opens(left, after) == set(left) != set()
            wanted = Wanted(vault=vault, kinds=acting.system.platform.kinds)
            assert verify(owner, wanted).faults == ()


def test_a_part_erased_again_after_a_restore_has_another_key(
    acting: Acting, city_database: Database
) -> None:
    """The vault goes back to before; the ledger beside it erases again, under a fresh key."""
    matter, _ = erased_matter(acting)
    with psycopg.connect(city_database.owner_dsn, autocommit=True) as owner:
        before, copied = vault_of(owner, matter)
        acting.erase(matter, "caller")
        owner.execute("ALTER TABLE erased_part DISABLE TRIGGER ALL")
        owner.execute("DELETE FROM erased_part")
        owner.execute("DELETE FROM vault_item WHERE matter = %s", (matter,))
        owner.execute("UPDATE vault_key SET wrapped = %s WHERE matter = %s", (before, matter))
        for item, data in copied.items():
            owner.execute("INSERT INTO vault_item VALUES (%s, %s, %s)", (matter, item, data))
        acting.system.ledger.reconcile()
        after, left = vault_of(owner, matter)
    gone = {item for item in copied if item.endswith(("caller_name", "caller_phone"))}
    assert gone and set(left) == copied.keys() - gone
    vault = acting.system.platform.vault
    old, new = vault.unwrap(matter, before), vault.unwrap(matter, after)
    assert old.key != new.key and old.salt == new.salt
    assert all(open_item(data, new, matter=matter, item=item) for item, data in left.items())
