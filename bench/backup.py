"""Backup and restore of a journal against `pg_dump` and `pg_restore` of the same PostgreSQL.

Ours: one snapshot, packed, sealed (AES-256-GCM), hashed and fsynced in chunks; then the same again
with nothing changed; then after a hundredth was added; then loaded into a migrated database with
indexes, the feed renumbered and statistics taken. Peer: `pg_dump --format=custom` with the same
packing (zlib, level 1) to a file, and `pg_restore` of it. The peer encrypts nothing and starts
over each time. Rounds alternate in one run; medians are compared.

    aim: backup and restore at least 0.7 of the peer's rate, a repeated backup at least 2 times it
"""

from __future__ import annotations

import itertools
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from _city import City, load, median, opened
from muster.journal.backup.archive import Key
from muster.journal.backup.copy_in import load as load_backup
from muster.journal.backup.copy_out import Wanted, back_up
from muster.migrations.run import upgrade
from muster.supervise import binaries

SEED_MATTERS = 200
_serial = itertools.count(1)
# The same rows again under other names: the rates ask for bytes, not for a chain that verifies.
MULTIPLY = """
CREATE TEMP TABLE fresh AS SELECT k.matter AS was, gen_random_uuid() AS now, r
FROM (SELECT DISTINCT matter FROM entry WHERE position <= %(seed)s) k,
    generate_series(1, %(times)s) r;
INSERT INTO entry (matter, number, kind, happened_at, recorded_at, actor, command, bytes, hash)
SELECT f.now, e.number, e.kind, e.happened_at, e.recorded_at, e.actor, gen_random_uuid()::text,
    e.bytes, sha256(e.hash || f.now::text::bytea)
FROM fresh f JOIN entry e ON e.matter = f.was WHERE e.position <= %(seed)s ORDER BY f.r, e.position;
INSERT INTO command (actor, command, operation, input_digest, answer, recorded_at)
SELECT e.actor, e.command, 'incident.remark', encode(e.hash, 'hex'), e.bytes, e.recorded_at
FROM entry e JOIN fresh f ON f.now = e.matter;
INSERT INTO vault_key SELECT f.now, sha256(v.wrapped || f.now::text::bytea) || v.wrapped
FROM fresh f JOIN vault_key v ON v.matter = f.was;
INSERT INTO vault_item SELECT f.now, v.item, sha256(v.data || f.now::text::bytea) || v.data
FROM fresh f JOIN vault_item v ON v.matter = f.was;
INSERT INTO feed (position, matter, number)
SELECT e.position, e.matter, e.number FROM entry e JOIN fresh f ON f.now = e.matter;
DROP TABLE fresh"""


def run(rounds: int = 3, times: int = 250) -> dict[str, Any]:
    """Rates of backing up and restoring about `times` thousand rows. About a minute."""
    began = load()
    with opened() as city, tempfile.TemporaryDirectory(prefix="muster-bench-") as place:
        owner_dsn = city.system.settings.owner_dsn
        rows, size = _filled(city, times)
        bench = _Bench(owner_dsn, Path(place), rows, size)
        found = [bench.round() for _ in range(rounds)]
    rows_told = [
        bench.compared(name, [one[name] for one in found], [one[peer] for one in found])
        for name, peer in (
            ("backup", "pg_dump"),
            ("backup again", "pg_dump"),
            ("backup of a hundredth more", "pg_dump"),
            ("restore", "pg_restore"),
        )
    ]
    worst = min(rows_told[0], rows_told[3], key=lambda row: row["ratio"])
    return {
        **{key: worst[key] for key in ("ours", "peer", "ratio", "unit", "n")},
        "name": "backup",
        "load": began,
        "rows": rows_told,
        "megabytes": round(size / 1e6),
        "table_rows": rows,
        "bytes_ours": bench.written,
        "bytes_peer": bench.dumped,
    }


