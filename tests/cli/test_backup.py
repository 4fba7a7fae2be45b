"""`backup` and `restore` as a person runs them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from muster.app import prepare
from muster.cli import marks
from muster.journal.vault import Vault
from muster.supervise import postgres, processes
from muster.supervise.trouble import Trouble
from tests.instance import Database, settings_for


def said(*words: str, **more: Any) -> subprocess.CompletedProcess[str]:
    """`muster WORDS`, to its end."""
    environment = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"}
    return subprocess.run(
        [sys.executable, "-P", "-m", "muster.cli", *words],
        capture_output=True,
        text=True,
        env={**environment, **more.pop("env", {})},
        **more,
    )


@pytest.fixture
def town(city_database: Database, tmp_path: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """A data folder over the test's database, and the environment that leads there."""
    folder = tmp_path / "town"
    settings = settings_for(city_database, folder)
    prepare(settings)
    Vault.open_file(folder / "keys" / "master.key")
    yield folder, {"DATABASE_URL": city_database.owner_dsn, "MUSTER_APP_URL": city_database.app_dsn}
    for pid in processes.started_with(str(tmp_path)):
        os.kill(pid, signal.SIGKILL)


def keys(folder: Path) -> list[str]:
    return [
        *("--key", str(folder / "keys" / "backup.key")),
        *("--master-key", str(folder / "keys" / "master.key")),
    ]


