"""The supervisor's side of a guarded program: start it, hear of its end, stop it, kill it."""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from muster.supervise import processes
from muster.supervise.trouble import Trouble

Account = Literal["self", "namespace", "other"]
GUARD = Path(__file__).with_name("guard.py")


@dataclass(frozen=True)
class Program:
    """What to run and how to end it. `stop`: (signal, seconds to wait) in turn, then SIGKILL."""

    command: Sequence[str]
    account: Account = "self"
    stop: Sequence[tuple[int, float]] = ((signal.SIGTERM, 10.0),)
    death: int = signal.SIGKILL
    environment: Mapping[str, str] | None = None
    output: Path | None = None  # appended to; None: our own stderr
    handed: Sequence[int] = ()  # descriptors it gets under the same numbers


class Child:
    """A running program under its guard. Not thread safe: one owner."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.token = uuid.uuid4().hex
        self.pid: int | None = None
        self.code: int | None = None
        ours, theirs = socket.socketpair()
        orders = {
            "command": list(program.command),
            "account": program.account,
            "stop": [[int(number), seconds] for number, seconds in program.stop],
            "death": int(program.death),
        }
        with theirs, _output(program.output) as output:
            self.guard = subprocess.Popen(
                # -I -S: neither the environment nor site-packages can change what a guard does.
                [sys.executable, "-I", "-S", str(GUARD), str(theirs.fileno()), json.dumps(orders)],
                pass_fds=[theirs.fileno(), *program.handed],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**(program.environment or os.environ), processes.MARK: self.token},
                start_new_session=True,  # Ctrl-C is for the supervisor, which stops us in order
            )
        self._socket = ours
        self._heard = b""

    def listen(self, seconds: float) -> bool:
        """Wait up to `seconds` for news; True once the program and all it left behind are gone.

        `code` is then its exit code, negative if a signal ended it. A killed guard counts as
        the end too: `code` is then -9, and the program itself is being ended by the kernel.
        """
        until = time.monotonic() + seconds
        while self.guard.returncode is None:
            left = until - time.monotonic()
            ready, _, _ = select.select([self._socket], [], [], max(0.0, left))
            if ready:
                self._read()
            elif left <= 0:
                return False
        return True

    def _read(self) -> None:
        try:
            words = self._socket.recv(256)
        except ConnectionResetError:
            words = b""
        self._heard += words
        *lines, self._heard = self._heard.split(b"\n")
        for line in lines:
            word, _, number = line.partition(b" ")
            if word == b"pid":
                self.pid = int(number)
            else:
                self.code = int(number)
        if not words:
            self.guard.wait()
            self._socket.close()
            if self.code is None:
                self.code = -signal.SIGKILL
                self._sweep()

    def _sweep(self) -> None:
        """The guard was killed, so nobody collects what its program started; the program itself
        got its `death` signal. One that may still end in order (PostgreSQL) is left to do so."""
        if self.program.death == signal.SIGKILL:
            processes.kill_marked(self.token)

    @property
    def alive(self) -> bool:
        return not self.listen(0.0)

    def wait(self, seconds: float | None = None) -> int | None:
        """The exit code, or None after `seconds` without an end."""
        until = None if seconds is None else time.monotonic() + seconds
        while not self.listen(1.0 if until is None else max(0.0, until - time.monotonic())):
            if until is not None and time.monotonic() >= until:
                return None
        return self.code

    def stop(self) -> int | None:
        """Ask the program to end, in the steps it was given, and wait until it has."""
        self.ask_to_stop()
        return self.wait()

    def ask_to_stop(self) -> None:
        """The first half of `stop`: returns at once."""
        self._tell(b"stop\n")

    def kill(self) -> int | None:
        """SIGKILL the program, and everything it leaves behind; returns when they are gone."""
        self._tell(b"kill\n")
        return self.wait()

    def _tell(self, words: bytes) -> None:
        if self.alive:
            with contextlib.suppress(OSError):
                self._socket.sendall(words)


@contextlib.contextmanager
def _output(path: Path | None) -> Iterator[IO[bytes] | None]:
    if path is None:
        yield None
    else:
        with path.open("ab") as file:
            yield file


def account_for_postgres() -> Account:
    """How to run PostgreSQL here; it refuses to run as root, and initdb as a user without a name.

    Raises Trouble if this machine allows neither a user namespace nor a change of user.
    """
    if os.geteuid() != 0 and _has_name():
        return "self"
    tries: list[Account] = ["namespace", "other"] if os.geteuid() == 0 else ["namespace"]
    for account in tries:
        child = Child(Program(["true"], account, output=Path(os.devnull)))
        if child.wait(10.0) == 0:
            return account
    raise Trouble(
        "PostgreSQL 不能以 root 运行，而本机既不允许用户命名空间也不允许切换用户："
        "请用普通用户启动。",
        "PostgreSQL does not run as root, and this machine allows neither user namespaces nor a "
        "change of user: start Muster as an ordinary user.",
    )


def _has_name() -> bool:
    import pwd

    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        return False
    return True
