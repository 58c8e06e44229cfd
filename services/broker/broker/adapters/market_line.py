"""What the market streams share: which symbols are wanted and asked for, and beginning again with all of them."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import ClassVar

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from broker.adapters.market_data import Hear
from broker.adapters.stream import follow


class MarketLine(ABC):
    """One connection. A broker adds its greeting, how symbols are asked for and given back, and its frames."""

    SYMBOLS_MAX: ClassVar[int]

    def __init__(self, url: str, hear: Hear) -> None:
        self._url = url
        self._tell = hear
        self._wanted: frozenset[str] = frozenset()
        self._asked: frozenset[str] = frozenset()
        self._line: ClientConnection | None = None
        self._asking = asyncio.Lock()
        self.begun = asyncio.Event()

    @property
    def symbols_max(self) -> int:
        """How many symbols one connection can follow."""
        return self.SYMBOLS_MAX

    @property
    def is_open(self) -> bool:
        """Whether it is connected, as far as anybody knows."""
        return self._line is not None and self._line.state is State.OPEN

    async def want(self, symbols: Sequence[str]) -> None:
        """Follow these from now on, and no others; the first of them, when they are more than `symbols_max`."""
        self._wanted = frozenset([*dict.fromkeys(symbols)][: self.SYMBOLS_MAX])
        if self._line is not None:
            with suppress(ConnectionClosed):  # what comes after it asks for everything anew
                await self._change(self._line)

    async def follow(self) -> None:
        """Follow the stream for ever."""
        await follow(self._url, self._greet, self._hear, asyncio.Event())

    async def hang_up(self) -> None:
        """Lose the line, so that `follow` begins again."""
        if self._line is not None:
            await self._line.close()

    async def _greet(self, line: ClientConnection) -> None:
        self._line, self._asked = None, frozenset()
        await self._log_in(line)
        self.begun.set()  # before anybody can see that it is open
        self._line = line
        await self._change(line)

    async def _change(self, line: ClientConnection) -> None:
        """Give back what is wanted no more, then ask for what is new, so that the budget is never exceeded."""
        async with self._asking:
            gone, new = self._asked - self._wanted, self._wanted - self._asked
            self._asked = self._wanted
            await self._give_back(line, sorted(gone))
            await self._ask(line, sorted(new))

    @abstractmethod
    async def _log_in(self, line: ClientConnection) -> None:
        """Whatever comes before the first question."""

    @abstractmethod
    async def _give_back(self, line: ClientConnection, symbols: Iterable[str]) -> None:
        """Follow these no more; there may be none."""

    @abstractmethod
    async def _ask(self, line: ClientConnection, symbols: Iterable[str]) -> None:
        """Follow these as well; there may be none."""

    @abstractmethod
    async def _hear(self, line: ClientConnection, frame: str | bytes) -> bool:
        """Take a frame. It is never news of an order."""