def _filled(city: City, times: int) -> tuple[int, int]:
    """(rows, bytes) of the tables after multiplying some real commands."""
    for _ in range(SEED_MATTERS):
        matter = city.perform(city.report()).matter
        city.perform(city.remark(matter))
        city.perform(city.remark(matter))
    with psycopg.connect(city.system.settings.owner_dsn) as owner:
        seed = _number(owner, "SELECT max(position) FROM entry")
        for statement in MULTIPLY.split(";"):
            told = {"seed": seed, "times": max(1, times * 1000 // 3000)}
            owner.execute(statement.encode(), told if "%(" in statement else None)
        owner.commit()
        owner.autocommit = True
        owner.execute("VACUUM ANALYZE")
        size = _number(
            owner,
            "SELECT sum(pg_table_size(oid)) FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace = 'public'::regnamespace",
        )
        rows = sum(
            _number(owner, f"SELECT count(*) FROM {table}")
            for table in ("entry", "command", "vault_key", "vault_item", "feed")
        )
    return rows, size


def _number(connection: psycopg.Connection[Any], statement: str) -> int:
    row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return int(row[0])


class _Bench:
    """One source, and a fresh target for each restore."""

    def __init__(self, owner_dsn: str, place: Path, rows: int, size: int) -> None:
        self.dsn, self.place, self.rows, self.size = owner_dsn, place, rows, size
        self.key = Key.made(place / "backup.key")
        self.written = self.dumped = 0

    def round(self) -> dict[str, float]:
        """Seconds of each."""
        number = next(_serial)
        out, dump = self.place / f"out{number}", self.place / f"dump{number}"
        found = {"backup": _timed(lambda: self._back_up(out))}
        self.written = sum(path.stat().st_size for path in (out / "chunks").iterdir())
        found["pg_dump"] = _timed(lambda: self._dump(dump))
        self.dumped = dump.stat().st_size
        found["backup again"] = _timed(lambda: self._back_up(out))
        self._a_little_more()
        found["backup of a hundredth more"] = _timed(lambda: self._back_up(out))
        found["restore"] = self._into_fresh(lambda dsn: self._restore(out, dsn))
        found["pg_restore"] = self._into_fresh(lambda dsn: self._undump(dump, dsn), migrated=False)
        return found

    def _back_up(self, out: Path) -> None:
        with psycopg.connect(self.dsn) as connection:
            wanted = Wanted(connection, self.place, "zhoushan", {}, b"m" * 32, ("session",))
            back_up(wanted, out, self.key, lambda _figures: None)

    def _dump(self, dump: Path) -> None:
        words = ["--format=custom", "--compress=gzip:1", f"--file={dump}", "--no-owner"]
        subprocess.run([str(binaries.folder() / "pg_dump"), *words, self.dsn], check=True)

    def _a_little_more(self) -> None:
        with psycopg.connect(self.dsn) as owner:
            owner.execute(
                "INSERT INTO entry (matter, number, kind, happened_at, recorded_at, actor, command,"
                " bytes, hash) SELECT gen_random_uuid(), number, kind, happened_at, recorded_at,"
                " actor, command, bytes, hash FROM entry LIMIT (SELECT count(*) / 100 FROM entry)"
            )

    def _restore(self, out: Path, dsn: str) -> None:
        from muster.journal.backup.archive import read_manifest

        with psycopg.connect(dsn) as connection:
            load_backup(connection, out, self.key, read_manifest(out, self.key), _silent)

    def _undump(self, dump: Path, dsn: str) -> None:
        words = ["--no-owner", "--no-privileges", f"--dbname={dsn}", str(dump)]
        subprocess.run([str(binaries.folder() / "pg_restore"), *words], check=True)
        with psycopg.connect(dsn) as connection:
            connection.execute("ANALYZE")

    def _into_fresh(self, work: Callable[[str], None], *, migrated: bool = True) -> float:
        name = f"restored{next(_serial)}"
        dsn = self.dsn.replace("/muster?", f"/{name}?")
        with psycopg.connect(admin_of(self.dsn), autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {name} OWNER muster_owner TEMPLATE template0".encode())
        try:
            if migrated:
                upgrade(dsn)
            return _timed(lambda: work(dsn))
        finally:
            with psycopg.connect(admin_of(self.dsn), autocommit=True) as admin:
                admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())

    def compared(self, name: str, ours: list[float], theirs: list[float]) -> dict[str, Any]:
        megabytes = self.size / 1e6
        return {
            "name": name,
            "ours": round(megabytes / median(ours), 1),
            "peer": round(megabytes / median(theirs), 1),
            "ratio": round(median([b / a for a, b in zip(ours, theirs, strict=True)]), 2),
            "unit": "MB/s of tables",
            "n": len(ours),
            "rows_per_s": round(self.rows / median(ours)),
            "seconds": [round(one, 2) for one in ours],
            "peer_seconds": [round(one, 2) for one in theirs],
        }


def admin_of(dsn: str) -> str:
    """The superuser's address beside the owner's, from the same data folder."""
    import json
    from urllib.parse import parse_qs, quote, urlsplit

    run_folder = Path(parse_qs(urlsplit(dsn).query)["host"][0])
    known = json.loads((run_folder.parent / "secrets.json").read_bytes())
    where = quote(str(run_folder), safe="")
    return f"postgresql://postgres:{known['postgres']}@/postgres?host={where}"


def _timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _silent(_share: float, _what: str) -> None:
    """Progress is for people."""


if __name__ == "__main__":
    import json

    print(json.dumps(run(), ensure_ascii=False, indent=1))
