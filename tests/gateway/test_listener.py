"""Real sockets: bounds, half-open connections, a server that is away, a stop in order."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import msgspec

from muster.gateway import outbox
from muster.gateway.counts import Counts
from muster.gateway.devices import Device
from muster.gateway.jt808.conversation import Platform
from muster.gateway.jt808.listener import Limits, Listener
from tests.gateway.terminal import PHONE, Terminal, Wire, position

AT = datetime(2026, 11, 24, 3, 14, 7, tzinfo=UTC)
OTHER = "13900000002"
LISTED = {PHONE: Device("示例一", "wgs84"), OTHER: Device("示例二", "wgs84")}


class Far:
    """A server beyond the wire that answers as it is told. `away`: 503; `refuses`: a code."""

    def __init__(self) -> None:
        self.away = False
        self.refuses = ""
        self.asked: list[tuple[str, Any]] = []
        far = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = msgspec.json.decode(self.rfile.read(int(self.headers["Content-Length"])))
                status, said = far.answer(self.path, body)
                self.send_response(status)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def answer(self, path: str, body: Any) -> tuple[int, bytes]:
        if self.away:
            return 503, b"{}"
        self.asked.append((path, body))
        if self.refuses and self.refuses in str(body):
            return 400, msgspec.json.encode({"code": "input.invalid"})
        fixes = body.get("fixes", [])
        return 200, msgspec.json.encode({"accepted": len(fixes), "duplicates": 0, "rejected": []})

    @property
    def fixes(self) -> list[Any]:
        return [fix for path, body in self.asked for fix in body.get("fixes", [])]

    @property
    def alarms(self) -> list[str]:
        return [body["unit"] for path, body in self.asked if path == "/api/alarms"]


class Running:
    """A gateway in a thread of its own."""

    def __init__(self, folder: Path, far: Far, limits: Limits, most: int) -> None:
        self.counts, self.told, self.port = Counts(), list[str](), 0
        token = folder / "token"
        token.write_text("mst_example")
        ready, self._limits = threading.Event(), limits
        self._loop = asyncio.new_event_loop()

        async def serve() -> None:
            self._stop = asyncio.Event()
            url = f"http://127.0.0.1:{far.http.server_port}"
            async with outbox.client(url, None) as http:
                server = outbox.Server(http, token)
                box = outbox.Outbox(server, self.counts, self.told.append, most)
                platform = Platform(lambda: LISTED, b"secret", self.counts)
                self.listener = Listener(platform, box, limits)
                sending = asyncio.create_task(box.run())
                self.port = await self.listener.start("127.0.0.1", 0)
                ready.set()
                await self._stop.wait()
                await self.listener.stop()
                sending.cancel()

        self.thread = threading.Thread(target=self._loop.run_until_complete, args=(serve(),))
        self.thread.start()
        assert ready.wait(30)

    def stop(self) -> None:
        if self.thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self.thread.join(60)
            assert not self.thread.is_alive()

    def until(self, true: Callable[[], bool]) -> None:
        """Wait for what is sure to come; the test's own time limit ends it otherwise."""
        pause = threading.Event()
        while not true():
            pause.wait(0.02)


@contextmanager
def running(
    folder: Path, limits: Limits | None = None, most: int = outbox.MOST_HELD
) -> Iterator[tuple[Running, Far]]:
    far = Far()
    gateway = Running(folder, far, limits or Limits(), most)
    try:
        yield gateway, far
    finally:
        gateway.stop()
        far.http.shutdown()
        far.http.server_close()


def test_a_position_reaches_the_server_and_then_the_terminal_hears_of_it(tmp_path: Path) -> None:
    with running(tmp_path) as (gateway, far):
        wire = Wire(gateway.port)
        wire.sign_in()
        wire.send(wire.terminal.frame(0x0200, position(AT)))
        assert (wire.answer().about, len(far.fixes)) == (0x0200, 1)
        assert gateway.counts.totals["positions"] == 1
        wire.close()


def test_while_the_server_is_away_nothing_is_answered_and_nothing_lost(tmp_path: Path) -> None:
    with running(tmp_path) as (gateway, far):
        far.away = True
        wire = Wire(gateway.port)
        wire.sign_in()
        for second in range(30):
            wire.send(wire.terminal.frame(0x0200, position(AT.replace(second=second))))
        gateway.until(lambda: bool(gateway.told))
        assert "503" in gateway.told[0] and not far.fixes
        far.away = False
        assert sorted(wire.answer().to for _ in range(30)) == list(range(2, 32))
        assert [fix["at"] % 60_000 for fix in far.fixes] == [1000 * one for one in range(30)]
        wire.close()


def test_a_full_buffer_stops_the_reading_and_no_more(tmp_path: Path) -> None:
    """Terminals wait in their own sockets; what is held stays near the bound."""
    with running(tmp_path, most=50) as (gateway, far):
        far.away = True
        wire = Wire(gateway.port)
        wire.sign_in()
        frames = [wire.terminal.frame(0x0200, position(AT.replace(microsecond=0)))] * 3000
        sender = threading.Thread(target=wire.send, args=(b"".join(frames),), daemon=True)
        sender.start()
        gateway.until(lambda: gateway.counts.held >= 50)
        assert gateway.counts.held < 50 + 4096 // len(frames[0]) + 2
        far.away = False
        for _ in frames:
            wire.answer()
        sender.join()
        assert len(far.fixes) == len(frames) and gateway.counts.held == 0
        wire.close()


