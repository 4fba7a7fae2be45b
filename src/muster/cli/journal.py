"""`journal verify` and `journal rebuild`."""

from pathlib import Path

import click

from muster.cli.opened import chosen, database, folder_option


@click.group()
def journal() -> None:
    """核验与重建日志 / verify the journal, rebuild what follows from it"""


@journal.command()
@folder_option
def verify(data: Path | None) -> None:
    """核验每条记录的哈希链 / recompute the hash chain of every entry

    系统运行时也可以核验；有任何一条被改动、删除或调换，逐条列出，退出码为 1。

    Works while Muster runs. Every entry altered, removed or reordered is named, and the exit code
    is then 1.
    """
    import psycopg

    from muster.journal.verify import verify as verify_all

    with (
        database(chosen(data), alone=False) as found,
        psycopg.connect(found.owner_dsn) as connection,
    ):
        verdict = verify_all(connection)
    for fault in verdict.faults:
        click.echo(f"{fault.matter} #{fault.number}: {fault.what}")
    click.echo(
        f"记录 {verdict.entries}，事 {verdict.matters}，错误 {len(verdict.faults)} / "
        f"{verdict.entries} entries, {verdict.matters} matters, {len(verdict.faults)} faults"
    )
    if verdict.faults:
        raise SystemExit(1)


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
    from muster.cli import marks, project
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
