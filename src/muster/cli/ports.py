"""Sockets, and asking a server of ours whether it answers."""

from __future__ import annotations

import contextlib
import errno
import http.client
import json
import socket
import ssl
from collections.abc import Callable
from time import monotonic, sleep

from muster.supervise.trouble import Trouble

PROBE_S = 3.0
PORT_S = 3.0


def opened(host: str, port: int) -> socket.socket:
    """A socket bound to an address, any free port for 0; whoever serves on it begins to listen.

    One that is taken is tried for a moment: what we ran before may be letting go of it.
    Raises Trouble.
    """
    until = monotonic() + PORT_S
    while True:
        sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, port))
        except OSError as error:
            sock.close()
            if error.errno != errno.EADDRINUSE or monotonic() > until:
                raise _taken(host, port, error) from error
            sleep(0.05)
            continue
        return sock


def port_of(sock: socket.socket) -> int:
    return int(sock.getsockname()[1])


def _taken(host: str, port: int, error: OSError) -> Trouble:
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


def ask(scheme: str, host: str, port: int, path: str) -> tuple[int, bytes] | None:
    """The status and body of a GET at our own server, None without an answer.

    The certificate is not checked: the server is ours, on this machine, reached by an address its
    certificate need not name; nothing secret is said, and nothing it says is trusted further.
    """
    near = from_here(host)
    if scheme == "https":
        unchecked = ssl.create_default_context()
        unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            near, port, timeout=PROBE_S, context=unchecked
        )
    else:
        connection = http.client.HTTPConnection(near, port, timeout=PROBE_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def readiness(scheme: str, host: str, port: int) -> Callable[[], str | None]:
    """A probe of GET /readyz: None when ready, else what is missing."""

    def probe() -> str | None:
        answer = ask(scheme, host, port, "/readyz")
        if answer is None:
            return "…"
        return None if answer[0] == 200 else _reasons(*answer)

    return probe


def _reasons(status: int, words: bytes) -> str:
    """Why the server is not ready, in one line."""
    with contextlib.suppress(ValueError, TypeError, KeyError):
        return "；".join(json.loads(words)["reasons"])
    return f"HTTP {status}"
