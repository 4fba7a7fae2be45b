"""Loading a backup into an empty database that has been migrated to the backup's version."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from psycopg import Connection, sql

from muster.journal import feed
from muster.journal.backup import archive, catalogue
from muster.journal.backup.archive import Chunk, Key, Manifest, Sealer, Table
from muster.journal.backup.faults import Unfit

AHEAD = 3
_SESSION = """SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = 'postgres';
SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0;
SET maintenance_work_mem = '256MB'"""

Told = Callable[[float, str], None]


def load(
    connection: Connection[Any], folder: Path, key: Key, manifest: Manifest, told: Told
) -> int:
    """Bring the rows in, as the owner of the tables; returns how many.

    Commits as it goes: whoever calls this sees to it that nobody starts on half of it.
    """
    connection.execute(_SESSION)
    sealer = Sealer(folder, key, manifest.backup)
    catalogue.make_partitions(connection, manifest.partitions)
    aside = catalogue.set_aside(connection)
    total = sum(chunk.size for _, chunk in manifest.chunks()) or 1
    done = rows = 0
    for table in manifest.tables:
        told(done / total, table.name)
        _load_table(connection, sealer, table)
        connection.commit()
        done += sum(chunk.size for chunk in table.chunks)
        rows += table.rows
    told(done / total, "index")
    catalogue.put_back(connection, aside)
    catalogue.set_counters(connection, manifest.counters)
    connection.commit()
    feed.renumber(connection)
    connection.execute("ANALYZE")
    connection.commit()
    return rows


def _load_table(connection: Connection[Any], sealer: Sealer, table: Table) -> None:
    columns = sql.SQL(", ").join(map(sql.Identifier, table.columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.name), columns)
    with connection.cursor() as cursor:
        # What a migration put in, the backup has too.
        cursor.execute(sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.Identifier(table.name)))
        filled = cursor.fetchone()
        if filled is not None and filled[0]:
            cursor.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table.name)))
        with cursor.copy(statement) as copy:
            for data in _opened(sealer, table.name, table.chunks):
                copy.write(data)
        if cursor.rowcount != table.rows:
            raise Unfit("rows", table=table.name, found=cursor.rowcount, known=table.rows)


def _opened(sealer: Sealer, name: str, chunks: tuple[Chunk, ...]) -> Iterator[bytes]:
    """The chunks in order, opened in another thread before they are wanted."""
    with ThreadPoolExecutor(1, thread_name_prefix="restore") as pool:
        ahead: deque[Future[bytes]] = deque()
        for chunk in chunks:
            ahead.append(pool.submit(sealer.open, name, chunk))
            if len(ahead) > AHEAD:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def load_files(folder: Path, key: Key, manifest: Manifest, data: Path) -> None:
    """Bring the files back to the data folder."""
    sealer = Sealer(folder, key, manifest.backup)
    for file in manifest.files:
        path = data / file.path
        if not archive.carried(file.path):
            raise Unfit("manifest", file=folder / archive.MANIFEST, key=key.path)
        opened = sealer.open(f"file:{file.path}", file.chunk)
        with archive.writing(data):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            archive.replace(path, opened)


def check(folder: Path, key: Key | None, told: Told) -> Manifest:
    """Whether every chunk is there and whole; with the key also whether it opens and holds the
    rows it should. Raises Unfit with the first that does not."""
    manifest = archive.read_manifest(folder, key) if key else archive.unsealed_manifest(folder)
    sealer = Sealer(folder, key, manifest.backup) if key else None
    total = sum(chunk.size for _, chunk in manifest.chunks()) or 1
    done = 0
    for name, chunk in manifest.chunks():
        told(done / total, name)
        path = folder / archive.CHUNKS / chunk.id
        if sealer is not None:
            data = sealer.open(name, chunk)
            if not name.startswith("file:") and data.count(b"\n") != chunk.rows:
                raise Unfit("chunk", file=path, table=name)
        elif not path.exists():
            raise Unfit("chunk_missing", file=path, table=name)
        elif not archive.is_whole(path, chunk):
            raise Unfit("chunk", file=path, table=name)
        done += chunk.size
    told(1.0, "")
    return manifest
