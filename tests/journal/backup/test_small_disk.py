"""A full or read-only disk is said in one sentence; nothing on it looks finished."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.journal.diary import Shelf

from .conftest import Place

SMALL = Path(__file__).with_name("small_disk.py")
NAMESPACE = ["unshare", "--mount"] + (["--user", "--map-root-user"] if os.geteuid() else [])


def tried(case: str, place: Place) -> str:
    with psycopg.connect(place.database.owner_dsn) as owner:
        owner.execute("CREATE TABLE bulk (number integer, bits bytea)")
        owner.execute(
            "INSERT INTO bulk SELECT n, decode((SELECT string_agg(md5((n * 99 + m)::text), '')"
            " FROM generate_series(1, 40) m), 'hex') FROM generate_series(1, 5000) n"
        )
    words = [SMALL, case, place.folder, place.database.owner_dsn, place.key.path]
    told = subprocess.run(
        [*NAMESPACE, sys.executable, *map(str, words)],
        capture_output=True,
        text=True,
        cwd=SMALL.parents[3],
    )
    assert told.returncode == 0, told.stderr
    return told.stdout


@pytest.mark.parametrize(
    ("case", "words"),
    [("full", "full The disk is full"), ("read-only", "read_only "), ("later", "full The disk")],
)
def test_the_disk_is_named(written: Shelf, place: Place, case: str, words: str) -> None:
    told = tried(case, place)
    assert words in told and str(place.folder) in told
    if case == "later":
        reused = int(told.split("\ndone ")[1].split()[0])
        assert reused >= 1, "what was finished before the disk was full is used again"
        assert "'manifest.json'" in told
    else:
        assert "'manifest.json'" not in told
