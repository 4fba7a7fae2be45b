"""Positions: bytes → validated → deduplicated → queryable, against Redis GEOADD.

Both keep the latest place of every unit for look-ups by unit and by box. Ours also judges each fix,
knows what came before, and writes a history into PostgreSQL meanwhile. Rounds take turns.

    ours (bytes)    typed JSON batches to columns, in this process, no socket
    ours (socket)   the same bytes, made before, to a server's open connection and back
    ours (client)   a Python client: dicts in, encoded, sent, answers awaited
    Redis (raw)     RESP bytes made before, pipelined over a socket, answers awaited
    Redis (client)  redis-py: the same dicts, one pipeline a batch

What is compared is processor time for each fix, for neighbours on the machine change the rest: of
the server (raw), of the server and the client together (client). Fixes a second stand beside it.
PostgreSQL's own processes are not counted; Redis writes nothing down. Where no redis-server is
installed (Debian: redis-server) only our own figures are given.
"""

from __future__ import annotations

import base64
import gc
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from _city import load, median
from muster.api.telemetry import PositionReport
from muster.telemetry.positions import Positions

DOOR = Path(__file__).with_name("_door.py")
BATCH, BATCHES = 1000, 50
WINDOW, AT_ONCE = 32, 4

Fixes = list[dict[str, Any]]


@dataclass
class Spent:
    """Seconds of one round: on the clock, of this process, of the server."""

    wall: float
    here: float
    there: float


@dataclass
class Way:
    """One way to bring in fixes. `server`: seconds its server has worked so far."""

    begin: Callable[[Source], Callable[[], None]]
    server: Callable[[], float]

    def round(self, source: Source) -> Spent:
        """Prepare outside the measurement, then do it."""
        work = self.begin(source)
        there, here, wall = self.server(), time.process_time(), time.perf_counter()
        work()
        spent = time.perf_counter() - wall, time.process_time() - here
        return Spent(*spent, self.server() - there)


def run(rounds: int = 5, units: int = 10_000) -> dict[str, Any]:
    """Processor time a fix by each way, medians over the rounds, and bytes a unit."""
    began = load()
    source, took = Source(units), dict[str, list[Spent]]()
    with ExitStack() as stack:
        ways = {"ours (bytes)": in_process(source), **stack.enter_context(doors(units))}
        if shutil.which("redis-server"):
            ways |= stack.enter_context(redis())
        else:
            print("no redis-server here: our own figures only", file=sys.stderr)
        for number in range(rounds + 1):
            for name, way in ways.items():
                spent = way.round(source)
                if number:  # the first warms up
                    took.setdefault(name, []).append(spent)
    rows = [compared(mine, theirs, took, began) for mine, theirs in PAIRS]
    return {"rows": [*rows, memory(began)]}


PAIRS = (
    ("ours (bytes)", "Redis (raw)"),
    ("ours (socket)", "Redis (raw)"),
    ("ours (client)", "Redis (client)"),
)


def compared(mine: str, theirs: str, took: dict[str, list[Spent]], began: float) -> dict[str, Any]:
    ours, peer = took[mine], took.get(theirs, [])
    cost, other = cpu(mine, ours), cpu(theirs, peer)
    return {
        "name": f"positions, {mine} / {theirs}",
        "ours": round(cost, 2),
        "peer": round(other, 2) if peer else None,
        "ratio": round(other / cost, 2) if peer else None,
        "unit": "us CPU/fix",
        "n": len(ours) * BATCH * BATCHES,
        "load": began,
        "fixes_per_s": round(BATCH * BATCHES / median([one.wall for one in ours])),
        "peer_per_s": round(BATCH * BATCHES / median([one.wall for one in peer])) if peer else None,
    }


def cpu(way: str, spent: list[Spent]) -> float:
    """Microseconds of processor time a fix."""
    if not spent:
        return 0.0
    raw = "client" not in way and "bytes" not in way
    return median([one.there + (0 if raw else one.here) for one in spent]) / BATCH / BATCHES * 1e6


