"""`demo` and `up`: start Muster and keep it running until Ctrl-C."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from muster.cli import marks, project
from muster.cli.admin import link

if TYPE_CHECKING:
    from muster.cli.instance import Instance, Plan
    from muster.supervise.supervisor import ProgramService

FOLDER = click.Path(path_type=Path, file_okay=False)
PORT = click.IntRange(0, 65535)


@click.command(
    epilog="""\b
例 / examples:
  ./muster demo
  ./muster demo --port 8080 --speed 20
  ./muster demo --fresh              从头开始 / from the beginning
"""
)
@click.option("--port", type=PORT, default=8000, show_default=True, help="端口 / port")
@click.option("--data", type=FOLDER, help="数据文件夹（默认 .muster/demo）/ data folder")
@click.option("--city", type=FOLDER, help="城市包（默认 cities/zhoushan）/ city pack")
@click.option(
    "--speed",
    type=click.FloatRange(0.1, 600),
    default=5.0,
    show_default=True,
    help="时间快几倍 / how many times faster time runs",
)
@click.option("--seed", default="1", show_default=True, help="模拟的种子 / seed of the simulation")
@click.option(
    "--fresh", is_flag=True, help="先删除演示数据再开始 / remove the demo's data and start anew"
)
def demo(
    port: int, data: Path | None, city: Path | None, speed: float, seed: str, *, fresh: bool
) -> None:
    """一键演示：舟山的模拟一天 / a simulated day of Zhoushan

    启动数据库、服务器和模拟，打印网址和每个角色一个账号。Ctrl-C 全部停止；再次启动时数据还在。

    Starts the database, the server and a simulation, and prints the address and one account per
    role. Ctrl-C stops all of it; starting again keeps the data.
    """
    from muster.cli.instance import Plan, start
    from muster.supervise.supervisor import Supervisor

    folder = (data or project.demo_data()).resolve()
    plan = Plan(
        data=folder,
        city=project.city_folder(city or project.default_city()),
        host="127.0.0.1",
        port=port,
        clock="scaled",
        clock_start=_morning(city or project.default_city()),
        speed=speed,
        demo=True,
    )
    with Supervisor(folder, project.say) as supervisor:
        if fresh:
            marks.clear_demo(folder)
        marks.require_demo(folder, plan.city)
        running = start(supervisor, plan)
        supervisor.keep(_simulator(running, plan, seed))
        click.echo(_welcome(running.url, running.prepared))
        supervisor.watch()
    project.say("已停止，数据保留在 / stopped; the data stays in " + str(folder))


def _morning(city: Path) -> datetime:
    """Today at eight in the city: a new demo begins with a waking town, not with its night."""
    import tomllib
    from zoneinfo import ZoneInfo

    from muster.journal.clock import real_now

    pack = tomllib.loads((city / "pack.toml").read_text())
    local = real_now().astimezone(ZoneInfo(pack["city"]["timezone"]))
    return local.replace(hour=8, minute=0, second=0, microsecond=0).astimezone(UTC)


def _simulator(running: "Instance", plan: "Plan", seed: str) -> "ProgramService":
    """The simulated day, as a client of the server like any other."""
    import json
    import os

    from muster.cli.instance import python
    from muster.supervise.child import Program
    from muster.supervise.supervisor import ProgramService

    orders = {
        "url": running.url,
        "city": str(plan.city),
        "seed": seed,
        "password": running.prepared["simulator_password"],
    }
    program = Program(
        python("muster.simulate"),
        environment={**os.environ, "MUSTER_SIMULATE": json.dumps(orders)},
        output=plan.data / "log" / "simulate.log",
    )
    return ProgramService(("模拟", "simulation"), program, lambda: None)


def _welcome(url: str, prepared: dict[str, Any]) -> str:
    rows = [("角色 role", "账号 username", "密码 password")]
    rows += [(row["role"], row["username"], row["password"]) for row in prepared["accounts"]]
    return (
        f"\n集结已就绪 / Muster is ready:  {url}\n\n{project.table(rows)}\n\n"
        "  Ctrl-C 停止 / stops it\n"
    )


@click.command(
    epilog="""\b
例 / examples:
  ./muster up --data DIR
  ./muster up --data DIR --host 0.0.0.0 --port 80
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
def up(port: int, host: str, data: Path | None, city: Path | None) -> None:
    """正式运行 / a real installation

    首次启动打印一次性链接，首位管理员用它登录并设密码；没有演示账号，时间是真实的。
    设了 DATABASE_URL（PostgreSQL 15 以上）时使用它，否则使用自带的数据库。

    The first start prints a one-time link for the first administrator; there are no demo accounts
    and time is real. DATABASE_URL (PostgreSQL 15 or newer) is used when set, else the database
    that Muster carries.
    """
    from muster.cli.instance import Plan, start
    from muster.supervise.supervisor import Supervisor

    folder = (data or project.real_data()).resolve()
    plan = Plan(
        data=folder,
        city=project.city_folder(city or project.default_city()),
        host=host,
        port=port,
        clock="real",
    )
    with Supervisor(folder, project.say) as supervisor:
        marks.require_real(folder, plan.city)
        running = start(supervisor, plan)
        click.echo(f"\n集结已就绪 / Muster is ready:  {running.url}\n")
        if token := running.prepared["first_link"]:
            click.echo(
                "首位管理员的一次性链接（只显示这一次）/ one-time link of the first administrator "
                f"(shown only once):\n  {link(running.url, token)}\n"
            )
        supervisor.watch()
    project.say("已停止 / stopped")
