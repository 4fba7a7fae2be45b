"""One running Muster: its database, then what must be in it, then the server, all supervised."""

import json
import os
import signal
import socket
import sys
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from muster.cli import project
from muster.cli.condition import Listener
from muster.cli.marks import read as read_mark
from muster.cli.ports import from_here, opened, port_of, readiness
from muster.cli.reach import Reach, listening, renew
from muster.supervise import processes
from muster.supervise.child import Program
from muster.supervise.external import connect, revision, without_password
from muster.supervise.postgres import Database, Postgres
from muster.supervise.pulse import Pulse
from muster.supervise.supervisor import PostgresService, ProgramService, Supervisor
from muster.supervise.trouble import Trouble

LISTEN_S = 2.0  # between looks at what the server said of itself
LEFTOVER_S = 3.0  # for a server whose supervisor was killed
RENEW_S = 3600.0  # between looks at a local authority's certificate
STOP_S = 30.0  # for the server to answer what is under way


@dataclass(frozen=True)
class Plan:
    """What to start. `port` 0: any free one. `clock`: real, scaled or driven."""

    data: Path
    city: Path
    host: str
    port: int
    clock: str
    clock_start: datetime | None = None
    speed: float = 1.0
    demo: bool = False
    testing: bool = False
    reach: Reach = field(default_factory=Reach)
    checkpoint_to: Path | None = None
    checkpoint_every: float = 3600.0


@dataclass(frozen=True)
class Instance:
    """A server that answers. `prepared`: what `muster.app.prepare` gave; `sockets`: main, and
    plain and metrics if there are such ports."""

    url: str
    data: Path
    prepared: dict[str, Any]
    sockets: dict[str, socket.socket]


def start(supervisor: Supervisor, plan: Plan) -> Instance:
    """Start everything in order and return once the server is ready; the supervisor keeps it.

    Raises Trouble with the obstacle, Stopped on a signal.
    """
    check_providers(plan.data)
    found = plan.reach
    # The supervisor's own environment does not hold the settings, only that of a server does.
    mark = f'"data": {json.dumps(str(plan.data))}'
    processes.end_started_with(mark, LEFTOVER_S, project.say)
    sockets = {"main": opened(plan.host, plan.port)}
    if found.install_port is not None:
        sockets["plain"] = opened(plan.host, found.install_port)
    if found.metrics_port is not None:
        sockets["metrics"] = opened("127.0.0.1", found.metrics_port)
    database = _database(supervisor, plan)
    _say_upgrade(database.owner_dsn)
    environment = _environment(plan, database, sockets)
    prepared = _prepare(supervisor, plan.data, environment)
    where = found.scheme, plan.host, port_of(sockets["main"])
    listener = Listener(*where, project.say)
    supervisor.keep(_server(plan, environment, sockets, listener))
    supervisor.every(LISTEN_S, listener.tell)
    if found.local is not None:
        supervisor.every(RENEW_S, lambda: renew(found))
    near = from_here(plan.host)
    shown = f"[{near}]" if ":" in near else near
    port = port_of(sockets["main"])
    return Instance(f"{found.scheme}://{shown}:{port}", plan.data, prepared, sockets)


def _say_upgrade(owner_dsn: str) -> None:
    """Before an upgrade of the database: what is about to happen. Raises Trouble if a newer Muster
    has been here."""
    from muster.migrations import run

    found = revision(owner_dsn)
    try:
        missing = run.check(found)
    except run.Newer as newer:
        zh, _, en = str(newer).partition("\n")
        raise Trouble(zh, en) from newer
    if missing and found is not None:
        project.say(
            f"升级数据库 {found} → {run.newest()}：全部完成或保持原样 / upgrading the database "
            f"{found} → {run.newest()}: wholly or not at all"
        )


