"""`backup`: copy a running Muster to another place, encrypted; or check such a copy."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from muster.cli import marks, project
from muster.cli.opened import chosen, database, folder_option
from muster.cli.target import folder_there
from muster.supervise.trouble import Trouble

if TYPE_CHECKING:
    from muster.journal.backup.archive import Manifest
    from muster.journal.backup.copy_out import Figures

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)
PLACE = click.Path(path_type=Path)
SAY_EVERY_S = 2.0


@click.command(
    epilog="""\b
例 / examples:
  ./muster backup --to DIR
  ./muster backup --to DIR --data .muster/demo
  ./muster backup --verify DIR       不需要数据库 / without a database
"""
)
@click.option("--to", type=PLACE, help="备份到这个文件夹 / the folder to back up into")
@click.option("--verify", type=FOLDER, help="只核验已有的备份 / only check the backup there")
@click.option("--key", type=FILE, help="备份密钥（默认 DATA/keys/backup.key）/ the backup key")
@folder_option
@click.option("--json", "as_json", is_flag=True, help="结果为一行 JSON / the result as one line")
def backup(
    to: Path | None, verify: Path | None, key: Path | None, data: Path | None, *, as_json: bool
) -> None:
    """备份，不影响正在运行的系统 / back up, while Muster runs

    中断后再运行一次会接着做；同一文件夹再次备份只写有变化的部分，并取代前一次。密钥不在备份里：请把
    DATA/keys/backup.key 与 master.key 另行保管，没有它们备份无法恢复。

    Run again after an interruption it goes on; backing up again into the same folder writes only
    what changed and takes the place of the backup before. The keys are not in it: keep
    DATA/keys/backup.key and master.key apart; without both there is no restore.
    """
    if (to is None) == (verify is None):
        raise click.UsageError("--to 和 --verify 给其中一个 / give either --to or --verify")
    with faults_told():
        if verify is not None:
            told = _verify(verify, key, (data or project.real_data()) / "keys" / "backup.key")
        else:
            assert to is not None
            told = _back_up(to, key, chosen(data))
    click.echo(json.dumps(told["json"], ensure_ascii=False) if as_json else told["words"])


@contextmanager
def faults_told() -> Iterator[None]:
    """What is wrong with a backup is said, without a stack trace."""
    from muster.journal.backup.faults import Unfit
    from muster.journal.erasures import LedgerBroken

    try:
        yield
    except Unfit as unfit:
        raise Trouble(unfit.zh, unfit.en) from unfit
    except LedgerBroken as broken:
        zh, _, en = str(broken).partition("\n")
        raise Trouble(zh, en) from broken


def recorded(app_dsn: str, subject: str) -> None:
    """All there is goes to another place, or came from it: the access log says who did that. The
    personal texts are sealed in it, hence masked."""
    import getpass

    from muster.identity.access_log import write
    from muster.identity.looks.look import Look
    from muster.journal.clock import real_now
    from muster.journal.context import Actor
    from muster.journal.database import open_pool

    actor = Actor(f"system:console:{getpass.getuser()}")
    look = Look(at=real_now(), actor=actor, what="backup", outcome="masked", subject=subject)
    with open_pool(app_dsn, most=1) as pool:
        write(pool, [look])


def teller(zh: str, en: str) -> Callable[[float, str], None]:
    """Says every few seconds how far it is and how long it will take."""
    import time

    began = said = time.monotonic()

    def tell(share: float, what: str) -> None:
        nonlocal said
        now = time.monotonic()
        if now - said < SAY_EVERY_S:
            return
        said = now
        left = (now - began) * (1 - share) / share if share > 0.01 else None
        more = "" if left is None else f"，约剩 {left:.0f} 秒 / about {left:.0f} s left"
        project.say(f"{zh} / {en} {share:4.0%} {what}{more}")

    return tell


def _back_up(to: Path, key: Path | None, folder: Path) -> dict[str, Any]:
    import time

    import psycopg

    from muster.app import NOT_IN_BACKUP
    from muster.journal.backup.archive import Key
    from muster.journal.backup.copy_out import Wanted, back_up
    from muster.journal.checkpoint import exists

    mark = marks.read(folder) or {}
    master = folder / "keys" / "master.key"
    if not master.is_file():
        raise Trouble(
            f"没有主密钥 {master}：没有它，备份里的个人信息无法打开。",
            f"There is no master key {master}: without it nobody could open the personal data "
            "in the backup.",
        )
    target, began = to.resolve(), time.monotonic()
    if target == folder or folder in target.parents:
        raise Trouble(
            f"{to} 在数据文件夹 {folder} 里：请备份到另一个地方，最好是另一块磁盘。",
            f"{to} is inside the data folder {folder}: back up to another place, best another "
            "disk.",
        )
    folder_there(target)
    used = Key.made(key or folder / "keys" / "backup.key")
    tell = teller("备份", "backing up")

    def told(figures: "Figures") -> None:
        rate = figures.read / max(0.001, time.monotonic() - began) / 1e6
        tell(figures.share, f"{figures.table} {figures.rows} · {rate:.1f} MB/s")

    with (
        database(folder, alone=False) as found,
        psycopg.connect(found.owner_dsn) as connection,
    ):
        if exists(connection, "access_log"):  # not before release 0.2.0
            recorded(found.app_dsn, "to another place")
        wanted = Wanted(
            connection, folder, mark.get("city", ""), mark, master.read_bytes(), NOT_IN_BACKUP
        )
        manifest, figures = back_up(wanted, target, used, told)
    (folder / "run").mkdir(exist_ok=True, mode=0o700)
    (folder / "run" / "backed_up").touch()  # /metrics tells how long ago
    told_all = _told(manifest, figures, time.monotonic() - began)
    told_all["json"]["to"] = str(target)
    told_all["words"] += (
        "\n密钥不在其中，请另行保管 / the keys are not in it, keep them apart: "
        f"{used.path}, {master}"
    )
    return told_all


def _told(manifest: "Manifest", figures: "Figures", seconds: float) -> dict[str, Any]:
    rows = sum(table.rows for table in manifest.tables)
    result = {
        "backup": manifest.backup,
        "snapshot_at": manifest.snapshot_at.isoformat(),
        "schema": manifest.schema,
        "tables": len(manifest.tables),
        "entries": manifest.entries,
        "rows": rows,
        "files": len(manifest.files),
        "chunks_written": figures.chunks,
        "chunks_reused": figures.reused,
        "bytes_written": figures.written,
        "seconds": round(seconds, 2),
        "rows_per_s": round(rows / seconds),
    }
    at = manifest.snapshot_at.isoformat(timespec="seconds")
    words = (
        f"备份完成：{rows} 行（其中记录 {manifest.entries} 条），新写 {figures.chunks} 块 "
        f"{figures.written / 1e6:.1f} MB，沿用 {figures.reused} 块，{seconds:.1f} 秒；"
        f"恢复会回到 {at}。\n"
        f"Backed up: {rows} rows ({manifest.entries} entries), {figures.chunks} chunks "
        f"({figures.written / 1e6:.1f} MB) written, {figures.reused} used again, {seconds:.1f} s; "
        f"a restore leads back to {at}."
    )
    return {"json": result, "words": words}


def _verify(folder: Path, key: Path | None, usual: Path) -> dict[str, Any]:
    from muster.journal.backup import archive, copy_in

    used = archive.Key(key) if key else archive.Key(usual) if usual.is_file() else None
    with archive.held(folder, make=False):
        manifest = copy_in.check(folder, used, teller("核验", "checking"))
    rows = sum(table.rows for table in manifest.tables)
    count = sum(1 for _ in manifest.chunks())
    result = {
        "backup": manifest.backup,
        "snapshot_at": manifest.snapshot_at.isoformat(),
        "chunks": count,
        "rows": rows,
        "opened": used is not None,
    }
    words = (
        f"备份完好：{count} 块，{rows} 行，截至 {manifest.snapshot_at:%Y-%m-%d %H:%M:%S} UTC。\n"
        f"The backup is whole: {count} chunks, {rows} rows, as of "
        f"{manifest.snapshot_at:%Y-%m-%d %H:%M:%S} UTC."
    )
    if used is None:
        words += (
            "\n没有密钥，只核对了校验和；用 --key 可以打开核验。\n"
            "Without the key only checksums were compared; with --key the chunks are opened."
        )
    return {"json": result, "words": words}
