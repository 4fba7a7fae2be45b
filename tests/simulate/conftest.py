"""A small recorded file with its map, the draft pack made of it, and a fake city to play in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from muster.geography.pack import Pack, load
from muster.simulate.columns import read_map
from muster.simulate.draft import write_draft
from muster.simulate.people import Accounts
from muster.simulate.recorded import read_records
from muster.simulate.replay import Speed

from .fake_city import FakeCity, Server, Trouble

MAP = """
[map]
name_zh = "示例"
name_en = "example"
timezone = "Europe/London"
attribution = "invented"
[number]
column = "number"
[reported_at]
columns = ["day", "time"]
format = "%Y-%m-%d %H:%M:%S"
[place]
x = "x"
y = "y"
label = ["street"]
[category]
columns = ["group", "kind"]
levels = { "House fire" = 1 }
[station]
column = "station"
none = ["nobody"]
[first_unit]
seconds = "first"
"""
HEADER = "number,day,time,x,y,street,group,kind,station,first\n"
STATIONS = (("North", -0.10, 51.60), ("South", -0.12, 51.40), ("Eastern Docks", 0.05, 51.50))


def rows(count: int, *, day: str = "2017-02-23") -> list[str]:
    """Invented calls, one every four minutes, round three stations."""
    found = []
    for number in range(count):
        station, lon, lat = STATIONS[number % 3]
        at = timedelta(seconds=240 * number + 7)
        clock = (datetime(2017, 1, 1, tzinfo=UTC) + at).strftime("%H:%M:%S")
        kind = ("House fire", "Bin fire", "Alarm")[number % 7 % 3]
        place = f"{lon + number % 5 / 300:.4f},{lat + number % 4 / 300:.4f}"
        line = f"c{number},{day},{clock},{place},Elm Row,Fire,{kind},{station},{200 + number}"
        found.append(line)
    return found


@pytest.fixture
def map_file(tmp_path: Path) -> Path:
    path = tmp_path / "example.toml"
    path.write_text(MAP)
    return path


@pytest.fixture
def write_file(tmp_path: Path) -> Callable[[list[str]], Path]:
    """Writes a recorded file with these rows."""

    def write(lines: list[str]) -> Path:
        path = tmp_path / "calls.csv"
        path.write_text(HEADER + "".join(f"{line}\n" for line in lines))
        return path

    return write


@pytest.fixture
def pack(tmp_path: Path, map_file: Path, write_file: Callable[[list[str]], Path]) -> Pack:
    """The draft pack of 60 invented calls."""
    columns = read_map(map_file)
    records = read_records(write_file(rows(60)), columns, map_file)
    write_draft(records, columns, map_file.name, tmp_path / "city")
    return load(tmp_path / "city")


class FakeInstance:
    """What a replay's `start` gives, over a fake city."""

    def __init__(self, city: FakeCity) -> None:
        self.city = city
        self._server = Server(city)
        self.url = self._server.url
        self.accounts = Accounts(password="invented")
        self.stopped = False

    def stop(self) -> None:
        if not self.stopped:
            self.stopped = True
            self._server.stop()


@pytest.fixture
def starter() -> Iterator[Callable[..., Callable[[Path, datetime, Speed], FakeInstance]]]:
    """Makes a `start` for ReplayOptions; the instances made are on its attribute `made`."""
    made: list[FakeInstance] = []

    def with_trouble(
        trouble: Trouble | None = None, speed: float | None = None
    ) -> Callable[[Path, datetime, Speed], FakeInstance]:
        def start(folder: Path, clock_start: datetime, wanted: Speed) -> FakeInstance:
            given = 0.0 if wanted == "max" else float(wanted)
            pack = load(folder)
            city = FakeCity(pack, clock_start, given if speed is None else speed)
            city.trouble = trouble or Trouble()
            made.append(FakeInstance(city))
            return made[-1]

        return start

    with_trouble.made = made  # type: ignore[attr-defined]
    yield with_trouble
    for instance in made:
        instance.stop()


@pytest.fixture
def fake(pack: Pack) -> Iterator[FakeInstance]:
    """A running fake city whose clock the requests drive."""
    instance = FakeInstance(FakeCity(pack, datetime.fromisoformat("2017-02-23T00:00:00+00:00")))
    yield instance
    instance.stop()
