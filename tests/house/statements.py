"""SQL stands in tables.py, in the journal and in the migrations, and nowhere else."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from . import sources
from .sources import Fault

_SQL = re.compile(
    r"\s*(?:SELECT\s+\S|INSERT\s+INTO\b|UPDATE\s+\S+\s+SET\b|DELETE\s+FROM\b"
    r"|WITH\s+(?:RECURSIVE\s+)?\w+\s*(?:\([^)]*\)\s*)?AS\b|TRUNCATE\s+\S|COPY\s+\S+|LOCK\s+TABLE\b"
    r"|CREATE\s+(?:TABLE|INDEX|ROLE|UNIQUE|TRIGGER)\b|ALTER\s+(?:TABLE|ROLE)\b|GRANT\s+\S|DROP\s+\S)"
)


def may_hold_sql(path: Path) -> bool:
    """tables.py of any part or slice, any file of the journal, any migration."""
    inside = path.parts
    return path.name == "tables.py" or "journal" in inside or "migrations" in inside


def faults(paths: Iterable[Path], allowed: dict[str, str]) -> Iterator[Fault]:
    """SQL outside its place, and allowances (file or folder/ → reason) nobody needs."""
    used: set[str] = set()
    for path in paths:
        if may_hold_sql(path):
            continue
        found = list(_statements(path))
        entry = next((a for a in allowed if sources.shown(path).startswith(a)), None)
        if entry is None:
            yield from found
        elif found:
            used.add(entry)
    for file in sorted(allowed.keys() - used):
        yield Fault(file, 1, "may hold SQL but holds none: delete it from the list")


def _statements(path: Path) -> Iterator[Fault]:
    for line, value in _texts(sources.tree(path)):
        if _SQL.match(value):
            words = " ".join(value.split()[:4])
            yield Fault(
                sources.shown(path),
                line,
                f"SQL outside tables.py ({words} …): move it to the part's tables.py",
            )


def _texts(module: ast.Module) -> Iterator[tuple[int, str]]:
    """Every text and its line; a formatted text is one, with a word for each value in it."""
    inner: set[int] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.JoinedStr):
            inner.update(id(piece) for piece in node.values)
            pieces = [p.value if isinstance(p, ast.Constant) else "value" for p in node.values]
            yield node.lineno, "".join(map(str, pieces))
        elif isinstance(node, ast.Constant) and id(node) not in inner:
            yield node.lineno, node.value if isinstance(node.value, str) else ""
