"""Nothing acknowledged is lost: kill -9 of the server and of the database, thirty seeded rounds.

The engine is bench/soak.py; `./muster bench soak --soak` plays two thousand, in parts.
"""

from __future__ import annotations

import psycopg
import pytest
from bench import soak

from muster import app
from tests.instance import CITY, Database
from tests.invariants.acting import UNITS, Acting
from tests.invariants.rebuilt import bare_journal, rebuild_differences

ROUNDS, SEED = 30, 20261123


@pytest.mark.timeout(900)
def test_nothing_acknowledged_is_lost_over_thirty_kills() -> None:
    verdict = soak.run(
        rounds=ROUNDS, seed=SEED, look=lambda dsn: rebuild_differences(bare_journal(str(CITY)), dsn)
    )
    assert verdict["faults"] == []
    assert (verdict["losses"], verdict["duplicates"], verdict["overdue"]) == (0, 0, 0)
    assert verdict["chain"] == "valid"
    assert verdict["rounds"] == ROUNDS == sum(verdict["killed"].values())
    # And it was a test: there was load, both were killed, and clients had to repeat themselves.
    assert verdict["n"] > ROUNDS * soak.CLIENTS
    assert min(verdict["killed"].get(one, 0) for one in ("server", "database")) >= 5
    assert verdict["retried"] > ROUNDS


# --- the comparison can fail -------------------------------------------------------------------


@pytest.fixture
def told(acting: Acting) -> list[soak.Acknowledged]:
    """Some commands and their answers, as a client noted them."""
    acting.on_duty(UNITS[0])
    noted = []
    for _ in range(3):
        matter = acting.report()
        for number, kind in enumerate(acting.kinds(matter), start=1):
            rows = acting.rows(
                "SELECT command, actor FROM entry WHERE matter = %s::uuid AND number = %s",
                matter,
                number,
            )
            noted.append(
                soak.Acknowledged(rows[0][0], rows[0][1], matter, ((matter, number, kind),))
            )
    return noted


def judged(told: list[soak.Acknowledged], database: Database) -> soak.Verdict:
    verdict = soak.Verdict()
    with psycopg.connect(database.app_dsn) as connection:
        verdict.compare(told, connection)
        verdict.check_whole(connection)
    return verdict


def test_what_is_there_is_neither_lost_nor_doubled(
    told: list[soak.Acknowledged], city_database: Database
) -> None:
    assert judged(told, city_database).faults == []


def test_an_answer_that_is_not_in_the_journal_is_a_loss(
    system: app.System, told: list[soak.Acknowledged], city_database: Database
) -> None:
    one = told[0]
    never = soak.Acknowledged("never", one.actor, one.matter, ((one.matter, 2, "incident.urged"),))
    renamed = soak.Acknowledged(one.command, "somebody", one.matter, one.entries)
    verdict = judged([*told, never, renamed], city_database)
    assert (verdict.losses, verdict.duplicates, len(verdict.faults)) == (2, 0, 2)


def test_an_entry_taken_out_behind_the_journal_s_back_is_a_loss(
    told: list[soak.Acknowledged], city_database: Database
) -> None:
    with psycopg.connect(city_database.owner_dsn) as owner:
        owner.execute("ALTER TABLE entry DISABLE TRIGGER append_only")
        owner.execute("DELETE FROM entry WHERE matter = %s::uuid", (told[0].matter,))
        owner.execute("DELETE FROM deadline; DELETE FROM incident; DELETE FROM matter_access")
    verdict = soak.Verdict()
    with psycopg.connect(city_database.app_dsn) as connection:
        verdict.compare(told, connection)
    assert (verdict.losses, verdict.duplicates) == (1, 0)
    with psycopg.connect(city_database.owner_dsn) as owner:
        owner.execute("DELETE FROM entry")


def test_a_command_done_twice_is_a_double(
    told: list[soak.Acknowledged], city_database: Database
) -> None:
    copied = (
        "INSERT INTO entry (matter, number, kind, happened_at, recorded_at, actor, command, bytes,"
        " hash) SELECT matter, 2, kind, happened_at, recorded_at, actor, command, bytes, hash"
        " FROM entry WHERE matter = %s::uuid AND number = 1"
    )
    with psycopg.connect(city_database.owner_dsn) as owner:
        owner.execute(copied.encode(), (told[0].matter,))
    verdict = judged(told, city_database)
    assert verdict.duplicates == 2  # the command, and the matter that was opened twice
    assert verdict.chain != "valid"
    with psycopg.connect(city_database.owner_dsn) as owner:
        owner.execute("ALTER TABLE entry DISABLE TRIGGER append_only")
        owner.execute("DELETE FROM entry WHERE matter = %s::uuid AND number = 2", (told[0].matter,))
