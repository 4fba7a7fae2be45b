"""Every `Refused("code", …)` in the source, found by reading it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import muster

SOURCE = Path(muster.__file__).parent


class Raised(NamedTuple):
    """One place that refuses: where, with which code, giving which values; `reason` if literal."""

    where: str
    code: str
    values: frozenset[str]
    reason: str | None


def raised(source: Path = SOURCE) -> list[Raised]:
    """All of them. Raises AssertionError for a code that is not a literal."""
    found = []
    for path in sorted(source.rglob("*.py")):
        for call in _calls(ast.parse(path.read_text())):
            where = f"{path.relative_to(source)}:{call.lineno}"
            code = call.args[0] if call.args else None
            assert isinstance(code, ast.Constant), f"{where}: the code of a refusal is a literal"
            words = {one.arg: one.value for one in call.keywords if one.arg is not None}
            reason = words.get("reason")
            literal = str(reason.value) if isinstance(reason, ast.Constant) else None
            found.append(Raised(where, str(code.value), frozenset(words), literal))
    return found


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="Refused")):
                yield node
