"""The documents say what is true, in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from . import sources, vocabulary

ENGLISH, CHINESE = sources.ROOT / "README.md", sources.ROOT / "README.zh-CN.md"
DOCUMENTS = sorted(sources.ROOT.glob("*.md"))


def _blocks(path: Path) -> list[str]:
    return re.findall(r"```sh\n(.*?)```", sources.text(path), re.DOTALL)


def _codes(path: Path) -> set[str]:
    """Every `code` outside the fenced blocks."""
    return set(re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", sources.text(path), flags=re.S)))


def test_both_readmes_show_the_same_commands() -> None:
    assert _blocks(ENGLISH) == _blocks(CHINESE), "a command differs between the two READMEs"
    only = _codes(ENGLISH) ^ _codes(CHINESE)
    assert not only, f"in one README only: {sorted(only)}"


def test_both_readmes_have_the_same_sections() -> None:
    levels = [re.findall(r"^(#+) ", sources.text(p), re.MULTILINE) for p in (ENGLISH, CHINESE)]
    assert levels[0] == levels[1], "a section is in one README only"


def test_both_readmes_name_every_demo_account() -> None:
    accounts = {role.replace("_", "-") for role in vocabulary.roles() if role != "simulator"}
    for path in (ENGLISH, CHINESE):
        missing = accounts - _codes(path)
        assert not missing, f"{path.name} lacks the accounts {sorted(missing)}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.name)
def test_links_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", sources.text(path))
    broken = [link for link in links if not (path.parent / link).exists()]
    assert not broken, f"{path.name} links to {broken}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.name)
def test_every_command_shown_exists(path: Path) -> None:
    shown = set(re.findall(r"\./muster ([a-z]+)", sources.text(path)))
    unknown = shown - vocabulary.commands()
    assert not unknown, f"{path.name} shows ./muster {sorted(unknown)}, which is no command"


def test_architecture_is_two_pages() -> None:
    words = len(sources.text(sources.ROOT / "ARCHITECTURE.md").split())
    assert words <= 1100, f"ARCHITECTURE.md has {words} words: two pages are about 1100"


def test_every_part_says_its_questions_in_thirty_lines() -> None:
    """A part has a README of at most 30 lines: its questions, words, invariants."""
    parts = sorted(p for p in sources.MUSTER.iterdir() if (p / "__init__.py").is_file())
    missing = [sources.shown(p) for p in parts if not (p / "README.md").is_file()]
    assert not missing, f"no README.md (<= 30 lines: questions, words, invariants) in {missing}"
    for readme in sources.MUSTER.rglob("README.md"):
        lines = len(sources.text(readme).splitlines())
        assert lines <= 30, f"{sources.shown(readme)} has {lines} lines, the limit is 30"
