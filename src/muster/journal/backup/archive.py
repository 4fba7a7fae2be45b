"""A backup's folder: encrypted chunks, a log of the finished ones, and the manifest.

    manifest.json      what the backup consists of, sealed with the key; written last
    progress.jsonl     chunks finished by a backup that has not ended yet
    chunks/<id>        nonce, then AES-256-GCM over zlib over COPY text (or a file's bytes)

A chunk is bound to the backup's id, its table, its own id and its number of rows, so that it
opens nowhere else; the manifest says which chunks in which order, and is sealed. docs/backup.md
is the description for people.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import hmac
import os
import secrets
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from muster.journal.backup.faults import Unfit
from muster.journal.entry import canonical

FORMAT = 1
KEY_BYTES = 32
NONCE_BYTES = 12
LEVEL = 1
MANIFEST, PROGRESS, CHUNKS = "manifest.json", "progress.jsonl", "chunks"


class Chunk(msgspec.Struct, frozen=True, omit_defaults=True):
    """One file of rows. `mark` and `last` are keyed hashes of all its rows and of the last one;
    `after` < key <= `until` when the table is append-only with a key."""

    id: str
    rows: int
    size: int
    sha256: str
    mark: str
    last: str = ""
    after: int | None = None
    until: int | None = None


class Table(msgspec.Struct, frozen=True, omit_defaults=True):
    """A table's rows are those of its chunks, one after the other."""

    name: str
    columns: tuple[str, ...]
    rows: int
    chunks: tuple[Chunk, ...]
    key: str = ""


class Partition(msgspec.Struct, frozen=True):
    name: str
    parent: str
    bound: str


class Counter(msgspec.Struct, frozen=True):
    """A sequence's value."""

    name: str
    last: int
    called: bool


class StoredFile(msgspec.Struct, frozen=True):
    """A file of the data folder, in one chunk; `path` is relative to the folder."""

    path: str
    chunk: Chunk


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """All there is in a backup. `source` names the database it came from, `master` proves which
    master key fits without telling it, `mark` is the data folder's mark.json."""

    format: int
    backup: str
    source: str
    master: str
    schema: str
    postgresql: str
    snapshot_at: datetime
    finished_at: datetime
    city: str
    mark: dict[str, Any]
    entries: int
    position: int
    checkpoint: str
    omitted: tuple[str, ...]
    tables: tuple[Table, ...]
    partitions: tuple[Partition, ...]
    counters: tuple[Counter, ...]
    files: tuple[StoredFile, ...]

    def chunks(self) -> Iterator[tuple[str, Chunk]]:
        """Every chunk with the name it is bound to."""
        for table in self.tables:
            for chunk in table.chunks:
                yield table.name, chunk
        for file in self.files:
            yield f"file:{file.path}", file.chunk


class _Sealed(msgspec.Struct, frozen=True):
    manifest: msgspec.Raw
    seal: str


class Header(msgspec.Struct, frozen=True):
    """First line of the log of finished chunks."""

    backup: str
    source: str
    proof: str


class Finished(msgspec.Struct, frozen=True):
    """A line of that log."""

    table: str
    columns: tuple[str, ...]
    chunk: Chunk


class Key:
    """The backup key, and what is derived from it for one backup."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise Unfit("key_missing", key=path)
        self._bytes = path.read_bytes()
        if len(self._bytes) != KEY_BYTES:
            raise Unfit("key_size", key=path)

    @classmethod
    def made(cls, path: Path) -> Key:
        """The key of a file, which is made (mode 0600) when it does not exist."""
        if not path.exists():
            with writing(path.parent):
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                replace(path, secrets.token_bytes(KEY_BYTES))
        return cls(path)

    def derived(self, backup: str, what: str) -> bytes:
        return hmac.new(self._bytes, f"muster {what} {backup}".encode(), hashlib.sha256).digest()

    def proof(self, backup: str) -> str:
        return self.derived(backup, "proof").hex()


def master_proof(backup: str, master: bytes) -> str:
    """Tells whether a master key is the one, and nothing about it."""
    return hmac.new(master, f"muster backup {backup}".encode(), hashlib.sha256).hexdigest()


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """A full disk or a read-only folder met inside the block is said in a sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Unfit("full", folder=folder) from error
        if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST):
            raise Unfit("read_only", folder=folder) from error
        raise


