"""Runs in a mount namespace of its own: a backup onto a full or read-only disk.

`python small_disk.py CASE FOLDER OWNER_DSN KEY` mounts a small file system on FOLDER, backs up
into it and prints the sentences of what went wrong, then what stands in the folder. CASE: full |
read-only | later (room comes after the first try).
"""

import subprocess
import sys
from pathlib import Path

import psycopg

from muster.journal.backup.archive import Key
from muster.journal.backup.copy_out import Wanted, back_up
from muster.journal.backup.faults import Unfit


def mount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "small", str(folder)], check=True)


def attempt(folder: Path, dsn: str, key: Path) -> None:
    with psycopg.connect(dsn) as connection:
        wanted = Wanted(connection, folder.parent, "zhoushan", {}, b"m" * 32, (), 256 << 10)
        try:
            _, figures = back_up(wanted, folder, Key(key), lambda _figures: None)
            print("done", figures.reused)
        except Unfit as unfit:
            print(unfit.code, unfit.en)


if __name__ == "__main__":
    case, folder, dsn, key = sys.argv[1], Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4])
    folder.mkdir()
    mount(folder, "size=1m,ro" if case == "read-only" else "size=1m")
    attempt(folder, dsn, key)
    if case == "later":
        mount_again = ["mount", "-o", "remount,size=64m", str(folder)]
        subprocess.run(mount_again, check=True)
        attempt(folder, dsn, key)
    print("files", sorted(path.name for path in folder.iterdir()))
