"""Checkpoints: taken in one snapshot, signed, written outside, and believed by nobody blindly."""

from __future__ import annotations

import gzip
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from muster.journal.checkpoint import (
    Checkpoint,
    Checkpoints,
    Contradicted,
    KeyUnknown,
    Taken,
    stored,
)
from muster.journal.checkpoint_folder import LONGEST, CheckpointFolder, FolderDamaged
from muster.journal.entry import digest
from muster.journal.merkle import root
from muster.journal.signing import KeyFolder, KeyMissing
from muster.journal.verify import Fault, Wanted, verify
from tests.instance import Database

from .diary import NOTE, OPEN, Note, Open, Shelf

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)


def matter(number: int) -> str:
    return str(uuid.UUID(int=number))


@pytest.fixture
def place(tmp_path: Path) -> CheckpointFolder:
    return CheckpointFolder(tmp_path / "outside")


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    return Checkpoints(KeyFolder(tmp_path / "signing"))


@pytest.fixture
def take(
    shelf: Shelf, checkpoints: Checkpoints, place: CheckpointFolder
) -> Callable[..., Checkpoint]:
    """Takes a checkpoint into the folder outside, as the app role."""

    def taken(folder: CheckpointFolder = place, now: datetime = NOW) -> Checkpoint:
        with shelf.pool.connection() as connection:
            found: Taken = checkpoints.take(connection, folder, now)
        return found.checkpoint

    return taken


def write(shelf: Shelf, *numbers: int) -> None:
    for number in numbers:
        name = matter(number)
        opened = bool(shelf.entries(name))
        if opened:
            shelf.do(NOTE, name, Note(text="示例"), command=str(uuid.uuid4()))
        else:
            shelf.do(OPEN, name, Open(owner="示例"), command=str(uuid.uuid4()))


def faults(database: Database, *against: CheckpointFolder) -> set[tuple[str, str, int, str]]:
    with psycopg.connect(database.owner_dsn) as connection:
        found = verify(connection, Wanted(against=against)).faults
    return {(one.table, one.matter, one.number, one.what) for one in found}


def forge(database: Database, *statements: str) -> None:
    """As the owner, with the triggers off."""
    with psycopg.connect(database.owner_dsn) as connection:
        for table in ("entry", "checkpoint", "signing_key", "erasure", "audit"):
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL".encode())
        for statement in statements:
            connection.execute(statement.encode())


# --- taking ----------------------------------------------------------------------------------


def test_a_checkpoint_says_what_the_journal_was(
    shelf: Shelf, take: Callable[..., Checkpoint], owner: psycopg.Connection[Any]
) -> None:
    write(shelf, 1, 2, 3, 2)
    found = take()
    assert (found.number, found.matters, found.entries, found.previous) == (1, 3, 4, "0" * 64)
    heads = owner.execute(
        "SELECT matter || ' ' || number || ' ' || encode(hash, 'hex') FROM entry e WHERE number ="
        " (SELECT max(number) FROM entry WHERE matter = e.matter) ORDER BY matter"
    ).fetchall()
    assert found.root == root(line.encode() for (line,) in heads).hex()
    assert found.commands.count == 4 and found.commands.unsealed_until == ""


def test_each_holds_the_hash_of_the_one_before(
    shelf: Shelf, take: Callable[..., Checkpoint], place: CheckpointFolder
) -> None:
    write(shelf, 1)
    take()
    write(shelf, 2)
    second = take()
    assert second.previous == digest(place.read(1).body)
    assert place.numbers() == place.with_heads() == [1, 2]


def test_what_nobody_touched_is_whole(
    shelf: Shelf, take: Callable[..., Checkpoint], place: CheckpointFolder, database: Database
) -> None:
    write(shelf, 1, 2)
    take()
    write(shelf, 2, 3)
    with psycopg.connect(database.owner_dsn) as connection:
        verdict = verify(connection, Wanted(against=[place], vault=shelf.vault))
    assert verdict.faults == ()
    assert (verdict.entries, verdict.uncovered, verdict.checkpoints) == (4, 2, 1)
    assert verdict.opened and verdict.vault_items == 4


