"""`journal verify` and `journal rebuild`."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from muster.cli import marks, project
from muster.cli.misuse import Commands
from muster.cli.opened import chosen, database, folder_option, master_key, require_migrated
from muster.cli.proof import checkpoint, export, read_export, rotate_key
from muster.supervise.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Sequence

    from muster.journal.erasing import Erasure
    from muster.journal.perform import Journal


@click.group(cls=Commands)
def journal() -> None:
    """核验、见证与重建日志 / verify the journal, have it witnessed, rebuild what follows"""


for command in (checkpoint, rotate_key, export, read_export):
    journal.add_command(command)


@journal.command()
@folder_option
@click.option(
    "--against",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    multiple=True,
    help="外部检查点文件夹，可多个 / a folder of checkpoints outside; may be given again",
)
@click.option("--vault", is_flag=True, help="打开每段密文核对 / open every sealed text, too")
@click.option("--kept", is_flag=True, help="与重建的投影表比较 / compare the kept tables, too")
@click.option(
    "--first-key",
    multiple=True,
    help="记下的首个签名密钥，可多个 / the first key's id as it was noted; may be given again",
)
@click.option("--json", "in_json", is_flag=True, help="输出 JSON / print JSON")
def verify(data: Path | None, against: tuple[Path, ...], **how: Any) -> None:
    """核验整个日志 / does everything hold together?

    核验记录、命令、密文、推送、审计与查阅日志、删除台账和检查点；被改动、删除、调换或添加的，逐条
    列出，退出码为 1。系统运行时也可以核验。数据文件夹里的检查点总会对照，外部的用 --against。

    Looks at entries, commands, sealed texts, the feed, audit and access log, the erasure ledger
    and checkpoints. Whatever was altered, removed, reordered or added is named, and the exit code
    is then 1. Works while Muster runs. Checkpoints in the data folder are always compared with;
    those outside with --against.
    """
    import psycopg

    from muster.app import FACTS
    from muster.cli import verdict as telling
    from muster.command.retention.tracks_beside import faults_of_tracks
    from muster.journal.checkpoint import frozen
    from muster.journal.checkpoint_folder import CheckpointFolder
    from muster.journal.entry import kinds_of
    from muster.journal.vault import Vault
    from muster.journal.verify import Wanted
    from muster.journal.verify import verify as verify_all
    from muster.telemetry.segments import faults_beside

    folder = chosen(data)
    own = folder / "checkpoints"
    folders = [own] if own.is_dir() and own.resolve() not in map(Path.resolve, against) else []
    with (
        database(folder, alone=False) as found,
        psycopg.connect(found.owner_dsn) as connection,
    ):
        require_migrated(found.owner_dsn)
        wanted = Wanted(
            vault=Vault(master_key(folder)) if how["vault"] else None,
            kinds=kinds_of(FACTS) if how["vault"] else None,
            journal=_bare_journal(folder) if how["kept"] else None,
            against=[CheckpointFolder(one) for one in (*folders, *against)],
            first_keys=how["first_key"],
            ledger=partial(_ledger, folder),
        )
        verdict = verify_all(connection, wanted, progress())
        with frozen(connection):
            positions, faults = faults_beside(connection)
            if wanted.vault is not None:
                faults += faults_of_tracks(connection, wanted.vault)
        verdict.add(faults)
        verdict.positions = positions.rows
    if how["in_json"]:
        click.echo(telling.as_json(verdict))
    else:
        for fault in verdict.faults:
            click.echo(telling.line(fault))
        click.echo(telling.summary(verdict))
    if verdict.faults:
        raise SystemExit(1)


def progress() -> Callable[[str, int], None]:
    """Says on stderr how far it is, about once a second."""
    from muster.cli.verdict import PLACES
    from muster.journal.clock import monotonic

    last = monotonic()

    def told(what: str, done: int) -> None:
        nonlocal last
        if monotonic() - last >= 1:
            last = monotonic()
            zh, en = PLACES.get(what, (what, what))
            project.say(f"… {zh} / {en}: {done:,}")

    return told


def _ledger(folder: Path) -> "Sequence[Erasure]":
    """What the file beside the database says was erased."""
    from muster.journal.erasures import LedgerBroken, read

    try:
        return read(folder / "erasures.jsonl")
    except LedgerBroken as broken:
        zh, _, en = str(broken).partition("\n")
        raise Trouble(zh, en) from broken


def _bare_journal(folder: Path) -> "Journal":
    """A journal that can fold and keep, and has no database of its own."""
    from typing import cast

    from muster.app import FACTS, matter_kinds
    from muster.geography.pack import load
    from muster.identity.authoriser import IdentityAuthoriser
    from muster.journal.clock import RealClock
    from muster.journal.entry import kinds_of
    from muster.journal.perform import Journal
    from muster.journal.vault import Vault

    name = (marks.read(folder) or {}).get("city", "")
    city = project.default_city().parent / name
    return Journal(
        pool=cast(Any, None),
        vault=Vault(b"\0" * 32),
        clock=RealClock(),
        kinds=kinds_of(FACTS),
        matter_kinds=matter_kinds(load(project.city_folder(city))),
        authoriser=IdentityAuthoriser(),
    )


@journal.command()
@folder_option
@click.option(
    "--city",
    type=click.Path(path_type=Path, file_okay=False),
    help="城市包（默认 cities/zhoushan）/ city pack",
)
def rebuild(data: Path | None, city: Path | None) -> None:
    """清空投影表并由日志重建 / empty the kept tables and replay the journal into them

    需先停止 Muster；与重建前不同的行会逐行列出。

    Muster must be stopped. Rows that differ from before are listed.
    """
    from muster.app import Settings, open_system
    from muster.journal import rebuild as rebuilding

    folder = chosen(data)
    mark = marks.read(folder) or {}
    with database(folder, alone=True) as found:
        settings = Settings(
            owner_dsn=found.owner_dsn,
            app_dsn=found.app_dsn,
            data=str(folder),
            city=str(project.city_folder(city or project.default_city())),
            clock=mark["clock"],
        )
        system = open_system(settings)
        try:
            with system.platform.pool.connection() as connection:
                tables = rebuilding.kept_tables(system.platform.journal)
                before = rebuilding.contents(connection, tables)
                count = rebuilding.rebuild(system.platform.journal, connection)
                different = rebuilding.differences(before, rebuilding.contents(connection, tables))
        finally:
            system.platform.close()
    for line in different:
        click.echo(line)
    click.echo(
        f"重放 {count} 条记录，{len(different)} 行不同 / {count} entries replayed, "
        f"{len(different)} rows differed"
    )
