"""What a pack answers once it is loaded."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from muster.geography.pack import Pack, load
from tests.geography.small import FILES, write


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    return load(write(tmp_path))


def test_rows_are_found_by_id(pack: Pack) -> None:
    assert pack.category("0102").urgent
    assert pack.organisation("e").population == 5
    assert pack.unit("w-1").capabilities == ("firearms", "rescue")
    assert pack.people["p1"].unit == "w-1"
    assert pack.people["p2"].unit is None
    assert [rate.calls_per_hour for rate in pack.rates] == [0.5, 0.25]
    assert pack.places["t1"].alias == ("Xizhen", "老西镇")
    with pytest.raises(KeyError):
        pack.category("99")


def test_a_clock_of_a_level_goes_before_the_general_one(pack: Pack) -> None:
    assert pack.clock("sign", 1) == 30
    assert pack.clock("sign", 2) == 600
    with pytest.raises(KeyError):
        pack.clock("tea", 1)


def test_the_system_sets_the_first_status_of_a_group(pack: Pack) -> None:
    assert pack.status_of("available").code == "available"
    assert pack.statuses["returning"].group == "available"


def test_superiors_and_subordinates(pack: Pack) -> None:
    assert pack.path("w") == ("c", "k", "w")
    assert pack.path("c") == ("c",)
    assert pack.subtree("k") == {"k", "w", "e"}
    assert pack.subtree("c") == {"c", "k", "w", "e", "p"}


def test_map_files_are_kept_byte_for_byte(pack: Pack) -> None:
    assert pack.coast_geojson.decode() == FILES["coast.geojson"]
    assert pack.boundaries_geojson.decode() == FILES["boundaries.geojson"]


def test_the_version_names_the_content(tmp_path: Path, pack: Pack) -> None:
    assert load(write(tmp_path / "twin")).version == pack.version
    (tmp_path / "twin" / "README.md").write_text("no data")
    assert load(tmp_path / "twin").version == pack.version
    for number, (file, text) in enumerate(sorted(FILES.items())):
        changed = write(tmp_path / str(number), **{file.replace(".", "_"): text + "\n"})
        assert load(changed).version != pack.version, file


def test_naming_the_structs_does_not_load_shapely() -> None:
    code = "import sys, muster.geography.pack, muster.geography.places;"
    code += "sys.exit('shapely' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
