"""A checkpoint every so often, and what keeps one from being taken is told."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from muster.journal import regular_checkpoints as regular
from muster.journal.clock import real_now
from muster.journal.regular_checkpoints import RegularCheckpoints, regular_checkpoints
from tests.instance import Database

from .diary import OPEN, Open, Shelf

A = "00000000-0000-0000-0000-00000000000a"


@pytest.fixture
def hourly(shelf: Shelf, tmp_path: Path) -> RegularCheckpoints:
    shelf.do(OPEN, A, Open(), command="open")
    return regular_checkpoints(shelf.pool, tmp_path / "data", None, 3600)


def test_the_first_is_due_at_once_and_the_next_in_an_hour(
    hourly: RegularCheckpoints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "data" / "checkpoints"
    assert hourly.step() == 3600
    assert 3500 < hourly.step() <= 3600  # not due yet
    assert len(list(folder.glob("checkpoint-*"))) == 1
    later = real_now() + timedelta(hours=2)
    monkeypatch.setattr(regular, "real_now", lambda: later)
    assert hourly.step() == 3600
    assert len(list(folder.glob("checkpoint-*"))) == 2
    assert hourly.notes() == []


def test_a_folder_that_is_away_is_told_and_served_when_it_is_back(
    shelf: Shelf, tmp_path: Path
) -> None:
    shelf.do(OPEN, A, Open(), command="open")
    place = tmp_path / "mounted"
    place.write_text("not a folder")
    hourly = regular_checkpoints(shelf.pool, tmp_path / "data", str(place), 3600)
    assert hourly.step() == regular.AGAIN_S
    assert hourly.notes() and "checkpoints: " in hourly.notes()[0]
    place.unlink()
    assert hourly.step() == 3600
    assert hourly.notes() == [] and list(place.glob("checkpoint-*"))


def test_a_contradiction_is_told_and_nothing_is_signed(
    hourly: RegularCheckpoints, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hourly.step()
    with psycopg.connect(database.owner_dsn) as owner:
        owner.execute("ALTER TABLE entry DISABLE TRIGGER USER")
        owner.execute("DELETE FROM entry")
    later = real_now() + timedelta(hours=2)
    monkeypatch.setattr(regular, "real_now", lambda: later)
    assert hourly.step() == regular.AGAIN_S
    assert f"matter {A} is no longer what checkpoint 1" in hourly.notes()[0]
    assert len(list((tmp_path / "data" / "checkpoints").glob("checkpoint-*"))) == 1


def test_never_means_no_thread(shelf: Shelf, tmp_path: Path) -> None:
    never = regular_checkpoints(shelf.pool, tmp_path, None, 0)
    never.start()
    never.stop()
    assert not (tmp_path / "checkpoints").exists()


def test_one_that_is_asked_for_is_not_waited_for(
    hourly: RegularCheckpoints, tmp_path: Path
) -> None:
    """What was erased is vouched for soon after, also when the first try fails."""
    folder = tmp_path / "data" / "checkpoints"
    hourly.step()
    hourly.soon()
    assert hourly.step() == 3600 and len(list(folder.glob("checkpoint-*"))) == 2
    assert hourly.step() > 3500 and len(list(folder.glob("checkpoint-*"))) == 2
    folder.rename(folder.with_name("away"))
    folder.write_text("not a folder")
    hourly.soon()
    assert hourly.step() == regular.AGAIN_S
    folder.unlink()
    folder.with_name("away").rename(folder)
    assert hourly.step() == 3600 and len(list(folder.glob("checkpoint-*"))) == 3


def test_the_thread_takes_it(hourly: RegularCheckpoints, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "checkpoints"
    hourly.step()
    hourly.start()
    hourly.soon()
    for _ in range(600):
        if len(list(folder.glob("checkpoint-*"))) == 2:
            break
        time.sleep(0.1)
    hourly.stop()
    assert len(list(folder.glob("checkpoint-*"))) == 2
