"""A small recorded day of Dublin and of Lincoln through a real server, and what a screen shows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import msgspec
import psycopg
import pytest

from muster.journal.verify import verify
from muster.simulate.doors import Doors
from muster.simulate.replay import ReplayOptions, Speed, run
from muster.supervise.postgres import Postgres
from tests.instance import copied

from .test_real_server import Real, Starter

IMPORT = Path(__file__).resolve().parents[2] / "cities" / "import"


class Place(msgspec.Struct):
    label: str


class Row(msgspec.Struct):
    place: Place


class Board(msgspec.Struct):
    """What the board shows of where its matters are."""

    items: list[Row]


@pytest.fixture
def server(cluster: Postgres, tmp_path: Path) -> Iterator[Starter]:
    with copied(cluster, "muster", f"any_{tmp_path.name[-24:]}".lower()) as database:
        starter = Starter(database, tmp_path)
        yield starter
        if starter.started is not None:
            starter.started.stop()


@pytest.mark.parametrize(
    ("file", "columns", "day", "rows", "calls"),
    [
        ("dublin_fire_2020_2021", "dublin_fire", date(2021, 2, 24), (23_608, 23_608, 0, 0), 11),
        (
            "lincoln_unit_times_2010_2017",
            "lincoln_units",
            date(2011, 11, 27),
            (14_205, 13_152, 5, 1048),
            5,
        ),
    ],
    ids=["dublin", "lincoln"],
)
def test_a_day_without_coordinates_is_played_and_says_that_only_the_area_is_known(
    shared_data: Path,
    tmp_path: Path,
    server: Starter,
    *,
    file: str,
    columns: str,
    day: date,
    rows: tuple[int, int, int, int],
    calls: int,
) -> None:
    shown: list[str] = []

    def start(pack: Path, first: datetime, speed: Speed) -> Real:
        """The server, whose board is looked at as a dispatcher sees it before it goes."""
        started = server(pack, first, speed)
        stop = started.stop

        def look() -> None:
            started.stop = stop  # type: ignore[method-assign]
            doors = Doors(started.url)
            who = started.accounts.of(started.accounts.dispatcher)
            page = doors.read(who, "/api/incidents", Board, scope="all")
            shown.extend(row.place.label for row in page.items)
            doors.close()
            stop()

        started.stop = look  # type: ignore[method-assign]
        return started

    options = ReplayOptions(
        file=shared_data / "calls" / f"{file}.csv.gz",
        map=IMPORT / f"{columns}.toml",
        work=tmp_path / "data",
        start=start,
        day=day,
    )
    report = run(options)
    found = (report.rows, report.calls_in_file, report.grouped_in_file, report.rejected.total)
    assert found == rows and rows[0] == sum(rows[1:])
    assert (report.calls, report.merged, report.closed, report.left_open) == (calls, 0, calls, 0)
    assert report.lost == report.doubled == 0 and report.faults == {}
    assert report.place == "area"
    assert "Only the station's area is known" in report.table()
    assert len(shown) == calls and all("仅知辖区 area only" in label for label in shown)
    dirt = (tmp_path / "data" / "dirt.csv").read_text("utf-8").splitlines()[1:]
    assert len(dirt) == report.rejected.total + report.flaws.total
    with psycopg.connect(server.database.owner_dsn) as connection:
        assert verify(connection).faults == ()
