"""Checkpoints: what the whole journal was at a moment, signed, and written to a place outside.

A checkpoint holds the Merkle root over the newest entry of every matter, the ends of the chained
tables, the erasure ledger and the hash of the checkpoint before it. It is read in one snapshot of
the database, so nothing half-written is in it, and it is never signed over a history that
contradicts the one before it in the same folder.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from psycopg import Connection, IsolationLevel, sql

from muster.journal.checkpoint_folder import CheckpointFolder, Line
from muster.journal.entry import canonical, digest
from muster.journal.merkle import Tree
from muster.journal.perform import lock_key
from muster.journal.signing import (
    KeyChain,
    KeyFolder,
    Signed,
    Signer,
    state,
)

CHECKPOINT: Final = "muster.checkpoint/1"
#: Chained tables (journal/chain.py) whose ends each checkpoint holds, where they exist.
CHAINED: Final = ("audit", "access_log", "position_segment")
FIRST_PREVIOUS: Final = "0" * 64
#: How many of a folder's checkpoints are compared before the next is signed; `verify` compares all.
COMPARED: Final = 50

_HEADS = """SELECT e.matter::text, e.number, encode(e.hash, 'hex')
FROM (SELECT matter, max(number) AS number FROM entry GROUP BY matter) m
JOIN entry e ON e.matter = m.matter AND e.number = m.number ORDER BY e.matter"""
_ERASURES = """SELECT * FROM (
    SELECT matter::text AS name, erased_at, actor, reason, '{}', '{}' FROM erasure
    UNION ALL SELECT matter || '.' || number, erased_at, actor, reason, items::text, lookups::text
    FROM erased_part) x ORDER BY name COLLATE "C\""""
_CHANGED = """SELECT w.matter, w.number FROM unnest(%s::text[], %s::int[], %s::text[])
    AS w (matter, number, hash)
LEFT JOIN entry e ON e.matter = w.matter::uuid AND e.number = w.number
WHERE e.hash IS DISTINCT FROM decode(w.hash, 'hex')"""
_COMMANDS = "SELECT count(*), max(recorded_at), max(recorded_at) FILTER (WHERE mac IS NULL)"


class ChainEnd(msgspec.Struct, frozen=True):
    """The last row of a chained table, and how many rows there are."""

    number: int
    hash: str
    rows: int


class Ledger(msgspec.Struct, frozen=True):
    """The erasures: how many, and the Merkle root over `<matter> <hash of the row>`."""

    count: int
    root: str


class Commands(msgspec.Struct, frozen=True):
    """How many commands were recorded until when; `unsealed_until`: the last one without a MAC,
    from before they had one."""

    count: int
    until: str
    unsealed_until: str


class Checkpoint(msgspec.Struct, frozen=True, tag_field="is", tag=CHECKPOINT):
    """`root` is the Merkle root over one leaf a matter, `<matter> <number> <hash>`, by matter."""

    number: int
    taken_at: str
    previous: str
    key: str
    matters: int
    entries: int
    root: str
    chains: dict[str, ChainEnd]
    erasures: Ledger
    commands: Commands


class Contradicted(Exception):
    """The database no longer holds what a checkpoint in the folder says it held."""

    def __init__(self, about: str, checkpoint: int) -> None:
        super().__init__(f"{about}, checkpoint {checkpoint}")
        self.about, self.checkpoint = about, checkpoint


class KeyUnknown(Exception):
    """There is no key chain yet, or nothing to rotate."""


@dataclass(frozen=True)
class Taken:
    checkpoint: Checkpoint
    signed: Signed
    first_key: bool


def decode(signed: Signed) -> Checkpoint:
    """Raises msgspec.DecodeError."""
    return msgspec.json.decode(signed.body, type=Checkpoint)


def moment(at: datetime | None) -> str:
    """A time in a form whose order as text is its order."""
    if at is None:
        return ""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


# --- what there is in the database ---------------------------------------------------------------


@contextmanager
def frozen(connection: Connection[Any]) -> Iterator[None]:
    """One transaction that sees one moment of the database. Its end commits."""
    level = connection.isolation_level
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    try:
        with connection.transaction():
            yield
    finally:
        connection.isolation_level = level


def erasure_lines(connection: Connection[Any]) -> Iterator[Line]:
    """One line an erasure: of a whole matter, or `<matter>.<number>` of the parts that an entry
    names; and the hash of the row."""
    with connection.cursor(name="erasures") as cursor:
        cursor.execute(_ERASURES.encode())
        for name, erased_at, *rest in cursor:
            row = canonical([name, moment(erased_at), *rest])
            yield b"erasure " + name.encode(), digest(row).encode()


def lines(connection: Connection[Any]) -> Iterator[Line]:
    """The erasures and the newest entry of every matter, in the order of the folder's lines."""
    yield from erasure_lines(connection)
    with connection.cursor(name="heads") as cursor:
        cursor.itersize = 5000
        cursor.execute(_HEADS)
        for matter, number, hashed in cursor:
            yield b"matter " + matter.encode(), f"{number} {hashed}".encode()


