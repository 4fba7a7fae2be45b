"""Commands that look into a data folder, running or not."""

import json
import re
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from muster.cli import prepare
from muster.cli.main import muster
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
    assert code == 0 and re.search(r"错误 faults +0\n", words), words


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


FORGED = """INSERT INTO entry (matter, number, kind, happened_at, recorded_at, actor, command,
    bytes, hash) VALUES (gen_random_uuid(), 2, 'x', now(), now(), 'a', 'c', '{', '')"""


def test_a_faulty_entry_is_named_in_both_languages_and_fails(installation: Path) -> None:
    with (
        postgres.running(installation) as server,
        psycopg.connect(server.owner_dsn, autocommit=True) as owner,
    ):
        owner.execute(FORGED)
        code, words = run("journal", "verify", "--data", str(installation))
        told = run("journal", "verify", "--json", "--data", str(installation))[1]
        owner.execute("ALTER TABLE entry DISABLE TRIGGER ALL")
        owner.execute("DELETE FROM entry")
        owner.execute("ALTER TABLE entry ENABLE ALWAYS TRIGGER append_only")
    assert code == 1
    assert "编号不连续 / the number before is missing" in words
    assert "内容无法读取 / its bytes cannot be read" in words
    found = json.loads(told[: told.rindex("}") + 1])
    assert found["ok"] is False
    assert {one["what"] for one in found["faults"]} == {
        "gap",
        "hash",
        "bytes",
        "no_command",
        "missing",
    }


def test_a_checkpoint_is_written_outside_and_compared(installation: Path, tmp_path: Path) -> None:
    to, data = str(tmp_path / "outside"), str(installation)
    inside = CliRunner().invoke(
        muster, ["journal", "checkpoint", "--data", data, "--to", str(installation / "inside")]
    )
    assert isinstance(inside.exception, Trouble) and "inside the data folder" in inside.exception.en
    code, words = run("journal", "checkpoint", "--data", data, "--to", to)
    assert code == 0 and "checkpoint 1: 0 matters, 0 entries" in words
    key = words.split("新签名密钥 ")[1].split("：")[0]
    assert run("journal", "rotate-key", "--data", data)[0] == 0
    assert run("journal", "checkpoint", "--data", data, "--to", to)[0] == 0
    asked = ["journal", "verify", "--data", data, "--against", to, "--first-key"]
    code, words = run(*asked, key)
    assert code == 0 and "against outside" in words, words
    code, words = run(*asked, "0" * 32)
    assert code == 1 and "the first key is not the one given" in words


def test_verify_opens_and_rebuilds_when_asked(installation: Path) -> None:
    (installation / "keys").mkdir(exist_ok=True)
    words = ["journal", "verify", "--data", str(installation), "--kept"]
    code, told = run(*words)
    assert code == 0 and "kept tables" in told, told
    missing = CliRunner().invoke(muster, [*words, "--vault"])
    assert isinstance(missing.exception, Trouble) and "no master key" in missing.exception.en
    (installation / "keys" / "master.key").write_bytes(b"k" * 32)
    assert run(*words, "--vault")[0] == 0


def test_an_older_database_is_sent_to_migrate(tmp_path: Path) -> None:
    mark = {"kind": "real", "demo": False, "city": "zhoushan", "clock": "real"}
    with postgres.running(tmp_path):
        (tmp_path / "mark.json").write_text(json.dumps(mark))
        told = CliRunner().invoke(muster, ["journal", "verify", "--data", str(tmp_path)])
    assert isinstance(told.exception, Trouble) and "db migrate" in told.exception.en


def test_a_start_runs_only_the_migrations_that_are_missing(
    installation: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []
    monkeypatch.setattr(prepare, "upgrade", ran.append)
    with postgres.running(installation) as server:
        prepare.migrate(server.owner_dsn, installation)
    assert ran == []
    with postgres.running(tmp_path) as server:
        prepare.migrate(server.owner_dsn, tmp_path)
        assert ran == [server.owner_dsn]
