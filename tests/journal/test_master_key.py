"""A database is opened with its own key or not at all; no key is made where one was lost."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from muster import app
from muster.journal.master_key import KeyLost, open_vault
from muster.journal.vault import Vault
from tests.instance import Database
from tests.invariants.acting import Acting


def test_an_empty_database_gets_its_key(city_database: Database, tmp_path: Path) -> None:
    path = tmp_path / "keys" / "master.key"
    with psycopg.connect(city_database.app_dsn) as connection:
        open_vault(connection, path)
        made = path.read_bytes()
        open_vault(connection, path)
    assert path.read_bytes() == made


def test_a_lost_key_and_another_s_are_refused_and_nothing_is_made(
    system: app.System, city_database: Database, tmp_path: Path
) -> None:
    Acting(system).report()
    right = Path(system.settings.data) / app.MASTER_KEY
    with psycopg.connect(city_database.app_dsn) as connection:
        open_vault(connection, right)
        with pytest.raises(KeyLost, match="is missing") as told:
            open_vault(connection, tmp_path / "nowhere" / "master.key")
        assert "不见了" in str(told.value) and not (tmp_path / "nowhere").exists()
        Vault.open_file(tmp_path / "other.key")
        with pytest.raises(KeyLost, match="not this database's"):
            open_vault(connection, tmp_path / "other.key")


def test_a_start_without_the_key_says_so(
    system: app.System, city_database: Database, tmp_path: Path
) -> None:
    Acting(system).report()
    key = Path(system.settings.data) / app.MASTER_KEY
    key.rename(tmp_path / "apart")
    with pytest.raises(KeyLost):
        app.prepare(system.settings)
    assert not key.exists()
    (tmp_path / "apart").rename(key)
