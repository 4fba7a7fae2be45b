"""A data folder's database for a command that looks at it or mends it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from muster.cli import marks, project
from muster.supervise.lock import Held
from muster.supervise.trouble import Trouble

if TYPE_CHECKING:
    from muster.supervise.postgres import Database


def folder_option(command: click.decorators.FC) -> click.decorators.FC:
    return click.option(
        "--data",
        type=click.Path(path_type=Path, file_okay=False),
        help="数据文件夹（默认 .muster/data）/ data folder",
    )(command)


def chosen(data: Path | None) -> Path:
    """The data folder asked for. Raises Trouble unless it holds a Muster."""
    folder = (data or project.real_data()).resolve()
    if marks.read(folder) is None:
        raise Trouble(
            f"{folder} 不是 Muster 的数据文件夹：请用 --data 指定，例如 --data .muster/demo。",
            f"{folder} is no data folder of Muster: name one, for example --data .muster/demo.",
        )
    return folder


def master_key(folder: Path) -> bytes:
    """The vault's master key. Raises Trouble when its file is not there."""
    path = folder / "keys" / "master.key"
    if not path.is_file():
        raise Trouble(
            f"没有主密钥 {path}：没有它打不开密文，请放回密钥。",
            f"There is no master key {path}: without it nothing opens; put it back.",
        )
    return path.read_bytes()


def require_migrated(owner_dsn: str) -> None:
    """Raises Trouble for a database that is not at the newest version."""
    from muster.supervise.external import revision

    versions = Path(__file__).parents[1] / "migrations" / "versions"
    newest = max(path.name.split("_")[0] for path in versions.glob("[0-9]*.py"))
    if revision(owner_dsn) != newest:
        raise Trouble(
            "数据库还不是最新版本：请先运行 ./muster db migrate。",
            "The database is not at the newest version yet: run ./muster db migrate first.",
        )


@contextmanager
def database(folder: Path, *, alone: bool) -> "Iterator[Database]":
    """The database of a data folder: the running one if a Muster runs there, else started for the
    length of the block. `alone`: refuse (Held) if a Muster runs there."""
    from muster.supervise import postgres
    from muster.supervise.external import connect

    address = os.environ.get("DATABASE_URL")
    if address:
        yield connect(address, os.environ.get("MUSTER_APP_URL"), folder)
        return
    try:
        with postgres.running(folder, project.say) as server:
            yield server.database
    except Held:
        if alone:
            raise
        yield postgres.attached(folder)
