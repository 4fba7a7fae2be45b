"""A Muster under load to which bad things happen; run in a mount namespace of its own.

`python faulty.py FOLDER` puts FOLDER on a small disk, starts a supervised Muster there with six
clients, lets each fault of FAULTS happen and end, and prints one line of JSON for each:
{"fault", "said": what /readyz told, "answered": commands acknowledged after it, "faults": what
was lost, doubled or broken}.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import urllib3
from bench import soak

from muster.supervise import processes

DISK = "600m"
SLOW_S = 25.0


class Faulty(soak.Town):
    """The town of the soak, with faults that end."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, random.Random(20261123))
        self.http = urllib3.PoolManager(retries=False, timeout=5.0, maxsize=4)
        self.jump = folder / "jump"
        self.jump.write_text("0")

    def server(self) -> int:
        """The process number of the server."""
        mine = f'"data":"{self.data}"'.encode()
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                words = (
                    (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else ()
                )
                if b"muster.app" in words and b"guard" not in words[0]:
                    environ = (entry / "environ").read_bytes().replace(b'": "', b'":"')
                    if mine in environ:
                        return int(entry.name)
        raise LookupError("no server runs")

    def asked(self, path: str = "/readyz") -> tuple[int, list[str]]:
        """Status, and reasons with notes; status 0 when there was no answer."""
        try:
            heard = self.http.request("GET", self.url + path)
        except urllib3.exceptions.HTTPError:
            return 0, []
        body = json.loads(heard.data)
        return heard.status, [*body.get("reasons", ()), *body.get("notes", ())]

    def heard(self, words: str, within_s: float) -> list[str]:
        """What /readyz says, as soon as `words` is in it; all that was heard when it never is."""
        until, found = time.monotonic() + within_s, []
        while time.monotonic() < until:
            _, said = self.asked()
            found += [one for one in said if one not in found]
            if any(words in one for one in found):
                break
            time.sleep(0.2)
        return found

    def suffer(
        self, name: str, fault: Callable[[Faulty], contextlib.AbstractContextManager[list[str]]]
    ) -> None:
        """Load, the fault, its end, load until everybody was answered again, the comparison."""
        told_before = len(self.log.read_text())
        self.go.set()
        time.sleep(1.0)
        with fault(self) as said:
            pass
        before = [len(client.acknowledged) for client in self.clients]
        self._wait_answered(before)
        self.go.clear()
        for client in self.clients:
            client.idle.wait(soak.BACK_S)
        self._compare(all_of_it=True)
        kept = self.log.read_text()[told_before:]
        answered = sum(len(client.acknowledged) for client in self.clients) - sum(before)
        told = {
            "fault": name,
            "said": said,
            "answered": answered,
            "faults": self.verdict.faults,
            "supervisor": kept,
        }
        print(json.dumps(told, ensure_ascii=False), flush=True)
        self.verdict.faults = []


@contextlib.contextmanager
def disk_full(town: Faulty) -> Iterator[list[str]]:
    filler = town.data / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * (1 << 20))
    said = town.heard("disk: full", 10)
    time.sleep(4)
    filler.unlink()
    yield said


