"""docs/accountability.md and docs/asvs.md name the test of each requirement: it exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from . import sources
from .sources import Fault

DOCS = sources.ROOT / "docs"
REQUIREMENTS = DOCS / "accountability.md"
ASVS = DOCS / "asvs.md"
#: Level 2 of ASVS 4.0.3, chapters 2 to 7, as counted in the standard.
CHAPTERS = ("2", "3", "4", "5", "6", "7")
LATER = "comes with"
NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """(line, cells) of every table row that begins with a number."""
    for line, text in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        cells = [cell.strip() for cell in text.strip().strip("|").split(" | ")]
        if text.startswith("|") and re.fullmatch(r"\|?\s*[\d.]+", cells[0].strip("| ")):
            yield line, cells


def functions(path: Path) -> set[str]:
    return {node.name for node in ast.walk(sources.tree(path)) if isinstance(node, ast.FunctionDef)}


def missing(path: Path) -> Iterator[Fault]:
    """Tests that a page names and nobody wrote."""
    for line, text in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        for file, name in NAMED.findall(text):
            if not (sources.ROOT / file).is_file():
                yield Fault(path.name, line, f"{file} is not there")
            elif name and name not in functions(sources.ROOT / file):
                yield Fault(path.name, line, f"{file} has no test {name}")


def test_every_test_that_is_named_is_there() -> None:
    faults = [*missing(REQUIREMENTS), *missing(ASVS)]
    assert not faults, sources.faults_text("Proof (docs/)", faults)


def test_each_of_the_twenty_requirements_has_its_test_or_says_when() -> None:
    found = {cells[0]: cells for _, cells in rows(REQUIREMENTS)}
    assert sorted(map(int, found)) == list(range(1, 21))
    for number, cells in found.items():
        proven = any(name for _, name in NAMED.findall(cells[-1]))
        assert proven or LATER in cells[-1], f"requirement {number} is neither proven nor dated"


def test_each_item_of_the_standard_has_a_test_or_a_reason() -> None:
    found = {cells[0]: cells for _, cells in rows(ASVS)}
    assert {number.split(".")[0] for number in found} == set(CHAPTERS)
    assert len(found) == 134
    for number, cells in found.items():
        assert len(cells) == 4 and cells[2] in ("yes", "n/a", "part", "no"), (number, cells)
        proven = bool(NAMED.findall(cells[3]))
        assert proven or (cells[2] != "yes" and len(cells[3]) > 15), f"{number}: no test, no reason"


def test_a_test_that_is_not_there_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "| 1 | `tests/house/test_accountability.py::test_nobody_wrote` |\n"
        "| 2 | `tests/house/test_gone.py` |\n"
        "| 3 | `tests/house/test_accountability.py::test_a_test_that_is_not_there_is_seen` |\n"
    )
    assert [fault.what for fault in missing(page)] == [
        "tests/house/test_accountability.py has no test test_nobody_wrote",
        "tests/house/test_gone.py is not there",
    ]
