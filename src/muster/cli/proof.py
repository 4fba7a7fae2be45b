"""`journal checkpoint`, `journal rotate-key`: what makes the journal provable elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from muster.cli.opened import chosen, database, folder_option, require_migrated
from muster.cli.spans import outside
from muster.supervise.trouble import Trouble, writing


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turn what keeps a checkpoint from being signed into its sentence."""
    from muster.journal.checkpoint import Contradicted, KeyUnknown
    from muster.journal.checkpoint_folder import FolderDamaged
    from muster.journal.signing import KeyMissing

    try:
        with writing(folder):
            yield
    except Contradicted as found:
        raise Trouble(
            f"没有签：{folder} 里的检查点 {found.checkpoint} 与数据库不符（{found.about}）。"
            "这可能是另一个安装的文件夹，也可能有人改动过；请运行 journal verify --against。",
            f"Not signed: checkpoint {found.checkpoint} in {folder} is not what the database says "
            f"({found.about}). It is another installation's folder, or somebody changed something: "
            "run journal verify --against.",
        ) from found
    except FolderDamaged as found:
        raise Trouble(
            f"{folder / found.name} 已损坏，不能在其后继续：请换一个空文件夹，并保留这个备查。",
            f"{folder / found.name} is damaged and cannot be built upon: take an empty folder, and "
            "keep this one to be looked at.",
        ) from found
    except KeyMissing as found:
        raise Trouble(
            f"签名密钥 {found.key} 不在 keys/signing 里：请放回，"
            "或用 journal rotate-key --lost 换新。",
            f"The signing key {found.key} is not in keys/signing: put it back, or make another "
            "with journal rotate-key --lost.",
        ) from found
    except KeyUnknown as found:
        raise Trouble(
            "还没有签名密钥：第一个检查点会生成它。",
            "There is no signing key yet: the first checkpoint makes one.",
        ) from found


@click.command()
@folder_option
@click.option(
    "--to",
    "target",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="写到哪个文件夹，须在数据文件夹之外 / the folder to write to, outside the data folder",
)
def checkpoint(data: Path | None, target: Path) -> None:
    """立即做一个检查点 / sign and write a checkpoint now

    检查点是整个日志此刻的签名摘要；放在数据库管理员够不着的地方，以后就能证明日志未被改动。

    A checkpoint is a signed digest of the whole journal at this moment. Kept where the database's
    people cannot reach it, it proves later that nothing was changed. Works while Muster runs.
    """
    import psycopg

    from muster.journal.checkpoint import Checkpoints
    from muster.journal.checkpoint_folder import CheckpointFolder
    from muster.journal.clock import real_now
    from muster.journal.signing import KeyFolder, signing_folder

    folder = chosen(data)
    to = outside(target, folder)
    assert to is not None
    with (
        database(folder, alone=False) as found,
        psycopg.connect(found.owner_dsn) as connection,
        explained(to),
    ):
        require_migrated(found.owner_dsn)
        taken = Checkpoints(KeyFolder(signing_folder(folder))).take(
            connection, CheckpointFolder(to), real_now()
        )
    told = taken.checkpoint
    click.echo(
        f"检查点 {told.number}：{told.matters} 件事，{told.entries} 条记录 / checkpoint "
        f"{told.number}: {told.matters} matters, {told.entries} entries\n  {to}"
    )
    if taken.first_key:
        click.echo(
            f"新签名密钥 {told.key}：请把它记在别处，以后用 --first-key 核对 / a new signing key: "
            "write its id down elsewhere; verify --first-key compares with it"
        )


@click.command("rotate-key")
@folder_option
@click.option(
    "--lost",
    is_flag=True,
    help="旧密钥已丢失，新密钥无人作保 / the old key is gone; nobody vouches for the new one",
)
def rotate_key(data: Path | None, *, lost: bool) -> None:
    """更换签名密钥 / replace the signing key

    新密钥由旧密钥签名作保，旧密钥的私钥随即销毁；旧检查点仍可核验。

    The new key is vouched for by the old one, whose private half is then destroyed; checkpoints
    signed with it still verify.
    """
    import psycopg

    from muster.journal.checkpoint import Checkpoints
    from muster.journal.clock import real_now
    from muster.journal.signing import KeyFolder, signing_folder

    folder = chosen(data)
    with (
        database(folder, alone=False) as found,
        psycopg.connect(found.owner_dsn) as connection,
        explained(folder),
    ):
        require_migrated(found.owner_dsn)
        made = Checkpoints(KeyFolder(signing_folder(folder))).rotate(
            connection, real_now(), lost=lost
        )
    click.echo(f"新签名密钥 / the new signing key: {made}")
