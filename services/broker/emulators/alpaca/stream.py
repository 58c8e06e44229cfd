"""The stream of trade updates: binary frames of JSON after both kinds of greeting."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, Final

from fastapi import WebSocket, WebSocketDisconnect

from emulators.alpaca import rows
from emulators.faults import Faults, reshaped
from emulators.house import Notice, Slip

QUEUE_MAX: Final = 10_000
HANG_UP: Final = b""
"""Stands in a queue for the end of the line."""
_EVENTS: Final = {"taken": "new", "changed": "replaced", "canceled": "canceled", "expired": "expired"}


class Stream:
    """Everybody who listens; there is no replay."""

    def __init__(self, faults: Faults, keys: dict[str, str]) -> None:
        self._faults = faults
        self._keys = keys
        self._queues: set[asyncio.Queue[bytes]] = set()
        self.hang_up_as_well: Callable[[], None] = lambda: None
        self.show: Callable[[Slip], dict[str, Any]] = lambda slip: rows.order(slip, None)

    def hang_up(self) -> None:
        """Cut every line, of updates and of the market; whoever comes again begins anew."""
        for queue in self._queues:
            queue.put_nowait(HANG_UP)
        self.hang_up_as_well()

    def tell(self, notice: Notice) -> None:
        """Put a notice before everybody, unless a fault has it lost, told twice, grown or shrunk."""
        if not self._queues or self._faults.take("stream", "notice_lost"):
            return
        event = self._event(notice)
        event["order"] = reshaped(self._faults, event["order"])
        frame = json.dumps({"stream": "trade_updates", "data": event}).encode()
        for _ in range(2 if self._faults.take("stream", "notice_twice") else 1):
            for queue in self._queues:
                if queue.qsize() < QUEUE_MAX:
                    queue.put_nowait(frame)

    def _event(self, notice: Notice) -> dict[str, Any]:
        slip, dealt = notice.slip, notice.dealt
        event: dict[str, Any] = {"timestamp": rows.written(slip.at), "order": self.show(slip)}
        if dealt is None:
            return event | {"event": _EVENTS[notice.event]}
        return event | {
            "event": "partial_fill" if slip.open else "fill",
            "execution_id": rows.execution_id(dealt),
            "timestamp": rows.written(dealt.at),
            "price": rows.plain(dealt.price),
            "qty": rows.plain(dealt.quantity),
            "position_qty": rows.plain(dealt.quantity),
        }

    async def serve(self, socket: WebSocket) -> None:
        """Greet one listener and tell until they leave."""
        await socket.accept()
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        telling = asyncio.ensure_future(self._tell_one(socket, queue))
        try:
            while True:
                asked = json.loads(await _text(socket))
                if asked.get("action") in {"auth", "authenticate"}:
                    await self._authorize(socket, asked)
                elif asked.get("action") == "listen":
                    self._queues.add(queue)
                    streams = asked.get("data", {}).get("streams", [])
                    await _say(socket, {"stream": "listening", "data": {"streams": streams}})
        except (WebSocketDisconnect, ValueError):
            return
        finally:
            self._queues.discard(queue)
            telling.cancel()

    async def _authorize(self, socket: WebSocket, asked: dict[str, Any]) -> None:
        data = asked.get("data", {})
        key, secret = asked.get("key", data.get("key_id")), asked.get("secret", data.get("secret_key"))
        is_right = bool(key) and (not self._keys or self._keys.get(key) == secret)
        status = "authorized" if is_right else "unauthorized"
        await _say(socket, {"stream": "authorization", "data": {"status": status, "action": "authenticate"}})
        if not is_right:
            raise ValueError("a listener without a key")

    async def _tell_one(self, socket: WebSocket, queue: "asyncio.Queue[bytes]") -> None:
        while (frame := await queue.get()) != HANG_UP:
            await socket.send_bytes(frame)
        await socket.close()


async def _text(socket: WebSocket) -> str:
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect
    return str(message.get("text") or (message.get("bytes") or b"").decode())


async def _say(socket: WebSocket, body: dict[str, Any]) -> None:
    await socket.send_bytes(json.dumps(body).encode())
