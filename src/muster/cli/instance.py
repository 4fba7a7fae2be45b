"""One running Muster: its database, then what must be in it, then the server, all supervised."""

import contextlib
import http.client
import json
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from muster.cli import project
from muster.cli.marks import read as read_mark
from muster.supervise.child import Program
from muster.supervise.external import connect, revision, without_password
from muster.supervise.postgres import Database, Postgres
from muster.supervise.supervisor import PostgresService, ProgramService, Supervisor
from muster.supervise.trouble import Trouble


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


@dataclass(frozen=True)
class Instance:
    """A server that answers. `prepared`: what `muster.app.prepare` gave."""

    url: str
    data: Path
    prepared: dict[str, Any]


def start(supervisor: Supervisor, plan: Plan) -> Instance:
    """Start everything in order and return once the server is ready; the supervisor keeps it.

    Raises Trouble with the obstacle, Stopped on a signal.
    """
    plan = replace(plan, port=free_port(plan.host, plan.port))
    database = _database(supervisor, plan)
    settings = {
        "owner_dsn": database.owner_dsn,
        "app_dsn": database.app_dsn,
        "data": str(plan.data),
        "city": str(plan.city),
        "host": plan.host,
        "port": plan.port,
        "clock": plan.clock,
        "clock_start": plan.clock_start.isoformat() if plan.clock_start else None,
        "speed": plan.speed,
        "demo": plan.demo,
        "web": str(project.web_assets()) if project.web_assets() else None,
        "testing": plan.testing,
    }
    environment = {**os.environ, "MUSTER_SETTINGS": json.dumps(settings)}
    prepared = _prepare(supervisor, plan.data, environment)
    supervisor.keep(
        ProgramService(
            ("服务器", "server"),
            Program(
                python("muster.app"), environment=environment, output=plan.data / "log/server.log"
            ),
            readiness(plan.host, plan.port),
        )
    )
    near = from_here(plan.host)
    shown = f"[{near}]" if ":" in near else near
    return Instance(f"http://{shown}:{plan.port}", plan.data, prepared)


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


def free_port(host: str, port: int) -> int:
    """`port` if nobody listens there, any free one for 0. Raises Trouble."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except OSError as error:
            raise _taken(host, port, error) from error
        return int(trial.getsockname()[1])


def _taken(host: str, port: int, error: OSError) -> Trouble:
    import errno

    if error.errno == errno.EADDRINUSE:
        return Trouble(
            f"端口 {port} 已被别的程序占用：请停止它，或换一个端口，例如 --port {port + 1}。",
            f"Port {port} is in use by another program: stop it, or choose another port, "
            f"for example --port {port + 1}.",
        )
    if error.errno == errno.EACCES:
        return Trouble(
            f"无权使用端口 {port}：请用 1024 以上的端口，例如 --port 8000。",
            f"You may not use port {port}: choose one above 1024, for example --port 8000.",
        )
    return Trouble(
        f"地址 {host} 在本机上不可用：请改用 --host 127.0.0.1。（{error.strerror}）",
        f"The address {host} is not one of this machine: use --host 127.0.0.1. ({error.strerror})",
    )


def from_here(host: str) -> str:
    """The address under which this machine reaches a server that listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


def _reasons(status: int, words: bytes) -> str:
    """Why the server is not ready, in one line."""
    with contextlib.suppress(ValueError, TypeError, KeyError):
        return "；".join(json.loads(words)["reasons"])
    return f"HTTP {status}"


def readiness(host: str, port: int) -> Callable[[], str | None]:
    """A probe of GET /readyz: None when ready, else what is missing."""
    near = from_here(host)

    def ask() -> str | None:
        connection = http.client.HTTPConnection(near, port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            words = answer.read()
            return None if answer.status == 200 else _reasons(answer.status, words)
        except (OSError, http.client.HTTPException):
            return "…"
        finally:
            connection.close()

    return ask