def test_a_checkpoint_sees_no_half_of_a_command(
    shelf: Shelf, take: Callable[..., Checkpoint], database: Database
) -> None:
    """A transaction that still runs is in none; one that committed is in the next."""
    write(shelf, 1)
    with psycopg.connect(database.owner_dsn) as running:
        running.execute(
            "INSERT INTO entry (matter, number, kind, happened_at, recorded_at, actor, command,"
            " bytes, hash) SELECT %s::uuid, 1, kind, happened_at, recorded_at, actor, command,"
            " bytes, hash FROM entry",
            (matter(9),),
        )
        assert take().matters == 1
        running.commit()
    assert take().matters == 2


def test_two_at_once_count_on(
    shelf: Shelf, checkpoints: Checkpoints, tmp_path: Path, database: Database
) -> None:
    write(shelf, 1)
    errors: list[Exception] = []

    def one(index: int) -> None:
        try:
            with shelf.pool.connection() as connection:
                checkpoints.take(connection, CheckpointFolder(tmp_path / str(index)), NOW)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=one, args=(index,)) for index in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert faults(database, *(CheckpointFolder(tmp_path / str(n)) for n in range(6))) == set()
    assert shelf.count("checkpoint") == 6 and shelf.count("signing_key") == 1


# --- the folder ------------------------------------------------------------------------------


def test_the_list_of_heads_is_written_as_changes_and_read_as_a_whole(
    shelf: Shelf, take: Callable[..., Checkpoint], place: CheckpointFolder
) -> None:
    write(shelf, *range(1, 21))
    take()
    write(shelf, 7, 30)
    take()
    with gzip.open(place.path / "heads-00000002.gz") as file:
        lines = file.read().decode().splitlines()
    assert lines[0] == "muster.heads/1 2 since 1"
    assert [line.split()[1:3] for line in lines[1:]] == [[matter(7), "2"], [matter(30), "1"]]
    heads = dict(place.heads(2))
    assert len(heads) == 21
    assert heads[b"matter " + matter(7).encode()].startswith(b"2 ")
    assert dict(place.heads(1))[b"matter " + matter(7).encode()].startswith(b"1 ")


def test_now_and_then_the_list_is_full_again(
    shelf: Shelf, take: Callable[..., Checkpoint], place: CheckpointFolder, database: Database
) -> None:
    for turn in range(LONGEST + 3):
        write(shelf, 1 + turn % 3)
        take(now=NOW + timedelta(hours=turn))
    full = [
        number
        for number in place.with_heads()
        if gzip.decompress(place._heads_file(number).read_bytes()).split(b"\n")[0].endswith(b"full")
    ]
    assert full == [1, LONGEST + 2]
    assert faults(database, place) == set()


def test_a_folder_that_was_away_gets_what_it_missed(
    shelf: Shelf,
    take: Callable[..., Checkpoint],
    place: CheckpointFolder,
    tmp_path: Path,
    database: Database,
) -> None:
    write(shelf, 1)
    take()
    for number in (2, 3):
        write(shelf, number)
        take(CheckpointFolder(tmp_path / "elsewhere"))
    write(shelf, 2)
    take()
    assert place.numbers() == [1, 2, 3, 4]
    assert place.with_heads() == [1, 4]
    assert faults(database, place) == set()


