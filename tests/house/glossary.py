"""GLOSSARY.md as data: one row per term, and what the tree must find in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .sources import Fault

_HAN = re.compile(r"[\u4e00-\u9fff]")


@dataclass(frozen=True)
class Term:
    """One row of a table: Chinese, English, the words in code, the meaning, and its line."""

    zh: str
    en: str
    codes: tuple[str, ...]
    meaning: str
    line: int


def terms(path: Path) -> tuple[list[Term], list[Fault]]:
    """The rows of every four-column table, and what is wrong with them."""
    found: list[Term] = []
    faults: list[Fault] = []
    for line, row in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not row.startswith("|") or set(row) <= set("|-: "):
            continue
        cells = [cell.strip() for cell in row.strip().strip("|").split("|")]
        if cells[0] == "中文":
            continue
        if len(cells) != 4:
            faults.append(Fault(path.name, line, f"a row has four cells, not {len(cells)}"))
            continue
        term = Term(cells[0], cells[1], _codes(cells[2]), cells[3], line)
        faults.extend(_gaps(path.name, term))
        found.append(term)
    faults.extend(_twice(path.name, found))
    return found, faults


def _codes(cell: str) -> tuple[str, ...]:
    return tuple(re.findall(r"`([^`]+)`", cell))


def _gaps(file: str, term: Term) -> Iterator[Fault]:
    if not _HAN.search(term.zh):
        yield Fault(file, term.line, f"'{term.en}' has no Chinese word")
    if not re.search(r"[A-Za-z]", term.en):
        yield Fault(file, term.line, f"'{term.zh}' has no English word")
    if not term.codes:
        yield Fault(file, term.line, f"'{term.zh}' has no `code` name")
    if not term.meaning:
        yield Fault(file, term.line, f"'{term.zh}' has no meaning")


def _twice(file: str, found: list[Term]) -> Iterator[Fault]:
    first: dict[str, Term] = {}
    for term in found:
        for code in term.codes:
            other = first.setdefault(code, term)
            if other is not term:
                yield Fault(file, term.line, f"`{code}` is already the word for '{other.zh}'")


def missing(wanted: Iterable[tuple[str, str]], found: list[Term], file: str) -> Iterator[Fault]:
    """Words of the tree without a row. `wanted` is (code word, where it comes from)."""
    known = {code for term in found for code in term.codes}
    for word, source in sorted(set(wanted)):
        if word not in known:
            yield Fault(file, 1, f"`{word}` ({source}) has no row: add zh, en, `{word}`, meaning")
