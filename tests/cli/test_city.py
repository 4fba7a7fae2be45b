"""`city draft`: a file of calls becomes a pack that loads, and nothing is overwritten."""

import json
import signal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from muster.cli.main import muster
from muster.geography.pack import load
from muster.supervise import processes
from muster.supervise.trouble import Trouble

from .test_whole import Command, installation, sign_in

__all__ = ["installation"]  # a fixture

IMPORT = Path(__file__).resolve().parents[2] / "cities" / "import"
FILES = {
    "london_fire": "london_fire_2017_jan_mar",
    "dublin_fire": "dublin_fire_2020_2021",
    "lincoln_units": "lincoln_unit_times_2010_2017",
    "sf_fire": "sf_fire_calls_2000_2018",
}


def draft(calls: Path, columns: str, out: Path, *words: str) -> Result:
    map_ = str(IMPORT / f"{columns}.toml")
    given = ["city", "draft", "--calls", str(calls), "--map", map_, "--out", str(out), *words]
    return CliRunner().invoke(muster, given)


@pytest.mark.parametrize(
    ("columns", "stations", "units", "area_only"),
    [
        ("london_fire", 102, 408, False),
        ("dublin_fire", 14, 34, True),
        ("lincoln_units", 26, 110, True),
        ("sf_fire", 50, 262, False),
    ],
)
def test_each_recorded_city_makes_a_pack_that_loads(
    shared_data: Path,
    tmp_path: Path,
    columns: str,
    stations: int,
    units: int,
    *,
    area_only: bool,
) -> None:
    calls = shared_data / "calls" / f"{FILES[columns]}.csv.gz"
    told = draft(calls, columns, tmp_path / "pack", "--json")
    assert told.exit_code == 0, told.exception
    figures = json.loads(told.stdout)
    rejected = sum(figures["rejected"].values())
    assert figures["rows"] == figures["calls"] + figures["grouped"] + rejected
    pack = load(tmp_path / "pack")
    found = [one for one in pack.organisations.values() if one.tier == "station"]
    assert (len(found), len(pack.units)) == (stations, units)
    assert {one.organisation for one in pack.units.values()} == {one.id for one in found}
    assert figures["attribution"] in pack.city.attribution
    # The hours of load add up to the calls of the file that have a station.
    rates = sum(rate.calls_per_hour for rate in pack.rates) * figures["days"]
    assert rates == pytest.approx(figures["calls"] - figures["no_station"], rel=0.01)
    readme = (tmp_path / "pack" / "README.md").read_text("utf-8")
    assert ("only the area is known" in readme) == area_only
    assert ("cannot be replayed" in readme) == (columns == "sf_fire")
    dirt = (tmp_path / "pack" / "dirt.csv").read_text("utf-8").splitlines()
    assert len(dirt) - 1 == rejected + sum(figures["flaws"].values())


def small(folder: Path, changes: dict[str, str] | None = None) -> tuple[Path, Path]:
    """An invented file and its map; `changes` replaces words of the map."""
    folder.mkdir(exist_ok=True)
    calls, columns = folder / "calls.csv", folder / "map.toml"
    lines = [
        f"c{n},2024-03-0{n % 9 + 1} 10:{n % 60:02}:00,{n % 3}.0,50,Fire,S{n % 3}" for n in range(90)
    ]
    calls.write_text("number,at,lon,lat,kind,station\n" + "\n".join(lines) + "\n")
    text = """
[map]
name_zh = "示例"
name_en = "example"
timezone = "UTC"
attribution = "invented"
[number]
column = "number"
[reported_at]
columns = ["at"]
format = "%Y-%m-%d %H:%M:%S"
[place]
x = "lon"
y = "lat"
[category]
columns = ["kind"]
[station]
column = "station"
"""
    for old, new in (changes or {}).items():
        assert old in text
        text = text.replace(old, new)
    columns.write_text(text)
    return calls, columns


def drafted(calls: Path, columns: Path, out: Path) -> Result:
    words = ["city", "draft", "--calls", str(calls), "--map", str(columns), "--out", str(out)]
    return CliRunner().invoke(muster, words)


def test_a_draft_overwrites_nothing(tmp_path: Path) -> None:
    calls, columns = small(tmp_path / "in")
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine").write_text("kept")
    told = drafted(calls, columns, out)
    assert isinstance(told.exception, Trouble) and "不覆盖" in told.exception.zh
    assert [one.name for one in out.iterdir()] == ["mine"]
    (out / "mine").unlink()
    assert drafted(calls, columns, out).exit_code == 0
    before = {one.name: one.read_bytes() for one in out.iterdir()}
    assert isinstance(drafted(calls, columns, out).exception, Trouble)
    assert {one.name: one.read_bytes() for one in out.iterdir()} == before
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".draft")] == []


def test_a_record_that_tells_no_times_at_all_makes_no_pack(tmp_path: Path) -> None:
    calls, columns = small(tmp_path / "in", {"reported_at": "load"})
    assert drafted(calls, columns, tmp_path / "out").exit_code == 0
    calls, columns = small(tmp_path / "in", {'columns = ["at"]': ""})
    told = drafted(calls, columns, tmp_path / "other")
    assert isinstance(told.exception, Trouble) and "[load]" in told.exception.en
    assert not (tmp_path / "other").exists()


def test_a_wrong_map_is_told_with_every_fault_and_its_line(tmp_path: Path) -> None:
    changes = {"UTC": "Nowhere/Land", 'x = "lon"': 'xx = "lon"', 'column = "number"': "column = 7"}
    calls, columns = small(tmp_path / "in", changes)
    told = drafted(calls, columns, tmp_path / "out")
    assert isinstance(told.exception, Trouble)
    assert "map.toml:8 [number] column: Expected str" in told.exception.en
    assert "map.toml:13 [place] xx: unknown key" in told.exception.en


def test_a_demo_runs_on_a_drafted_city(shared_data: Path, installation: Path) -> None:
    out = installation.with_name("dublin")
    calls = shared_data / "calls" / "dublin_fire_2020_2021.csv.gz"
    assert draft(calls, "dublin_fire", out).exit_code == 0
    words = ["demo", "--city", str(out), "--data", str(installation), "--port", "0"]
    command = Command(installation, *words)
    address = command.wait_for(r"ready:  http://(\S+)")
    assert sign_in(address, command.wait_for(r"dispatcher +dispatcher +(\S+)")) == 201
    assert command.end(signal.SIGINT) == 0 and "stopped" in command.words()
    assert processes.started_with(str(installation)) == []
