"""A running Muster for tests: a real server process, or the open parts in this process."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import psycopg
import urllib3
from psycopg import sql

from muster.app import Settings
from muster.supervise.postgres import Postgres

ROOT = Path(__file__).resolve().parent.parent
CITY = ROOT / "cities" / "zhoushan"
PASSWORD = "invented-example"


@dataclass(frozen=True)
class Database:
    """libpq addresses of one fresh database."""

    name: str
    owner_dsn: str
    app_dsn: str


@contextlib.contextmanager
def copied(cluster: Postgres, template: str, name: str) -> Iterator[Database]:
    """A copy of a template database, dropped afterwards."""
    with psycopg.connect(cluster.admin_dsn, autocommit=True) as admin:
        copy = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER muster_owner")
        admin.execute(copy.format(sql.Identifier(name), sql.Identifier(template)))
    try:
        yield Database(name, cluster.dsn("muster_owner", name), cluster.dsn("muster_app", name))
    finally:
        with psycopg.connect(cluster.admin_dsn, autocommit=True) as admin:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
            admin.execute(drop.format(sql.Identifier(name)))


def settings_for(database: Database, data: Path, **changes: object) -> Settings:
    """Settings of a demonstration on a scaled clock, with one password for all accounts."""
    data.mkdir(parents=True, exist_ok=True)
    (data / "demo_password").write_text(PASSWORD)
    settings = Settings(
        owner_dsn=database.owner_dsn,
        app_dsn=database.app_dsn,
        data=str(data),
        city=str(CITY),
        clock="scaled",
        demo=True,
        testing=True,
    )
    return msgspec.structs.replace(settings, **changes)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _in_main_thread() -> bool:
    """The death signal comes when the *thread* ends that started the process."""
    return threading.current_thread() is threading.main_thread()


def _die_with_parent() -> None:
    """A test run that is killed must not leave its servers behind."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


@dataclass
class Instance:
    """A server process on a free port. `accounts`: role → (username, password)."""

    settings: Settings
    log: Path
    process: subprocess.Popen[bytes] | None = None
    accounts: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.port}"

    def start(self) -> None:
        """Start and wait until it is ready. Raises AssertionError with the log's end."""
        environment = {**os.environ, "MUSTER_SETTINGS": msgspec.json.encode(self.settings).decode()}
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "muster.app"],
                env=environment,
                stdout=output,
                stderr=output,
                cwd=ROOT,
                preexec_fn=_die_with_parent if _in_main_thread() else None,
            )
        self.wait_ready()

    def wait_ready(self) -> None:
        assert self.process is not None
        until = time.monotonic() + 60
        http = urllib3.PoolManager(retries=False, timeout=5.0)
        while time.monotonic() < until:
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            with contextlib.suppress(urllib3.exceptions.HTTPError):
                if http.request("GET", f"{self.url}/readyz").status == 200:
                    return
            time.sleep(0.05)
        raise AssertionError("the server did not become ready:\n" + self.log.read_text()[-3000:])

    def stop(self) -> None:
        """Ask it to end, and wait."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(timeout=30)
        self.process = None
