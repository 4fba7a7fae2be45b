"""`restore`: make a Muster of a backup, in an empty place."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from muster.cli import marks, project
from muster.cli.backup import FILE, FOLDER, faults_told, recorded, teller
from muster.supervise.trouble import Trouble, writing

if TYPE_CHECKING:
    from muster.journal.backup.archive import Key, Manifest
    from muster.supervise.postgres import Database


@dataclass(frozen=True)
class Given:
    """What a restore is made of."""

    backup: Path
    data: Path
    key: "Key"
    master: bytes
    erasures: Path | None
    city: Path
    manifest: "Manifest"


@click.command(
    epilog="""\b
例 / examples:
  ./muster restore --from DIR --data NEW --key backup.key --master-key master.key
  ./muster restore --from DIR --data NEW --erasures erasures.jsonl
  DATABASE_URL=postgresql://owner:password@db/empty ./muster restore --from DIR --data NEW
"""
)
@click.option("--from", "source", type=FOLDER, required=True, help="备份文件夹 / the backup")
@click.option("--data", type=FOLDER, required=True, help="新的数据文件夹 / a new data folder")
@click.option("--key", type=FILE, help="备份密钥（默认 NEW/keys/backup.key）/ the backup key")
@click.option(
    "--master-key", type=FILE, help="主密钥（默认 NEW/keys/master.key）/ the vault's master key"
)
@click.option(
    "--erasures",
    type=FILE,
    help="最新的清除台账 erasures.jsonl / the newest erasure ledger",
)
@click.option("--city", type=FOLDER, help="城市包（默认备份里记的那个）/ city pack")
def restore(**words: Any) -> None:
    """从备份恢复到空的文件夹 / restore a backup into an empty folder

    用自带的数据库，或 DATABASE_URL 指的空数据库。要让备份之后清除过的个人信息不再回来，请用
    --erasures 给出最新的台账（原数据文件夹里的 erasures.jsonl 或它的副本）。所有人须重新登录。

    Uses the database that Muster carries, or the empty one of DATABASE_URL. Personal data erased
    after the backup stays erased when the newest ledger (erasures.jsonl of the old data folder, or
    a copy of it) is given with --erasures. Everybody signs in again.
    """
    with faults_told():
        given = _given(words)
        with _emptied(given.data) as started, started as found:
            report = _restored(given, found)
            _finish(given)
    click.echo("\n".join(_report(given, report)))
    if report["faults"]:
        raise SystemExit(1)


def _given(words: dict[str, Any]) -> Given:
    """Everything that could be missing is found missing before anything is written."""
    from muster.journal import erasures
    from muster.journal.backup import archive
    from muster.journal.backup.faults import Unfit
    from muster.migrations.run import known

    data, source = words["data"].resolve(), words["source"].resolve()
    key = archive.Key(words["key"] or data / "keys" / "backup.key")
    master = words["master_key"] or data / "keys" / "master.key"
    with archive.held(source, make=False):
        manifest = archive.read_manifest(source, key)
    if not master.is_file():
        raise Unfit("master_missing", key=master)
    opened = master.read_bytes()
    if archive.master_proof(manifest.backup, opened) != manifest.master:
        raise Unfit("master", key=master)
    if manifest.schema not in known():
        raise Unfit("schema", found=manifest.schema)
    ledger = words["erasures"]
    if ledger is not None and not ledger.is_file():
        raise Unfit("ledger_missing", file=ledger)
    if ledger is not None:
        erasures.read(ledger)
    pack = words["city"] or project.root() / "cities" / manifest.city
    return Given(source, data, key, opened, ledger, project.city_folder(pack), manifest)


@contextmanager
def _emptied(data: Path) -> "Iterator[Any]":
    """An empty data folder, marked as half restored, and the way to its database. What an
    interrupted restore left there goes first."""
    from muster.supervise import lock, postgres

    again = (data / marks.UNFINISHED).exists()
    if not again and data.is_dir() and any(p.name not in ("keys", "lock") for p in data.iterdir()):
        raise Trouble(
            f"{data} 不是空的：恢复只写入空文件夹，请用 --data 换一个。",
            f"{data} is not empty: a restore goes only into an empty folder; name another with "
            "--data.",
        )
    with lock.held(data), writing(data):
        for path in data.iterdir():
            if path.name in marks.OWN - {"keys", "lock", marks.UNFINISHED}:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        (data / marks.UNFINISHED).write_text("{}\n")
        (data / "log").mkdir(exist_ok=True, mode=0o700)
    address = os.environ.get("DATABASE_URL")
    yield _external(address, data) if address else _embedded(postgres.running(data, project.say))


@contextmanager
def _embedded(running: Any) -> "Iterator[Database]":
    with running as server:
        yield server.database


@contextmanager
def _external(address: str, data: Path) -> "Iterator[Database]":
    import psycopg

    from muster.journal.backup import catalogue
    from muster.supervise import lock
    from muster.supervise.external import connect

    with lock.held(data):
        found = connect(address, os.environ.get("MUSTER_APP_URL"), data)
        with psycopg.connect(found.owner_dsn) as connection:
            empty = catalogue.is_empty(connection)
        if not empty:
            raise Trouble(
                "DATABASE_URL 的数据库不是空的，恢复不会动它：请换一个空数据库；如果里面只有中断的"
                "恢复，请删掉它再建一个（DROP DATABASE，CREATE DATABASE）。",
                "The database of DATABASE_URL is not empty, and a restore leaves it alone: name an "
                "empty one; if it holds only a restore that was interrupted, drop it and make it "
                "anew (DROP DATABASE, CREATE DATABASE).",
            )
        yield found


def _restored(given: Given, found: "Database") -> dict[str, Any]:
    """Load everything, then erase again, verify and compare. Returns the figures."""
    import time

    import psycopg

    from muster.journal.backup import copy_in
    from muster.migrations.run import upgrade

    began = time.monotonic()
    upgrade(found.owner_dsn, given.manifest.schema)
    tell = teller("恢复", "restoring")
    with psycopg.connect(found.owner_dsn) as connection:
        rows = copy_in.load(connection, given.backup, given.key, given.manifest, tell)
    copy_in.load_files(given.backup, given.key, given.manifest, given.data)
    seconds = time.monotonic() - began
    upgrade(found.owner_dsn)
    _keys_and_mark(given)
    recorded(found.app_dsn, f"restored as of {given.manifest.snapshot_at.isoformat()}")
    return {"rows": rows, "seconds": seconds, **_compared(given, found)}


def _keys_and_mark(given: Given) -> None:
    from muster.journal.backup.archive import replace

    with writing(given.data):
        keys = given.data / "keys"
        keys.mkdir(exist_ok=True, mode=0o700)
        replace(keys / "master.key", given.master)
        if given.key.path.resolve() != keys / "backup.key":
            replace(keys / "backup.key", given.key.path.read_bytes())
        if given.erasures is not None:
            replace(given.data / "erasures.jsonl", given.erasures.read_bytes())
        mark = json.dumps(given.manifest.mark, indent=1, ensure_ascii=False)
        replace(given.data / "mark.json", mark.encode())


def _compared(given: Given, found: "Database") -> dict[str, Any]:
    """Say erasures in the journals they are missing from, verify, rebuild the kept tables."""
    from muster.app import Settings, open_system
    from muster.journal import rebuild as rebuilding

    settings = Settings(
        owner_dsn=found.owner_dsn,
        app_dsn=found.app_dsn,
        data=str(given.data),
        city=str(given.city),
        clock=given.manifest.mark["clock"],
    )
    system = open_system(settings)
    try:
        system.ledger.reconcile()  # here the keys and words go that the ledger says are gone
        again = system.erase_again()
        journal = system.platform.journal
        with system.platform.pool.connection() as connection:
            tables = rebuilding.kept_tables(journal)
            before = rebuilding.contents(connection, tables)
            rebuilding.rebuild(journal, connection)
            different = rebuilding.differences(before, rebuilding.contents(connection, tables))
    finally:
        system.platform.close()
    return {"again": again, "different": different, **_verified(given, found)}


def _verified(given: Given, found: "Database") -> dict[str, Any]:
    """Everything `journal verify --vault` looks at, and whether checkpoints can be signed."""
    import psycopg

    from muster.app import LEDGER
    from muster.cli.verdict import line
    from muster.journal import erasures
    from muster.journal.checkpoint import frozen, stored_keys
    from muster.journal.signing import KeyChain, KeyFolder, KeyMissing, signing_folder
    from muster.journal.vault import Vault
    from muster.journal.verify import Wanted, verify
    from muster.telemetry.segments import faults_beside

    wanted = Wanted(vault=Vault(given.master), ledger=lambda: erasures.read(given.data / LEDGER))
    with psycopg.connect(found.owner_dsn) as connection:
        verdict = verify(connection, wanted)
        with frozen(connection):
            _, faults = faults_beside(connection)
            newest = KeyChain(stored_keys(connection)).newest
    signs = True
    if newest is not None:
        try:
            KeyFolder(signing_folder(given.data)).open(newest.key)
        except KeyMissing:
            signs = False
    return {
        "entries": verdict.entries,
        "matters": verdict.matters,
        "faults": [line(one) for one in (*verdict.faults, *faults)],
        "signs": signs,
    }


def _finish(given: Given) -> None:
    """From here on the folder may be started."""
    from muster.journal.backup.archive import synced

    with writing(given.data):
        (given.data / marks.UNFINISHED).unlink()
        synced(given.data)


def _report(given: Given, report: dict[str, Any]) -> Iterator[str]:
    at = given.manifest.snapshot_at.isoformat(timespec="seconds")
    yield from report["faults"]
    yield (
        f"恢复完成：{report['rows']} 行，{report['seconds']:.1f} 秒。"
        f"这是 {at} 的状态，之后确认的指令不在其中。\n"
        f"Restored: {report['rows']} rows in {report['seconds']:.1f} s. This is the state of {at}; "
        "commands acknowledged after it are not in it."
    )
    yield (
        f"核验：记录 {report['entries']}，事 {report['matters']}，错误 {len(report['faults'])}；"
        f"重建后 {len(report['different'])} 行不同；再次清除 {report['again']} 件。\n"
        f"Verified: {report['entries']} entries, {report['matters']} matters, "
        f"{len(report['faults'])} faults; {len(report['different'])} rows differed after a rebuild;"
        f" {report['again']} matters erased again."
    )
    if given.erasures is None:
        yield (
            f"没有给出清除台账（--erasures）：{at} 之后清除的个人信息会重新出现。\n"
            f"No erasure ledger was given (--erasures): personal data erased after {at} is back."
        )
    yield (
        "其后关闭的账号、收回的角色与令牌、改过的密码都回到了当时的样子，请核对。\n"
        "Accounts closed, roles and tokens revoked and passwords changed since then are as they "
        "were: look through them."
    )
    if not report["signs"]:
        yield (
            "没有签名密钥：请放回 keys/signing，或运行 ./muster journal rotate-key --lost。\n"
            "The signing key is not there: put keys/signing back, or run "
            "./muster journal rotate-key --lost."
        )
    how = "demo" if given.manifest.mark.get("demo") else "up"
    yield f"启动 / start it:  ./muster {how} --data {given.data}"
