"""Migrations are one chain of SQL texts, with the grants beside the tables."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from . import sources
from .sources import Fault

VERSIONS = sources.MUSTER / "migrations" / "versions"


def _value(module: ast.Module, name: str) -> str | None:
    for node in module.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if name in [sources.dotted(t) for t in targets] and isinstance(
                node.value, ast.Constant
            ):
                return str(node.value.value) if node.value.value is not None else None
    return None


def _faults(path: Path, before: str | None) -> Iterator[Fault]:
    module, body = sources.tree(path), sources.text(path)
    number = path.name[:4]
    if _value(module, "revision") != number:
        yield Fault(path.name, 1, f'revision is the file\'s number: revision = "{number}"')
    if _value(module, "down_revision") != before:
        yield Fault(path.name, 1, f"down_revision is the migration before: {before!r}")
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom | ast.Import):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module]
            for name in names:
                if name not in ("alembic", "__future__"):
                    yield Fault(path.name, node.lineno, f"imports {name}: a migration is SQL text")
    made = set(re.findall(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+) \(", body))
    granted = set(re.findall(r"\w+", " ".join(re.findall(r"GRANT ([^;]*?) TO", body, re.DOTALL))))
    for table in sorted(made - granted):
        yield Fault(path.name, 1, f"table {table} has no GRANT … TO muster_app in this file")


def test_migrations_are_one_chain_of_sql() -> None:
    paths = sorted(VERSIONS.glob("[0-9]*.py"))
    assert paths, "no migrations found: this test looks in the wrong place"
    before = [None, *(p.name[:4] for p in paths)]
    faults = [f for p, b in zip(paths, before, strict=False) for f in _faults(p, b)]
    assert not faults, sources.faults_text("Migrations (decisions/0006)", faults)


def test_a_broken_migration_is_seen_failing() -> None:
    path = sources.FIXTURES / "migrations" / "0007_orders.py"
    assert [f.what.split(":")[0] for f in _faults(path, "0006")] == [
        "revision is the file's number",
        "down_revision is the migration before",
        "imports muster.action.orders",
        "table roster has no GRANT … TO muster_app in this file",
    ]
