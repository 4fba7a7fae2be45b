"""Messages sent in parts, put together again: bounded in size, number and time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from muster.gateway.jt808.frames import Fault
from muster.gateway.jt808.messages import Message

MOST_PARTS: Final = 64
MOST_UNFINISHED: Final = 4
PATIENCE_S: Final = 60.0

TOO_MANY: Final = Fault("parts.too_many")
UNFINISHED: Final = Fault("parts.unfinished")
CHANGED: Final = Fault("parts.changed")


@dataclass
class _Unfinished:
    parts: int
    since: float
    bodies: dict[int, bytes] = field(default_factory=dict)


class Parts:
    """The unfinished messages of one connection: at most four, of at most 64 KiB each."""

    def __init__(self) -> None:
        self._open: dict[tuple[int, int], _Unfinished] = {}

    @property
    def held(self) -> int:
        return sum(len(body) for one in self._open.values() for body in one.bodies.values())

    def take(self, part: Message, now: float) -> Message | Fault | None:
        """The whole message once its last missing part is here; None before. The parts of one
        message have consecutive serial numbers, so the first one's number names it."""
        if part.parts > MOST_PARTS:
            return TOO_MANY
        key = part.kind, (part.serial - part.part + 1) & 0xFFFF
        found = self._open.get(key)
        if found is None:
            if len(self._open) >= MOST_UNFINISHED:
                return TOO_MANY
            found = self._open[key] = _Unfinished(part.parts, now)
        if found.parts != part.parts:
            del self._open[key]
            return CHANGED
        found.bodies[part.part] = part.body
        if len(found.bodies) < found.parts:
            return None
        del self._open[key]
        body = b"".join(found.bodies[number] for number in range(1, found.parts + 1))
        return replace(part, body=body, parts=1, part=1)

    def late(self, now: float) -> int:
        """How many messages are given up, for their other parts did not come."""
        gone = [key for key, one in self._open.items() if now - one.since > PATIENCE_S]
        for key in gone:
            del self._open[key]
        return len(gone)