def chain_ends(connection: Connection[Any]) -> dict[str, ChainEnd]:
    """The end of every chained table that exists and has rows."""
    found = {}
    for table in CHAINED:
        if not exists(connection, table):
            continue
        row = connection.execute(
            sql.SQL(
                "SELECT number, encode(hash, 'hex'), (SELECT count(*) FROM {t}) FROM {t}"
                " ORDER BY number DESC LIMIT 1"
            ).format(t=sql.Identifier(table))
        ).fetchone()
        if row is not None:
            found[table] = ChainEnd(*row)
    return found


def exists(connection: Connection[Any], table: str) -> bool:
    row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", (table,)).fetchone()
    return bool(row and row[0])


def commands(connection: Connection[Any]) -> Commands:
    row = connection.execute(f"{_COMMANDS} FROM command".encode()).fetchone()
    assert row is not None
    return Commands(row[0], moment(row[1]), moment(row[2]))


def stored(connection: Connection[Any], above: int = 0) -> dict[int, Signed]:
    """The checkpoints of the database with numbers above `above`."""
    rows = connection.execute(
        "SELECT number, body, signature FROM checkpoint WHERE number > %s ORDER BY number", (above,)
    ).fetchall()
    return {number: Signed(bytes(body), bytes(signature)) for number, body, signature in rows}


def stored_keys(connection: Connection[Any]) -> list[Signed]:
    rows = connection.execute("SELECT body, signature FROM signing_key ORDER BY number").fetchall()
    return [Signed(bytes(body), bytes(signature)) for body, signature in rows]


# --- roots over lines ----------------------------------------------------------------------------


class Roots:
    """The Merkle trees over lines that pass by."""

    def __init__(self) -> None:
        self.matters, self.erasures, self.entries = Tree(), Tree(), 0

    def passing(self, found: Iterable[Line]) -> Iterator[Line]:
        for about, rest in found:
            kind, _, matter = about.partition(b" ")
            if kind == b"matter":
                self.matters.add(matter + b" " + rest)
                self.entries += int(rest.partition(b" ")[0])
            else:
                self.erasures.add(matter + b" " + rest)
            yield about, rest

    def fit(self, checkpoint: Checkpoint) -> bool:
        """Whether the lines are those the checkpoint was made over."""
        return (
            self.matters.root().hex() == checkpoint.root
            and self.matters.size == checkpoint.matters
            and self.erasures.root().hex() == checkpoint.erasures.root
        )


# --- taking one ----------------------------------------------------------------------------------


class Checkpoints:
    """Takes checkpoints with the keys of a data folder."""

    def __init__(self, keys: KeyFolder) -> None:
        self._keys = keys

    def take(self, connection: Connection[Any], folder: CheckpointFolder, now: datetime) -> Taken:
        """Sign what is committed now; the row first, then the files.

        Raises Contradicted when the folder holds what the database no longer does (then nothing
        is signed), KeyMissing, FolderDamaged, OSError.
        """
        with self._alone(connection):
            with frozen(connection):
                last, keys = newest(connection), KeyChain(stored_keys(connection))
                known = agreed(connection, folder)
                number = last[0] + 1 if last else 1
                signer, new_key = self._signer(keys, number, now)
                since = folder.next_since()
                roots = Roots()
                found = roots.passing(lines(connection))
                staged = folder.stage(number, since, self._moved(connection, folder, since, found))
                checkpoint = self._made(connection, number, now, (last, signer.id, roots))
                signed = signer.sign(canonical(checkpoint))
                if new_key is not None:
                    _insert_key(connection, 1, new_key)
                _insert(connection, number, signed)
            statements = stored_keys(connection)
            due = missing(connection, known)
            connection.commit()
            folder.publish(staged, statements, due)
        return Taken(checkpoint, signed, new_key is not None)

    def rotate(self, connection: Connection[Any], now: datetime, *, lost: bool = False) -> str:
        """Make a new key, signed by the one in use, which is then destroyed; returns the new id.

        `lost`: the private half of the one in use is gone; the new key then speaks for itself
        only, and `verify` says so for ever. Raises KeyUnknown, KeyMissing.
        """
        with self._alone(connection):
            with frozen(connection):
                keys, last = KeyChain(stored_keys(connection)), newest(connection)
                if keys.newest is None:
                    raise KeyUnknown
                fresh = None if lost else self._keys.open(keys.newest.key)
                made = self._keys.make()
                first = last[0] + 1 if last else 1
                signed = state(
                    made, fresh or made, after=keys.newest, made_at=moment(now), first=first
                )
                _insert_key(connection, keys.newest.number + 1, signed)
            self._keys.destroy(keys.newest.key)
        return made.id

    @contextmanager
    def _alone(self, connection: Connection[Any]) -> Iterator[None]:
        """One at a time. The lock comes before the snapshot: else it would not show what the one
        before us has just written."""
        key = (lock_key("checkpoint"),)
        connection.execute("SELECT pg_advisory_lock(%s)", key)
        connection.commit()
        try:
            yield
        finally:
            connection.rollback()
            connection.execute("SELECT pg_advisory_unlock(%s)", key)
            connection.commit()

    def _signer(self, keys: KeyChain, number: int, now: datetime) -> tuple[Signer, Signed | None]:
        if keys.newest is not None:
            return self._keys.open(keys.newest.key), None
        made = self._keys.make()
        return made, state(made, made, after=None, made_at=moment(now), first=number)

    def _made(
        self,
        connection: Connection[Any],
        number: int,
        now: datetime,
        given: tuple[tuple[int, str] | None, str, Roots],
    ) -> Checkpoint:
        last, key, roots = given
        return Checkpoint(
            number=number,
            taken_at=moment(now),
            previous=last[1] if last else FIRST_PREVIOUS,
            key=key,
            matters=roots.matters.size,
            entries=roots.entries,
            root=roots.matters.root().hex(),
            chains=chain_ends(connection),
            erasures=Ledger(roots.erasures.size, roots.erasures.root().hex()),
            commands=commands(connection),
        )

    def _moved(
        self,
        connection: Connection[Any],
        folder: CheckpointFolder,
        since: int | None,
        found: Iterable[Line],
    ) -> Iterator[Line]:
        """The lines that are new or otherwise than at `since`; all of them without it."""
        if since is None:
            yield from found
            return
        replaced: dict[bytes, bytes] = {}
        for about, was, now in beside(folder.heads(since), found):
            if now is None or (was is not None and was != now and about.startswith(b"erasure")):
                raise Contradicted(about.decode(), since)
            if was == now:
                continue
            if was is not None:
                replaced[about] = was
            if len(replaced) >= 1000:
                _require_kept(connection, replaced, since)
                replaced = {}
            yield about, now
        _require_kept(connection, replaced, since)