def test_killed_before_the_files_are_there_the_next_one_brings_them(
    shelf: Shelf,
    take: Callable[..., Checkpoint],
    place: CheckpointFolder,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write(shelf, 1)

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(CheckpointFolder, "publish", killed)
        with pytest.raises(KeyboardInterrupt):
            take()
    assert place.numbers() == [] and shelf.count("checkpoint") == 1
    assert take().number == 2
    assert place.numbers() == [1, 2]
    assert faults(database, place) == set()


@pytest.mark.parametrize("name", ["checkpoint-00000001.json", "heads-00000001.gz", "keys.jsonl"])
@pytest.mark.parametrize("how", ["cut", "bent"])
def test_a_damaged_file_is_named(
    shelf: Shelf,
    take: Callable[..., Checkpoint],
    place: CheckpointFolder,
    database: Database,
    name: str,
    how: str,
) -> None:
    write(shelf, 1, 2)
    take()
    path = place.path / name
    data = bytearray(path.read_bytes())
    if how == "cut":
        data = data[: len(data) // 2]
    else:
        data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    found = faults(database, place)
    assert found
    assert {table for table, *_ in found} <= {"outside", "checkpoint", "signing_key", "entry"}
    assert any(table == "outside" or what == "otherwise" for table, _, _, what in found)


# --- what a checkpoint outside shows -----------------------------------------------------------


def test_a_tail_cut_off_is_named_by_the_folder_only(
    shelf: Shelf, take: Callable[..., Checkpoint], place: CheckpointFolder, database: Database
) -> None:
    write(shelf, 1, 2, 2, 2)
    take()
    name = matter(2)
    forge(
        database,
        f"DELETE FROM entry WHERE matter = '{name}' AND number = 3",
        f"DELETE FROM feed WHERE matter = '{name}' AND number = 3",
        f"DELETE FROM vault_item WHERE matter = '{name}' AND item LIKE '3.%'",
        "ALTER TABLE command DISABLE TRIGGER ALL",
        f'DELETE FROM command WHERE answer LIKE \'%{name}","number":3}}%\'::bytea'
        f" OR convert_from(answer, 'UTF8') LIKE '%\"number\":3%'",
    )
    # The database's own newest checkpoint counts the commands; without it nothing is amiss.
    assert {what for _, _, _, what in faults(database)} <= {"fewer"}
    assert ("entry", name, 3, "cut") in faults(database, place)


def test_a_matter_taken_out_whole_is_named(
    shelf: Shelf, take: Callable[..., Checkpoint], place: CheckpointFolder, database: Database
) -> None:
    write(shelf, 1, 2, 2, 3)
    take()
    forge(database, f"DELETE FROM entry WHERE matter = '{matter(2)}'")
    assert ("entry", matter(2), 2, "removed") in faults(database, place)


def test_an_end_of_the_audit_cut_off_is_named(
    shelf: Shelf,
    take: Callable[..., Checkpoint],
    place: CheckpointFolder,
    database: Database,
    owner: psycopg.Connection[Any],
) -> None:
    from muster.journal.audit import change

    with owner.transaction():
        for n in range(3):
            change(
                owner, "reaction_cursor", {"name": f"{n}"}, {"cursor": "x"}, actor="a", reason=""
            )
    take()
    assert faults(database, place) == set()
    forge(database, "DELETE FROM audit WHERE number = 3")
    assert faults(database, place) == {("audit", "", 3, "cut")}


def test_checkpoints_taken_out_of_the_table_are_named(
    shelf: Shelf, take: Callable[..., Checkpoint], place: CheckpointFolder, database: Database
) -> None:
    write(shelf, 1)
    take()
    take()
    forge(database, "DELETE FROM checkpoint WHERE number = 2")
    assert faults(database) == set()
    assert faults(database, place) == {("checkpoint", "", 2, "removed")}


def test_a_new_beginning_with_another_key_is_named(
    shelf: Shelf,
    take: Callable[..., Checkpoint],
    place: CheckpointFolder,
    database: Database,
    tmp_path: Path,
) -> None:
    """The owner throws keys and checkpoints away and signs anew: within itself it is whole."""
    write(shelf, 1)
    first = take()
    forge(database, "DELETE FROM checkpoint", "DELETE FROM signing_key")
    with shelf.pool.connection() as connection:
        Checkpoints(KeyFolder(tmp_path / "false")).take(
            connection, CheckpointFolder(tmp_path / "show"), NOW
        )
    assert faults(database) == set()
    assert faults(database, place) == {
        ("checkpoint", "", 1, "otherwise"),
        ("signing_key", "", 1, "otherwise"),
    }
    with psycopg.connect(database.owner_dsn) as connection:
        told = verify(connection, Wanted(first_keys=[first.key])).faults
    assert {one.what for one in told} == {"first_key"}


# --- never signed over a contradiction ---------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "about"),
    [
        ("DELETE FROM entry WHERE matter = '{m}'", "matter"),
        ("DELETE FROM entry WHERE matter = '{m}' AND number = 2", "matter"),
        ("UPDATE entry SET hash = sha256('x') WHERE matter = '{m}' AND number = 2", "matter"),
        ("DELETE FROM checkpoint", "checkpoint 1"),
        ("UPDATE checkpoint SET signature = '\\x00'", "checkpoint 1"),
    ],
)
def test_no_checkpoint_is_signed_over_what_contradicts_the_last(
    shelf: Shelf,
    take: Callable[..., Checkpoint],
    place: CheckpointFolder,
    database: Database,
    statement: str,
    about: str,
) -> None:
    write(shelf, 1, 2, 2)
    take()
    before = shelf.count("checkpoint")
    forge(database, statement.format(m=matter(2)))
    with pytest.raises(Contradicted) as found:
        take()
    assert found.value.about.startswith(about) and found.value.checkpoint == 1
    assert shelf.count("checkpoint") in (before, 0) and place.numbers() == [1]
    assert not list(place.path.glob("*.part"))


def test_a_head_rewritten_and_gone_on_from_is_contradicted(
    shelf: Shelf, take: Callable[..., Checkpoint], database: Database
) -> None:
    write(shelf, 1, 1)
    take()
    write(shelf, 1)
    forge(database, f"UPDATE entry SET hash = sha256('x') WHERE matter = '{matter(1)}'")
    with pytest.raises(Contradicted):
        take()


def test_another_installation_s_folder_is_left_alone(
    shelf: Shelf, take: Callable[..., Checkpoint], place: CheckpointFolder, database: Database
) -> None:
    write(shelf, 1)
    take()
    kept = sorted((path.name, path.read_bytes()) for path in place.path.iterdir())
    forge(database, "DELETE FROM checkpoint", "DELETE FROM signing_key", "DELETE FROM entry")
    write(shelf, 5)
    with pytest.raises(Contradicted):
        take()
    assert sorted((path.name, path.read_bytes()) for path in place.path.iterdir()) == kept


def test_a_damaged_folder_is_not_built_upon(
    shelf: Shelf, take: Callable[..., Checkpoint], place: CheckpointFolder
) -> None:
    write(shelf, 1)
    take()
    (place.path / "heads-00000001.gz").write_bytes(b"no gzip")
    with pytest.raises(FolderDamaged):
        take()


# --- keys ------------------------------------------------------------------------------------


def test_a_rotated_key_is_vouched_for_and_the_old_one_is_gone(
    shelf: Shelf,
    take: Callable[..., Checkpoint],
    checkpoints: Checkpoints,
    place: CheckpointFolder,
    database: Database,
    tmp_path: Path,
) -> None:
    write(shelf, 1)
    old = take().key
    with shelf.pool.connection() as connection:
        fresh = checkpoints.rotate(connection, NOW)
    assert take().key == fresh != old
    assert [path.stem for path in (tmp_path / "signing").iterdir()] == [fresh]
    assert faults(database, place) == set()
    assert len(place.key_chain()) == 2


def test_a_key_s_file_gone_stops_signing_and_lost_is_said(
    shelf: Shelf,
    take: Callable[..., Checkpoint],
    checkpoints: Checkpoints,
    place: CheckpointFolder,
    database: Database,
    tmp_path: Path,
) -> None:
    write(shelf, 1)
    first = take().key
    (tmp_path / "signing" / f"{first}.key").unlink()
    with pytest.raises(KeyMissing):
        take()
    with shelf.pool.connection() as connection:
        with pytest.raises(KeyMissing):
            checkpoints.rotate(connection, NOW)
        fresh = checkpoints.rotate(connection, NOW, lost=True)
    assert take().key == fresh
    found = faults(database, place)
    assert {what for _, _, _, what in found} == {"alone"}
    with psycopg.connect(database.owner_dsn) as connection:
        known = Wanted(against=[place], first_keys=[first, fresh])
        assert verify(connection, known).faults == ()


def test_nothing_to_rotate(shelf: Shelf, checkpoints: Checkpoints) -> None:
    with shelf.pool.connection() as connection, pytest.raises(KeyUnknown):
        checkpoints.rotate(connection, NOW)


def test_the_private_half_is_in_no_column(
    shelf: Shelf, take: Callable[..., Checkpoint], owner: psycopg.Connection[Any], tmp_path: Path
) -> None:
    write(shelf, 1)
    key = take().key
    secret = (tmp_path / "signing" / f"{key}.key").read_bytes()
    for body, signature in owner.execute("SELECT body, signature FROM signing_key").fetchall():
        assert secret not in bytes(body) + bytes(signature)
        assert secret.hex().encode() not in bytes(body)
    assert len(stored(owner)) == 1


def test_a_fault_is_a_value() -> None:
    assert Fault("", 1, "gap") < Fault("", 2, "gap")