@contextlib.contextmanager
def disk_read_only(town: Faulty) -> Iterator[list[str]]:
    """As after an error of the disk, when the system lets nothing more be opened for writing."""
    data = str(town.data)
    subprocess.run(["mount", "--bind", data, data], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", data], check=True)
    said = town.heard("read-only", 10)
    time.sleep(4)
    subprocess.run(["umount", "--lazy", data], check=True)
    yield said


@contextlib.contextmanager
def clock_jumps(town: Faulty) -> Iterator[list[str]]:
    said = []
    for seconds in (3600, -3600, 0):
        town.jump.write_text(str(seconds))
        said += town.heard(
            f"jumped by {3600 if seconds > 0 else -7200 if seconds < 0 else 3600:+d}", 10
        )
        time.sleep(1)
    yield said


@contextlib.contextmanager
def handles_gone(town: Faulty) -> Iterator[list[str]]:
    """Connections that say nothing take every handle the server may have."""
    server = town.server()
    most = resource.prlimit(server, resource.RLIMIT_NOFILE)
    used = sum(1 for _ in Path(f"/proc/{server}/fd").iterdir())
    resource.prlimit(server, resource.RLIMIT_NOFILE, (used + 20, most[1]))
    address = ("127.0.0.1", town.port)
    idle: list[socket.socket] = []

    def take(count: int) -> None:
        for _ in range(count):
            with contextlib.suppress(OSError):
                idle.append(socket.create_connection(address, timeout=2))

    take(14)
    said = town.heard("handles", 10)
    take(50)  # and now nobody new can be let in, not even whoever asks how it is
    time.sleep(3)
    for one in idle:
        one.close()
    resource.prlimit(server, resource.RLIMIT_NOFILE, most)
    yield said


@contextlib.contextmanager
def database_slow(town: Faulty) -> Iterator[list[str]]:
    stopped = processes.working_in(town.data / "pg")
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        said = town.heard("no answer for", 15)
        time.sleep(SLOW_S - 5)
        status, _ = town.asked("/healthz")
        said.append(f"healthz {status}")
    finally:
        for pid in stopped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
    yield said


@contextlib.contextmanager
def memory_gone(town: Faulty) -> Iterator[list[str]]:
    """The server may take no more memory; whether it refuses or ends, it comes back."""
    server = town.server()
    size = int(Path(f"/proc/{server}/statm").read_text().split()[5]) * resource.getpagesize()
    resource.prlimit(server, resource.RLIMIT_DATA, (size, resource.RLIM_INFINITY))
    head = (
        b"POST /api/session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        b"Content-Length: 250000\r\n\r\n"
    )
    hungry = []
    for _ in range(1500):
        with contextlib.suppress(OSError):
            one = socket.create_connection(("127.0.0.1", town.port), timeout=1)
            hungry.append(one)
            one.sendall(head + b" " * 200_000)
    time.sleep(3)
    status, reasons = town.asked()
    for one in hungry:
        one.close()
    with contextlib.suppress(LookupError, ProcessLookupError):
        resource.prlimit(server, resource.RLIMIT_DATA, (resource.RLIM_INFINITY,) * 2)
    ended = not Path(f"/proc/{server}").exists()
    yield [f"readyz {status}", *reasons, "ended" if ended else "lived"]


@contextlib.contextmanager
def half_open(town: Faulty) -> Iterator[list[str]]:
    """A console that is gone without a word: no close, no answer to a ping."""
    said = []
    with socket.create_connection(("127.0.0.1", town.port), timeout=60) as console:
        cookie = town.clients[0].headers["Cookie"]
        console.sendall(
            f"GET /api/live HTTP/1.1\r\nHost: 127.0.0.1:{town.port}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nCookie: {cookie}\r\n\r\n".encode()
        )
        said.append(console.recv(12).decode())
        began = time.monotonic()
        while time.monotonic() - began < 60 and console.recv(65536):
            pass
        said.append("closed" if time.monotonic() - began < 60 else "held for ever")
    yield said


FAULTS = (
    ("clock", clock_jumps),
    ("handles", handles_gone),
    ("half-open", half_open),
    ("memory", memory_gone),
    ("slow", database_slow),
    ("read-only", disk_read_only),
    ("full", disk_full),
)


def main(folder: Path, wanted: list[str]) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "small", str(folder)], check=True)
    town = Faulty(folder)
    os.environ["JUMP_FILE"] = str(town.jump)
    os.environ["PYTHONPATH"] = str(Path(__file__).with_name("jumping"))
    try:
        town.start()
        for name, fault in FAULTS:
            if not wanted or name in wanted:
                town.suffer(name, fault)
        town.finish()
        print(json.dumps({"fault": "end", "faults": town.verdict.faults}), flush=True)
    except Exception:
        print(town._last_words(), file=sys.stderr)
        raise
    finally:
        town.end()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
