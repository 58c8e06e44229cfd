"""WebSocket frames made once and written to many connections, many in one write.

What a broadcast costs is the way of each message to each client: through the framework, through the server, into a
frame, into a write. uvicorn's own protocol stays in charge of the handshake, pings and the close; only text frames
take the short way, from a hub's hand to the transport. Start uvicorn with `--ws kit.frames:FrameProtocol`.
"""

from typing import Any, Final, cast

from fastapi import WebSocket, WebSocketDisconnect
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode

EXTENSION: Final = "exodus.frames"
ABNORMAL: Final = 1006


class FrameProtocol(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket protocol; its connections also take ready frames."""

    async def run_asgi(self) -> None:
        """Offer this connection to the application."""
        cast("dict[str, Any]", self.scope["extensions"])[EXTENSION] = self
        await super().run_asgi()

    async def until_writable(self) -> None:
        """Wait until the client has taken enough of what was written; return as well when it has left."""
        if not self.writable.is_set():
            await self.writable.wait()

    def write(self, frames: bytes) -> None:
        """Write frames, whole ones.

        Raises:
            WebSocketDisconnect: when the client has left or the socket was closed.
        """
        if self.disconnected or self.close_sent:
            raise WebSocketDisconnect(ABNORMAL)
        self.transport.write(frames)


def frame(text: str) -> bytes:
    """Make the frame of a text as a server sends it (RFC 6455: final, not masked, not compressed)."""
    return Frame(Opcode.TEXT, text.encode()).serialize(mask=False)


def connection_of(socket: WebSocket) -> FrameProtocol:
    """Return the connection behind a socket.

    Raises:
        RuntimeError: when the server was started without this module's protocol.
    """
    connection = socket.scope["extensions"].get(EXTENSION)
    if not isinstance(connection, FrameProtocol):
        raise RuntimeError("start uvicorn with --ws kit.frames:FrameProtocol")  # noqa: TRY004 - the operator's mistake
    return connection