def beside(
    left: Iterable[Line], right: Iterable[Line]
) -> Iterator[tuple[bytes, bytes | None, bytes | None]]:
    """Two ordered lists of lines, told together: what it is about, left, right."""
    ones, others = iter(left), iter(right)
    one, other = next(ones, None), next(others, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one[0] < other[0]):
            assert one is not None
            yield one[0], one[1], None
            one = next(ones, None)
        elif one is None or other[0] < one[0]:
            yield other[0], None, other[1]
            other = next(others, None)
        else:
            yield one[0], one[1], other[1]
            one, other = next(ones, None), next(others, None)


def agreed(connection: Connection[Any], folder: CheckpointFolder) -> set[int]:
    """The checkpoints in the folder; the newest must be the database's own. Raises Contradicted."""
    there = folder.numbers()
    compared = there[-COMPARED:]
    ours = stored(connection, compared[0] - 1) if compared else {}
    for number in compared:
        if ours.get(number) != folder.read(number):
            raise Contradicted(f"checkpoint {number}", number)
    return set(there)


def missing(connection: Connection[Any], known: set[int]) -> dict[int, Signed]:
    """The checkpoints of the database that a folder does not have yet."""
    rows = connection.execute(
        "SELECT number, body, signature FROM checkpoint WHERE NOT number = ANY(%s)", (list(known),)
    ).fetchall()
    return {number: Signed(bytes(body), bytes(signature)) for number, body, signature in rows}


def newest(connection: Connection[Any]) -> tuple[int, str] | None:
    """Number and hash of the last checkpoint in the database."""
    row = connection.execute(
        "SELECT number, body FROM checkpoint ORDER BY number DESC LIMIT 1"
    ).fetchone()
    return (row[0], digest(bytes(row[1]))) if row else None


def _require_kept(connection: Connection[Any], replaced: Mapping[bytes, bytes], since: int) -> None:
    """Heads that moved on must still be entries of their matters."""
    if not replaced:
        return
    matters = [about.split(b" ")[1].decode() for about in replaced]
    parts = [rest.decode().split(" ") for rest in replaced.values()]
    row = connection.execute(
        _CHANGED, (matters, [int(part[0]) for part in parts], [part[1] for part in parts])
    ).fetchone()
    if row is not None:
        raise Contradicted(f"matter {row[0]} {row[1]}", since)


def _insert(connection: Connection[Any], number: int, signed: Signed) -> None:
    connection.execute(
        "INSERT INTO checkpoint (number, body, hash, signature) VALUES (%s, %s, %s, %s)",
        (number, signed.body, bytes.fromhex(digest(signed.body)), signed.signature),
    )


def _insert_key(connection: Connection[Any], number: int, signed: Signed) -> None:
    connection.execute(
        "INSERT INTO signing_key (number, body, signature) VALUES (%s, %s, %s)",
        (number, signed.body, signed.signature),
    )