def _environment(
    plan: Plan, database: Database, sockets: dict[str, socket.socket]
) -> dict[str, str]:
    """The server's settings, as it reads them."""
    settings = {
        "owner_dsn": database.owner_dsn,
        "app_dsn": database.app_dsn,
        "data": str(plan.data),
        "city": str(plan.city),
        "host": plan.host,
        "port": port_of(sockets["main"]),
        "clock": plan.clock,
        "clock_start": plan.clock_start.isoformat() if plan.clock_start else None,
        "speed": plan.speed,
        "demo": plan.demo,
        "web": str(project.web_assets()) if project.web_assets() else None,
        "testing": plan.testing,
        "hosts": plan.reach.public,
        "trusted_proxies": plan.reach.proxies,
        "listening": listening(plan.reach, plan.host, sockets, plan.data / "run" / "turn"),
        "checkpoint_to": str(plan.checkpoint_to) if plan.checkpoint_to else None,
        "checkpoint_every": plan.checkpoint_every,
    }
    return {**os.environ, "MUSTER_SETTINGS": json.dumps(settings)}


def _server(
    plan: Plan,
    environment: dict[str, str],
    sockets: dict[str, socket.socket],
    listener: Listener,
) -> ProgramService:
    where = plan.reach.scheme, plan.host, port_of(sockets["main"])
    program = Program(
        python("muster.app"),
        stop=((signal.SIGTERM, STOP_S),),
        environment=environment,
        output=plan.data / "log/server.log",
        handed=[one.fileno() for one in sockets.values()],
    )
    return ProgramService(
        ("服务器", "server"),
        program,
        readiness(*where),
        standby=plan.data / "run" / "standby",
        pulse=Pulse(listener.alive),
    )


def check_providers(data: Path) -> None:
    """DATA/oidc.toml, before anything is started. Raises Trouble with every fault and its line."""
    from muster.identity.providers.configuration import ProvidersInvalid, read

    try:
        read(data)
    except ProvidersInvalid as invalid:
        zh = "；".join(f"第 {one.line} 行：{one.zh}" for one in invalid.faults)
        en = "; ".join(f"line {one.line}: {one.en}" for one in invalid.faults)
        file = data / "oidc.toml"
        raise Trouble(f"{file} 有误：{zh}。", f"{file}: {en}.") from None


def python(module: str) -> list[str]:
    """The command that runs one of our modules; -P: never a file of the folder we stand in."""
    return [sys.executable, "-P", "-m", module]


def _database(supervisor: Supervisor, plan: Plan) -> Database:
    address = os.environ.get("DATABASE_URL")
    (plan.data / "log").mkdir(exist_ok=True, mode=0o700)
    (plan.data / "run").mkdir(exist_ok=True, mode=0o700)
    if not address:
        server = Postgres(plan.data, project.say)
        supervisor.keep(PostgresService(server))
        return server.database
    database = connect(address, os.environ.get("MUSTER_APP_URL"), plan.data)
    shown = without_password(address)
    project.say(f"使用 DATABASE_URL 的数据库 / using the database of DATABASE_URL: {shown}")
    if read_mark(plan.data) is None and revision(database.owner_dsn) is not None:
        raise Trouble(
            f"DATABASE_URL 的数据库属于另一个数据文件夹，而 {plan.data} 是新的：请用 --data 指向"
            "原来的文件夹（里面有密钥），或换一个空数据库。",
            f"The database of DATABASE_URL belongs to another data folder, and {plan.data} is new: "
            "point --data at the folder it was made with (the keys are there), or use an empty "
            "database.",
        )
    return database


def _prepare(supervisor: Supervisor, data: Path, environment: dict[str, str]) -> dict[str, Any]:
    """Migrations, city pack, accounts: in a process of their own, so that the supervisor, which
    must outlive everything, stays small."""
    project.say("准备数据 / preparing the data")
    result = data / "run" / "prepared.json"
    result.unlink(missing_ok=True)
    log = data / "log" / "prepare.log"
    log.unlink(missing_ok=True)
    program = Program(
        python("muster.cli.prepare"),
        environment={**environment, "MUSTER_PREPARED": str(result)},
        output=log,
    )
    supervisor.once(("准备", "preparation"), program)
    try:
        return dict(json.loads(result.read_bytes()))
    finally:
        result.unlink()  # it holds passwords
