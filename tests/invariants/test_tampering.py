"""Two hundred attacks by the database's owner: each is found and named. Where finding ends is
shown, too."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from psycopg import sql

from muster import app
from muster.cli.verdict import PLACES, WORDS, line
from muster.command.incidents import inputs
from muster.identity.access_log import write
from muster.identity.looks.look import Look
from muster.journal.checkpoint import Checkpoints
from muster.journal.checkpoint_folder import CheckpointFolder
from muster.journal.clock import real_now
from muster.journal.erasing import ledger
from muster.journal.rebuild import kept_tables, rebuild
from muster.journal.signing import KeyFolder
from muster.journal.verify import Verdict, Wanted, verify
from muster.supervise.postgres import Postgres
from tests.instance import copied, settings_for
from tests.invariants import tampering, tampering_beside
from tests.invariants.acting import UNITS, Acting
from tests.invariants.tampering import Attack, Town

#: Every attack with a number of its own, which is its seed.
TRIED = [
    (attack, seed)
    for attack, often in {**tampering.ATTACKS, **tampering_beside.ATTACKS}.items()
    for seed in range(often)
]
GUARDED = (
    *("entry", "command", "erasure", "erased_part"),
    *("audit", "access_log", "checkpoint", "signing_key"),
)


@dataclass(frozen=True)
class Attacked:
    """A city with a history, a witness outside, and its owner."""

    acting: Acting
    owner_dsn: str
    outside: CheckpointFolder
    keys: Checkpoints
    wanted: Wanted

    @property
    def kept(self) -> tuple[str, ...]:
        return tuple(kept_tables(self.acting.system.platform.journal))

    def found_after(self, attack: Attack, seed: int) -> tuple[tampering.Expected, Verdict]:
        """Attack in a transaction that is undone; what was to be found, and what was."""
        with psycopg.connect(self.owner_dsn) as connection:
            for table in GUARDED:
                disabled = sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER")
                connection.execute(disabled.format(sql.Identifier(table)))
            town = Town(connection, kept=self.kept)
            expected = attack(town, random.Random(seed))
            wanted = self.wanted
            if attack is tampering_beside.kept_row:
                wanted = replace(wanted, journal=self.acting.system.platform.journal)
            verdict = verify(connection, wanted)
            connection.rollback()
        return expected, verdict


def lived_in(acting: Acting) -> None:
    """A dozen matters, some handled to the end, some erased, one merged."""
    acting.on_duty(*UNITS)
    matters = [acting.report(caller_phone=f"0009991{n:04d}") for n in range(9)]
    for turn, matter in enumerate(matters[:3]):
        acting.close(matter, UNITS[turn])
        acting.do("dispatcher", "incident.remark", matter, inputs.Remark("示例：补充"))
    for matter in matters[:2]:
        acting.erase(matter)
    acting.erase(matters[2], "caller")
    acting.keep(acting.report(), UNITS[0])
    acting.dispatch(matters[4], UNITS[3])
    acting.do("duty_chief", "incident.merge", matters[5], inputs.Merge(matters[6], "示例"))
    acting.wait(3600)
    looks = [
        Look(
            at=real_now() + timedelta(seconds=n),
            actor=acting.top("dispatcher"),
            what="matter.opened",
            outcome="shown",
            matter=matter,
            purpose="示例",
        )
        for n, matter in enumerate(matters)
    ]
    write(acting.system.platform.pool, looks)


@pytest.fixture(scope="module")
def attacked(
    cluster: Postgres,
    prepared: tuple[str, dict[str, tuple[str, str]]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Attacked]:
    folder = tmp_path_factory.mktemp("attacked")
    with copied(cluster, prepared[0], "attacked") as database:
        system = app.open_system(settings_for(database, folder / "data", clock="driven"))
        system.start()
        acting, outside = Acting(system), CheckpointFolder(folder / "outside")
        keys = Checkpoints(KeyFolder(folder / "signing"))
        lived_in(acting)
        with psycopg.connect(database.owner_dsn) as connection:
            keys.take(connection, outside, real_now())
            keys.rotate(connection, real_now())
            acting.do("dispatcher", "incident.urge", acting.report(), inputs.Remark("示例"))
            keys.take(connection, outside, real_now())
            keys.take(connection, outside, real_now())
            erased = tuple(ledger(connection))
        journal = system.platform.journal
        wanted = Wanted(
            vault=journal.vault, kinds=journal.kinds, against=[outside], ledger=lambda: erased
        )
        yield Attacked(acting, database.owner_dsn, outside, keys, wanted)
        system.stop()


def test_nothing_is_found_where_nothing_was_done(attacked: Attacked) -> None:
    with psycopg.connect(attacked.owner_dsn) as connection:
        journal = attacked.acting.system.platform.journal
        verdict = verify(connection, replace(attacked.wanted, journal=journal))
    assert verdict.faults == ()
    assert verdict.entries > 60 and verdict.matters >= 10 and verdict.uncovered == 0
    assert verdict.opened and verdict.kept and verdict.checkpoints == 3
    assert verdict.chained["audit"] > 5 and verdict.chained["access_log"] == 9


def test_two_hundred_are_tried() -> None:
    assert len(TRIED) >= 200


@pytest.mark.parametrize(
    ("attack", "seed"), TRIED, ids=[f"{attack.__name__}-{seed}" for attack, seed in TRIED]
)
def test_it_is_found_and_named(attacked: Attacked, attack: Attack, seed: int) -> None:
    expected, verdict = attacked.found_after(attack, seed)
    told = "\n".join(map(line, verdict.faults))
    assert expected.met(verdict.faults), f"wanted {expected}, found:\n{told or 'nothing'}"
    for fault in verdict.faults:
        assert fault.what in WORDS
        assert fault.table in PLACES or fault.what == "kept"


# --- where it ends -----------------------------------------------------------------------------


def test_the_limit_entries_after_the_last_checkpoint_outside(attacked: Attacked) -> None:
    """They can be cut off unseen: nobody outside has heard of them."""
    acting = attacked.acting
    matter = acting.report()

    def cut(town: Town, chance: random.Random) -> tampering.Expected:
        for statement in tampering.CLEAN:
            town.connection.execute(statement.format(m=matter, n=1).encode())
        for table in ("vault_key", "vault_lookup", *town.kept):
            town.connection.execute(f"DELETE FROM {table} WHERE matter = '{matter}'".encode())
        return tampering.Expected(())

    _, verdict = attacked.found_after(cut, 0)
    assert verdict.faults == ()
    with psycopg.connect(attacked.owner_dsn) as connection:
        attacked.keys.take(connection, attacked.outside, real_now())
    _, verdict = attacked.found_after(cut, 0)
    assert {(one.matter, one.what) for one in verdict.faults if one.table == "entry"} == {
        (matter, "removed")
    }


def test_the_limit_a_stolen_signing_key(attacked: Attacked, tmp_path: Path) -> None:
    """Who has the key in use and the database can cut, sign anew and look whole, except to those
    who hold an earlier checkpoint."""
    matter = attacked.acting.report()
    attacked.acting.do("dispatcher", "incident.remark", matter, inputs.Remark("示例"))
    with psycopg.connect(attacked.owner_dsn) as connection:
        attacked.keys.take(connection, attacked.outside, real_now())

    def resign(town: Town, chance: random.Random) -> tampering.Expected:
        for statement in tampering.CLEAN:
            town.connection.execute(statement.format(m=matter, n=2).encode())
        last = town.rows("SELECT max(number) FROM checkpoint")[0][0]
        town.do("DELETE FROM checkpoint WHERE number = %s", last)
        thief = KeyFolder(attacked.keys._keys._folder)
        false = Checkpoints(thief)
        made = false._made(
            town.connection, last, real_now(), (_before(town), _key(town), _roots(town))
        )
        signed = thief.open(_key(town)).sign(msgspec.json.encode(made, order="sorted"))
        town.do(
            "INSERT INTO checkpoint (number, body, hash, signature)"
            " VALUES (%s, %s, sha256(%s), %s)",
            *(last, signed.body, signed.body, signed.signature),
        )
        # The thief puts the kept tables right, too: they follow from the journal.
        rebuild(attacked.acting.system.platform.journal, town.connection)
        return tampering.Expected(())

    inside = replace(attacked, wanted=replace(attacked.wanted, against=[]))
    _, verdict = inside.found_after(resign, 1)
    assert verdict.faults == ()
    _, verdict = attacked.found_after(resign, 1)
    assert {"cut", "otherwise"} <= {one.what for one in verdict.faults}


def _before(town: Town) -> Any:
    from muster.journal.checkpoint import newest

    return newest(town.connection)


def _key(town: Town) -> str:
    from muster.journal.checkpoint import stored_keys
    from muster.journal.signing import KeyChain

    known = KeyChain(stored_keys(town.connection)).newest
    assert known is not None
    return known.key


def _roots(town: Town) -> Any:
    from muster.journal.checkpoint import Roots, lines

    roots = Roots()
    for _ in roots.passing(lines(town.connection)):
        pass
    return roots
