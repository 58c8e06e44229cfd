"""Following a broker's stream: connect, greet, take every frame as a hint, and begin again when the line is lost.

Nothing is believed that a stream says: it only makes us read the broker's own list. So a stream may lose, repeat or
garble what it likes, and after each reconnection the list is read, since streams replay nothing.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import structlog
import websockets
from websockets.asyncio.client import ClientConnection, connect

from broker.adapters.port import LineFailure

PAUSE_SECONDS_MIN: Final = 1.0
PAUSE_SECONDS_MAX: Final = 60.0
AGAIN_SECONDS: Final = 1.0
"""After which a list is read again that could not be read, or names an order that is a stranger's so far."""
FRAME_BYTES_MAX: Final = 1 << 20
CLOSE_SECONDS: Final = 1.0
"""How long a goodbye may take: frames that nobody reads any more stand before the other side's answer to it."""

Greet = Callable[[ClientConnection], Awaitable[None]]
Hear = Callable[[ClientConnection, str | bytes], Awaitable[bool]]
"""Takes a frame, answers it where the protocol wants that, and says whether it is news of an order."""

log = structlog.get_logger()


@asynccontextmanager
async def _line(url: str) -> AsyncIterator[ClientConnection]:
    line = None
    try:
        async with connect(url, max_size=FRAME_BYTES_MAX, close_timeout=CLOSE_SECONDS, proxy=None) as line:
            yield line
    finally:
        if line is not None:  # before Python 3.11.3 a goodbye that takes too long in a cancellation leaves it open
            line.transport.abort()


async def follow(url: str, greet: Greet, hear: Hear, hint: asyncio.Event) -> None:
    """Follow a stream for ever; `hint` is set by news, and by each connection that comes about.

    A greeting is sent, not answered: `hear` hints again at the answer, since a list that was read before it may lack
    what was never told.
    """
    pause = PAUSE_SECONDS_MIN
    while True:
        try:
            async with _line(url) as line:
                await greet(line)
                hint.set()
                async for frame in line:
                    is_news = await hear(line, frame)
                    pause = PAUSE_SECONDS_MIN  # only now: who is refused after each greeting must not hurry
                    if is_news:
                        hint.set()
        except (OSError, TimeoutError, websockets.WebSocketException, ValueError, LineFailure) as lost:
            host, error = url.split("/")[2], type(lost).__name__
            log.warning("a broker's stream is lost", host=host, error=error, pause_seconds=pause)
        await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - apart from others, not secret
        pause = min(pause * 2, PAUSE_SECONDS_MAX)
