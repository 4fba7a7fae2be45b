"""`transparency`: the public report, counted from the logs."""

from datetime import UTC, datetime
from pathlib import Path

import click

from muster.cli.opened import chosen, database, folder_option
from muster.cli.target import target
from muster.supervise.trouble import Trouble

DAY = click.DateTime(["%Y-%m-%d"])


@click.command(
    epilog="""\b
例 / example:
  ./muster transparency --since 2026-01-01 --until 2027-01-01 --to report.html
"""
)
@folder_option
@click.option("--since", type=DAY, required=True, help="起始日（含）/ first day, UTC")
@click.option("--until", type=DAY, required=True, help="截止日（不含）/ day after the last, UTC")
@click.option(
    "--to",
    type=click.Path(path_type=Path),
    help="写入网页（.html）或 JSON；不给则打印 JSON / a page (.html) or JSON; printed without",
)
def transparency(data: Path | None, since: datetime, until: datetime, to: Path | None) -> None:
    """公开的透明度报告：只有数字 / the public transparency report: figures only

    由日志、查阅记录和审计重新计数；少于 5 的数字不公开。

    Recounted from the journal, the access log and the audit; figures below 5 are not shown.
    """
    import msgspec
    import psycopg

    from muster.cli import marks
    from muster.review.transparency import report as reports
    from muster.review.transparency.tables import counts

    if since >= until:
        raise Trouble("起始日须早于截止日。", "The first day must be before the last.")
    folder = chosen(data)
    span = (since.replace(tzinfo=UTC), until.replace(tzinfo=UTC))
    with (
        database(folder, alone=False) as found,
        psycopg.connect(found.owner_dsn) as connection,
    ):
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        counted = counts(connection, *span)
    city = str((marks.read(folder) or {}).get("city", ""))
    made = reports.report(counted, city=city, since=span[0], until=span[1])
    words = msgspec.json.format(msgspec.json.encode(made), indent=1).decode() + "\n"
    if to is None:
        click.echo(words, nl=False)
        return
    with target(to) as file:
        file.put((reports.html(made) if to.suffix == ".html" else words).encode())
    click.echo(f"已写入 {to} / written to {to}")
