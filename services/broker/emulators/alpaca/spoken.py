"""How the market stream is spoken: JSON, or MessagePack with whoever asks for it while they connect, as alpaca-py does.

In MessagePack moments are timestamps of its own and no texts, and frames are binary both ways.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Protocol

import msgpack
from fastapi import WebSocket

MOMENT: Final = "t"
CONTENT_TYPE: Final = "application/msgpack"
Message = dict[str, Any]


class Spoken(Protocol):
    """One of the two."""

    async def say(self, socket: WebSocket, messages: Sequence[Message]) -> None:
        """Send messages in one frame."""

    def heard(self, frame: bytes) -> Any:
        """Read a frame. Raises ValueError when it is none."""


class InJson:
    """Texts."""

    async def say(self, socket: WebSocket, messages: Sequence[Message]) -> None:
        """Send messages in one frame."""
        await socket.send_text(json.dumps(messages))

    def heard(self, frame: bytes) -> Any:
        """Read a frame. Raises ValueError when it is none."""
        return json.loads(frame)


class InMessagePack:
    """Binary."""

    async def say(self, socket: WebSocket, messages: Sequence[Message]) -> None:
        """Send messages in one frame."""
        await socket.send_bytes(msgpack.packb([_timed(message) for message in messages]))

    def heard(self, frame: bytes) -> Any:
        """Read a frame. Raises ValueError when it is none."""
        return msgpack.unpackb(frame)


def spoken_by(socket: WebSocket) -> Spoken:
    """What this client asked for."""
    return InMessagePack() if socket.headers.get("content-type") == CONTENT_TYPE else InJson()


def _timed(message: Message) -> Message:
    if MOMENT not in message:
        return message
    return message | {MOMENT: msgpack.Timestamp.from_datetime(datetime.fromisoformat(message[MOMENT]))}
