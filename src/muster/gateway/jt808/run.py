"""The process: a listener, an outbox, the devices' file looked at again, a line a minute."""

from __future__ import annotations

import asyncio
import hashlib
import resource
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from prometheus_client import start_http_server

from muster.gateway import outbox
from muster.gateway.counts import Counts
from muster.gateway.devices import Devices, DevicesWrong, read
from muster.gateway.jt808.conversation import Platform
from muster.gateway.jt808.listener import Limits, Listener

LOOK_S: Final = 2.0
LINE_S: Final = 60.0

Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """`to`: the server's address. `devices`: the file of devices.py. `token_file`: holds an API
    token with the scopes positions:report and alarms:report."""

    to: str
    token_file: Path
    devices: Path
    host: str = "127.0.0.1"
    port: int = 7808
    ca: Path | None = None
    metrics_port: int | None = None
    limits: Limits = field(default_factory=Limits)


class Register:
    """The devices as their file says now; a file that became wrong changes nothing."""

    def __init__(self, path: Path, tell: Tell) -> None:
        self._path, self._tell = path, tell
        self._mark = self._look()
        self.devices: Devices = read(path)

    def _look(self) -> tuple[int, int]:
        try:
            found = self._path.stat()
        except OSError:
            return (0, 0)
        return found.st_mtime_ns, found.st_size

    def again(self) -> None:
        """Read it if it was changed."""
        mark = self._look()
        if mark == self._mark:
            return
        self._mark = mark
        try:
            self.devices = read(self._path)
        except DevicesWrong as wrong:
            self._tell(
                f"设备表有错，仍用旧的 / the devices' file is wrong, going on as before\n{wrong}"
            )
        else:
            self._tell(f"设备 / devices: {len(self.devices)}")


def run(plan: Plan, tell: Tell) -> None:
    """Until SIGINT or SIGTERM. Raises OSError, DevicesWrong."""
    with suppress(ValueError, OSError):
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asyncio.run(serve(plan, tell))


async def serve(plan: Plan, tell: Tell) -> None:
    """As `run`, inside a loop."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    counts, register = Counts(), Register(plan.devices, tell)
    # Codes of terminals hold as long as the token does.
    secret = hashlib.sha256(b"jt808 " + plan.token_file.read_bytes().strip()).digest()
    platform = Platform(lambda: register.devices, secret, counts)
    if plan.metrics_port is not None:
        start_http_server(plan.metrics_port, "127.0.0.1", counts.registry)
    async with outbox.client(plan.to, plan.ca) as http:
        box = outbox.Outbox(outbox.Server(http, plan.token_file), counts, tell)
        listener = Listener(platform, box, plan.limits)
        sending = asyncio.create_task(box.run())
        port = await listener.start(plan.host, plan.port)
        tell(f"JT/T 808 {plan.host}:{port} → {plan.to} · 设备 / devices: {len(register.devices)}")
        looking = asyncio.create_task(_look(register, counts, tell))
        await asyncio.wait(
            {asyncio.create_task(stop.wait()), sending, looking},
            return_when=asyncio.FIRST_COMPLETED,
        )
        tell("正在停止 / stopping")
        await listener.stop()
        looking.cancel()
        sending.cancel()
        for one in (looking, sending):
            with suppress(asyncio.CancelledError):
                await one
    tell(counts.line())


async def _look(register: Register, counts: Counts, tell: Tell) -> None:
    said, since = "", 0.0
    while True:
        await asyncio.sleep(LOOK_S)
        register.again()
        since += LOOK_S
        if since >= LINE_S and counts.line() != said:
            said, since = counts.line(), 0.0
            tell(said)
