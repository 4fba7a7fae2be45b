"""`bench` runs files, prints a table or lines of JSON."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from muster.cli import project
from muster.cli.main import muster

ONE = """
def run(rounds=3):
    print("noise")
    return {"ours": 2.0, "peer": 4.0, "ratio": 0.5, "unit": "1/s", "n": rounds}
"""
TWO = """
def run(*, soak=False):
    return {"failed": not soak, "rows": [{"name": "two a", "ours": 1}, {"name": "two b"}]}
"""


@pytest.fixture(autouse=True)
def benches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "one.py").write_text(ONE)
    (tmp_path / "bench" / "two.py").write_text(TWO)
    (tmp_path / "bench" / "_measure.py").write_text("")
    monkeypatch.setattr(project, "root", lambda: tmp_path)


def test_one_line_of_json() -> None:
    told = CliRunner().invoke(muster, ["bench", "one", "--json", "--rounds", "7"])
    assert told.exit_code == 0
    (line,) = told.stdout.splitlines()
    found = json.loads(line)
    assert found["name"] == "one" and found["ratio"] == 0.5 and found["n"] == 7
    assert found["load"] >= 0


def test_all_in_a_table_and_a_failed_one_fails() -> None:
    told = CliRunner().invoke(muster, ["bench"])
    assert told.exit_code == 1
    assert [line.split()[0] for line in told.stdout.splitlines()] == [
        "name",
        "─" * len("two a"),
        "one",
        "two",
        "two",
    ]
    assert CliRunner().invoke(muster, ["bench", "two", "--soak"]).exit_code == 0


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    told = CliRunner().invoke(muster, ["bench", "three"])
    assert told.exit_code == 1 and "one, two" in str(told.exception)


def test_a_table_keeps_its_columns_in_line_under_chinese() -> None:
    lines = project.table([("角色", "a"), ("x", "b")]).splitlines()
    assert [project.width(line[: line.rindex(end)]) for line, end in zip(lines, "a─b", strict=True)]
    assert project.width(lines[0].removesuffix("a")) == project.width(lines[2].removesuffix("b"))
