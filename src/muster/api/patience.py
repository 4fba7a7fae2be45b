"""uvicorn's HTTP protocol, with an end to its patience.

uvicorn waits as long as it takes for the head and the body of a request, and takes a head of any
length. Somebody who opens connections and says nothing, or a byte a minute, would hold them until
there are none left; somebody who never ends a head, until there is no memory left.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from uvicorn.protocols.http.auto import AutoHTTPProtocol

Base: Any = AutoHTTPProtocol

#: Set on uvicorn's `server_state` when the process is about to end: each connection gets one more
#: answer, and is then closed.
LEAVING = "muster_leaving"


class PatientProtocol(Base):  # type: ignore[misc]
    """For `uvicorn.Config(http=PatientProtocol)`. `patience_s`: seconds in which a request must
    be here whole, counted from the connection or from its first byte on a kept one."""

    patience_s: ClassVar[float] = 30.0
    largest_head: ClassVar[int] = 64 * 1024
    _head = 0
    _end: asyncio.TimerHandle | None = None
    _given_away = False

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        if self.cycle is None or (self.cycle.response_complete and not self.cycle.more_body):
            self._head += len(data)
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._head = 0
        elif self._head > self.largest_head and not self.transport.is_closing():
            self.send_400_response("The head of the request is too large.")
            return
        whole = self.cycle is not None and not self.cycle.more_body
        if self._given_away or (whole and not self.cycle.response_complete):
            self._stop()
        else:
            self._wait()

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        if self.cycle is not None and getattr(self.server_state, LEAVING, False):
            self.cycle.keep_alive = False

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, *arguments: Any) -> None:
        self._given_away = True
        super().handle_websocket_upgrade(*arguments)

    def _wait(self) -> None:
        """Bytes that trickle in do not begin the wait anew."""
        if self._end is None:
            self._end = self.loop.call_later(self.patience_s, self.transport.close)

    def _stop(self) -> None:
        if self._end is not None:
            self._end.cancel()
            self._end = None
