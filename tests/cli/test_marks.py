"""What a data folder is, and what `demo`, `up` and `--fresh` may do with it."""

import json
from pathlib import Path

import pytest

from muster.cli import marks
from muster.supervise.trouble import Trouble

CITY = Path("cities/zhoushan")
DEMO = {"kind": "simulated", "demo": True, "city": "zhoushan", "clock": "scaled"}
REPLAY = {"kind": "simulated", "demo": True, "city": "zhoushan", "clock": "driven"}
REAL = {"kind": "real", "demo": False, "city": "zhoushan", "clock": "real"}


def marked(folder: Path, mark: dict[str, object]) -> Path:
    (folder / "mark.json").write_text(json.dumps(mark))
    (folder / "pg").mkdir()
    (folder / "lock").touch()
    return folder


def test_a_new_folder_may_become_either(tmp_path: Path) -> None:
    marks.require_demo(tmp_path, CITY)
    marks.require_real(tmp_path, CITY)


@pytest.mark.parametrize("mark", [REAL, REPLAY])
def test_a_demo_leaves_what_is_not_its_own_alone(tmp_path: Path, mark: dict[str, object]) -> None:
    marked(tmp_path, mark)
    with pytest.raises(Trouble, match="leaves it alone"):
        marks.require_demo(tmp_path, CITY)


@pytest.mark.parametrize("mark", [DEMO, REPLAY])
def test_simulated_data_never_becomes_real(tmp_path: Path, mark: dict[str, object]) -> None:
    marked(tmp_path, mark)
    with pytest.raises(Trouble, match="can never become a real installation"):
        marks.require_real(tmp_path, CITY)


def test_a_folder_keeps_its_city(tmp_path: Path) -> None:
    marks.require_demo(marked(tmp_path, DEMO), CITY)
    with pytest.raises(Trouble, match="belongs to the city pack zhoushan, not other"):
        marks.require_demo(tmp_path, Path("cities/other"))


def test_fresh_removes_a_demo_but_not_the_lock_we_hold(tmp_path: Path) -> None:
    marks.clear_demo(marked(tmp_path, DEMO))
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]
    marks.clear_demo(tmp_path)  # nothing to remove is no trouble


def test_fresh_touches_nothing_else(tmp_path: Path) -> None:
    with pytest.raises(Trouble, match="only a folder that a demo made"):
        marks.clear_demo(marked(tmp_path, REAL))
    (tmp_path / "mark.json").write_text(json.dumps(DEMO))
    (tmp_path / "thesis.doc").touch()
    with pytest.raises(Trouble, match="only a folder that a demo made"):
        marks.clear_demo(tmp_path)
    assert (tmp_path / "thesis.doc").exists() and (tmp_path / "pg").exists()


def test_fresh_leaves_an_unmarked_folder_outside_the_project_alone(tmp_path: Path) -> None:
    (tmp_path / "pg").mkdir()
    with pytest.raises(Trouble, match="only a folder that a demo made"):
        marks.clear_demo(tmp_path)


def test_fresh_clears_a_demo_that_was_cut_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSTER_ROOT", str(tmp_path))
    unfinished = tmp_path / ".muster" / "demo"
    (unfinished / "pg.new").mkdir(parents=True)
    marks.clear_demo(unfinished)
    assert list(unfinished.iterdir()) == []


def test_a_damaged_mark_is_named(tmp_path: Path) -> None:
    (tmp_path / "mark.json").write_text("{")
    with pytest.raises(Trouble, match=r"mark\.json is damaged"):
        marks.require_demo(tmp_path, CITY)
