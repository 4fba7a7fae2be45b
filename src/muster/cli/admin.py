"""`admin first-link`."""

from pathlib import Path

import click

from muster.cli.opened import chosen, database, folder_option


@click.group()
def admin() -> None:
    """管理员 / administrators"""


@admin.command("first-link")
@folder_option
@click.option(
    "--url",
    default="http://127.0.0.1:8000",
    show_default=True,
    help="Muster 的网址 / the address of Muster",
)
def first_link(data: Path | None, url: str) -> None:
    """再次生成首位管理员的一次性链接 / a new one-time link for the first administrator

    旧链接随即失效，新链接 24 小时内有效；已有管理员时不会再给。

    Earlier links stop working; this one is good for 24 hours. There is none once an administrator
    exists.
    """
    import psycopg

    from muster.identity.first_link import make_first_link

    with (
        database(chosen(data), alone=False) as found,
        psycopg.connect(found.owner_dsn) as connection,
    ):
        token = make_first_link(connection)
    if token is None:
        click.echo(
            "已有管理员，请由管理员创建其他账号 / there is an administrator already, who can make "
            "the other accounts"
        )
        raise SystemExit(1)
    click.echo(link(url, token))


def link(url: str, token: str) -> str:
    """The address of the page where the first administrator sets a name and a password."""
    return f"{url.rstrip('/')}/first?token={token}"
