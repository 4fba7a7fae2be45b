"""Every command explains itself, and none is heavy before it runs."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from muster.cli.main import muster

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"psycopg", "litestar", "numpy", "sqlalchemy", "shapely", "uvicorn", "pytest", "alembic"}


def commands(group: click.Group, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        yield (*before, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*before, name))


@pytest.mark.parametrize("words", list(commands(muster)), ids=" ".join)
def test_every_command_explains_itself_in_both_languages(words: tuple[str, ...]) -> None:
    told = CliRunner().invoke(muster, [*words, "--help"])
    assert told.exit_code == 0
    text = told.output.split("Options:")[0].split("\n", 2)[2]
    assert any("\u4e00" <= sign <= "\u9fff" for sign in text), "no Chinese"
    assert sum(sign.isascii() and sign.isalpha() for sign in text) > 5, "no English"


def options() -> Iterator[tuple[str, click.Option]]:
    for words in commands(muster):
        command: click.Command = muster
        for word in words:
            assert isinstance(command, click.Group)
            command = command.commands[word]
        for option in command.params:
            if isinstance(option, click.Option):
                yield f"{' '.join(words)} {option.opts[0]}", option


@pytest.mark.parametrize("named", list(options()), ids=lambda named: named[0])
def test_every_option_has_help(named: tuple[str, click.Option]) -> None:
    assert named[1].help


def test_the_launcher_names_every_command() -> None:
    text = (ROOT / "muster").read_text()
    assert [name for name in muster.commands if f"./muster {name}" not in text] == []


def test_nothing_heavy_is_imported_for_help() -> None:
    words = "import sys; from muster.cli import main; print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert HEAVY & set(told.stdout.split()) == set()


@pytest.mark.parametrize(
    "words",
    [
        ["demmo"],
        ["demo", "--nope"],
        ["demo", "--port", "abc"],
        ["demo", "--port"],
        ["journal", "nonsense"],
        ["journal", "export"],
        ["openapi", "more"],
        ["backup"],
    ],
    ids=" ".join,
)
def test_a_mistyped_command_is_told_in_both_languages(words: list[str]) -> None:
    told = CliRunner().invoke(muster, words)
    assert told.exit_code == 2
    said = told.output.split("Error: ")[1]
    assert any("\u4e00" <= sign <= "\u9fff" for sign in said), said
    assert " / " in said and sum(sign.isascii() and sign.isalpha() for sign in said) > 5, said


@pytest.mark.parametrize("words", [["journal"], ["admin"], []], ids=" ".join)
def test_a_list_of_commands_cuts_no_sentence(words: list[str]) -> None:
    told = CliRunner().invoke(muster, [*words, "--help"], terminal_width=80)
    assert told.exit_code == 0 and "Commands:" in told.output
    assert "..." not in told.output.split("Commands:")[1]


@pytest.mark.parametrize("url", ["nonsense", "http://127.0.0.1:1"])
def test_calls_for_nobody_are_not_waited_for(url: str) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "muster.cli", "simulate", "--url", url],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 1 and url in told.stderr and "Traceback" not in told.stderr


def test_trouble_is_two_sentences_and_no_stack_trace(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "muster.cli", "demo", "--city", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 1 and "不是城市包" in told.stderr and "no city pack" in told.stderr
    assert "Traceback" not in told.stderr


def test_the_interface_is_printed_as_openapi() -> None:
    told = CliRunner().invoke(muster, ["openapi"])
    assert told.exit_code == 0, told.exception
    document = json.loads(told.stdout)
    assert document["openapi"].startswith("3.") and "/api/incidents" in document["paths"]