def test_there_and_back_into_the_database_muster_carries(
    town: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    folder, env = town
    out, new = tmp_path / "out", tmp_path / "new"
    made = said("backup", "--to", str(out), "--data", str(folder), "--json", env=env)
    assert made.returncode == 0, made.stderr
    told = json.loads(made.stdout)
    assert told["rows"] > 500 and told["chunks_reused"] == 0
    checked = said("backup", "--verify", str(out), "--key", str(folder / "keys/backup.key"))
    assert checked.returncode == 0 and "whole" in checked.stdout
    back = said("restore", "--from", str(out), "--data", str(new), *keys(folder))
    assert back.returncode == 0, back.stderr
    assert "0 faults; 0 rows differed" in back.stdout and "--erasures" in back.stdout
    mark = marks.read(new)
    assert mark is not None and mark["kind"] == "simulated" and mark == marks.read(folder)
    assert (new / "demo_password").read_text() == (folder / "demo_password").read_text()
    for name in ("master.key", "backup.key"):
        assert (new / "keys" / name).read_bytes() == (folder / "keys" / name).read_bytes()
        assert (new / "keys" / name).stat().st_mode & 0o077 == 0
    with psycopg.connect(env["DATABASE_URL"]) as owner:
        looks = owner.execute("SELECT actor, outcome FROM access_log WHERE what = 'backup'")
        ((actor, outcome),) = looks.fetchall()
    assert actor.startswith("system:console:") and outcome == "masked"
    verified = said("journal", "verify", "--data", str(new))
    assert verified.returncode == 0, verified.stderr
    with pytest.raises(Trouble):
        marks.require_real(new, Path("cities/zhoushan"))


def test_what_is_missing_is_said_before_anything_is_written(
    town: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    folder, env = town
    out, new = tmp_path / "out", tmp_path / "new"
    assert said("backup", "--to", str(out), "--data", str(folder), env=env).returncode == 0
    other = tmp_path / "other.key"
    other.write_bytes(b"o" * 32)
    good, master = folder / "keys" / "backup.key", folder / "keys" / "master.key"
    for words, told in (
        ((), "There is no backup key"),
        (("--key", str(other)), "not written with this key"),
        (("--key", str(good)), "There is no master key"),
        (("--key", str(good), "--master-key", str(other)), "not the one the backed-up data"),
        ((*keys(folder), "--erasures", str(tmp_path / "no")), "There is no erasure ledger"),
        ((*keys(folder), "--city", str(tmp_path)), "is no city pack"),
    ):
        back = said("restore", "--from", str(out), "--data", str(new), *words)
        assert back.returncode == 1 and told in back.stderr, back.stderr
        assert "Traceback" not in back.stderr and not new.exists()
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis.txt").write_text("示例")
    back = said("restore", "--from", str(out), "--data", str(tmp_path / "taken"), *keys(folder))
    assert back.returncode == 1 and "is not empty" in back.stderr
    env = {**env, "MUSTER_DATA": str(tmp_path / "fourth")}
    back = said(
        "restore", "--from", str(out), "--data", str(tmp_path / "third"), *keys(folder), env=env
    )
    assert back.returncode == 1 and "DATABASE_URL is not empty" in back.stderr
    assert master.read_bytes() != other.read_bytes()


def test_an_interrupted_restore_does_not_start_and_begins_anew(
    town: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    folder, env = town
    out, new = tmp_path / "out", tmp_path / "new"
    assert said("backup", "--to", str(out), "--data", str(folder), env=env).returncode == 0
    for chunk in (out / "chunks").iterdir():
        kept = chunk.read_bytes()
    shutil.copytree(out, tmp_path / "whole")
    for chunk in (out / "chunks").iterdir():
        kept = chunk.read_bytes()
        chunk.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
    back = said("restore", "--from", str(out), "--data", str(new), *keys(folder))
    assert back.returncode == 1 and "damaged" in back.stderr
    for words in (("up",), ("demo",), ("journal", "verify")):
        began = said(*words, "--data", str(new))
        assert began.returncode == 1 and "did not come to its end" in began.stderr, began.stderr
    again = said("restore", "--from", str(tmp_path / "whole"), "--data", str(new), *keys(folder))
    assert again.returncode == 0, again.stderr
    assert marks.read(new) is not None


def test_into_an_empty_database_of_ones_own(
    town: tuple[Path, dict[str, str]], tmp_path: Path, cluster: postgres.Postgres
) -> None:
    folder, env = town
    out, new = tmp_path / "out", tmp_path / "new"
    assert said("backup", "--to", str(out), "--data", str(folder), env=env).returncode == 0
    with psycopg.connect(cluster.admin_dsn, autocommit=True) as admin:
        admin.execute("CREATE DATABASE own_restored OWNER muster_owner")
    try:
        env = {
            "DATABASE_URL": cluster.dsn("muster_owner", "own_restored"),
            "MUSTER_APP_URL": cluster.dsn("muster_app", "own_restored"),
        }
        words = ("restore", "--from", str(out), "--data", str(new), *keys(folder))
        back = said(*words, env=env)
        assert back.returncode == 0, back.stderr
        assert not (new / "pg").exists()
        assert said("journal", "verify", "--data", str(new), env=env).returncode == 0
    finally:
        with psycopg.connect(cluster.admin_dsn, autocommit=True) as admin:
            admin.execute("DROP DATABASE own_restored WITH (FORCE)")


def test_a_backup_killed_midway_is_no_backup_and_goes_on(
    town: tuple[Path, dict[str, str]], city_database: Database, tmp_path: Path
) -> None:
    """kill -9, on the real command, while chunks are being written."""
    folder, env = town
    out = tmp_path / "out"
    with psycopg.connect(city_database.owner_dsn) as owner:
        owner.execute("CREATE TABLE bulk (number bigint PRIMARY KEY, words text)")
        owner.execute(
            "INSERT INTO bulk SELECT n, (SELECT string_agg(md5((n * 40 + m)::text), '')"
            " FROM generate_series(1, 30) m) FROM generate_series(1, 100000) n"
        )
    words = ("backup", "--to", str(out), "--data", str(folder))
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "muster.cli", *words], env={**os.environ, **env}
    )
    while len(list((out / "chunks").glob("*"))) < 4:
        assert process.poll() is None
    process.kill()
    process.wait()
    assert not (out / "manifest.json").exists()
    checked = said("backup", "--verify", str(out))
    assert checked.returncode == 1 and "no finished backup" in checked.stderr
    back = said("restore", "--from", str(out), "--data", str(tmp_path / "new"), *keys(folder))
    assert back.returncode == 1 and "no finished backup" in back.stderr
    again = said(*words, "--json", env=env)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["chunks_reused"] >= 1
    checked = said("backup", "--verify", str(out), "--key", str(folder / "keys/backup.key"))
    assert checked.returncode == 0


def test_inside_the_data_folder_is_refused(town: tuple[Path, dict[str, str]]) -> None:
    folder, env = town
    back = said("backup", "--to", str(folder / "files" / "b"), "--data", str(folder), env=env)
    assert back.returncode == 1 and "inside the data folder" in back.stderr
