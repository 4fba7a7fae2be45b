"""`db migrate`."""

from pathlib import Path

import click

from muster.cli.misuse import Commands
from muster.cli.opened import database, folder_option
from muster.supervise.trouble import Trouble


@click.group(cls=Commands)
def db() -> None:
    """数据库 / the database"""


@db.command()
@folder_option
def migrate(data: Path | None) -> None:
    """把数据库升级到最新结构 / bring the database to the newest version

    demo 和 up 启动时会自动升级；用自己的 PostgreSQL（DATABASE_URL）时可先单独运行。

    demo and up do this at every start; with your own PostgreSQL (DATABASE_URL) it can be run
    before.
    """
    from muster.cli import project
    from muster.cli.prepare import migrate as migrate_all
    from muster.migrations.run import Newer

    folder = (data or project.real_data()).resolve()
    with database(folder, alone=False) as found:
        try:
            migrate_all(found.owner_dsn, folder)
        except Newer as newer:
            zh, _, en = str(newer).partition("\n")
            raise Trouble(zh, en) from newer
    click.echo("数据库已是最新 / the database is up to date")
