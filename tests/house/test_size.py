"""Functions, files and parameter lists stay small; the exceptions only shrink."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import ratchet, size, sources

EXCEPTIONS = sources.HOUSE / "exceptions.toml"
# Lower this number when an exception goes; raising it needs a decision record.
MOST_EXCEPTIONS = 0

FOLDERS = ("src", "tests", "bench", "cities", "web/src")


def _ours() -> list[Path]:
    paths = [p for f in FOLDERS for p in sources.walk(sources.ROOT / f, (".py", ".ts", ".tsx"))]
    return [*paths, *([launcher] if (launcher := sources.ROOT / "muster").is_file() else [])]


def _counted() -> list[size.Size]:
    # A test asks for as many fixtures as it needs; pyproject.toml tells ruff the same.
    return [
        one
        for one in size.measured(_ours())
        if not (one.kind == "parameters" and one.file.startswith("tests/"))
    ]


def test_nothing_is_larger_than_the_house_allows() -> None:
    faults = list(ratchet.faults(_counted(), ratchet.read(EXCEPTIONS)))
    assert not faults, sources.faults_text("House sizes (tests/house/exceptions.toml)", faults)


def test_the_list_of_exceptions_does_not_grow() -> None:
    count = len(ratchet.read(EXCEPTIONS))
    assert count <= MOST_EXCEPTIONS, "exceptions only shrink: make the new code smaller instead"
    assert count == MOST_EXCEPTIONS, f"one is gone, well done: set MOST_EXCEPTIONS = {count}"


def _sizes(name: str) -> list[size.Size]:
    return list(size.measured([sources.FIXTURES / "size" / name]))


@pytest.mark.parametrize(
    ("fixture", "expected"),
    [
        ("long_function.py", [("function", "add_up", 62)]),
        ("long_file.py", [("file", "", 501)]),
        ("many_parameters.py", [("parameters", "Order.give", 7)]),
        (
            "long_function.ts",
            [
                ("function", "declared", 64),
                ("function", "bound", 64),
                ("function", "useLong", 82),
                ("parameters", "many", 7),
                ("function", "draw", 64),
            ],
        ),
        ("long_component.tsx", [("component", "Board", 204)]),
    ],
)
def test_each_limit_is_seen_failing(fixture: str, expected: list[tuple[str, str, int]]) -> None:
    over = [(s.kind, s.name, s.measure) for s in _sizes(fixture) if s.measure > s.limit]
    assert over == expected
    messages = [fault.what for fault in ratchet.faults(_sizes(fixture), {})]
    assert len(messages) == len(expected)
    assert all("the limit is" in message for message in messages)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (62, None),
        (61, "grew from 61 to 62"),
        (70, "write is = 62"),
    ],
)
def test_an_exception_holds_the_recorded_number(record: int, message: str | None) -> None:
    key = ("lines", "tests/house/fixtures/size/long_function.py", "add_up")
    faults = [f.what for f in ratchet.faults(_sizes("long_function.py"), {key: record})]
    assert [message in f for f in faults] == [True] if message else not faults


def test_an_exception_nobody_needs_is_deleted() -> None:
    file = "tests/house/fixtures/size/many_parameters.py"
    small, gone = ("lines", file, "Order.give"), ("lines", file, "Order.take")
    faults = [f.what for f in ratchet.faults(_sizes("many_parameters.py"), {small: 61, gone: 61})]
    assert any("'Order.give' no longer needs its exception" in f for f in faults)
    assert any("'Order.take' names nothing" in f for f in faults)


@pytest.mark.parametrize("reason", ["", "  ", "two\\nlines"])
def test_an_exception_needs_a_one_line_reason(reason: str, tmp_path: Path) -> None:
    listed = tmp_path / "exceptions.toml"
    listed.write_text(f'[[lines]]\nfile = "a.py"\nname = "f"\nis = 61\nreason = "{reason}"\n')
    with pytest.raises(ValueError, match="one-line reason"):
        ratchet.read(listed)
