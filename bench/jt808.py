"""JT/T 808: bytes of a stream → frames → messages → positions, against the JSON door's decoder.

Ours: what a gateway does with each position a terminal sends: framing, escapes, checksum, header,
body, items, datum. Peer: the same fixes as one typed JSON batch through the decoder of
POST /api/positions, in C. No decoder of JT/T 808 with a free licence is among what Muster carries,
so the peer is the fastest way we know to read a position at all. CPU seconds of this process;
rounds alternate.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from _city import load, median
from muster.api.telemetry import MOST_FIXES, PositionReport
from muster.gateway.counts import Counts
from muster.gateway.devices import Device
from muster.gateway.jt808.conversation import Conversation, Platform
from muster.gateway.jt808.frames import sealed
from muster.gateway.outbox import Carried

AT_ONCE = 4096


def run(frames: int = 50_000, rounds: int = 5) -> dict[str, Any]:
    """Frames per CPU-second."""
    began = load()
    stream, batches = written(frames)
    ours, peer = list[float](), list[float]()
    for number in range(rounds + 1):
        mine = frames / cpu(lambda: decoded(stream, frames))
        theirs = frames / cpu(lambda: [PositionReport.from_json(one) for one in batches])
        if number:  # the first warms up
            ours.append(mine)
            peer.append(theirs)
    return {
        "name": "jt808",
        "ours": round(median(ours)),
        "peer": round(median(peer)),
        "ratio": round(median([a / b for a, b in zip(ours, peer, strict=True)]), 3),
        "unit": "frames per CPU-second",
        "n": frames * rounds,
        "load": began,
    }


def written(frames: int) -> tuple[bytes, list[bytes]]:
    """A terminal's stream, and the same fixes as batches."""
    at = datetime(2026, 11, 24, 3, tzinfo=UTC)
    phone = bytes.fromhex("013900000001")
    out, fixes = list[bytes](), list[dict[str, Any]]()
    for number in range(frames):
        minute, second = divmod(number % 3600, 60)
        lon, lat = 122_301_000 + number % 9000, 29_947_000 + number % 7000
        body = bytes(7) + b"\x02" + lat.to_bytes(4, "big") + lon.to_bytes(4, "big")
        body += bytes.fromhex(f"000501680057261124 11{minute:02d}{second:02d}".replace(" ", ""))
        body += bytes.fromhex("0104000004d230011831010b")
        head = b"\x02\x00" + len(body).to_bytes(2, "big") + phone
        out.append(sealed(head + (number & 0xFFFF).to_bytes(2, "big") + body))
        moment = at.replace(minute=minute, second=second).isoformat()
        fixes.append({"lon": lon / 1e6, "lat": lat / 1e6, "at": moment, "speed_kmh": 36.0})
    batches = [
        msgspec.json.encode({"unit": "示例", "fixes": fixes[at : at + MOST_FIXES]})
        for at in range(0, frames, MOST_FIXES)
    ]
    return b"".join(out), batches


def decoded(stream: bytes, frames: int) -> None:
    carried = list[Carried]()
    devices = {"13900000001": Device("示例", "wgs84")}
    platform = Platform(lambda: devices, b"secret", Counts())
    conversation = Conversation(platform, lambda _frame: None, carried.append)
    conversation.phone = "13900000001"
    for at in range(0, len(stream), AT_ONCE):
        conversation.hear(stream[at : at + AT_ONCE], 0.0)
    assert len(carried) == frames, (len(carried), dict(platform.counts.drops))


def cpu(work: Callable[[], Any]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
