"""Walking the whole chain from the database to the verdict, against a bare loop over the bytes.

Ours: `verify_entries` over every entry: numbers, hashes, chain, every column against the decoded
envelope, sealed items. Peer: SHA-256 over the same bytes through the same binary cursor, compared
with the stored hash, and nothing else. CPU seconds of this process; rounds alternate.

    aim: at least 100,000 entries per CPU-second; the whole of `verify` is told beside it
"""

from __future__ import annotations

import tempfile
import time
import uuid
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from _city import load, median
from fold import journal as journal_of_one
from muster.journal.entry import FIRST_PREVIOUS, canonical, digest, read_envelope
from muster.journal.fault import Verdict
from muster.journal.verify_entries import verify_entries
from muster.migrations.run import upgrade
from muster.supervise import postgres

AIM = 100_000
EACH = 25
COPY = """COPY entry (matter, number, kind, happened_at, recorded_at, actor, command, bytes, hash)
FROM STDIN"""


def run(entries: int = 100_000, rounds: int = 5) -> dict[str, Any]:
    """Entries per CPU-second."""
    began = load()
    with (
        tempfile.TemporaryDirectory(prefix="muster-bench-") as folder,
        postgres.running(Path(folder) / "data") as server,
    ):
        upgrade(server.owner_dsn)
        with psycopg.connect(server.owner_dsn) as connection:
            size = filled(connection, entries)
            connection.execute("ANALYZE")
            ours, peer, told = [], [], []
            for _ in range(rounds):
                before = _database_cpu(connection)
                wall = time.perf_counter()
                ours.append(entries / cpu(lambda: _ours(connection, entries)))
                told.append((time.perf_counter() - wall, _database_cpu(connection) - before))
                peer.append(entries / cpu(lambda: _peer(connection)))
    return {
        "name": "verify",
        "ours": round(median(ours)),
        "peer": round(median(peer)),
        "ratio": round(median([a / b for a, b in zip(ours, peer, strict=True)]), 3),
        "unit": "entries per CPU-second",
        "n": entries * rounds,
        "load": began,
        "bytes_per_entry": round(size / entries),
        "wall_per_s": round(entries / median([wall for wall, _ in told])),
        "with_database_cpu": round(
            median(
                [
                    entries / (entries / rate + spent)
                    for rate, (_, spent) in zip(ours, told, strict=True)
                ]
            )
        ),
        "failed": median(ours) < AIM,
    }


def cpu(work: Callable[[], None]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _database_cpu(connection: psycopg.Connection[Any]) -> float:
    """CPU seconds of the database process that serves us."""
    fields = (
        Path(f"/proc/{connection.info.backend_pid}/stat").read_text().rpartition(")")[2].split()
    )
    return (int(fields[11]) + int(fields[12])) / 100


def _ours(connection: psycopg.Connection[Any], entries: int) -> None:
    verdict = Verdict()
    verify_entries(connection, verdict)
    assert verdict.entries == entries and verdict.faults == ()


def _peer(connection: psycopg.Connection[Any]) -> None:
    with connection.cursor(name="peer", binary=True) as cursor:
        cursor.itersize = 5000
        cursor.execute("SELECT bytes, hash FROM entry ORDER BY matter, number")
        for data, hashed in cursor:
            assert sha256(data).digest() == hashed


def filled(connection: psycopg.Connection[Any], entries: int) -> int:
    """Matters of EACH entries, like an incident's; returns the bytes written."""
    pattern = [read_envelope(data) for data, _ in journal_of_one(EACH)]
    size = 0
    with connection.cursor().copy(COPY) as copy:
        for _ in range(entries // EACH):
            matter, previous = str(uuid.uuid4()), FIRST_PREVIOUS
            for one in pattern:
                envelope = msgspec.structs.replace(one, matter=matter, previous=previous)
                data = canonical(envelope)
                previous, size = digest(data), size + len(data)
                copy.write_row(
                    (
                        *(matter, one.number, one.kind, one.happened_at, one.recorded_at),
                        *(one.actor, one.command, data, bytes.fromhex(previous)),
                    )
                )
    connection.commit()
    return size


if __name__ == "__main__":
    import json

    print(json.dumps(run(), ensure_ascii=False, indent=1))
