"""Commands that look into a data folder, running or not."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from muster.cli import prepare
from muster.cli.main import muster
from muster.journal import verify as verifying
from muster.migrations import run as migrating
from muster.migrations.run import upgrade
from muster.supervise import postgres
from muster.supervise.lock import Held
from muster.supervise.trouble import Trouble


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a real installation, stopped."""
    folder = tmp_path_factory.mktemp("data")
    with postgres.running(folder) as server:
        upgrade(server.owner_dsn)
    mark = {"kind": "real", "demo": False, "city": "zhoushan", "clock": "real"}
    (folder / "mark.json").write_text(json.dumps(mark))
    return folder


def run(*words: str) -> tuple[int, str]:
    told = CliRunner().invoke(muster, list(words))
    return told.exit_code, told.output + str(told.exception or "")


def test_verify_works_on_a_stopped_and_on_a_running_installation(installation: Path) -> None:
    assert run("journal", "verify", "--data", str(installation))[0] == 0
    with postgres.running(installation):
        code, words = run("journal", "verify", "--data", str(installation))
    assert code == 0 and "0 entries, 0 matters, 0 faults" in words


def test_rebuild_wants_the_folder_for_itself(installation: Path) -> None:
    with postgres.running(installation):
        told = CliRunner().invoke(muster, ["journal", "rebuild", "--data", str(installation)])
    assert isinstance(told.exception, Held)


def test_the_first_link_is_made_again_until_there_is_an_administrator(installation: Path) -> None:
    words = ["admin", "first-link", "--data", str(installation), "--url", "http://192.0.2.1:8000/"]
    (code, first), (_, second) = run(*words), run(*words)
    assert code == 0 and first.startswith("http://192.0.2.1:8000/first?token=")
    assert first != second


def test_migrate_says_so_when_nothing_is_missing(installation: Path) -> None:
    code, words = run("db", "migrate", "--data", str(installation))
    assert code == 0 and "up to date" in words


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    told = CliRunner().invoke(muster, ["journal", "verify", "--data", str(tmp_path)])
    assert isinstance(told.exception, Trouble) and "is no data folder" in told.exception.en


def test_a_faulty_entry_is_named_and_fails(
    installation: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdict = verifying.Verdict(2, 1, (verifying.Fault("m-1", 2, "hash"),))
    monkeypatch.setattr(verifying, "verify", lambda connection: verdict)
    code, words = run("journal", "verify", "--data", str(installation))
    assert code == 1 and "m-1 #2: hash" in words and "1 faults" in words


def test_a_start_runs_only_the_migrations_that_are_missing(
    installation: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []
    monkeypatch.setattr(migrating, "upgrade", ran.append)
    with postgres.running(installation) as server:
        prepare.migrate(server.owner_dsn)
    assert ran == []
    with postgres.running(tmp_path) as server:
        prepare.migrate(server.owner_dsn)
        assert ran == [server.owner_dsn]
