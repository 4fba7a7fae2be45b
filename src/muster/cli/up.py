"""`up` and `restart`: a real installation, until Ctrl-C."""

import compileall
import os
import signal
from pathlib import Path
from typing import Any

import click

from muster.cli import marks, project
from muster.cli.admin import link
from muster.cli.opened import chosen, database, folder_option
from muster.cli.spans import Span, outside
from muster.supervise.trouble import Trouble

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)
PORT = click.IntRange(0, 65535)


@click.command(
    epilog="""\b
例 / examples:
  ./muster up --data DIR
  ./muster up --host 0.0.0.0 --port 8443 --tls-local --public-name muster.example.org
  ./muster up --host 0.0.0.0 --port 443 --tls-cert fullchain.pem --tls-key privkey.pem
  ./muster up --public-name muster.example.org --trusted-proxy 127.0.0.1   (nginx, Caddy)
  DATABASE_URL=postgresql://owner:password@db/muster ./muster up --data DIR
"""
)
@click.option("--port", type=PORT, default=8000, show_default=True, help="端口 / port")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="监听地址；默认只限本机 / address to listen on; only this machine unless told otherwise",
)
@click.option("--data", type=FOLDER, help="数据文件夹（默认 .muster/data）/ data folder")
@click.option("--city", type=FOLDER, help="城市包（默认 cities/zhoushan）/ city pack")
@click.option("--tls-cert", type=FILE, help="证书链，PEM；更换后自动生效 / certificate chain")
@click.option("--tls-key", type=FILE, help="私钥，PEM / its key")
@click.option(
    "--tls-local",
    is_flag=True,
    help="自建证书颁发机构，手机从安装页安装 / a certificate authority of its own",
)
@click.option(
    "--install-port",
    type=PORT,
    help="HTTPS 旁的小端口：安装页与跳转；--tls-local 时默认 8080 / HTTP beside HTTPS: the install "
    "page and redirects; 8080 with --tls-local",
)
@click.option(
    "--metrics-port",
    type=PORT,
    help="本机的监测端口，无需令牌 / /metrics for this machine only, without a token",
)
@click.option(
    "--public-name",
    multiple=True,
    help="人们使用的主机名或地址，可多次 / a name or address people use; repeatable",
)
@click.option(
    "--trusted-proxy",
    multiple=True,
    help="前置代理的地址或网段，可多次 / address or network of a proxy in front; repeatable",
)
@click.option(
    "--checkpoint-to",
    type=FOLDER,
    help="检查点写到哪里，应在本机之外 / where checkpoints go: best another machine",
)
@click.option(
    "--checkpoint-every",
    type=Span(),
    default="1h",
    show_default=True,
    help="多久一个检查点，0 为不做 / how often; 0 for never",
)
def up(port: int, host: str, data: Path | None, city: Path | None, **more: Any) -> None:
    """正式运行 / a real installation

    首次启动打印一次性链接，首位管理员用它登录并设密码；没有演示账号，时间是真实的。
    设了 DATABASE_URL（PostgreSQL 15 以上）时使用它，否则使用自带的数据库。

    The first start prints a one-time link for the first administrator; there are no demo accounts
    and time is real. DATABASE_URL (PostgreSQL 15 or newer) is used when set, else the database
    that Muster carries.
    """
    from muster.cli.instance import Plan, start
    from muster.cli.reach import Wanted, reach, told_url, welcome
    from muster.supervise import notify
    from muster.supervise.supervisor import Supervisor

    folder = (data or project.real_data()).resolve()
    place = project.city_folder(city or project.default_city())
    with Supervisor(folder, project.say) as supervisor:
        marks.require_real(folder, place)
        witness = {
            "checkpoint_to": outside(more.pop("checkpoint_to"), folder),
            "checkpoint_every": more.pop("checkpoint_every"),
        }
        found = reach(Wanted(**more), folder)
        plan = Plan(
            data=folder, city=place, host=host, port=port, clock="real", reach=found, **witness
        )
        running = start(supervisor, plan)
        click.echo(f"\n集结已就绪 / Muster is ready:  {running.url}\n")
        if found.root is not None:
            click.echo(welcome(found, host, running.sockets["plain"].getsockname()[1]))
        if token := running.prepared["first_link"]:
            told = told_url(found, running.sockets["main"].getsockname()[1], running.url)
            click.echo(
                "首位管理员的一次性链接（只显示这一次）/ one-time link of the first administrator "
                f"(shown only once):\n  {link(told, token)}\n"
            )
        if plan.checkpoint_to is None:
            click.echo(
                "检查点写在数据文件夹里；另有一处更好：--checkpoint-to DIR / checkpoints go into "
                "the data folder; a place outside is better: --checkpoint-to DIR\n"
            )
        notify.tell("READY=1")
        if (seconds := notify.watched_every()) is not None:
            supervisor.every(seconds, lambda: notify.tell("WATCHDOG=1"))
        supervisor.watch()
    project.say("已停止 / stopped")


@click.command()
def setup() -> None:
    """只安装所需组件，不启动 / set up what is missing and end

    给随后以别的用户、只读运行的服务（systemd、容器）做准备。

    For a service (systemd, a container) that then runs as another user and may not write here.
    """
    # The launcher has done the rest before this runs, the bytecode of packages included.
    compileall.compile_dir(Path(__file__).parents[1], quiet=2)
    click.echo("已就绪 / set up; next: ./muster up")


@click.command()
@folder_option
def restart(data: Path | None) -> None:
    """更换服务器进程而不断线 / replace the server process without turning anybody away

    新进程准备好后旧进程才结束；连接在其间排队而不被拒绝。新进程起不来时旧的继续运行。
    升级数据库结构时请停机后再启动。

    The next process is ready before the old one ends; who connects meanwhile waits and is not
    refused. If the next one fails the old one goes on. To upgrade the database stop and start.
    """
    from muster.migrations.run import newest
    from muster.supervise.external import revision
    from muster.supervise.lock import holder
    from muster.supervise.processes import name_of

    folder = chosen(data)
    pid = holder(folder)
    if not pid or "muster" not in name_of(pid):
        raise Trouble(
            f"{folder} 没有正在运行的 Muster：用 ./muster up 启动。",
            f"No Muster is running in {folder}: start it with ./muster up.",
        )
    with database(folder, alone=False) as found:
        if revision(found.owner_dsn) != newest():
            raise Trouble(
                "这个版本的程序需要升级数据库，不能只更换服务器：请停止 Muster 再启动。",
                "This version has to upgrade the database, which a restart of the server cannot "
                "do: stop Muster and start it again.",
            )
    os.kill(pid, signal.SIGUSR2)
    click.echo(f"已请求进程 {pid} 更换服务器 / process {pid} was asked to replace the server")
