"""KIS's market stream: trades and books of the symbols that are wanted, as many as one connection may ask for.

A key has one connection at a time, so it takes a key whose notices nobody follows.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import structlog
from kit.json import dumps_text
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from broker.adapters.drift import drifts
from broker.adapters.kis.client import Client
from broker.adapters.kis.frames import Unreadable, answer
from broker.adapters.kis.notices import PING
from broker.adapters.kis.ticks import FRAMES, ticks
from broker.adapters.market_data import Hear
from broker.adapters.stream import follow

SUBSCRIPTIONS_MAX: Final = 41
SYMBOLS_MAX: Final = SUBSCRIPTIONS_MAX // len(FRAMES)
"""Each symbol takes a subscription to its trades and one to its book."""
_TAKEN: Final = frozenset({"OPSP0000", "OPSP0001", "OPSP0002", "OPSP0003"})
"""Subscribed and unsubscribed, now or before."""
_TOO_MANY: Final = "OPSP0008"

log = structlog.get_logger()


class KisMarketStream:
    """One connection, which begins again with everything that is wanted whenever it is lost."""

    symbols_max = SYMBOLS_MAX

    def __init__(self, client: Client, url: str, hear: Hear) -> None:
        self._client = client
        self._url = url
        self._tell = hear
        self._wanted: frozenset[str] = frozenset()
        self._asked: frozenset[str] = frozenset()
        self._line: ClientConnection | None = None
        self._approval = ""
        self._asking = asyncio.Lock()
        self.begun = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """Whether it is connected, as far as anybody knows."""
        return self._line is not None and self._line.state is State.OPEN

    async def want(self, symbols: Sequence[str]) -> None:
        """Follow these from now on, and no others; the first of them, when they are more than `symbols_max`."""
        self._wanted = frozenset([*dict.fromkeys(symbols)][:SYMBOLS_MAX])
        if self._line is not None:
            with suppress(ConnectionClosed):  # what comes after it asks for everything anew
                await self._ask(self._line)

    async def follow(self) -> None:
        """Follow the stream for ever."""
        await follow(self._url, self._greet, self._hear, self.begun)

    async def hang_up(self) -> None:
        """Lose the line, so that `follow` begins again."""
        if self._line is not None:
            await self._line.close()

    async def _greet(self, line: ClientConnection) -> None:
        self._line, self._asked = None, frozenset()
        self._approval = await self._client.approval()
        self._line = line
        await self._ask(line)

    async def _ask(self, line: ClientConnection) -> None:
        """Give back what is wanted no more, then ask for what is new, so that the budget is never exceeded."""
        async with self._asking:
            gone, new = self._asked - self._wanted, self._wanted - self._asked
            self._asked = self._wanted
            for tr_type, symbols in (("2", gone), ("1", new)):
                header = {"approval_key": self._approval, "custtype": "P", "tr_type": tr_type, "content-type": "utf-8"}
                for symbol in sorted(symbols):
                    for name in FRAMES:
                        asked = {"input": {"tr_id": name, "tr_key": symbol}}
                        await line.send(dumps_text({"header": header, "body": asked}))

    async def _hear(self, line: ClientConnection, frame: str | bytes) -> bool:
        text = frame if isinstance(frame, str) else frame.decode()
        if text[:1] not in {"0", "1"}:
            await self._hear_answer(line, text)
            return False
        try:
            told = ticks(text)
        except Unreadable as unreadable:
            log.warning("a frame of KIS's market cannot be read", error=str(unreadable))
            return False
        drifts.see("kis", told.name, told.width, FRAMES[told.name].fields)
        for each in told.heard:
            self._tell(each)
        return False

    async def _hear_answer(self, line: ClientConnection, text: str) -> None:
        name, code, _ = answer(text)
        if name == PING:
            await line.send(text)  # word for word
        elif code == _TOO_MANY:
            log.error("KIS grants fewer subscriptions than it says", symbols=len(self._asked))
        elif code not in _TAKEN:
            raise Unreadable(f"KIS refuses a subscription to its market ({code})")
