"""Time is an input: who reads the machine's clock, in Python and in SQL."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from . import sources
from .sources import Fault

_READERS = {
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "datetime.datetime.today",
    "datetime.date.today",
    "time.time",
    "time.time_ns",
    "time.monotonic",
    "time.monotonic_ns",
    "time.gmtime",
    "time.localtime",
}
_SQL_READERS = re.compile(
    r"\b(?:now\s*\(\s*\)|clock_timestamp\s*\(|statement_timestamp\s*\(|transaction_timestamp\s*\("
    r"|current_timestamp\b|current_date\b|localtimestamp\b)",
    re.IGNORECASE,
)


def readings(path: Path) -> Iterator[Fault]:
    """Every place where the file reads the time (also as a value: `default=time.time`)."""
    module = sources.tree(path)
    names = sources.imported_names(module)
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute | ast.Name) and isinstance(node.ctx, ast.Load):
            name = sources.full_name(node, names)
            if name in _READERS:
                yield Fault(
                    sources.shown(path),
                    node.lineno,
                    f"reads the time ({name}): take `now` as an argument or ask the Clock",
                )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found = _SQL_READERS.search(node.value)
            if found and not _is_prose(module, node):
                yield Fault(
                    sources.shown(path),
                    node.lineno,
                    f"SQL reads the time ({found.group()}): pass the moment as a parameter",
                )


def _is_prose(module: ast.Module, node: ast.Constant) -> bool:
    return any(
        isinstance(stmt, ast.Expr) and stmt.value is node
        for stmt in ast.walk(module)
        if isinstance(stmt, ast.Expr)
    )


def faults(paths: Iterable[Path], allowed: dict[str, str]) -> Iterator[Fault]:
    """Readings outside `allowed` (file or folder/ → reason), and allowances nobody needs."""
    used: set[str] = set()
    for path in paths:
        found = list(readings(path))
        entry = next((a for a in allowed if sources.shown(path).startswith(a)), None)
        if entry is None:
            yield from found
        elif found:
            used.add(entry)
    for entry in sorted(allowed.keys() - used):
        yield Fault(entry, 1, "may read the time but does not: delete it from the list")
