"""WebSockets that one slow client cannot spoil: authentication by first message, a bounded queue for each client."""

import asyncio
import itertools
from collections.abc import Mapping
from typing import Any

import structlog
from fastapi import WebSocket, WebSocketDisconnect

from kit.auth import Identity, TokenVerifier
from kit.errors import AppError
from kit.frames import connection_of, frame
from kit.json import dumps_text, loads

NOT_AUTHENTICATED = 4401
NOT_ALLOWED = 4403
TOO_MANY = 4429
FELL_BEHIND = 1013
RESTARTING = 1012
AUTH_TIMEOUT_SECONDS = 5
FRAME_BYTES_MAX = 65_536
QUEUE_MAX = 1_000
SEND_TIMEOUT_SECONDS = 10

log = structlog.get_logger()


async def authenticate(socket: WebSocket, verifier: TokenVerifier) -> Identity | None:
    """Accept a socket and learn who it is, from the subprotocol `bearer, <token>` or from the first message.

    Returns None after closing with 4401 when there is no good token within five seconds.
    """
    protocols = [part.strip() for part in socket.headers.get("sec-websocket-protocol", "").split(",") if part.strip()]
    offered = protocols[1] if len(protocols) == 2 and protocols[0] == "bearer" else ""
    await socket.accept(subprotocol="bearer" if offered else None)
    try:
        async with asyncio.timeout(AUTH_TIMEOUT_SECONDS):
            token = offered or await _first_message(socket)
        identity = await verifier.verify(token)
    except (AppError, TimeoutError, ValueError, KeyError, TypeError):
        await close(socket, NOT_AUTHENTICATED, 'send {"action":"auth","token":"…"} within 5 seconds')
        return None
    except WebSocketDisconnect:
        return None
    await socket.send_text(dumps_text({"type": "authenticated", "expires_at": identity.expires_at}))
    return identity


async def _first_message(socket: WebSocket) -> str:
    message = await receive(socket)
    if message["action"] != "auth":
        raise ValueError("the first message must authenticate")
    return str(message["token"])


async def receive(socket: WebSocket) -> dict[str, Any]:
    """Read one JSON object.

    Raises:
        ValueError: when the frame is too large or no JSON object.
        WebSocketDisconnect: when the client has left.
    """
    text = await socket.receive_text()
    if len(text) > FRAME_BYTES_MAX:
        raise ValueError(f"a message may have {FRAME_BYTES_MAX} characters")
    message = loads(text)
    if not isinstance(message, dict):
        raise ValueError("a message must be a JSON object")  # noqa: TRY004 - bad input, not a bug of the caller
    return message


async def close(socket: WebSocket, code: int, reason: str) -> None:
    """Close, without caring whether the other side is still there."""
    try:
        await socket.close(code, reason)
    except (RuntimeError, WebSocketDisconnect):
        log.debug("closed already", code=code)


class ClientQueue:
    """What waits to be sent to one client. Bounded: quotes conflate, and who falls behind on the rest is let go.

    `put(frame, key)` replaces what waits under the same key, keeping its place; `put(frame)` never drops, and answers
    False when the client has fallen too far behind. What gathers while others have their turn goes out in one write.
    """

    def __init__(self, socket: WebSocket, bound: int = QUEUE_MAX) -> None:
        self._socket = socket
        self._connection = connection_of(socket)
        self._bound = bound
        self._waiting: dict[str | int, bytes] = {}
        self._numbers = itertools.count()
        self._ready = asyncio.Event()
        self.overflowed = False

    def put(self, ready: bytes, key: str | None = None) -> bool:
        """Queue a frame; False when there is no room, after which the sender closes the socket with 1013."""
        place = next(self._numbers) if key is None else key
        if len(self._waiting) >= self._bound and place not in self._waiting:
            self.overflowed = True
            self._ready.set()
            return False
        self._waiting[place] = ready
        self._ready.set()
        return True

    def put_json(self, message: Mapping[str, Any], key: str | None = None) -> bool:
        """Queue an object as JSON."""
        return self.put(frame(dumps_text(message)), key)

    async def send_forever(self) -> None:
        """Send what waits, until the client leaves, stalls for ten seconds, or overflows."""
        while True:
            await self._ready.wait()
            self._ready.clear()
            # not wait_for: before Python 3.12 it loses a cancellation that arrives together with its result
            async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
                await self._connection.until_writable()
            if self.overflowed:
                break
            if self._waiting:
                frames = b"".join(self._waiting.values())
                self._waiting.clear()
                self._connection.write(frames)
        async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
            await close(self._socket, FELL_BEHIND, "fell behind: resume by seq")