class Source:
    """Fixes of invented units that wander about their beats, every batch later than the last."""

    def __init__(self, units: int) -> None:
        self.units, self._chance = units, np.random.default_rng(20261123)
        self._spots = self._chance.random((units, 2)) * 0.9 + (122.05, 29.05)
        self._at = int(datetime.now(UTC).timestamp() * 1000) - 3_600_000
        self._next = 0

    def batches(self) -> list[Fixes]:
        """As many batches as a round takes."""
        return [self._batch() for _ in range(BATCHES)]

    def _batch(self) -> Fixes:
        rows = (self._next + np.arange(BATCH)) % self.units
        self._next, self._at = int(rows[-1]) + 1, self._at + 10
        self._spots[rows] += (self._chance.random((BATCH, 2)) - 0.5) / 1000
        spots = self._spots[rows].round(6).tolist()
        side = {"at": self._at, "speed_kmh": 36.5, "heading": 87, "accuracy_m": 8}
        return [
            {"unit": f"unit-{row:06d}", "lon": lon, "lat": lat, **side}
            for row, (lon, lat) in zip(rows.tolist(), spots, strict=True)
        ]


# --- ours --------------------------------------------------------------------------------------


class Now:
    """A clock for telemetry without a system around it."""

    speed = 1.0

    def now(self) -> datetime:
        return datetime.now(UTC)


def bare(units: int) -> tuple[Positions, Any]:
    """Telemetry without a history behind it, and who may report for every unit."""
    nothing: Any = None
    positions = Positions(nothing, Now())
    since = datetime.now(UTC) - timedelta(days=1)
    names = [f"unit-{number:06d}" for number in range(units)]
    return positions, positions.reporter(lambda: dict.fromkeys(names, since))


def in_process(first: Source) -> Way:
    positions, reporter = bare(first.units)

    def begin(source: Source) -> Callable[[], None]:
        bodies = [msgspec.json.encode({"fixes": one}) for one in source.batches()]

        def work() -> None:
            for body in bodies:
                report = PositionReport.from_json(body)
                taken = positions.report(report.fixes, reporter, datetime.now(UTC))
                assert taken.accepted == BATCH

        seen = positions.in_view((122, 29, 123, 30))
        assert len(seen) in (0, first.units), "not all units are where they reported"
        return work

    return Way(begin, lambda: 0.0)


