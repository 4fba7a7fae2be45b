"""Writing to a place somebody named: whole or not at all, and what is in the way is said."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from muster import app
from muster.cli.main import muster
from muster.cli.target import target
from muster.supervise.trouble import Trouble
from tests.cli.test_export import taken  # noqa: F401
from tests.invariants.acting import UNITS, Acting
from tests.supervise.test_small_disk import NAMESPACE

#: As somebody who may do anything: nobody makes a file there.
SEALED_OFF = Path("/proc/sys/kernel")


def said(words: list[str]) -> str:
    """The sentence of an expected obstacle, in both languages; anything else is a defect."""
    told = CliRunner().invoke(muster, words)
    assert told.exit_code != 0
    assert isinstance(told.exception, Trouble), (told.output, told.exception)
    assert told.output == "" and told.exception.zh != told.exception.en
    return told.exception.en


@pytest.fixture
def commands(
    taken: tuple[Acting, str, list[str]],  # noqa: F811
    system: app.System,
) -> dict[str, Callable[[Path], list[str]]]:
    """Every command that writes where it is told, by its name."""
    acting, _, words = taken
    acting.on_duty(UNITS[0])
    at, data = words.index("--to") + 1, ["--data", system.settings.data]
    span = ["--since", "2026-01-01", "--until", "2027-01-01"]
    gone = acting.report()
    acting.close(gone, UNITS[0])
    acting.erase(gone)
    return {
        "export": lambda to: [*words[:at], str(to), *words[at + 1 :]],
        "transparency": lambda to: ["transparency", *span, *data, "--to", str(to)],
        "certificate": lambda to: ["retention", "certificate", gone, *data, "--to", str(to)],
        "checkpoint": lambda to: ["journal", "checkpoint", *data, "--to", str(to)],
        "backup": lambda to: ["backup", *data, "--to", str(to)],
    }


FILES = ("export", "transparency", "certificate")
FOLDERS = ("checkpoint", "backup")


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_cannot_be_there(
    commands: dict[str, Callable[[Path], list[str]]], name: str, tmp_path: Path, system: app.System
) -> None:
    words = commands[name]
    before = Acting(system).rows("SELECT count(*) FROM disclosure")
    (tmp_path / "file").write_text("示例")
    (tmp_path / "folder.json").mkdir()
    assert "does not exist" in said(words(tmp_path / "missing" / "x.json"))
    assert "is a folder" in said(words(tmp_path / "folder.json"))
    assert "where a folder is needed" in said(words(tmp_path / "file" / "x.json"))
    assert "cannot be written" in said(words(SEALED_OFF / "x.json"))
    assert "could not be written" in said(words(tmp_path / ("x" * 300)))
    assert sorted(one.name for one in tmp_path.glob("*")) == ["data", "file", "folder.json"]
    assert Acting(system).rows("SELECT count(*) FROM disclosure") == before


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_that_cannot_be_there(
    commands: dict[str, Callable[[Path], list[str]]], name: str, tmp_path: Path, system: app.System
) -> None:
    words = commands[name]
    (tmp_path / "file").write_text("示例")
    assert "where a folder is needed" in said(words(tmp_path / "file"))
    assert "where a folder is needed" in said(words(tmp_path / "file" / "x"))
    assert "cannot be written" in said(words(SEALED_OFF / "x"))
    assert (tmp_path / "file").read_text() == "示例"
    assert Acting(system).rows("SELECT count(*) FROM checkpoint") == [(0,)]


FULL = """
import subprocess, sys
from pathlib import Path
from muster.cli.target import target
from muster.supervise.trouble import Trouble
folder = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "small", str(folder)], check=True)
(folder / "x.json").write_text("before")
try:
    with target(folder / "x.json") as file:
        file.put(bytes(1 << 20))
except Trouble as trouble:
    print(trouble, [one.name for one in folder.iterdir()], (folder / "x.json").read_text())
"""


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    """In a mount namespace of its own."""
    told = subprocess.run(
        [*NAMESPACE, sys.executable, "-c", FULL, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "磁盘已满" in told.stdout and "The disk is full" in told.stdout
    assert "['x.json'] before" in told.stdout


def test_what_is_printed_onto_a_full_disk_is_said() -> None:
    with Path("/dev/full").open("w") as full:
        told = subprocess.run(
            [sys.executable, "-m", "muster.cli", "openapi"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert told.returncode == 1
    assert "The disk is full" in told.stderr and "Traceback" not in told.stderr


def test_what_is_there_is_for_us_alone_where_it_holds_texts(tmp_path: Path) -> None:
    path = tmp_path / "matter.json"
    with target(path, private=True) as file:
        assert not path.exists()
        file.put(json.dumps({}).encode())
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["matter.json"]
