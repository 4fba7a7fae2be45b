"""What one terminal says and is answered, without sockets and without a clock of its own."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from muster.gateway.counts import Counts
from muster.gateway.devices import Device, Devices
from muster.gateway.jt808 import messages
from muster.gateway.jt808.frames import Fault, Frames
from muster.gateway.jt808.messages import Message, Position
from muster.gateway.jt808.parts import UNFINISHED, Parts
from muster.gateway.outbox import Carried, Sent
from muster.geography.datum import gcj02_to_wgs84

#: So many faults, and a connection is ended: it speaks something else, or is broken.
MOST_FAULTS: Final = 50
#: What may come in parts; other long messages (pictures, sound) are not kept.
_IN_PARTS: Final = frozenset(
    {messages.REGISTER, messages.AUTHENTICATE, messages.POSITION, messages.BATCH}
)


@dataclass(frozen=True)
class Platform:
    """What all conversations share. `devices`: as the file says now; `secret`: makes the codes."""

    devices: Callable[[], Devices]
    secret: bytes
    counts: Counts

    def code(self, phone: str) -> bytes:
        """A terminal's code: the same after every start, good until the secret is replaced."""
        return hmac.new(self.secret, phone.encode(), hashlib.sha256).hexdigest()[:16].encode()


class Conversation:
    """`hear` takes bytes; `say` is called with answers at once, `carry` with what is to go to the
    server, whose answer is `accepted` when it got there. `over`: nothing more is to be read."""

    def __init__(
        self, platform: Platform, say: Callable[[bytes], None], carry: Callable[[Carried], None]
    ) -> None:
        self._platform, self._say, self._carry = platform, say, carry
        self._frames, self._parts = Frames(), Parts()
        self._serial = -1
        self._faults = 0
        self.phone = ""
        self.over = False

    @property
    def held(self) -> int:
        """Bytes kept of what is not complete."""
        return self._frames.held + self._parts.held

    def hear(self, data: bytes, now: float) -> None:
        """Bytes as they come; `now` in seconds that only grow. Never raises."""
        counts = self._platform.counts
        for _ in range(self._parts.late(now)):
            counts.drop(UNFINISHED.reason)
        for frame in self._frames.feed(data):
            counts.add("frames")
            found = frame if isinstance(frame, Fault) else messages.message(frame)
            if isinstance(found, Fault):
                self._drop(found)
            else:
                self._take(found, now)
            if self.over:
                return

    def accepted(self, asked: Message) -> None:
        """The server has what this message brought: only now may the terminal forget it."""
        self._general(asked, messages.DONE)

    def _drop(self, fault: Fault) -> None:
        self._platform.counts.drop(fault.reason)
        self._faults += 1
        if self._faults >= MOST_FAULTS:
            self._end("connection.faults")

    def _end(self, reason: str) -> None:
        self._platform.counts.drop(reason)
        self.over = True

    def _take(self, found: Message, now: float) -> None:
        if found.parts > 1:
            whole = self._whole(found, now)
            if whole is None:
                return
            found = whole
        kind = found.kind
        if kind == messages.REGISTER:
            self._register(found)
        elif kind == messages.AUTHENTICATE:
            self._authenticate(found)
        elif not self.phone or found.phone != self.phone:
            self._platform.counts.drop("device.unauthenticated")
            self._general(found, messages.FAILED)
        elif kind in (messages.POSITION, messages.BATCH):
            self._positions(found)
        elif kind in (messages.HEARTBEAT, messages.LOG_OUT):
            self._general(found, messages.DONE)
            self.over = kind == messages.LOG_OUT
        elif kind != messages.ANSWER:
            self._platform.counts.drop("message.unsupported")
            self._general(found, messages.UNSUPPORTED)

    def _whole(self, part: Message, now: float) -> Message | None:
        """Parts but the last are answered as they come, for some terminals wait for that."""
        if part.kind not in _IN_PARTS:
            self._platform.counts.drop("message.unsupported")
            self._general(part, messages.UNSUPPORTED)
            return None
        whole = self._parts.take(part, now)
        if isinstance(whole, Fault):
            self._drop(whole)
            self._general(part, messages.WRONG)
            return None
        if whole is None:
            self._general(part, messages.DONE)
        return whole

    def _register(self, asked: Message) -> None:
        if not messages.registers(asked):
            self._drop(messages.SHORT)
            self._general(asked, messages.WRONG)
        elif asked.phone not in self._platform.devices():
            self._unknown(asked)
        else:
            code = self._platform.code(asked.phone)
            self._say(messages.registered(asked, self._next(), messages.WELCOME, code))

    def _unknown(self, asked: Message) -> None:
        self._say(messages.registered(asked, self._next(), messages.NO_SUCH_TERMINAL))
        self._end("device.unknown")

    def _authenticate(self, asked: Message) -> None:
        code = messages.code_of(asked)
        if asked.phone not in self._platform.devices():
            self._general(asked, messages.FAILED)
            self._end("device.unknown")
        elif code is None or not hmac.compare_digest(code, self._platform.code(asked.phone)):
            # A code of a platform before this one: the terminal registers again.
            self._platform.counts.drop("device.code")
            self._general(asked, messages.FAILED)
        elif self.phone and self.phone != asked.phone:
            self._general(asked, messages.FAILED)
            self._end("device.second")
        else:
            self.phone = asked.phone
            self._general(asked, messages.DONE)

    def _positions(self, asked: Message) -> None:
        device = self._platform.devices().get(self.phone)
        if device is None:  # taken from the list meanwhile
            self._general(asked, messages.FAILED)
            self._end("device.unknown")
            return
        found = (
            (messages.position(asked.body),)
            if asked.kind == messages.POSITION
            else messages.batch(asked.body)
        )
        good, wrong = self._sorted(found)
        carried = _carried(device, good, lambda: self.accepted(asked))
        if carried is not None:
            self._carry(carried)
        else:
            # What can never be right is not to be sent again for ever.
            self._general(asked, messages.WRONG if wrong else messages.DONE)

    def _sorted(self, found: Iterable[Position | Fault]) -> tuple[list[Position], bool]:
        """What can be sent on, and whether anything was malformed."""
        counts, good, wrong = self._platform.counts, list[Position](), False
        for one in found:
            if isinstance(one, Fault):
                self._drop(one)
                wrong = True
                continue
            if one.items_broken:
                counts.drop("position.items")
            if one.located or one.emergency:
                good.append(one)
            if not one.located:
                counts.drop("position.no_fix")
        return good, wrong

    def _general(self, asked: Message, result: int) -> None:
        self._say(messages.general(asked, self._next(), result))

    def _next(self) -> int:
        self._serial = (self._serial + 1) & 0xFFFF
        return self._serial


def _carried(device: Device, good: list[Position], accepted: Callable[[], None]) -> Carried | None:
    """What goes to the server of one message: fixes in WGS-84, and the alarm if it says one."""
    if not good:
        return None
    fixes = tuple(_sent(device, one) for one in good if one.located)
    pressed = [one.at_ms for one in good if one.emergency]
    return Carried(device.unit, fixes, min(pressed) if pressed else None, accepted)


def _sent(device: Device, one: Position) -> Sent:
    lon, lat = one.lon, one.lat
    if one.shifted or device.datum == "gcj02":
        lon, lat = gcj02_to_wgs84(lon, lat)
    return Sent(
        unit=device.unit,
        lon=lon,
        lat=lat,
        at=one.at_ms,
        speed_kmh=one.speed_tenths / 10,
        heading=one.heading,
    )
