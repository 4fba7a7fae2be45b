"""A terminal as the standard describes it, written apart from the gateway's own code."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

PHONE = "13900000001"  # 示例 / invented
LOCATED = 0x2
EMERGENCY = 0x1


def framed(plain: bytes) -> bytes:
    check = 0
    for one in plain:
        check ^= one
    written = bytearray(b"\x7e")
    for one in (*plain, check):
        if one == 0x7E:
            written += b"\x7d\x02"
        elif one == 0x7D:
            written += b"\x7d\x01"
        else:
            written.append(one)
    return bytes(written) + b"\x7e"


def plain_of(frame: bytes) -> bytes:
    assert frame[:1] == frame[-1:] == b"\x7e"
    out, escaped = bytearray(), False
    for one in frame[1:-1]:
        if escaped:
            out.append({1: 0x7D, 2: 0x7E}[one])
        elif one != 0x7D:
            out.append(one)
        escaped = one == 0x7D and not escaped
    check = 0
    for one in out:
        check ^= one
    assert check == 0
    return bytes(out[:-1])


def bcd(at: datetime) -> bytes:
    return bytes.fromhex((at.astimezone(UTC) + timedelta(hours=8)).strftime("%y%m%d%H%M%S"))


def position(
    at: datetime,
    lon: float = 122.301,
    lat: float = 29.947,
    *,
    alarm: int = 0,
    status: int = LOCATED,
    items: bytes = b"",
) -> bytes:
    """The body of 0x0200: 36 km/h towards 87 degrees, 5 m above the sea."""
    words = (alarm, status, round(lat * 1e6), round(lon * 1e6))
    body = b"".join(one.to_bytes(4, "big") for one in words)
    body += b"".join(one.to_bytes(2, "big") for one in (5, 360, 87))
    return body + bcd(at) + items


def batch(*bodies: bytes, kind: int = 1) -> bytes:
    """The body of 0x0704; `kind` 1: sent again from where there was no network."""
    listed = b"".join(len(one).to_bytes(2, "big") + one for one in bodies)
    return len(bodies).to_bytes(2, "big") + bytes((kind,)) + listed


@dataclass
class Terminal:
    """Builds frames of one terminal, numbered. `year`: 2013 or 2019."""

    phone: str = PHONE
    year: int = 2013
    serial: int = 0

    def frame(self, kind: int, body: bytes = b"", *, parts: int = 0, part: int = 0) -> bytes:
        return framed(self.plain(kind, body, parts=parts, part=part))

    def plain(self, kind: int, body: bytes = b"", *, parts: int = 0, part: int = 0) -> bytes:
        properties = len(body) | (0x2000 if parts else 0) | (0x4000 if self.year == 2019 else 0)
        head = kind.to_bytes(2, "big") + properties.to_bytes(2, "big")
        if self.year == 2019:
            head += b"\x01" + bytes.fromhex(self.phone.rjust(20, "0"))
        else:
            head += bytes.fromhex(self.phone.rjust(12, "0"))
        head += self.serial.to_bytes(2, "big")
        self.serial = (self.serial + 1) & 0xFFFF
        if parts:
            head += parts.to_bytes(2, "big") + part.to_bytes(2, "big")
        return head + body

    def register(self) -> bytes:
        """0x0100 with an invented plate."""
        sizes = (11, 30, 30) if self.year == 2019 else (5, 20, 7)
        body = (33).to_bytes(2, "big") + (900).to_bytes(2, "big")
        body += b"".join(b"EXAMPLE"[:size].ljust(size, b"\x00") for size in sizes)
        return self.frame(0x0100, body + b"\x02" + "浙L示0001".encode("gbk"))

    def authenticate(self, code: bytes) -> bytes:
        if self.year == 2019:
            code = bytes((len(code),)) + code + b"0" * 15 + b"1.0".ljust(20, b"\x00")
        return self.frame(0x0102, code)

    def parted(self, kind: int, body: bytes, size: int) -> list[bytes]:
        pieces = [body[at : at + size] for at in range(0, len(body), size)]
        return [
            self.frame(kind, one, parts=len(pieces), part=number)
            for number, one in enumerate(pieces, start=1)
        ]


@dataclass(frozen=True)
class Answer:
    """What the platform answered: `to` is the serial number it is about."""

    kind: int
    phone: str
    to: int
    result: int
    code: bytes = b""
    about: int = 0


def answer(frame: bytes) -> Answer:
    plain = plain_of(frame)
    kind, properties = (int.from_bytes(plain[at : at + 2], "big") for at in (0, 2))
    begin, end = (5, 15) if properties & 0x4000 else (4, 10)
    body = plain[end + 2 :]
    assert len(body) == properties & 0x3FF
    phone, to = plain[begin:end].hex().lstrip("0"), int.from_bytes(body[:2], "big")
    if kind == 0x8100:
        return Answer(kind, phone, to, body[2], body[3:])
    assert kind == 0x8001
    return Answer(kind, phone, to, body[4], about=int.from_bytes(body[2:4], "big"))


class Wire:
    """A terminal's connection over a real socket."""

    def __init__(self, port: int, terminal: Terminal | None = None) -> None:
        self.terminal = terminal or Terminal()
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._held = b""

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self) -> Answer:
        """The next one. Raises EOFError when the platform has closed."""
        while self._held.count(b"\x7e") < 2:
            with contextlib.suppress(ConnectionError):
                data = self.socket.recv(4096)
                if data:
                    self._held += data
                    continue
            raise EOFError
        frame, _, self._held = self._held[1:].partition(b"\x7e")
        return answer(b"\x7e" + frame + b"\x7e")

    def sign_in(self) -> None:
        self.send(self.terminal.register())
        said = self.answer()
        assert (said.kind, said.result) == (0x8100, 0)
        self.send(self.terminal.authenticate(said.code))
        assert self.answer().result == 0

    def closed(self) -> bool:
        """Whether the platform closes it; answers before that are read away."""
        while True:
            try:
                self.answer()
            except EOFError:
                return True
            except TimeoutError:
                return False

    def close(self) -> None:
        self.socket.close()