def replace(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, and have it on the disk."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    synced(path.parent)


def carried(path: str) -> bool:
    """Whether a path in the data folder belongs in a backup: never what is in keys/."""
    return path == "demo_password" or (path.startswith("files/") and ".." not in path.split("/"))


def synced(folder: Path) -> None:
    """Have a file, or a folder's names, on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Sealer:
    """Makes chunks of one backup and opens them. Threads share it."""

    def __init__(self, folder: Path, key: Key, backup: str) -> None:
        self.folder, self.key, self.backup = folder, key, backup
        self._cipher = AESGCM(key.derived(backup, "chunks"))
        self._marks = key.derived(backup, "marks")

    def mark(self, data: bytes) -> str:
        """The keyed hash by which equal rows are known again."""
        return hmac.new(self._marks, data, hashlib.sha256).hexdigest()

    def path(self, chunk: str) -> Path:
        return self.folder / CHUNKS / chunk

    def seal(self, name: str, data: bytes, rows: int) -> Chunk:
        """Write a chunk. It is on the disk for certain only when the manifest is."""
        chunk = secrets.token_hex(16)
        nonce = secrets.token_bytes(NONCE_BYTES)
        packed = zlib.compress(data, LEVEL)
        sealed = nonce + self._cipher.encrypt(nonce, packed, self._bound(name, chunk, rows))
        with writing(self.folder):
            fresh = self.path(f"{chunk}.new")
            fresh.write_bytes(sealed)
            fresh.rename(self.path(chunk))
        digest = hashlib.sha256(sealed).hexdigest()
        return Chunk(chunk, rows, len(sealed), digest, self.mark(data))

    def _bound(self, name: str, chunk: str, rows: int) -> bytes:
        return f"muster backup {FORMAT}|{self.backup}|{name}|{chunk}|{rows}".encode()

    def whole(self, chunk: Chunk) -> bool:
        """Whether the file is there as it was written."""
        return is_whole(self.path(chunk.id), chunk)

    def open(self, name: str, chunk: Chunk) -> bytes:
        """A chunk's rows. Raises Unfit when it is missing, damaged or another one."""
        path = self.path(chunk.id)
        try:
            sealed = path.read_bytes()
        except FileNotFoundError:
            raise Unfit("chunk_missing", file=path, table=name) from None
        if hashlib.sha256(sealed).hexdigest() != chunk.sha256:
            raise Unfit("chunk", file=path, table=name)
        bound = self._bound(name, chunk.id, chunk.rows)
        try:
            packed = self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound)
            data = zlib.decompress(packed)
        except (InvalidTag, zlib.error, ValueError):
            raise Unfit("chunk", file=path, table=name) from None
        if self.mark(data) != chunk.mark:
            raise Unfit("chunk", file=path, table=name)
        return data


