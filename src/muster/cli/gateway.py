"""`gateway`: feeds of machines that do not speak HTTP, each a process of its own."""

from pathlib import Path

import click

from muster.cli import project
from muster.cli.misuse import Commands
from muster.supervise.trouble import Trouble

FILE = click.Path(path_type=Path, dir_okay=False)
PORT = click.IntRange(0, 65535)


@click.group(cls=Commands)
def gateway() -> None:
    """网关 / gateways for devices that do not speak HTTP"""


@gateway.command(
    epilog="""\b
例 / examples:
  ./muster gateway jt808 --to https://muster.example.org --token-file token --devices devices.csv
  ./muster gateway jt808 --host 0.0.0.0 --allow 10.20.0.0/16 --metrics-port 9809 \\
      --to https://10.0.0.5:8443 --ca root.pem --token-file token --devices devices.csv
"""
)
@click.option("--to", required=True, help="Muster 的网址 / the address of Muster")
@click.option(
    "--token-file",
    type=FILE,
    required=True,
    help="令牌文件，范围 positions:report 与 alarms:report / a file with an API token",
)
@click.option(
    "--devices",
    type=FILE,
    required=True,
    help="设备表 phone,unit,datum；改动自动生效 / table of devices; changes are noticed",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="监听地址 / listen on")
@click.option("--port", type=PORT, default=7808, show_default=True, help="端口 / port")
@click.option(
    "--allow",
    multiple=True,
    help="只接受这些网段，可多次 / take connections from these networks only; repeatable",
)
@click.option(
    "--ca", type=FILE, help="自建证书颁发机构，PEM / a certificate authority of one's own"
)
@click.option("--metrics-port", type=PORT, help="本机的监测端口 / Prometheus, this machine only")
def jt808(
    to: str,
    token_file: Path,
    devices: Path,
    allow: tuple[str, ...],
    **more: object,
) -> None:
    """车载终端 JT/T 808-2011/2013/2019（TCP）/ vehicle terminals

    独立进程，只凭令牌走接口：设备再坏也伤不到服务器。协议本身不加密，请放在专用网络里。

    A process of its own that holds a token and uses the doors: no device, however broken, can hurt
    the server. The protocol itself is not encrypted: keep it on a private network.
    """
    from ipaddress import ip_network
    from typing import Any, cast

    from muster.gateway.devices import DevicesWrong
    from muster.gateway.jt808.listener import Limits
    from muster.gateway.jt808.run import Plan, run

    try:
        networks = tuple(ip_network(one, strict=False) for one in allow)
    except ValueError as error:
        raise Trouble(f"--allow 不是网段：{error}", f"--allow is no network: {error}") from error
    limits = Limits(networks=networks)
    plan = Plan(to=to, token_file=token_file, devices=devices, limits=limits, **cast(Any, more))
    try:
        run(plan, project.say)
    except DevicesWrong as wrong:
        raise Trouble(f"设备表有错：\n{wrong}", "The devices' file is wrong, see above.") from wrong
    except (OSError, ValueError) as error:
        raise Trouble(f"无法启动：{error}", f"It cannot start: {error}") from error
    project.say("已停止 / stopped")
