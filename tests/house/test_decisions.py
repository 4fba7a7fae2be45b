"""A decision is one page, numbered, and says what keeps it true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from . import sources
from .sources import Fault

FOLDER = sources.ROOT / "decisions"
ONE_PAGE = 60


def _faults(path: Path, number: int) -> Iterator[Fault]:
    lines = path.read_text(encoding="utf-8").rstrip().splitlines()
    if not path.name.startswith(f"{number:04d}-"):
        yield Fault(path.name, 1, f"the next number is {number:04d}: decisions count without gaps")
    if not lines[0].startswith(f"# {path.name[:4]} "):
        yield Fault(path.name, 1, "the title starts with the number, like the file's name")
    if len(lines) > ONE_PAGE:
        yield Fault(path.name, ONE_PAGE, f"{len(lines)} lines: a decision is one page ({ONE_PAGE})")
    if not lines[-1].startswith("Enforced by: "):
        yield Fault(path.name, len(lines), "the last line is `Enforced by: …` (a file or a test)")
    for named in re.findall(r"`([\w./-]*/[\w./-]+|\.\w+)`", lines[-1]):
        if not (sources.ROOT / named).exists():
            yield Fault(path.name, len(lines), f"enforced by {named}, which is not there")


def test_decisions_are_one_page_and_enforced() -> None:
    paths = sorted(FOLDER.glob("*.md"))
    faults = [f for number, p in enumerate(paths, start=1) for f in _faults(p, number)]
    assert not faults, sources.faults_text("Decisions (CONTRIBUTING.md)", faults)


def test_a_decision_without_an_enforcer_is_seen_failing(tmp_path: Path) -> None:
    loose = tmp_path / "0003-loose.md"
    loose.write_text("# Loose\n" + "x\n" * 60 + "Enforced by: `tests/nowhere.py`\n")
    endless = tmp_path / "0002-endless.md"
    endless.write_text("# 0002 Endless\n\nNobody.\n")
    assert [f.what.split(":")[0] for f in _faults(loose, 2)] == [
        "the next number is 0002",
        "the title starts with the number, like the file's name",
        "62 lines",
        "enforced by tests/nowhere.py, which is not there",
    ]
    assert [f.what for f in _faults(endless, 2)] == [
        "the last line is `Enforced by: …` (a file or a test)"
    ]
