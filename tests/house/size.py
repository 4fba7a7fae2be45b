"""Sizes of files, functions and parameter lists, in Python and TypeScript."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from . import sources

FILE, FUNCTION, PARAMETERS = 500, 60, 6

# Written by a machine, read by nobody line by line.
GENERATED = ("web/src/client/schema.ts", "web/src/client/schema.d.ts")


@dataclass(frozen=True)
class Size:
    """One measured thing. `kind` is file, function, component or parameters."""

    kind: str
    file: str
    name: str
    line: int
    measure: int
    limit: int

    @property
    def key(self) -> tuple[str, str, str]:
        return ("parameters" if self.kind == "parameters" else "lines", self.file, self.name)


def measured(paths: Iterable[Path]) -> Iterator[Size]:
    """Every size in the files. `name` is empty for the file itself."""
    for path in paths:
        file, body = sources.shown(path), sources.text(path)
        if file in GENERATED:
            continue
        yield Size("file", file, "", 1, body.count("\n") + (not body.endswith("\n")), FILE)
        if path.suffix == ".py":
            yield from _python(file, sources.tree(path))
        else:
            yield from _typescript(file, body)


def _python(file: str, module: ast.Module) -> Iterator[Size]:
    for scope, node in _functions(module, ""):
        name = f"{scope}{node.name}"
        # The decorators count for nothing, the signature and the docstring do.
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        yield Size("function", file, name, node.lineno, lines, FUNCTION)
        yield Size("parameters", file, name, node.lineno, _parameters(node), PARAMETERS)


Function = ast.FunctionDef | ast.AsyncFunctionDef


def _functions(parent: ast.AST, scope: str) -> Iterator[tuple[str, Function]]:
    for node in ast.iter_child_nodes(parent):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield scope, node
            yield from _functions(node, f"{scope}{node.name}.")
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node, f"{scope}{node.name}.")
        else:
            yield from _functions(node, scope)


def _parameters(node: Function) -> int:
    names = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
    return len([name for name in names if name not in ("self", "cls")])


# --- TypeScript, without a parser: text and comments blanked, then brackets matched -------------

_TEXTS = re.compile(
    r"//[^\n]*|/\*.*?\*/"
    r"|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\""
    r"|(?<=[=(,:!&|?{};\n])\s*/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+/[a-z]*",
    re.DOTALL,
)
_WORD = r"[A-Za-z_$][\w$]*"
_STARTS = re.compile(
    rf"\bfunction\b\s*\*?\s*(?P<named>{_WORD})?\s*(?:<[^(){{}}]*>)?\s*(?=\()"
    rf"|(?:\b(?:const|let)\s+(?P<bound>{_WORD})[^=;\n]*=\s*(?:{_WORD}(?:<[^()]*>)?\(\s*)*)?"
    rf"(?:\basync\s+)?(?P<arrow>\((?=[^()]*(?:\([^()]*\)[^()]*)*\)[^;={{}}()]*=>))"
    rf"|^\s+(?:(?:public|private|static|async|get|set|readonly)\s+)*"
    rf"(?P<method>(?!(?:if|for|while|switch|catch|return|function)\b){_WORD})\s*(?=\([^\n]*\)[^\n;=]*\{{\s*$)",
    re.MULTILINE,
)
_CLOSING = {"(": ")", "{": "}", "[": "]"}


def _blanked(body: str) -> str:
    """The same text, line for line, with comments, quoted text and patterns emptied."""
    body = _without_templates(body)
    return _TEXTS.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), body)


def _without_templates(body: str) -> str:
    # A template's text may hold anything; its `${…}` parts hold no function worth measuring.
    return re.sub(r"`(?:\\.|[^`\\])*`", lambda m: re.sub(r"[^\n]", " ", m.group()), body)


def _match(body: str, start: int) -> int:
    """The index of the bracket that closes the one at `start`, or -1."""
    stack: list[str] = []
    for index in range(start, len(body)):
        letter = body[index]
        if letter in _CLOSING:
            stack.append(_CLOSING[letter])
        elif stack and letter == stack[-1]:
            stack.pop()
            if not stack:
                return index
    return -1


def _typescript(file: str, body: str) -> Iterator[Size]:
    blank = _blanked(body)
    for found in _STARTS.finditer(blank):
        opening = blank.find("(", found.start("arrow") if found["arrow"] else found.end())
        closing = _match(blank, opening)
        if closing < 0:
            continue
        end = _body_end(blank, closing + 1)
        if end is None:
            continue
        name = found["named"] or found["bound"] or found["method"] or "(nameless)"
        first = blank.count("\n", 0, opening) + 1
        lines = blank.count("\n", 0, end) + 1 - first + 1
        yield Size(_kind(name, file), file, name, first, lines, FUNCTION)
        parameters = _typescript_parameters(blank[opening + 1 : closing])
        yield Size("parameters", file, name, first, parameters, PARAMETERS)


def _kind(name: str, file: str) -> str:
    return "component" if file.endswith(".tsx") and name[0].isupper() else "function"


def _body_end(blank: str, after: int) -> int | None:
    """Where the function's body ends, given the index after its parameters."""
    arrow = re.match(r"\s*(?::[^;{}()]*)?=>\s*", blank[after : after + 400])
    start = after + arrow.end() if arrow else after
    if not arrow:
        typed = re.match(r"\s*(?::[^;()]*?(?:\{[^{}]*\}[^;(){}]*)?)?\s*(?=\{)", blank[start:])
        if typed is None:
            return None
        start += typed.end()
    if start < len(blank) and blank[start] in "{(":
        end = _match(blank, start)
        return end if end >= 0 else None
    line_end = blank.find("\n", start)
    return line_end if line_end >= 0 else len(blank)


def _typescript_parameters(inside: str) -> int:
    if not inside.strip():
        return 0
    depth, count = 0, 1
    for letter in inside.strip().rstrip(","):
        if letter in "({[<":
            depth += 1
        elif letter in ")}]>":
            depth -= 1
        elif letter == "," and depth == 0:
            count += 1
    return count
