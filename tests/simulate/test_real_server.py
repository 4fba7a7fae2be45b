"""Replays against a real server process on a real database."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import psycopg
import pytest

from muster import app
from muster.journal.verify import verify
from muster.simulate.people import Accounts
from muster.simulate.replay import ReplayOptions, Speed, run
from muster.supervise.postgres import Postgres
from tests.instance import PASSWORD, Database, Instance, copied, free_port, settings_for

from .conftest import rows

CALLS = 18


class Real:
    """A server the replay asks for; `kill` is kill -9 and a new process on the same data."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.url = instance.url
        self.accounts = Accounts(password=PASSWORD)

    def kill(self) -> None:
        self.instance.kill()
        self.instance.start()

    def stop(self) -> None:
        self.instance.stop()


class Starter:
    """`start` of ReplayOptions. `started` is the last server."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.folder = database, folder
        self.started: Real | None = None

    def __call__(self, pack: Path, first: datetime, speed: Speed) -> Real:
        clock = {"clock": "driven"} if speed == "max" else {"clock": "scaled", "speed": speed}
        settings = settings_for(
            self.database,
            self.folder / "data",
            city=str(pack),
            clock_start=first,
            port=free_port(),
            **clock,
        )
        app.prepare(settings)
        instance = Instance(settings, self.folder / "server.log")
        self.started = Real(instance)
        instance.start()
        return self.started


@pytest.fixture
def server(cluster: Postgres, tmp_path: Path) -> Iterator[Starter]:
    with copied(cluster, "muster", f"replay_{tmp_path.name[-20:]}".lower()) as database:
        starter = Starter(database, tmp_path)
        yield starter
        if starter.started is not None:
            starter.started.stop()


@pytest.fixture
def options(
    tmp_path: Path, map_file: Path, write_file: Callable[[list[str]], Path], server: Starter
) -> ReplayOptions:
    twin = rows(CALLS)[4].replace("c4,", "twin,").replace("00:16:07", "00:16:47")
    return ReplayOptions(
        file=write_file([*rows(CALLS), twin]),
        map=map_file,
        work=tmp_path / "data",
        start=server,
        day=date(2017, 2, 23),
    )


def test_a_recorded_day_is_closed_and_nothing_acknowledged_is_lost(
    options: ReplayOptions, server: Starter
) -> None:
    report = run(options)
    assert (report.calls, report.merged, report.closed) == (CALLS + 1, 1, CALLS)
    assert report.lost == report.doubled == report.left_open == 0
    assert report.faults == {}
    assert report.acknowledged > 12 * CALLS
    with psycopg.connect(server.database.owner_dsn) as connection:
        assert verify(connection).faults == ()
        found = connection.execute("SELECT count(*) FROM entry").fetchone()
    assert found is not None and found[0] >= report.acknowledged


def test_the_journal_of_a_day_is_what_was_acknowledged_also_after_kill_9(
    options: ReplayOptions, server: Starter
) -> None:
    killed = []

    def kill_twice() -> None:
        pause = threading.Event()
        for number in range(2):
            pause.wait(3.0)
            assert server.started is not None
            server.started.kill()
            killed.append(number)
        pause.wait(4.0)
        options.stop.set()

    thread = threading.Thread(target=kill_twice)

    def start(pack: Path, first: datetime, speed: Speed) -> Real:
        real = server(pack, first, speed)
        thread.start()
        return real

    report = run(replace(options, start=start, speed=300.0))
    thread.join()
    assert killed == [0, 1] and report.interrupted
    assert report.lost == report.doubled == 0
    assert report.acknowledged > 50
    with psycopg.connect(server.database.owner_dsn) as connection:
        assert verify(connection).faults == ()
