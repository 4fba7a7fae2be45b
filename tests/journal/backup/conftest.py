"""A journal of diaries, a place to back it up to, and an empty database to restore into."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from muster.journal.backup.archive import Key, Manifest
from muster.journal.backup.copy_in import load
from muster.journal.backup.copy_out import Figures, Wanted, back_up
from muster.supervise.postgres import Postgres
from tests.instance import Database, copied
from tests.journal.conftest import MASTER, make_shelf, owner, shelf
from tests.journal.diary import NOTE, OPEN, TABLES, Note, Open, Shelf

__all__ = ["make_shelf", "owner", "shelf"]
_names = itertools.count(1)
PHONE, WORDS = "00099912345", "示例：钥匙在门垫下"


@dataclass
class Place:
    """Where backups of a database go. `told` is called with the figures as they grow."""

    database: Database
    folder: Path
    key: Key
    told: Callable[[Figures], None] = lambda _figures: None
    chunk_bytes: int = 4096
    figures: Figures = field(default_factory=Figures)

    def back_up(self) -> Manifest:
        with psycopg.connect(self.database.owner_dsn) as connection:
            wanted = Wanted(
                connection,
                self.folder.parent / "data",
                "zhoushan",
                {"kind": "real", "speed": 1.0},
                MASTER,
                ("session",),
                self.chunk_bytes,
            )
            manifest, self.figures = back_up(wanted, self.folder, self.key, self.told)
        return manifest

    def chunk_files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (self.folder / "chunks").iterdir()}


@pytest.fixture
def place(database: Database, tmp_path: Path) -> Place:
    return Place(database, tmp_path / "backup", Key.made(tmp_path / "backup.key"))


@pytest.fixture
def written(shelf: Shelf) -> Shelf:
    """Thirty diaries with words, three of them with a phone."""
    write(shelf, range(30))
    return shelf


def write(shelf: Shelf, numbers: Any) -> None:
    for number in numbers:
        matter = str(uuid.UUID(int=number + 1))
        shelf.do(OPEN, matter, Open(phone=PHONE if number < 3 else None), command=f"o{number}")
        shelf.do(NOTE, matter, Note(text=f"{WORDS} {number}"), command=f"n{number}")


@pytest.fixture
def empty(cluster: Postgres) -> Iterator[Database]:
    """A migrated database with nothing in it, and the diaries' tables."""
    with copied(cluster, "muster", f"restored_{next(_names)}") as fresh:
        with psycopg.connect(fresh.owner_dsn) as connection:
            connection.execute(TABLES)
        yield fresh


def restore(place: Place, into: Database, manifest: Manifest) -> int:
    with psycopg.connect(into.owner_dsn) as connection:
        return load(connection, place.folder, place.key, manifest, lambda _share, _what: None)


def rows(database: Database) -> dict[str, list[str]]:
    """Every table's rows, but for what a restore makes anew."""
    with psycopg.connect(database.owner_dsn) as connection:
        names = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind = 'r' AND relname NOT IN ('feed', 'reaction_cursor', 'session')"
        ).fetchall()
        return {
            name: sorted(r[0] for r in connection.execute(f"SELECT t::text FROM {name} t".encode()))
            for (name,) in names
        }
