"""What the lines to brokers share: requests and what their failures mean, turns, and the one token of a key."""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import httpx

from broker.adapters.port import NotSent, RateLimited, Unreachable

TURN_SECONDS_MAX: Final = 3.0
TOKENS_MAX: Final = 10_000
TOKEN_EVERY: Final = timedelta(minutes=1)
TOKEN_MARGIN: Final = timedelta(minutes=10)
_NEVER_LEFT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class KeyRefused(NotSent):
    """The broker does not know this key, or not with this secret."""


async def request(http: httpx.AsyncClient, title: str, method: str, path: str, **content: Any) -> httpx.Response:
    """Send a request; `title` is the broker's name, for messages.

    Raises:
        NotSent: when a connection never came about.
        Unreachable: whatever breaks after that.
    """
    try:
        return await http.request(method, path, **content)
    except _NEVER_LEFT as failed:
        raise NotSent(f"no connection to {title}: {type(failed).__name__}") from failed
    except httpx.HTTPError as failed:  # never its text, which may hold the address and what was sent
        raise Unreachable(f"the line to {title} broke: {type(failed).__name__}") from None


@dataclass
class Token:
    """The one token of a key: asked for at most once a minute, whoever needs it and however often it fails.

    Its calls take turns, so that the broker, which counts them, need not turn one away; a turn too far off is refused
    here. Brokers without tokens use the turns alone.
    """

    calls_per_second: int = 0
    """0 for no turns."""
    next_turn: float = 0.0
    title: str = ""

    text: str = field(default="", repr=False)
    until: datetime | None = None
    asked_at: datetime | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)

    async def current(
        self, clock: Callable[[], datetime], issue: Callable[[], Awaitable["tuple[str, datetime]"]]
    ) -> str:
        """A token with some life left.

        Raises:
            NotSent: when there is none, and it is too soon to ask again.
        """
        async with self.lock:
            now = clock()
            if self.text and self.until is not None and now < self.until - TOKEN_MARGIN:
                return self.text
            if self.asked_at is not None and now - self.asked_at < TOKEN_EVERY:
                raise NotSent(f"{self.title} is asked for one token a minute, and the last one is not valid any more")
            self.asked_at = now
            self.text, self.until = await issue()
            return self.text

    async def turn(self) -> None:
        """Wait for a turn.

        Raises:
            RateLimited: when so many wait already that this would take too long.
        """
        if not self.calls_per_second:
            return
        now = time.monotonic()
        wait = max(0.0, self.next_turn - now)
        if wait > TURN_SECONDS_MAX:
            raise RateLimited(f"too many calls of this key wait for {self.title} already")
        self.next_turn = now + wait + 1 / self.calls_per_second
        await asyncio.sleep(wait)

    def forget(self, text: str) -> None:
        """The broker refused this token."""
        if self.text == text:
            self.text = ""


class Tokens:
    """The tokens of a process: one for each key, for as long as the process lives."""

    def __init__(self) -> None:
        self._known: dict[bytes, Token] = {}

    def of(self, title: str, secrets: tuple[str, ...], calls_per_second: int) -> Token:
        """The token of a key with its secret, asked for by whoever needs it first."""
        text = "|".join((title, *secrets))
        if len(self._known) >= TOKENS_MAX:
            self._known.pop(next(iter(self._known)))
        fresh = Token(calls_per_second, title=title)
        return self._known.setdefault(hashlib.sha256(text.encode()).digest(), fresh)
