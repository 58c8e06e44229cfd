"""The market stream: greeting, log-in, subscriptions and their budget, trades and quotes; lists of messages.

They are JSON, or MessagePack both ways where a client asks for it while it connects, as alpaca-py does; moments are
moments there, and no text.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from fastapi import WebSocket, WebSocketDisconnect
from quant.matching import Exchange

from emulators.alpaca import messagepack
from emulators.alpaca.market import FEEDS, quoted, traded
from emulators.faults import Faults, reshaped
from emulators.tape import Tick

LOG_IN_SECONDS: Final = 10
PACKED: Final = "application/msgpack"
FREE: Final = "iex"
SYMBOLS_MAX: Final = 30
"""On the free feed."""
QUEUE_MAX: Final = 10_000
CHANNELS: Final = ("trades", "quotes")
OTHERS: Final = ("bars", "updatedBars", "dailyBars", "statuses", "lulds", "corrections", "cancelErrors")
"""Channels that can be asked for, and on which nothing happens here."""
ERRORS: Final = {
    400: "invalid syntax",
    401: "not authenticated",
    402: "auth failed",
    403: "already authenticated",
    404: "auth timeout",
    405: "symbol limit exceeded",
    406: "connection limit exceeded",
    407: "slow client",
}
Message = dict[str, Any]


class _Ended(Exception):
    """The server ends the line, with this error."""

    def __init__(self, code: int) -> None:
        super().__init__(ERRORS[code])
        self.code = code


@dataclass(eq=False)
class Listener:
    """One connection. None in the queue ends it."""

    feed: str
    is_packed: bool = False
    queue: "asyncio.Queue[list[Message] | None]" = field(default_factory=asyncio.Queue)
    key: str = ""
    wanted: dict[str, set[str]] = field(default_factory=lambda: {name: set() for name in (*CHANNELS, *OTHERS)})

    def put(self, *messages: Message) -> None:
        if self.queue.qsize() >= QUEUE_MAX:
            self.queue = asyncio.Queue()
            messages = (_error(407),)
        self.queue.put_nowait([*messages])

    def wants(self, channel: str, symbol: str) -> bool:
        return bool({symbol, "*"} & self.wanted[channel])


class MarketStream:
    """Everybody who listens to the market; nothing is replayed."""

    def __init__(self, faults: Faults, keys: dict[str, str], clock: Callable[[], datetime]) -> None:
        self._faults = faults
        self._keys = keys
        self._clock = clock
        self._trades = 0
        self.listeners: set[Listener] = set()

    def show(self, symbol: str, exchange: Exchange) -> None:
        """Put a symbol's quote before whoever wants it."""
        self._tell("quotes", symbol, {"T": "q", "S": symbol} | quoted(exchange, self._clock()))

    def print(self, symbol: str, tick: Tick) -> None:
        """Put a trade before whoever wants those of its symbol."""
        self._trades += 1
        self._tell("trades", symbol, {"T": "t", "S": symbol} | traded(tick, self._trades))

    def hang_up(self) -> None:
        """Cut every line."""
        for listener in self.listeners:
            listener.queue.put_nowait(None)

    def _tell(self, channel: str, symbol: str, message: Message) -> None:
        if listening := [listener for listener in self.listeners if listener.wants(channel, symbol)]:
            told = reshaped(self._faults, message)
            for listener in listening:
                listener.put(told)

    async def serve(self, socket: WebSocket, feed: str) -> None:
        """Serve one connection until they leave."""
        await socket.accept()
        listener = Listener(feed, socket.headers.get("content-type") == PACKED)
        if feed not in FEEDS:
            await socket.close()
            return
        listener.put({"T": "success", "msg": "connected"})
        telling = asyncio.ensure_future(_speak(socket, listener))
        try:
            async with asyncio.timeout(LOG_IN_SECONDS):
                while not listener.key:
                    self._take(listener, await _heard(socket, listener))
            while True:
                self._take(listener, await _heard(socket, listener))
        except (WebSocketDisconnect, RuntimeError):
            return
        except (TimeoutError, _Ended) as ended:
            listener.put(_error(ended.code if isinstance(ended, _Ended) else 404))
            listener.queue.put_nowait(None)
            await telling
        finally:
            self.listeners.discard(listener)
            telling.cancel()

    def _take(self, listener: Listener, asked: Message) -> None:
        match asked.get("action"):
            case "auth" if listener.key:
                listener.put(_error(403))
            case "auth":
                self._log_in(listener, str(asked.get("key", "")), str(asked.get("secret", "")))
            case _ if not listener.key:
                raise _Ended(401)
            case "subscribe":
                self._change(listener, asked, set.union)
            case "unsubscribe":
                self._change(listener, asked, set.difference)
            case _:
                listener.put(_error(400))

    def _log_in(self, listener: Listener, key: str, secret: str) -> None:
        if not key or (self._keys and self._keys.get(key) != secret):
            raise _Ended(402)
        if any((each.feed, each.key) == (listener.feed, key) for each in self.listeners):
            raise _Ended(406)
        listener.key = key
        self.listeners.add(listener)
        listener.put({"T": "success", "msg": "authenticated"})

    def _change(self, listener: Listener, asked: Message, change: Callable[[set[str], set[str]], set[str]]) -> None:
        """Take a change of what is wanted as a whole, or not at all; the answer names all that is wanted then."""
        after = {name: change(listener.wanted[name], set(asked.get(name) or ())) for name in listener.wanted}
        if listener.feed == FREE and max(len(after[name]) for name in CHANNELS) > SYMBOLS_MAX:
            listener.put(_error(405))
            return
        listener.wanted = after
        listener.put({"T": "subscription"} | {name: sorted(symbols) for name, symbols in after.items()})


def _error(code: int) -> Message:
    return {"T": "error", "code": code, "msg": ERRORS[code]}


async def _heard(socket: WebSocket, listener: Listener) -> Message:
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect
    said = message.get("bytes") or (message.get("text") or "").encode()
    try:
        asked = messagepack.unpack(said) if listener.is_packed else json.loads(said)
    except ValueError:
        return {}
    return asked if isinstance(asked, dict) else {}


async def _speak(socket: WebSocket, listener: Listener) -> None:
    while (messages := await listener.queue.get()) is not None:
        if listener.is_packed:
            await socket.send_bytes(messagepack.pack([_with_moment(message) for message in messages]))
        else:
            await socket.send_text(json.dumps(messages))
        if any(message.get("code") == 407 for message in messages):
            break
    await socket.close()


def _with_moment(message: Message) -> Message:
    return message | {"t": datetime.fromisoformat(message["t"])} if "t" in message else message
