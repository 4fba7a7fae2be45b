"""Where the source text is, read and parsed once for every house rule."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HOUSE = Path(__file__).resolve().parent
ROOT = HOUSE.parent.parent
MUSTER = ROOT / "src" / "muster"
FIXTURES = HOUSE / "fixtures"

# Folders that hold no text of ours: environments, build results, other people's packages.
_FOREIGN = {".git", ".venv", ".muster", "node_modules", "dist", "__pycache__", "results"}


@dataclass(frozen=True)
class Fault:
    """One broken rule: where (a path from the root, a line from 1) and what to do about it."""

    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}"


def faults_text(rule: str, faults: Iterable[Fault]) -> str:
    """The message of a failing house check: the rule first, then one line per fault."""
    found = sorted(faults, key=lambda fault: (fault.file, fault.line, fault.what))
    return "\n".join([f"{rule} ({len(found)} found)", *(f"  {fault}" for fault in found)])


def shown(path: Path) -> str:
    """A path as a reader knows it: from the repository's root, with forward slashes."""
    return path.relative_to(ROOT).as_posix()


def walk(folder: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    """Every file of ours below `folder` with one of the suffixes, in a stable order."""
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            if path.name not in _FOREIGN and path != FIXTURES:
                yield from walk(path, suffixes)
        elif path.suffix in suffixes:
            yield path


def product() -> list[Path]:
    """The Python files of the product (src/muster)."""
    return list(walk(MUSTER, (".py",)))


@cache
def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(text(path), filename=str(path))


def dotted(node: ast.expr) -> str:
    """`a.b.c` of an attribute chain, or an empty string for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        left = dotted(node.value)
        return f"{left}.{node.attr}" if left else ""
    return ""


def imported_names(module: ast.Module) -> dict[str, str]:
    """What each imported name stands for: `{"now": "datetime.datetime.now"}`-style full names."""
    names: dict[str, str] = {}
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            for alias in node.names:
                local = alias.asname or alias.name.split(".")[0]
                names[local] = alias.name if alias.asname else local
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def full_name(node: ast.expr, names: dict[str, str]) -> str:
    """The dotted name of an expression with its first word replaced by what was imported."""
    name = dotted(node)
    first, _, rest = name.partition(".")
    known = names.get(first)
    if known is None:
        return name
    return f"{known}.{rest}" if rest else known
