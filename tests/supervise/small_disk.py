"""Runs in a mount namespace of its own: a full or read-only disk, and what is said about it.

`python small_disk.py CASE FOLDER` mounts a small file system on FOLDER, tries, and prints the
sentences of the Trouble raised. CASE: initial | start | running | read-only.
"""

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psycopg

from muster.supervise import postgres
from muster.supervise.trouble import Trouble


def mount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "small", str(folder)], check=True)


def fill(folder: Path) -> None:
    with suppress(OSError), (folder / "filler").open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)


def panic(server: postgres.Postgres) -> None:
    """Leave no room for the next segment of PostgreSQL's log, so that it must stop."""
    server.start()
    fill(server.folder)
    with suppress(psycopg.Error), psycopg.connect(server.admin_dsn, autocommit=True) as admin:
        while True:
            admin.execute("SELECT pg_logical_emit_message(false, 'a', 'b'), pg_switch_wal()")
    assert server.child is not None
    server.child.wait()
    raise server.reason_for_end()


def attempt(case: str, folder: Path) -> None:
    server = postgres.Postgres(folder)
    if case == "initial":
        mount(folder, "size=12m")
        server.start()
    elif case == "start":
        mount(folder, "size=120m")
        server.start()
        server.kill()
        fill(folder)
        server.start()
    elif case == "running":
        mount(folder, "size=120m")
        panic(server)
    else:
        mount(folder, "size=1m,ro")
        with postgres.running(folder):
            pass


if __name__ == "__main__":
    try:
        attempt(sys.argv[1], Path(sys.argv[2]))
    except Trouble as trouble:
        print(trouble)