def test_one_bad_terminal_hurts_nobody_else(tmp_path: Path) -> None:
    with running(tmp_path) as (gateway, far):
        good = Wire(gateway.port)
        good.sign_in()
        for noise in (
            b"\x7e" + b"\x01" * 100_000,
            b"\x7e\x00\x7e" * 200,
            b"GET / HTTP/1.1\r\n\r\n",
        ):
            bad = Wire(gateway.port)
            bad.send(noise)
            bad.close()
        stranger = Wire(gateway.port, Terminal("13900000009"))
        stranger.send(stranger.terminal.register())
        assert stranger.answer().result == 4 and stranger.closed()
        good.send(good.terminal.frame(0x0200, position(AT)))
        assert good.answer().result == 0 and len(far.fixes) == 1
        gateway.until(lambda: gateway.counts.open == 1)
        drops = gateway.counts.drops
        assert drops["device.unknown"] == 1 and drops["connection.faults"] == 1
        assert drops["frame.too_long"] >= 1 and drops["frame.no_start"] == 1
        good.close()


def test_the_silent_are_closed(tmp_path: Path) -> None:
    with running(tmp_path, Limits(idle_s=0.5, sign_in_s=0.5)) as (gateway, _):
        mute, known = Wire(gateway.port), Wire(gateway.port)
        known.sign_in()
        assert mute.closed() and known.closed()
        drops = gateway.counts.drops
        assert drops == {"connection.no_sign_in": 1, "connection.silent": 1}


def test_a_terminal_that_comes_again_ends_its_half_open_connection(tmp_path: Path) -> None:
    with running(tmp_path) as (gateway, _):
        first, second = Wire(gateway.port), Wire(gateway.port)
        first.sign_in()
        second.sign_in()
        assert first.closed() and gateway.counts.drops["connection.replaced"] == 1
        second.send(second.terminal.frame(0x0002))
        assert second.answer().result == 0


def test_too_many_and_foreign_connections_are_not_let_in(tmp_path: Path) -> None:
    with running(tmp_path, Limits(connections=1)) as (gateway, _):
        first = Wire(gateway.port)
        first.sign_in()
        assert Wire(gateway.port).closed()
        assert gateway.counts.drops["connection.too_many"] == 1
    elsewhere = Limits(networks=(ip_network("192.0.2.0/24"),))
    with running(tmp_path, elsewhere) as (gateway, _):
        assert Wire(gateway.port).closed()
        assert gateway.counts.drops["connection.foreign"] == 1


def test_who_sends_too_fast_is_read_slowly_and_loses_nothing(tmp_path: Path) -> None:
    with running(tmp_path, Limits(bytes_per_s=20_000, burst=2_000)) as (gateway, _):
        wire = Wire(gateway.port)
        wire.sign_in()
        wire.send(b"".join(wire.terminal.frame(0x0002) for _ in range(600)))
        assert all(wire.answer().result == 0 for _ in range(600))
        assert gateway.counts.totals["slowed"] > 0


def test_a_fix_the_server_cannot_take_costs_only_itself(tmp_path: Path) -> None:
    with running(tmp_path) as (gateway, far):
        far.away, far.refuses = True, "'lat': 12.5"
        wire = Wire(gateway.port)
        wire.sign_in()
        for second in range(7):
            lat = 12.5 if second == 3 else 30.0
            wire.send(wire.terminal.frame(0x0200, position(AT.replace(second=second), 122.0, lat)))
        gateway.until(lambda: gateway.counts.held == 7)
        far.away = False
        for _ in range(7):
            assert wire.answer().result == 0
        assert gateway.counts.totals["positions"] == 6
        assert gateway.counts.drops == {"server.input.invalid": 1}
        wire.close()


def test_an_alarm_is_said_once_each_time_the_button_goes_down(tmp_path: Path) -> None:
    with running(tmp_path) as (gateway, far):
        wire = Wire(gateway.port)
        wire.sign_in()
        for pressed in (0, 1, 1, 0, 1):
            wire.send(wire.terminal.frame(0x0200, position(AT, alarm=pressed)))
            wire.answer()
        assert far.alarms == ["示例一", "示例一"]
        wire.close()


def test_a_stop_in_order_answers_what_was_read(tmp_path: Path) -> None:
    with running(tmp_path) as (gateway, far):
        far.away = True
        wire = Wire(gateway.port)
        wire.sign_in()
        for second in range(5):
            wire.send(wire.terminal.frame(0x0200, position(AT.replace(second=second))))
        gateway.until(lambda: gateway.counts.held == 5)
        stopping = threading.Thread(target=gateway.stop)
        stopping.start()
        far.away = False
        assert [wire.answer().result for _ in range(5)] == [0] * 5
        stopping.join()
        assert wire.closed() and len(far.fixes) == 5


def test_hundreds_at_once(tmp_path: Path) -> None:
    with running(tmp_path) as (gateway, _):
        wires = [Wire(gateway.port) for _ in range(400)]
        gateway.until(lambda: gateway.counts.open == 400)
        for wire in wires[:-1]:
            wire.send(wire.terminal.frame(0x0200)[:9])  # unfinished
        wires[-1].sign_in()
        wires[-1].send(wires[-1].terminal.frame(0x0200, position(AT)))
        assert wires[-1].answer().result == 0
        for wire in wires:
            wire.close()
        gateway.until(lambda: gateway.counts.open == 0)
        assert gateway.counts.drops["frame.truncated"] == 399
