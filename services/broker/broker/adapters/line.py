"""What the lines to brokers share: requests and what their failures mean, turns by lane, the one token of a key."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

import httpx
from prometheus_client import Counter

from broker.adapters.port import LineFailure, NotSent, RateLimited, Unreachable
from broker.domain.breaker import Breaker, Trouble
from broker.domain.lane import PATIENCE_MILLISECONDS, Lane

TURN_MARGIN: Final = 1.05
"""Our turns are a little further apart than the broker counts, since calls do not all take equally long to arrive."""
TOKENS_MAX: Final = 10_000
TOKEN_EVERY: Final = timedelta(minutes=1)
TOKEN_MARGIN: Final = timedelta(minutes=10)
_NEVER_LEFT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)

broker_calls = Counter("broker_calls_total", "Calls of a broker's lines by what came of them", ["broker", "outcome"])
breaker_openings = Counter(
    "broker_breaker_openings_total", "How often a key's line was left alone", ["broker", "trouble"]
)

Issue = Callable[[], Awaitable["tuple[str, datetime]"]]
"""Asks the broker for a token; what it is, and until when."""


class SharedTokens(Protocol):
    """Where the processes share what they got: see `broker/token_room.py`."""

    async def current(
        self, key_print: bytes, refused: str, clock: Callable[[], datetime], issue: Issue
    ) -> tuple[str, datetime]:
        """The token of a key, other than one that was refused; NotSent when there is none to be had now."""
        ...


class SharedTurnsOfKeys(Protocol):
    """Where the processes agree on whose turn it is: see `broker/shared_turns.py`."""

    async def wait_seconds(self, key_print: bytes, interval: float, patience: float) -> float | None:
        """Seconds until a turn that is ours now; negative when it is too far off; None when nobody can be asked.

        Raises:
            NotSent: when some process has said that this key's broker is to be left alone.
        """
        ...

    async def leave_alone(self, key_print: bytes, trouble: str, milliseconds: int) -> None:
        """Tell every process to leave this key's broker alone for so long."""
        ...


class KeyRefused(NotSent):
    """The broker does not know this key, or not with this secret."""


class TokenRefused(NotSent):
    """The token is not valid any more, so nothing was done: get another one."""


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


def _plain_print(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


_LANE: ContextVar[Lane] = ContextVar("lane", default="query")


@contextmanager
def in_lane(lane: Lane) -> Iterator[None]:
    """Whatever is sent in here goes in this lane."""
    before = _LANE.set(lane)
    try:
        yield
    finally:
        _LANE.reset(before)


def _milliseconds() -> int:
    """A clock that only moves forward."""
    return time.monotonic_ns() // 1_000_000


@dataclass
class Token:
    """The one token of a key: asked for at most once a minute, whoever needs it and however often it fails.

    Its calls take turns, so that the broker, which counts them, need not turn one away; a turn too far off is refused
    here. Brokers without tokens use the turns alone.
    """

    calls_per_second: int = 0
    """0 for no turns."""
    next_turn: float = 0.0
    """Of this process alone, where nobody is shared with."""
    title: str = ""

    text: str = field(default="", repr=False)
    until: datetime | None = None
    asked_at: datetime | None = None
    refused: str = field(default="", repr=False)
    """The last one that the broker did not take."""
    breaker: Breaker = field(default_factory=Breaker)
    milliseconds: Callable[[], int] = field(default=_milliseconds, repr=False)
    """The breaker's clock, which only moves forward."""
    turns: SharedTurnsOfKeys | None = field(default=None, repr=False)
    shared: SharedTokens | None = field(default=None, repr=False)
    key_print: bytes = field(default=b"", repr=False)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)

    async def current(self, clock: Callable[[], datetime], issue: Issue) -> str:
        """A token with some life left.

        Raises:
            NotSent: when there is none, and it is too soon to ask again.
        """
        async with self.lock:
            now = clock()
            if self.text and self.until is not None and now < self.until - TOKEN_MARGIN:
                return self.text
            if self.shared is not None:
                self.text, self.until = await self.shared.current(self.key_print, self.refused, clock, issue)
                return self.text
            if self.asked_at is not None and now - self.asked_at < TOKEN_EVERY:
                raise NotSent(f"{self.title} is asked for one token a minute, and the last one is not valid any more")
            self.asked_at = now
            self.text, self.until = await issue()
            return self.text

    async def turn(self) -> None:
        """Wait for a turn in the lane we are in.

        Raises:
            RateLimited: when that would take longer than the lane's patience.
            NotSent: when this key's line has failed so often that it is left alone for a while.
        """
        if self.breaker.refuses(self.milliseconds()):
            raise NotSent(f"{self.title} is left alone for a while, after a {self.breaker.trouble}")
        if not self.calls_per_second:
            return
        wait = await self._wait(PATIENCE_MILLISECONDS[_LANE.get()] / 1_000)
        if wait < 0:
            raise RateLimited(f"too many calls of this key wait for {self.title} already")
        await asyncio.sleep(wait)

    async def _wait(self, patience: float) -> float:
        """Seconds until our turn, which is taken; negative, and not taken, when it is too far off."""
        interval = TURN_MARGIN / self.calls_per_second
        if self.turns is not None:
            wait = await self.turns.wait_seconds(self.key_print, interval, patience)
            if wait is not None:
                return wait
        now = time.monotonic()
        wait = max(0.0, self.next_turn - now)
        if wait > patience:
            return -1.0
        self.next_turn = now + wait + interval
        return wait

    @asynccontextmanager
    async def judged(self) -> AsyncIterator[None]:
        """Let the breaker learn from what happens in here."""
        try:
            yield
        except (RateLimited, KeyRefused):
            broker_calls.labels(self.title, "block").inc()
            await self._failed("block")
            raise
        except LineFailure:
            broker_calls.labels(self.title, "glitch").inc()
            await self._failed("glitch")
            raise
        broker_calls.labels(self.title, "answer").inc()
        self.breaker = self.breaker.succeeded()

    async def _failed(self, trouble: Trouble) -> None:
        """Count a failure; when it is one too many, the other processes are told as well."""
        now = self.milliseconds()
        self.breaker = self.breaker.failed(trouble, now)
        if self.breaker.refuses(now):
            breaker_openings.labels(self.title, trouble).inc()
        if self.turns is not None and self.breaker.refuses(now):
            await self.turns.leave_alone(self.key_print, trouble, self.breaker.closed_until - now)

    def forget(self, text: str) -> None:
        """The broker refused this token."""
        if self.text == text:
            self.text, self.refused = "", text


class Tokens:
    """The tokens of a process: one for each key, for as long as the process lives; shared with others where it can."""

    def __init__(
        self,
        shared: SharedTokens | None = None,
        print_of: Callable[[str], bytes] = _plain_print,
        turns: SharedTurnsOfKeys | None = None,
    ) -> None:
        self._known: dict[bytes, Token] = {}
        self._shared = shared
        self._turns = turns
        self._print_of = print_of

    def of(self, title: str, secrets: Sequence[str], calls_per_second: int) -> Token:
        """The token of a key with its secret, asked for by whoever needs it first."""
        key_print = self.print_of(title, secrets)
        if len(self._known) >= TOKENS_MAX:
            self._known.pop(next(iter(self._known)))
        fresh = Token(calls_per_second, title=title, shared=self._shared, turns=self._turns, key_print=key_print)
        return self._known.setdefault(key_print, fresh)

    def print_of(self, title: str, secrets: Sequence[str]) -> bytes:
        """What stands for a key where it is not to be seen."""
        return self._print_of("|".join((title, *secrets)))
