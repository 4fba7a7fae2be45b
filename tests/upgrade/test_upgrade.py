"""The first release's data under today's Muster: upgraded, whole, and at work again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psycopg
import pytest

from muster import app
from muster.cli.prepare import TO_REPLAY
from muster.journal import feed
from muster.journal.entry import kinds_of
from muster.journal.verify import verify
from muster.migrations import run
from muster.supervise.external import revision
from muster.supervise.postgres import Postgres
from tests.api.consoles import Console
from tests.instance import PASSWORD, Instance, free_port, settings_for
from tests.invariants.rebuilt import bare_journal, rebuild_differences
from tests.stories.desk import Person
from tests.upgrade.release import HERE, Release, loaded

FIRST = "0.1.0", "0005"


@pytest.fixture(scope="module")
def release(cluster: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """The first release's data, upgraded once; the tests below look at it in turn."""
    folder = tmp_path_factory.mktemp("release") / "data"
    with loaded(cluster, *FIRST, folder) as found:
        assert revision(found.database.owner_dsn) == "0005"
        upgraded_as_a_start_does(found)
        assert not (folder / TO_REPLAY).exists()
        yield found


def upgraded_as_a_start_does(found: Release) -> None:
    settings = settings_for(found.database, found.data)
    shutil.copyfile(HERE / FIRST[0] / "demo_password", found.data / "demo_password")
    environment = {
        **os.environ,
        "MUSTER_SETTINGS": msgspec.json.encode(settings).decode(),
        "MUSTER_PREPARED": str(found.data / "prepared"),
    }
    command = [sys.executable, "-P", "-m", "muster.cli.prepare"]
    subprocess.run(command, env=environment, check=True)


@pytest.fixture(scope="module")
def server(release: Release, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """Today's server on it, prepared as every start is."""
    settings = settings_for(release.database, release.data, port=free_port())
    password = (HERE / FIRST[0] / "demo_password").read_text()
    (release.data / "demo_password").write_text(password)
    made = app.prepare(settings)
    accounts = {one.role: (one.username, one.password) for one in made.accounts}
    instance = Instance(settings, tmp_path_factory.mktemp("log") / "server.log", accounts=accounts)
    instance.start()
    yield instance
    instance.stop()


def signed_in(server: Instance, username: str) -> Person:
    password = next(word for _, word in server.accounts.values())
    assert password != PASSWORD
    person = Person(server.url, username)
    assert person.sign_in(password).status == 201
    return person


def test_every_entry_is_there_and_the_chain_holds(release: Release) -> None:
    with psycopg.connect(release.database.owner_dsn) as connection:
        verdict = verify(connection)
    assert verdict.faults == ()
    assert verdict.entries == release.notes["sizes"]["entry"] > 300
    assert verdict.matters == release.notes["sizes"]["vault_key"]


def test_every_table_kept_its_rows(release: Release) -> None:
    with psycopg.connect(release.database.owner_dsn) as connection:
        for table, size in release.notes["sizes"].items():
            row = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
            assert row is not None and row[0] >= size, table
    assert revision(release.database.owner_dsn) == run.newest()


def test_what_the_installation_gave_stands_as_confirmed(release: Release) -> None:
    """The audit of the first release says who gave what: the demo's own grants confirm others'."""
    with psycopg.connect(release.database.owner_dsn) as connection:
        grants = connection.execute(
            "SELECT g.confirmed_by, (SELECT a.actor FROM audit a WHERE a.table_name = 'role_grant'"
            " AND position(g.id::text IN convert_from(a.body, 'UTF8')) > 0"
            " ORDER BY a.number LIMIT 1) FROM role_grant g"
        ).fetchall()
        vouched = connection.execute("SELECT DISTINCT vouched_by FROM person").fetchall()
    assert len(grants) > 10 and ("system:install", "system:install") in grants
    for confirmed_by, given_by in grants:
        assert confirmed_by == (given_by if given_by.startswith("system:") else None)
    assert ("system:install",) in vouched


def test_a_rebuild_gives_the_tables_that_were_upgraded(release: Release) -> None:
    city = str(Path(__file__).parents[2] / "cities" / "zhoushan")
    assert rebuild_differences(bare_journal(city), release.database.app_dsn) == []


def test_everybody_signs_in_and_the_board_shows_what_was_open(
    release: Release, server: Instance
) -> None:
    for username, _ in server.accounts.values():
        signed_in(server, username)
    shown = signed_in(server, "dispatcher").get("/api/incidents?scope=open&limit=500")["items"]
    with psycopg.connect(release.database.owner_dsn) as connection:
        ended = ("closed", "called_back", "archived", "merged", "cancelled")
        rows = connection.execute(
            "SELECT matter::text FROM incident WHERE NOT state = ANY(%s)", (list(ended),)
        ).fetchall()
    assert {row["id"] for row in shown} == {row[0] for row in rows}
    assert len(shown) >= 6


def test_words_sealed_before_are_read_after(release: Release, server: Instance) -> None:
    first = release.notes["commands"][0]
    matter = signed_in(server, "call-taker").get(f"/api/incidents/{first['body']['id']}")
    assert first["body"]["place"]["label"] in msgspec.json.encode(matter).decode()


def test_an_old_command_gets_its_old_answer_and_does_nothing_again(
    release: Release, server: Instance
) -> None:
    people = {name: signed_in(server, name) for name in ("call-taker", "dispatcher")}
    assert len(release.notes["commands"]) == 12
    for one in release.notes["commands"]:
        person = people[one["username"]]
        said = person.try_to(one["path"], one["body"], command=one["command"])
        assert said.status < 300
        assert said.body["entries"] == one["answer"]["entries"]
        other = {**one["body"], "text": "示例：别的话"} if "text" in one["body"] else None
        if other is not None:
            assert (
                person.try_to(one["path"], other, command=one["command"]).code == "command.reused"
            )


def test_the_feed_goes_on_where_somebody_was_before_the_upgrade(release: Release) -> None:
    with psycopg.connect(release.database.app_dsn) as connection:
        page = feed.read(connection, kinds_of(app.FACTS), release.cursor)
    assert not page.more
    assert {entry.matter for entry in page.entries} == release.later
    assert len(page.entries) >= release.notes["sizes"]["entry"] // 2


def test_a_console_that_comes_back_shows_what_a_fresh_one_does(server: Instance) -> None:
    console = Console(server, signed_in(server, "dispatcher"))
    console.cursor = "of-another-process.41"
    console.come()
    console.until(lambda: "snapshot" in console.said)
    assert console.incidents.keys() == console.fresh()[0].keys()


def test_work_goes_on_under_new_command_ids(release: Release, server: Instance) -> None:
    dispatcher = signed_in(server, "dispatcher")
    matter = release.notes["commands"][0]["body"]["id"]
    made = dispatcher.do(f"/api/incidents/{matter}/urge", {"text": "示例：升级后的催办"})
    with psycopg.connect(release.database.owner_dsn) as connection:
        assert verify(connection).faults == ()
    assert made["entries"][0]["kind"] == "incident.urged"
