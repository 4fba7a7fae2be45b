"""Running the application on its sockets: plain or TLS, taking over from another process and
handing over to the next one without refusing or dropping anybody.

The supervisor keeps the listening sockets. While no process takes from them the kernel queues who
connects, so that a restart is a pause and not a refusal.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import uvicorn

from muster.api.live_wire import LiveProtocol
from muster.api.patience import LEAVING, PatientProtocol
from muster.api.tls import Certificates, Tls, context
from muster.journal.clock import monotonic

LOOK_S = 5.0  # between looks at the certificate's files
HANDSHAKE_S = 0.3  # for connections that were taken and have said nothing yet
LINGER_S = 0.6  # for kept connections to send one more request, which is answered
ANSWER_S = 20.0  # for requests under way
BACKLOG = 2048
WORD_LIMIT = 256 * 1024  # of one message of a WebSocket
HSTS = ("strict-transport-security", "max-age=31536000")


class Listening(msgspec.Struct, frozen=True, kw_only=True):
    """How a supervised server listens: descriptors it was handed (None: it opens its own), TLS,
    and the file whose lock makes server processes take turns.

    `plain`: the small HTTP port beside HTTPS. `address`: (name, port) people are told, of HTTPS,
    `names`: those the certificate is for, `install`: the port that `plain` listens on.
    """

    main: int | None = None
    plain: int | None = None
    metrics: int | None = None
    turn: str | None = None
    tls: Tls | None = None
    names: tuple[str, ...] = ()
    address: tuple[str, int] = ("", 0)
    install: int = 0
    hsts: bool = False


def check(listening: Listening) -> None:
    """Raises OSError where the TLS files cannot be used."""
    if listening.tls is not None:
        context(listening.tls)


@contextlib.contextmanager
def taking_turns(listening: Listening) -> Iterator[None]:
    """Wait until no other server of this folder runs, and hold the place while we do. Whoever
    waits says so in the file STANDBY beside the lock: the supervisor then ends the one before."""
    if listening.turn is None:
        yield
        return
    path = Path(listening.turn)
    with path.open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            standby_of(path).write_text(str(os.getpid()))
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def standby_of(turn: Path) -> Path:
    return turn.with_name("standby")


class Server(uvicorn.Server):
    """uvicorn, with more sockets, certificates that change, and an end that drops nobody.

    `beside`: small applications on sockets of their own, without TLS.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        certificates: Certificates | None,
        beside: list[tuple[socket.socket, Any]],
    ) -> None:
        super().__init__(config)
        self._certificates = certificates
        self._beside = beside
        self._watches: list[asyncio.Task[None]] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        loop = asyncio.get_running_loop()
        for sock, app in self._beside:
            config = config_of(app)
            config.load()
            server = await loop.create_server(
                lambda config=config: PatientProtocol(  # type: ignore[misc]
                    config=config, server_state=self.server_state, app_state={}
                ),
                sock=sock,
                backlog=BACKLOG,
            )
            self.servers.append(server)
        if self._certificates is not None:
            self._watches.append(asyncio.create_task(self._watch(self._certificates)))

    async def _watch(self, certificates: Certificates) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            certificates.look()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no new connections; let each kept one send what it is about to send, and answer it
        with `connection: close`; then end as uvicorn does."""
        for one in self._watches:
            one.cancel()
        for server in self.servers:
            server.close()
        began = monotonic()
        setattr(self.server_state, LEAVING, True)
        for connection in list(self.server_state.connections):
            if isinstance(connection, LiveProtocol):
                connection.shutdown()  # 1012: the client comes back at once, and resumes
        while (waited := monotonic() - began) < LINGER_S:
            if waited > HANDSHAKE_S and not self.server_state.connections:
                break
            await asyncio.sleep(0.02)
        for sock, _ in self._beside:
            sock.close()
        await super().shutdown(sockets)


def config_of(app: Any, host: str = "127.0.0.1", port: int = 0) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        http=PatientProtocol,
        ws=LiveProtocol,
        ws_per_message_deflate=False,
        ws_max_size=WORD_LIMIT,
        ws_ping_interval=10,
        ws_ping_timeout=10,
        timeout_graceful_shutdown=int(ANSWER_S),
        server_header=False,
        # uvicorn would believe what anybody on this machine says of himself: api/gate.py asks.
        proxy_headers=False,
        backlog=BACKLOG,
    )


def run(app: Any, host: str, port: int, listening: Listening, beside: dict[int, Any]) -> None:
    """Serve until told to stop. `beside`: small applications by the descriptor they listen on."""
    config = config_of(app, host, port)
    if listening.hsts:
        config.headers.append(HSTS)
    config.load()
    certificates = None
    if listening.tls is not None:
        certificates = Certificates(listening.tls)
        config.ssl = certificates.context
    small = [(socket.socket(fileno=number), one) for number, one in beside.items()]
    sockets = None if listening.main is None else [socket.socket(fileno=listening.main)]
    Server(config, certificates, small).run(sockets)