@contextmanager
def doors(units: int) -> Iterator[dict[str, Way]]:
    """The server of bench/_door.py, its connection fed in two ways."""
    with subprocess.Popen(
        [sys.executable, str(DOOR), str(units)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        ready = json.loads(process.stdout.readline())
        phone = Phone(ready["port"], ready["cookie"])

        def asked(word: str) -> Any:
            assert process.stdin is not None and process.stdout is not None
            process.stdin.write(f"{word}\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        try:
            yield {
                "ours (socket)": Way(phone.frames, lambda: float(asked("cpu"))),
                "ours (client)": Way(phone.dicts, lambda: float(asked("cpu"))),
            }
            assert asked("history") == phone.sent, "not all is in the history"
        finally:
            phone.socket.close()
            process.stdin.close()


class Phone:
    """One connection to /api/positions/live."""

    def __init__(self, port: int, cookie: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET /api/positions/live HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"Cookie: {cookie}\r\n\r\n".encode()
        )
        self._data = bytearray()
        while b"\r\n\r\n" not in self._data:
            self._data += self.socket.recv(4096)
        head, _, rest = bytes(self._data).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101"), head
        self._data = bytearray(rest)
        assert self._message()["type"] == "welcome"
        self.number = self.sent = 0

    def frames(self, source: Source) -> Callable[[], None]:
        made = [self._frame(one) for one in source.batches()]
        return lambda: self._send(iter(made))

    def dicts(self, source: Source) -> Callable[[], None]:
        batches = source.batches()
        return lambda: self._send(map(self._frame, batches))

    def _frame(self, fixes: Fixes) -> bytes:
        self.number += 1
        word = {"type": "fixes", "number": self.number, "fixes": fixes}
        payload = msgspec.json.encode(word)
        return struct.pack("!BBQ", 0x82, 0xFF, len(payload)) + b"\0\0\0\0" + payload

    def _send(self, frames: Iterator[bytes]) -> None:
        """Until all is taken and written: the server does that meanwhile, and it is measured."""
        under_way = 0
        for frame in frames:
            self.socket.sendall(frame)
            under_way += 1
            while under_way >= WINDOW:
                under_way -= self._taken()
        while under_way or self._kept < self.number:
            under_way -= self._taken()
        self.sent += BATCH * BATCHES

    _kept = 0

    def _taken(self) -> int:
        message = self._message()
        if message["type"] == "kept":
            self._kept = message["number"]
            return 0
        assert message["accepted"] == BATCH, message
        return 1

    def _message(self) -> Any:
        while (frame := whole(self._data)) is None:
            data = self.socket.recv(1 << 16)
            assert data, "the server hung up"
            self._data += data
        start, end = frame
        message = msgspec.json.decode(bytes(self._data[start:end]))
        del self._data[:end]
        return message


def whole(data: bytearray) -> tuple[int, int] | None:
    from _listeners import first_frame

    return first_frame(data)


# --- Redis -------------------------------------------------------------------------------------


@contextmanager
def redis() -> Iterator[dict[str, Way]]:
    """A redis-server of its own that writes nothing to disk, fed in two ways."""
    from redis import Redis

    with tempfile.TemporaryDirectory(prefix="muster-bench-") as folder:
        path = str(Path(folder) / "redis.sock")
        port = free_port()
        command = ["redis-server", "--port", str(port), "--save", "", "--appendonly", "no"]
        command += ["--dir", folder, "--unixsocket", path]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            client = Redis(port=port)
            while not ready(client):
                time.sleep(0.05)
            raw = socket.create_connection(("127.0.0.1", port))
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

            def server() -> float:
                used = client.info("cpu")
                return float(used["used_cpu_sys"] + used["used_cpu_user"])

            yield {
                "Redis (raw)": Way(lambda source: pipelined(raw, source), server),
                "Redis (client)": Way(lambda source: by_client(client, source), server),
            }
            raw.close()
            client.close()
        finally:
            process.terminate()
            process.wait(10)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ready(client: Any) -> bool:
    from redis import ConnectionError as NotYetListening

    try:
        return bool(client.ping())
    except NotYetListening:
        return False


def by_client(client: Any, source: Source) -> Callable[[], None]:
    batches = source.batches()

    def work() -> None:
        for fixes in batches:
            pipeline = client.pipeline(transaction=False)
            for one in fixes:
                pipeline.geoadd("units", (one["lon"], one["lat"], one["unit"]))
            assert len(pipeline.execute()) == BATCH

    return work


def pipelined(raw: socket.socket, source: Source) -> Callable[[], None]:
    made = [b"".join(map(resp, fixes)) for fixes in source.batches()]

    def work() -> None:
        under_way = 0
        for some in made:
            raw.sendall(some)
            under_way += 1
            while under_way >= AT_ONCE:
                under_way -= replies(raw, BATCH)
        while under_way:
            under_way -= replies(raw, BATCH)

    return work


def resp(one: dict[str, Any]) -> bytes:
    words = (b"GEOADD", b"units", f"{one['lon']}".encode(), f"{one['lat']}".encode())
    parts = [b"*5\r\n"]
    for word in (*words, one["unit"].encode()):
        parts.append(b"$%d\r\n%s\r\n" % (len(word), word))
    return b"".join(parts)


def replies(raw: socket.socket, count: int) -> int:
    """Take so many answers: `:0` or `:1` each, four bytes with their line end."""
    left = 4 * count
    while left:
        left -= len(raw.recv(min(left, 1 << 16)))
    return 1


# --- memory ------------------------------------------------------------------------------------


def memory(began: float, units: int = 100_000) -> dict[str, Any]:
    """What a unit's latest state takes, measured as growth of a fresh process."""
    made = subprocess.run(
        [sys.executable, __file__, "--memory", str(units)], capture_output=True, check=True
    )
    taken = json.loads(made.stdout)
    return {
        "name": "positions, memory of the latest state",
        "ours": round(taken / units, 1),
        "peer": 200,
        "ratio": round(200 * units / taken, 2),
        "unit": f"bytes/unit at {units:,}",
        "n": units,
        "load": began,
    }


def grown(units: int) -> int:
    """Bytes by which this process grows when so many units report."""
    from muster.telemetry.fixes import Fix

    positions, first = bare(1)
    positions.report(
        [Fix(lon=1, lat=1, at=datetime.now(UTC))], first, datetime.now(UTC), "unit-000000"
    )
    gc.collect()
    before = resident()
    since = datetime.now(UTC) - timedelta(days=1)
    for begin in range(0, units, BATCH):
        names = [f"unit-{number:06d}" for number in range(begin, begin + BATCH)]
        now = datetime.now(UTC)
        reporter = positions.reporter(lambda names=names: dict.fromkeys(names, since))  # type: ignore[misc]
        fixes = [Fix(lon=122.1, lat=30, at=now, unit=name) for name in names]
        assert positions.report(fixes, reporter, now).accepted == BATCH
        positions._history._queue.clear()  # it goes to PostgreSQL each second
    del names, fixes, reporter
    gc.collect()
    return resident() - before


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--memory"]:
        print(grown(int(sys.argv[2])))
    else:
        print(json.dumps({"name": "positions", **run()}, indent=1))
