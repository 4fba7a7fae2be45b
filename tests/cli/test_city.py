"""`city draft`: a file of calls becomes a pack that loads, and nothing is overwritten."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from muster.cli.main import muster
from muster.geography.pack import load
from muster.supervise.trouble import Trouble

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
