"""Names of modules and identifiers, and what an `__init__.py` may hold."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from . import sources
from .sources import Fault

# Names that say nothing about what is inside (style.md, section 6).
EMPTY = {"utils", "util", "common", "helpers", "helper", "core", "models", "services", "misc"}
TWINS = re.compile(r"^(new|old|legacy|deprecated)_|_(new|old|legacy|deprecated|v\d+)$|^legacy$")

# One noun per thing: the word that is not used, and the one that is (GLOSSARY.md).
SYNONYMS = {
    "ticket": "incident (警情) or order (派警单)",
    "case": "incident (警情); a 案件 has no name here yet",
    "task": "order (派警单)",
    "job": "order (派警单), reaction or ticker",
    "event": "entry (记录) of the journal, or fact",
    "branch": "organisation (单位)",
    "precinct": "station (派出所)",
    "department": "organisation (单位)",
    "tenant": "organisation (单位)",
    "crime": "incident (警情)",
    "suspect": "nothing: people are not scored or listed",
    "geofence": "boundary (边界)",
    "gps": "position (位置)",
    "projection": "keeper (投影)",
    "projector": "keeper (投影)",
    "saga": "reaction",
    "aggregate": "matter (事)",
}

# People are never scored and never recognised by their bodies: no such word, no such package.
PERSONAL = re.compile(
    r"face_?recogni|face_?(id|print|match)|facial|biometric|gait_?recogni|iris_?scan|voice_?print"
    r"|(person|people|citizen|caller|individual|human)_?(risk|score|rating|rank|threat)"
    r"|(risk|threat|trust|credit|social)_?score|predictive_?polic|ethnic|religio|petitioner",
    re.IGNORECASE,
)

_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")


def module_names(paths: Iterable[Path]) -> Iterator[Fault]:
    """Files and folders whose name says nothing, or that stand beside what they replace."""
    seen: set[tuple[str, str]] = set()
    for path in paths:
        for part in (path.parent.name, path.stem):
            key = (sources.shown(path.parent if part == path.parent.name else path), part)
            if key in seen:
                continue
            seen.add(key)
            if part in EMPTY:
                yield Fault(key[0], 1, f"'{part}' says nothing: name it after what it does")
            elif TWINS.search(part) and "migrations/versions" not in key[0]:
                yield Fault(key[0], 1, f"'{part}' is a twin: replace the old code in one change")


def packages(paths: Iterable[Path]) -> Iterator[Fault]:
    """An `__init__.py` holds a docstring (and a version), never an import or `__all__`."""
    for path in paths:
        if path.name != "__init__.py":
            continue
        for node in sources.tree(path).body:
            docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            future = isinstance(node, ast.ImportFrom) and node.module == "__future__"
            if docstring or future or _is_version(node):
                continue
            yield Fault(
                sources.shown(path),
                node.lineno,
                "an __init__.py re-exports nothing: import from the module that defines it",
            )


def _is_version(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and [sources.dotted(t) for t in node.targets] == [
        "__version__"
    ]


def identifiers(path: Path) -> Iterator[tuple[str, int]]:
    """Names the file itself gives: functions, classes, parameters, variables, fields, modules."""
    yield path.stem, 1
    for node in ast.walk(sources.tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr, node.lineno


def words(name: str) -> list[str]:
    """`signOffTime`, `sign_off_time` and `SignOffTime` are the words sign, off, time."""
    return [word.lower() for word in _WORDS.findall(name)]


def synonyms(paths: Iterable[Path], allowed: Mapping[tuple[str, str], str]) -> Iterator[Fault]:
    """Identifiers using a second word for a thing that has one. `allowed` is (file, word)."""
    for path in paths:
        file = sources.shown(path)
        for name, line in set(identifiers(path)):
            for word in words(name):
                noun = word if word in SYNONYMS else word.removesuffix("s")
                if noun in SYNONYMS and (file, noun) not in allowed:
                    yield Fault(file, line, f"'{name}' says {word}: write {SYNONYMS[noun]}")


def personal(paths: Iterable[Path]) -> Iterator[Fault]:
    """Identifiers of person scoring, face recognition or lists built on who people are."""
    for path in paths:
        for name, line in set(identifiers(path)):
            if PERSONAL.search(name):
                yield Fault(
                    sources.shown(path),
                    line,
                    f"'{name}': people are not scored, recognised or sorted by who they are",
                )
