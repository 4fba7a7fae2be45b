"""Copying a running database into a backup's folder, from one snapshot.

A chunk that was finished before is used again when its rows are still the same. In an
append-only table with a key an equal number of rows in a range says so, since rows are only
ever added; elsewhere the rows are read again and compared by their keyed hash.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from psycopg import Connection, IsolationLevel, errors, sql

from muster.journal.backup import archive, catalogue
from muster.journal.backup.archive import Chunk, Finished, Key, Manifest, Sealer, StoredFile, Table
from muster.journal.backup.faults import Unfit
from muster.journal.clock import real_now

CHUNK_BYTES = 16 << 20
WORKERS = 2
WAITING = 4
_SESSION = """SET synchronize_seqscans = off; SET timezone = 'UTC'; SET datestyle = 'ISO, YMD';
SET intervalstyle = 'postgres'; SET extra_float_digits = 1; SET bytea_output = 'hex';
SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0"""
BEFORE_ALL = -(2**63)
AFTER_ALL = 2**63 - 1

Told = Callable[["Figures"], None]


@dataclass
class Figures:
    """How far a backup is. `share` of what there is to read; bytes of rows read, written."""

    share: float = 0.0
    rows: int = 0
    read: int = 0
    written: int = 0
    chunks: int = 0
    reused: int = 0
    table: str = ""


@dataclass(frozen=True)
class Wanted:
    """What is to be backed up, and where. `left_out`: tables that end with this installation."""

    connection: Connection[Any]
    data: Path
    city: str
    mark: Mapping[str, Any]
    master: bytes
    left_out: Sequence[str] = ()
    chunk_bytes: int = CHUNK_BYTES


@dataclass
class _Run:
    """One backup under way."""

    wanted: Wanted
    sealer: Sealer
    log: archive.ProgressLog
    known: dict[str, list[Finished]]
    told: Told
    figures: Figures = field(default_factory=Figures)
    kept: set[str] = field(default_factory=set)


def back_up(wanted: Wanted, folder: Path, key: Key, told: Told) -> tuple[Manifest, Figures]:
    """Bring the folder up to the database's present; resumes what was interrupted there.

    Until the new manifest stands, an older one in the folder stays good. Raises Unfit.
    """
    archive.require_ours(folder)
    with archive.held(folder, make=True):
        connection = wanted.connection
        connection.execute(_SESSION)
        connection.commit()
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        began = real_now()
        source = catalogue.identity(connection)  # the snapshot is taken here
        run = _opened(wanted, folder, key, source, told)
        sources, omitted = catalogue.tables(connection, wanted.left_out)
        partitions = catalogue.partitions(connection)
        schema = catalogue.schema(connection)
        tables = _tables(run, sources)
        there = {table.name for table in tables}
        manifest = Manifest(
            format=archive.FORMAT,
            backup=run.sealer.backup,
            source=source,
            master=archive.master_proof(run.sealer.backup, wanted.master),
            schema=schema,
            postgresql=str(connection.info.parameter_status("server_version")),
            snapshot_at=began,
            finished_at=real_now(),
            city=wanted.city,
            mark=dict(wanted.mark),
            entries=sum(table.rows for table in tables if table.name == "entry"),
            position=_number(connection, "SELECT coalesce(max(position), 0) FROM entry"),
            checkpoint=_checkpoint(connection),
            omitted=tuple(omitted),
            tables=tuple(tables),
            partitions=tuple(one for one in partitions if one.name in there),
            counters=catalogue.counters(connection),
            files=tuple(_files(run)),
        )
        connection.rollback()
        archive.write_manifest(folder, key, manifest)
        archive.sweep(folder, {chunk.id for _, chunk in manifest.chunks()})
        run.log.end()
    return manifest, run.figures


def _opened(wanted: Wanted, folder: Path, key: Key, source: str, told: Told) -> _Run:
    """The folder with what is already in it."""
    log = archive.ProgressLog(folder)
    header, finished = log.read()
    known: dict[str, list[Finished]] = {}
    backup = ""
    if (folder / archive.MANIFEST).exists():
        manifest = archive.read_manifest(folder, key)
        if manifest.source != source:
            raise Unfit("elsewhere", folder=folder)
        backup = manifest.backup
        for table in manifest.tables:
            shape = (*table.columns, table.key)
            known[table.name] = [Finished(table.name, shape, one) for one in table.chunks]
        for file in manifest.files:
            name = f"file:{file.path}"
            known[name] = [Finished(name, (), file.chunk)]
    if header is not None and not backup:
        if header.proof != key.proof(header.backup):
            raise Unfit("key", key=key.path)
        if header.source != source:
            raise Unfit("elsewhere", folder=folder)
        backup = header.backup
    if header is not None and header.backup == backup:
        for one in finished:
            known.setdefault(one.table, []).append(one)
    backup = backup or secrets.token_hex(16)
    sealer = Sealer(folder, key, backup)
    everything = list({one.chunk.id: one for some in known.values() for one in some}.values())
    log.begin(archive.Header(backup, source, key.proof(backup)), everything)
    archive.sweep(folder, {one.chunk.id for one in everything})
    return _Run(wanted, sealer, log, known, told)


def _number(connection: Connection[Any], statement: str) -> int:
    row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return int(row[0])


def _checkpoint(connection: Connection[Any]) -> str:
    """The hash of the newest checkpoint; empty when there is none."""
    columns = connection.execute(
        "SELECT count(*) FROM pg_attribute WHERE attrelid = to_regclass('public.checkpoint')"
        " AND attname IN ('number', 'hash')"
    ).fetchone()
    if columns is None or columns[0] != 2:
        return ""
    row = connection.execute("SELECT hash FROM checkpoint ORDER BY number DESC LIMIT 1").fetchone()
    return bytes(row[0]).hex() if row else ""


# --- tables --------------------------------------------------------------------------------------


def _tables(run: _Run, sources: Sequence[catalogue.Source]) -> list[Table]:
    total = sum(source.size for source in sources) or 1
    done = 0
    tables = []
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="backup") as pool:
        for source in sources:
            run.figures.table = source.name
            table = _table(run, _Writing(run, source, pool, done / total, source.size / total))
            if table is not None:
                tables.append(table)
            done += source.size
            run.figures.share = done / total
            run.told(run.figures)
    return tables


def _table(run: _Run, writing: _Writing) -> Table | None:
    """One table; None for a partition that was dropped meanwhile, on its schedule."""
    source, connection = writing.source, run.wanted.connection
    # Rolling back to here gives the table's lock back: partitions are dropped while we copy.
    connection.execute("SAVEPOINT one_table")
    try:
        if source.bytes_too:
            _shorter_bytes(connection, source)
        chunks = list(_keyed(run, writing) if source.key else _plain(writing))
        found: tuple[Chunk, ...] | None = tuple(
            one if isinstance(one, Chunk) else one.result() for one in writing.finished(chunks)
        )
    except errors.UndefinedTable:
        found = None
    connection.execute("ROLLBACK TO SAVEPOINT one_table")
    connection.execute("RELEASE SAVEPOINT one_table")
    if found is None:
        return None
    rows = sum(one.rows for one in found)
    return Table(source.name, source.columns, rows, found, source.key)


def _shorter_bytes(connection: Connection[Any], source: catalogue.Source) -> None:
    """Have bytes written the way that is shorter for this table, until the transaction goes back:
    JSON as text, sealed words as hexadecimal digits. Reading takes either."""
    order = sql.SQL("ORDER BY {}").format(sql.Identifier(source.key)) if source.key else sql.SQL("")
    first = sql.SQL("COPY (SELECT {} FROM {} {} LIMIT 100) TO STDOUT").format(
        _listed(source), sql.Identifier(source.name), order
    )
    sizes = {}
    for form in ("escape", "hex"):
        connection.execute(f"SET LOCAL bytea_output = {form}".encode())
        sizes[form] = sum(map(len, _read(connection, first)))
    if sizes["escape"] < sizes["hex"]:
        connection.execute("SET LOCAL bytea_output = escape")


class _Writing:
    """Turns the rows of a table into chunks, a few at a time beside the reading."""

    def __init__(
        self,
        run: _Run,
        source: catalogue.Source,
        pool: ThreadPoolExecutor,
        began: float,
        share: float,
    ) -> None:
        self.run, self.source, self._pool = run, source, pool
        self._began, self._share = began, share
        self._rows = 0
        self._waiting: deque[Future[Chunk]] = deque()
        # The last word tells ranges of a key from a table as it lies.
        self._shape = (*source.columns, source.key)
        self.known = {
            one.chunk.id: one.chunk
            for one in run.known.get(source.name, ())
            if one.columns == self._shape
        }
        self._by_mark = {chunk.mark: chunk for chunk in self.known.values()}

    def again(self, chunk: Chunk) -> Chunk:
        """Use a finished chunk."""
        self._count(chunk.rows, 0)
        self.run.figures.reused += 1
        return chunk

    def write(self, data: bytes, after: int | None, until: int | None) -> Future[Chunk]:
        """Seal rows in another thread, or find that they are sealed already."""
        while len(self._waiting) >= WAITING:
            self._ended()
        made = self._pool.submit(self._sealed, data, after, until)
        self._waiting.append(made)
        self._count(data.count(b"\n"), len(data))
        return made

    def _sealed(self, data: bytes, after: int | None, until: int | None) -> Chunk:
        sealer = self.run.sealer
        known = self._by_mark.get(sealer.mark(data))
        same = known is not None and (known.after, known.until) == (after, until)
        if known is not None and same and sealer.whole(known):
            return known
        chunk = sealer.seal(self.source.name, data, data.count(b"\n"))
        last = sealer.mark(_last_row(data)) if until is not None else ""
        return msgspec.structs.replace(chunk, after=after, until=until, last=last)

    def _ended(self) -> None:
        chunk, figures = self._waiting.popleft().result(), self.run.figures
        if chunk.id in self.known:
            figures.reused += 1
            return
        figures.written += chunk.size
        figures.chunks += 1
        self.run.log.add(Finished(self.source.name, self._shape, chunk))

    def finished(self, chunks: Sequence[Chunk | Future[Chunk]]) -> Sequence[Chunk | Future[Chunk]]:
        """The same chunks, when all of them are on the disk."""
        while self._waiting:
            self._ended()
        return chunks

    def _count(self, rows: int, size: int) -> None:
        figures = self.run.figures
        figures.rows += rows
        figures.read += size
        self._rows += rows
        guessed = max(self.source.rows_guessed, self._rows, 1)
        figures.share = self._began + self._share * min(1.0, self._rows / guessed)
        self.run.told(figures)


def _plain(writing: _Writing) -> Iterator[Future[Chunk]]:
    """The whole table in the order it lies in."""
    source = writing.source
    statement = sql.SQL("COPY {} ({}) TO STDOUT").format(
        sql.Identifier(source.name), _listed(source)
    )
    for data in _pieces(writing.run, statement):
        yield writing.write(data, None, None)


def _keyed(run: _Run, writing: _Writing) -> Iterator[Chunk | Future[Chunk]]:
    """An append-only table in ranges of its key: those already sealed, then the rest."""
    by_start: dict[int, list[Chunk]] = {}
    for chunk in writing.known.values():
        if chunk.after is not None and chunk.until is not None and chunk.until > chunk.after:
            by_start.setdefault(chunk.after, []).append(chunk)
    after, small = BEFORE_ALL, run.wanted.chunk_bytes // 64
    while several := by_start.get(after):
        until = max(chunk.until or 0 for chunk in several)
        if until not in by_start and all(chunk.size < small for chunk in several):
            break  # the end of an earlier backup: better written anew, with what came after
        same = next((chunk for chunk in several if _unchanged(run, writing.source, chunk)), None)
        if same is None:
            yield from _range(writing, after, until)
        else:
            yield writing.again(same)
            until = same.until or until
        after = until
    yield from _range(writing, after, AFTER_ALL)


def _unchanged(run: _Run, source: catalogue.Source, chunk: Chunk) -> bool:
    """Whether the table still has just these rows in this range, and the file is whole."""
    key, table = sql.Identifier(source.key), sql.Identifier(source.name)
    count = sql.SQL("SELECT count(*) FROM {} WHERE {} > %s AND {} <= %s").format(table, key, key)
    row = run.wanted.connection.execute(count, (chunk.after, chunk.until)).fetchone()
    if row is None or row[0] != chunk.rows:
        return False
    last = sql.SQL("COPY (SELECT {} FROM {} WHERE {} = {}) TO STDOUT").format(
        _listed(source), table, key, sql.Literal(chunk.until)
    )
    now = run.sealer.mark(b"".join(_read(run.wanted.connection, last)))
    return now == chunk.last and run.sealer.whole(chunk)


def _range(writing: _Writing, after: int, until: int) -> Iterator[Future[Chunk]]:
    """The rows with after < key <= until."""
    source, key = writing.source, sql.Identifier(writing.source.key)
    statement = sql.SQL(
        "COPY (SELECT {} FROM {} WHERE {} > {} AND {} <= {} ORDER BY {}) TO STDOUT"
    ).format(
        _listed(source),
        sql.Identifier(source.name),
        key,
        sql.Literal(after),
        key,
        sql.Literal(until),
        key,
    )
    for data in _pieces(writing.run, statement):
        last = int(_last_row(data).split(b"\t", 1)[0])
        yield writing.write(data, after, last)
        after = last


def _last_row(data: bytes) -> bytes:
    return data[data.rfind(b"\n", 0, -1) + 1 :]


def _listed(source: catalogue.Source) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, source.columns))


def _read(connection: Connection[Any], statement: sql.Composed) -> Iterator[bytes]:
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        while block := copy.read():
            yield bytes(block)


def _pieces(run: _Run, statement: sql.Composed) -> Iterator[bytes]:
    """COPY text cut after a row, about a chunk's size each. A newline inside a value is written
    as two other characters, so that each newline ends a row."""
    held: list[bytes] = []
    size = 0
    for block in _read(run.wanted.connection, statement):
        held.append(block)
        size += len(block)
        if size >= run.wanted.chunk_bytes and block.endswith(b"\n"):
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)


# --- files ---------------------------------------------------------------------------------------


def _files(run: _Run) -> Iterator[StoredFile]:
    """What stands in DATA/files, each file in one chunk (they are at most 25 MB), and the
    password of a demonstration's accounts."""
    root = run.wanted.data
    found = [root / "demo_password", *sorted((root / "files").rglob("*"))]
    for path in (one for one in found if one.is_file()):
        shown = path.relative_to(root).as_posix()
        assert archive.carried(shown)
        name = f"file:{shown}"
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            continue  # erased meanwhile
        mark = run.sealer.mark(data)
        known = next((one.chunk for one in run.known.get(name, ())), None)
        if known is not None and known.mark == mark and run.sealer.whole(known):
            run.figures.reused += 1
            yield StoredFile(shown, known)
            continue
        chunk = run.sealer.seal(name, data, 0)
        run.log.add(Finished(name, (), chunk))
        run.figures.chunks += 1
        run.figures.written += chunk.size
        yield StoredFile(shown, chunk)
