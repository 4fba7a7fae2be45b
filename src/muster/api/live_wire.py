"""uvicorn's WebSocket protocol, with a short way for frames that were made once for many.

The usual way (a coroutine per client and message, a frame made per client) costs several times
the system call. A live client's frames are written here directly, as long as the connection
takes them; ASGI stays the way for everything else.
"""

from __future__ import annotations

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request
from websockets.protocol import State

EXTENSION = "muster.wire"


class LiveProtocol(WebSocketsSansIOProtocol):
    """For `uvicorn.Config(ws=LiveProtocol)`. The ASGI scope's extensions name it EXTENSION."""

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if hasattr(self, "scope"):
            extensions = self.scope["extensions"] or {}
            extensions[EXTENSION] = self  # type: ignore[assignment]

    def write_frame(self, frame: bytes) -> bool:
        """As `live_client.Wire`. The frame is whole, so it cannot fall into another one."""
        taken = (
            self.writable.is_set()
            and self.handshake_complete
            and not self.close_sent
            and not self.disconnected
            and not self.transport.is_closing()
            and self.conn.state is State.OPEN
            and not self.conn.extensions
        )
        if taken:
            self.transport.write(frame)
        return taken

    def abort(self) -> None:
        self.stop_keepalive()
        self.transport.abort()
