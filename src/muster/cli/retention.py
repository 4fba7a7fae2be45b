"""`retention report` and `retention certificate`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from muster.cli import marks, project
from muster.cli.misuse import Commands
from muster.cli.opened import chosen, database, folder_option, require_migrated
from muster.cli.target import target
from muster.supervise.trouble import Trouble

if TYPE_CHECKING:
    from muster.geography.pack import Pack


@click.group(cls=Commands)
def retention() -> None:
    """保存：什么到期，什么已擦除 / what will go, what went, and the proof"""


@retention.command()
@folder_option
@click.option("--json", "in_json", is_flag=True, help="输出 JSON / print JSON")
def report(data: Path | None, in_json: bool) -> None:
    """到期与已擦除的数目 / how much is due, and how much went

    按类别列出：在计时、待审查、待同意、已冻结、永久保存，以及已擦除的项数和自动删除的数目。

    By class: running, waiting for review, for a second person, held, permanent; and how many items
    were erased, and what went by itself.
    """
    import msgspec
    import psycopg

    from muster.command.retention.report import figures

    folder = chosen(data)
    with database(folder, alone=False) as found, psycopg.connect(found.owner_dsn) as connection:
        require_migrated(found.owner_dsn)
        counted = figures(connection)
    if in_json:
        click.echo(msgspec.json.format(msgspec.json.encode(counted), indent=1).decode())
        return
    classes = _pack(folder).retention.classes
    for code, found_ in sorted(msgspec.to_builtins(counted)["classes"].items()):
        named = classes[code]
        said = "  ".join(f"{name} {count}" for name, count in found_.items() if count)
        click.echo(f"{named.name_zh} {named.name_en}: {said or '-'}")


@retention.command()
@folder_option
@click.argument("matter")
@click.option(
    "--to",
    "named",
    type=click.Path(path_type=Path),
    required=True,
    help="写到哪个文件，另写一份 .html / the file; a page to print goes beside it",
)
@click.option(
    "--checkpoints",
    "to",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="检查点文件夹，如不在数据文件夹里 / the folder of checkpoints, where it is elsewhere",
)
def certificate(data: Path | None, matter: str, named: Path, to: Path | None) -> None:
    """一事的擦除证明 / the certificate of erasure of one matter

    写出 JSON 和可打印的网页，并当场对照日志与密钥库核验。

    Writes JSON and a page to print, and checks both at once against the journal and the vault.
    """
    import uuid

    import msgspec
    import psycopg

    from muster.app import FACTS
    from muster.command.retention.certificate import Said, check, of_matter
    from muster.command.retention.printed import printed
    from muster.command.retention.witness import known as own
    from muster.identity.people import names_of
    from muster.journal.checkpoint_folder import CheckpointFolder
    from muster.journal.clock import real_now
    from muster.journal.entry import kinds_of
    from muster.journal.erasing import left_of, stored_of
    from muster.journal.refusal import Refused

    folder, page = chosen(data), named.with_suffix(".html")
    if page == named:
        raise Trouble(
            "网页会写在旁边：请另取文件名。", "The page goes beside it: take another name."
        )
    try:
        known = str(uuid.UUID(matter))
    except ValueError:
        raise Trouble(f"“{matter}”不是事的编号。", f"'{matter}' is no id of a matter.") from None
    pack = _pack(folder)
    city = (pack.city.name_zh, pack.city.name_en)
    said = Said(real_now(), city, CheckpointFolder(to or folder / "checkpoints"))
    with database(folder, alone=False) as found, psycopg.connect(found.owner_dsn) as connection:
        require_migrated(found.owner_dsn)
        stored = stored_of(connection, known)
        try:
            held = of_matter(connection, kinds_of(FACTS), stored, said)
        except Refused:
            raise Trouble(
                "此事没有擦除过任何内容。", "Nothing of this matter was erased."
            ) from None
        names = names_of(connection, {step.actor for step in held.steps})
        beside = own(connection, held.checkpoint.number) if held.checkpoint else None
        entries = {n: (b, h) for n, b, h in stored}
        wrong = check(held, entries, left_of(connection, known), beside)
    with target(named, private=True) as file, target(page, private=True) as printable:
        file.put(msgspec.json.format(msgspec.json.encode(held), indent=1))
        printable.put(printed(held, pack.retention, names).encode())
    click.echo(f"{named}\n{page}")
    for line in wrong:
        click.echo(line)
    if wrong:
        raise SystemExit(1)


def _pack(folder: Path) -> "Pack":
    from muster.geography.pack import load

    name = (marks.read(folder) or {}).get("city", "")
    return load(project.city_folder(project.default_city().parent / name))
