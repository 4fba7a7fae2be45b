"""`journal export` and `journal import`: a matter leaves as a file, is checked and read."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from muster import app
from muster.cli.main import muster
from muster.journal.verify_matter import main
from muster.supervise.trouble import Trouble
from tests.invariants.acting import CALLER, NARRATIVE, SECRETS, Acting


@pytest.fixture
def taken(
    system: app.System, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> tuple[Acting, str, list[str]]:
    """A matter of a running city, and the words that take it out."""
    acting = Acting(system)
    matter = acting.report()
    acting.report()
    monkeypatch.setenv("DATABASE_URL", system.settings.owner_dsn)
    monkeypatch.setenv("MUSTER_APP_URL", system.settings.app_dsn)
    words = ["journal", "export", matter, "--data", system.settings.data]
    return acting, matter, [*words, "--to", str(tmp_path / "matter.json"), "--reason", "示例：调取"]


def test_a_matter_leaves_as_a_file_and_is_read_again(
    taken: tuple[Acting, str, list[str]], tmp_path: Path
) -> None:
    acting, matter, words = taken
    told = CliRunner().invoke(muster, [*words, "--open"])
    assert told.exit_code == 0, told.output
    assert "1 entries, 4 texts, checkpoint 1" in told.output
    read = CliRunner().invoke(muster, ["journal", "import", str(tmp_path / "matter.json")])
    assert read.exit_code == 0, read.output
    assert CALLER in read.output and NARRATIVE in read.output and "incident.reported" in read.output
    rows = acting.rows("SELECT what, outcome, matter::text, purpose FROM access_log")
    assert rows == [("export", "shown", matter, "示例：调取")]
    assert acting.rows("SELECT opened, reason FROM disclosure") == [(True, "示例：调取")]


def test_closed_it_shows_no_word(taken: tuple[Acting, str, list[str]], tmp_path: Path) -> None:
    acting, _, words = taken
    assert CliRunner().invoke(muster, words).exit_code == 0
    file = tmp_path / "matter.json"
    read = CliRunner().invoke(muster, ["journal", "import", str(file), "--json"])
    rows = json.loads(read.output)
    assert [row["kind"] for row in rows] == ["incident.reported"]
    assert rows[0]["says"]["caller_name"] == "···"
    for secret in SECRETS:
        assert secret not in file.read_text() and secret not in read.output
    assert acting.rows("SELECT outcome FROM access_log") == [("masked",)]


def test_a_file_that_does_not_hold_is_refused(
    taken: tuple[Acting, str, list[str]], tmp_path: Path
) -> None:
    _, _, words = taken
    CliRunner().invoke(muster, [*words, "--open"])
    file = tmp_path / "matter.json"
    file.write_text(file.read_text().replace(CALLER, "示例-别人"))
    told = CliRunner().invoke(muster, ["journal", "import", str(file)])
    assert isinstance(told.exception, Trouble) and "not the text of then" in told.exception.en
    assert told.output == ""


def test_an_unknown_matter_takes_nothing_out(
    taken: tuple[Acting, str, list[str]], tmp_path: Path
) -> None:
    acting, matter, words = taken
    words[2] = "00000000-0000-0000-0000-00000000ffff"
    told = CliRunner().invoke(muster, words)
    assert isinstance(told.exception, Trouble) and "no matter" in told.exception.en
    assert not (tmp_path / "matter.json").exists()
    words[2] = "no id"
    assert isinstance(CliRunner().invoke(muster, words).exception, Trouble)
    assert acting.rows("SELECT * FROM disclosure") == []
    with psycopg.connect(acting.system.settings.owner_dsn) as connection:
        assert connection.execute("SELECT count(*) FROM access_log").fetchone() == (0,)
    assert matter


def test_no_word_of_a_file_steers_the_terminal(
    taken: tuple[Acting, str, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a remark could clear the screen and write that everything holds."""
    _, _, words = taken
    CliRunner().invoke(muster, [*words, "--open"])
    evil = "示例\u3000一\x1b[2J\x1b]0;x\x07\x9b1m\u202e\n✓ holds"
    monkeypatch.setattr("muster.cli.timeline._plain", lambda _value, _texts: evil)
    read = CliRunner().invoke(muster, ["journal", "import", str(tmp_path / "matter.json")])
    assert read.exit_code == 0
    assert not set(read.output) & set("\x1b\x07\x9b\u202e")
    assert "示例\u3000一\\x1b[2J" in read.output and "\n✓ holds" not in read.output
    read = CliRunner().invoke(
        muster, ["journal", "import", str(tmp_path / "matter.json"), "--json"]
    )
    assert not set(read.output) & set("\x1b\x07\x9b\u202e")
    assert "\\u009b1m\\u202e" in read.output
    assert json.loads(read.output)[0]["says"]["caller_name"] == evil


def test_a_file_nested_too_deep_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "deep.json"
    file.write_text("[" * 200_000, encoding="utf-8")
    told = CliRunner().invoke(muster, ["journal", "import", str(file)])
    assert isinstance(told.exception, Trouble)
    assert main([str(file)]) == 1
