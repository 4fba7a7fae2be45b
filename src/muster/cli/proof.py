"""`journal checkpoint`, `rotate-key`, `export`, `import`: what proves the journal elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from muster.cli.opened import chosen, database, folder_option, master_key, require_migrated
from muster.cli.spans import outside
from muster.cli.target import folder_there, target
from muster.supervise.trouble import Trouble, reaching

if TYPE_CHECKING:
    from muster.journal.export import Disclosed


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turn what keeps a checkpoint from being signed into its sentence."""
    from muster.journal.checkpoint import Contradicted, KeyUnknown
    from muster.journal.checkpoint_folder import FolderDamaged
    from muster.journal.signing import KeyMissing

    try:
        with reaching(folder):
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
    "named",
    required=True,
    type=click.Path(path_type=Path),
    help="写到哪个文件夹，须在数据文件夹之外 / the folder to write to, outside the data folder",
)
def checkpoint(data: Path | None, named: Path) -> None:
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
    to = outside(named, folder)
    assert to is not None
    folder_there(to)
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


@click.command()
@folder_option
@click.argument("matter")
@click.option(
    "--to",
    "named",
    required=True,
    type=click.Path(path_type=Path),
    help="写成哪个文件 / the file to write",
)
@click.option("--reason", required=True, help="为何公开，记入审计 / why, for the audit")
@click.option(
    "--open",
    "opened",
    is_flag=True,
    help="连同个人文字（姓名、电话、叙述）/ with the personal texts: names, phones, words",
)
@click.option(
    "--since",
    type=click.IntRange(1),
    default=None,
    help="从哪个检查点起写入 / the first checkpoint to put in",
)
def export(data: Path | None, matter: str, named: Path, reason: str, **how: Any) -> None:
    """把一件事的日志写成可离线核验的文件 / one matter's journal as a file that proves itself

    文件里有每条记录的原文与哈希、检查点、签名和存在性证明；用 verify_matter.py 核验，不需要集结。
    导出即公开，记入审计和查阅日志。

    The file holds the exact entries, their hashes, checkpoints, signatures and an inclusion proof;
    verify_matter.py checks it without Muster. Exporting is disclosing: the audit and the access
    log record it.
    """
    import psycopg

    from muster.journal import export as exporting
    from muster.journal import verify_matter
    from muster.journal.checkpoint import Checkpoints
    from muster.journal.checkpoint_folder import CheckpointFolder
    from muster.journal.clock import real_now
    from muster.journal.refusal import Refused
    from muster.journal.signing import KeyFolder, signing_folder
    from muster.journal.vault import Vault

    folder = chosen(data)
    own = CheckpointFolder(folder / "checkpoints")
    asked = exporting.Disclosed(
        matter, f"system:console:{_user()}", reason, real_now(), how["opened"]
    )
    with (
        target(named, private=True) as file,
        database(folder, alone=False) as found,
        psycopg.connect(found.owner_dsn) as connection,
        explained(own.path),
    ):
        require_migrated(found.owner_dsn)
        Checkpoints(KeyFolder(signing_folder(folder))).take(connection, own, real_now())
        try:
            made = exporting.export(
                connection,
                own,
                asked,
                Vault(master_key(folder)) if how["opened"] else None,
                how["since"] or 0,
            )
        except Refused as refused:
            raise _unknown(refused.code, matter) from refused
        connection.commit()
        _recorded(found.app_dsn, asked)
        file.put(made.data)
    click.echo(
        f"{made.entries} 条记录、{made.texts} 段文字，检查点 {made.checkpoint} / {made.entries} "
        f"entries, {made.texts} texts, checkpoint {made.checkpoint}\n  {named}\n"
        f"核验 / check it: python3 {verify_matter.__file__} {named}"
    )


def _user() -> str:
    """Who sits at this terminal, as the machine says."""
    import getpass

    return getpass.getuser()


def _recorded(app_dsn: str, asked: "Disclosed") -> None:
    """The look stands in the access log before the file is there."""
    from muster.identity.access_log import write
    from muster.identity.looks.look import Look
    from muster.journal.context import Actor
    from muster.journal.database import open_pool

    look = Look(
        at=asked.at,
        actor=Actor(asked.by),
        what="export",
        outcome="shown" if asked.opened else "masked",
        matter=asked.matter,
        purpose=asked.reason,
    )
    with open_pool(app_dsn, most=1) as pool:
        write(pool, [look])


def _unknown(code: str, matter: str) -> Trouble:
    if code == "matter.erased":
        return Trouble(
            f"{matter} 的个人文字已被清除：请去掉 --open。",
            f"The personal texts of {matter} were erased: leave out --open.",
        )
    return Trouble(f"没有这件事：{matter}", f"There is no matter {matter}.")


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option(
    "--checkpoint",
    "kept",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="另存的检查点文件 / a checkpoint file that was kept elsewhere",
)
@click.option("--first-key", default="", help="记下的首个签名密钥 / the first key's id as noted")
@click.option("--json", "in_json", is_flag=True, help="输出 JSON / print JSON")
def read_export(file: Path, kept: Path | None, first_key: str, *, in_json: bool) -> None:
    """核验并阅读导出的日志 / check an exported journal and read it

    先核验，不成立就拒绝；成立则按时间列出。什么也不写入：别处的记录不会成为本系统的记录。

    Checks it first and refuses one that does not hold; then shows its timeline. Nothing is
    written: what was recorded elsewhere does not become a record of ours.
    """
    from muster.cli.timeline import as_json, printable, shown
    from muster.journal import verify_matter

    try:
        found = verify_matter.read(str(file))
        beside = verify_matter.read(str(kept) if kept else "")
        told = verify_matter.examine(found, beside, first_key)
    except (verify_matter.Wrong, OSError, ValueError, RecursionError) as wrong:
        raise Trouble(
            f"拒绝：{file} 不成立（{wrong}）。",
            f"Refused: {file} does not hold ({wrong}).",
        ) from wrong
    if in_json:
        click.echo(as_json(shown(found)))
        return
    for row in shown(found):
        words = " ".join(f"{name}={value}" for name, value in row["says"].items())
        line = (
            f"{row['number']:>4}  {row['happened_at']}  {row['kind']}  {row['actor']}"
            f" ({row['role']})  {words}"
        )
        click.echo(printable(line.rstrip()))
    click.echo("")
    for line in told:
        click.echo(f"✓ {line}")
    click.echo(verify_matter.LIMITS)
