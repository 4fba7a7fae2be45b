"""`admin first-link`, and what the owner of the machine may do alone; the audit says so."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from muster.cli.misuse import Commands
from muster.cli.opened import chosen, database, folder_option
from muster.supervise.trouble import Trouble

#: Who acts, in the audit.
MACHINE = "system:machine"
REASON = "by the machine's owner"


@click.group(cls=Commands)
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


@admin.command("reset-password")
@folder_option
@click.argument("username")
def reset_password(data: Path | None, username: str) -> None:
    """给一个账号一次性密码（24 小时，登录后须改）/ a one-time password for an account

    系统里通常须两人才能重设；这里由能操作这台机器的人单独完成，写入审计。

    In Muster two people are needed; whoever may use this machine can do it alone, and the audit
    says so.
    """
    from muster.identity.passwords import Passwords
    from muster.identity.sign_in.resets import give_password
    from muster.journal.clock import real_now

    with _account(data, username) as (connection, person):
        password = give_password(
            connection, person, Passwords(), actor=MACHINE, reason=REASON, now=real_now()
        )
    click.echo(f"{username}  {password}")


@admin.command("trust")
@folder_option
@click.argument("username", required=False)
def trust(data: Path | None, username: str | None) -> None:
    """列出等待第二人的授权与绑定；带用户名则代为确认 / what waits for a second person; confirm it

    没有第二人时（例如只有首位管理员），由能操作这台机器的人作第二人，写入审计。

    Without a username: what waits, and who has a role of trust that one person alone gave. With
    one: all of that person's is confirmed. When there is nobody beside the first administrator,
    whoever may use this machine is the second person, and the audit says so.
    """
    if username is None:
        _list_waiting(data)
        return
    from muster.identity.passwords import Passwords
    from muster.identity.trust import request
    from muster.journal.clock import real_now

    done, passwords, now = 0, Passwords(), real_now()
    with _account(data, username) as (connection, person):
        password = ""
        for row in request.waiting(connection, now):
            if row.person == person:
                fresh = request.confirm(connection, row, passwords, actor=MACHINE, now=now)
                password, done = fresh or password, done + 1
        more, fresh = request.confirm_alone_given(
            connection, person, passwords, actor=MACHINE, now=now
        )
    click.echo(f"{username}: 已确认 {done + more} 项 / confirmed: {done + more}")
    if password or fresh:
        click.echo(f"{username}  {password or fresh}")


def _list_waiting(data: Path | None) -> None:
    import psycopg

    from muster.identity.people import find_person
    from muster.identity.trust import request
    from muster.journal.clock import real_now

    now = real_now()
    with (
        database(chosen(data), alone=False) as found,
        psycopg.connect(found.owner_dsn) as connection,
    ):
        for row in request.waiting(connection, now):
            person = find_person(connection, row.person)
            wanted = (
                f"{row.role} @ {row.organisation}" if row.role else f"{row.issuer} {row.subject}"
            )
            by = find_person(connection, row.asked_by).username
            click.echo(f"{person.username}  {wanted}  ({by}: {row.reason})")
        for one in request.alone_given(connection, now):
            person = find_person(connection, one)
            click.echo(f"{person.username}  一人授予的要职 / a role of trust given by one alone")


@admin.command("reset-factor")
@folder_option
@click.argument("username")
def reset_factor(data: Path | None, username: str) -> None:
    """解除一个账号的验证器（手机与恢复码都丢失时）/ take the second factor off an account"""
    from muster.identity.sign_in.resets import take_factor

    with _account(data, username) as (connection, person):
        take_factor(connection, person, actor=MACHINE, reason=REASON)
    click.echo(f"{username}: 已解除 / no second factor any more")


@admin.command("allow-passwords")
@folder_option
def allow_passwords(data: Path | None) -> None:
    """放开登录方式（统一认证故障、谁也进不来时）/ let everybody sign in with a password again"""
    import psycopg

    from muster.identity.sign_in.policies import allow_every_method

    with (
        database(chosen(data), alone=False) as found,
        psycopg.connect(found.owner_dsn) as connection,
    ):
        changed = allow_every_method(connection, actor=MACHINE, reason=REASON)
    click.echo(f"已放开 {changed} 项策略 / policies changed: {changed}")


@contextmanager
def _account(data: Path | None, username: str) -> "Iterator[tuple[Any, str]]":
    """A connection and the id of the person with a username. Raises Trouble."""
    import psycopg

    from muster.api.sentences import sentence
    from muster.identity.people import find_username
    from muster.journal.refusal import Refused

    with (
        database(chosen(data), alone=False) as found,
        psycopg.connect(found.owner_dsn) as connection,
    ):
        try:
            yield connection, find_username(connection, username).id
        except Refused as refusal:
            raise Trouble(*sentence(refusal.code, refusal.values)) from None
