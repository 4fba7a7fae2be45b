"""`demo`: a simulated day, until Ctrl-C."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from muster.cli import marks, project

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