def is_whole(path: Path, chunk: Chunk) -> bool:
    """Whether a chunk's file holds the bytes that were written."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return False
    return hashlib.sha256(data).hexdigest() == chunk.sha256


# --- the manifest --------------------------------------------------------------------------------


def write_manifest(folder: Path, key: Key, manifest: Manifest) -> None:
    """The last step of a backup."""
    body = canonical(manifest)
    seal = hmac.new(key.derived(manifest.backup, "manifest"), body, hashlib.sha256).hexdigest()
    paths = [folder / CHUNKS / chunk.id for _, chunk in manifest.chunks()]
    with writing(folder), ThreadPoolExecutor(8) as pool:
        list(pool.map(synced, paths))
        synced(folder / CHUNKS)
        replace(folder / MANIFEST, msgspec.json.encode(_Sealed(msgspec.Raw(body), seal)))


def read_manifest(folder: Path, key: Key) -> Manifest:
    """The manifest of a finished backup. Raises Unfit."""
    manifest, body, seal = _read(folder, key.path)
    if manifest.format != FORMAT:
        raise Unfit("format", found=manifest.format, known=FORMAT)
    made = hmac.new(key.derived(manifest.backup, "manifest"), body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(made, seal):
        raise Unfit("manifest", file=folder / MANIFEST, key=key.path)
    return manifest


def unsealed_manifest(folder: Path) -> Manifest:
    """The manifest as it stands, for who has no key: nothing proves that it was not altered."""
    return _read(folder, Path("-"))[0]


class _Formatted(msgspec.Struct):
    format: int


def _read(folder: Path, key: Path) -> tuple[Manifest, bytes, str]:
    path = folder / MANIFEST
    if not path.is_file():
        raise Unfit("not_a_backup", folder=folder)
    try:
        sealed = msgspec.json.decode(path.read_bytes(), type=_Sealed)
        found = msgspec.json.decode(sealed.manifest, type=_Formatted).format
        if found != FORMAT:
            raise Unfit("format", found=found, known=FORMAT)
        manifest = msgspec.json.decode(sealed.manifest, type=Manifest)
    except msgspec.MsgspecError as error:
        raise Unfit("manifest", file=path, key=key) from error
    return manifest, bytes(sealed.manifest), sealed.seal


# --- the folder ----------------------------------------------------------------------------------


@contextlib.contextmanager
def held(folder: Path, *, make: bool) -> Iterator[None]:
    """One backup at a time in a folder, which is made if `make`; none while others read it."""
    with writing(folder):
        if make:
            (folder / CHUNKS).mkdir(parents=True, exist_ok=True, mode=0o700)
        elif not folder.is_dir():
            raise Unfit("not_a_backup", folder=folder)
    lock = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, (fcntl.LOCK_EX if make else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unfit("busy", folder=folder) from None
        yield
    finally:
        os.close(lock)


def require_ours(folder: Path) -> None:
    """Raises Unfit for a folder with anything in it that is no backup's."""
    ours = {MANIFEST, f"{MANIFEST}.new", PROGRESS, f"{PROGRESS}.new", CHUNKS}
    if folder.is_dir() and any(path.name not in ours for path in folder.iterdir()):
        raise Unfit("not_empty", folder=folder)


class ProgressLog:
    """The chunks finished so far. After a power cut it may name some that never reached the
    disk: whoever uses one again looks at it first."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._path = folder, folder / PROGRESS

    def read(self) -> tuple[Header | None, list[Finished]]:
        """What an interrupted backup left. A last line cut short is left out."""
        try:
            lines = self._path.read_bytes().split(b"\n")[:-1]
        except FileNotFoundError:
            return None, []
        if not lines:
            return None, []
        finished = []
        try:
            header = msgspec.json.decode(lines[0], type=Header)
            finished = [msgspec.json.decode(line, type=Finished) for line in lines[1:]]
        except msgspec.MsgspecError:
            return None, []  # nothing is lost: every chunk is then made again
        return header, finished

    def begin(self, header: Header, finished: list[Finished]) -> None:
        lines = [canonical(header), *(canonical(one) for one in finished)]
        with writing(self.folder):
            replace(self._path, b"\n".join(lines) + b"\n")

    def add(self, finished: Finished) -> None:
        with writing(self.folder), self._path.open("ab") as file:
            file.write(canonical(finished) + b"\n")

    def end(self) -> None:
        self._path.unlink(missing_ok=True)


def sweep(folder: Path, kept: set[str]) -> int:
    """Delete every chunk that is not one of `kept`; how many went."""
    gone = 0
    with writing(folder):
        for path in (folder / CHUNKS).iterdir():
            if path.name not in kept:
                path.unlink()
                gone += 1
        if gone:
            synced(folder / CHUNKS)
    return gone
