"""KIS's market stream: trades and books of the symbols that are wanted, as many as one connection may ask for.

A key has one connection at a time, so it takes a key whose notices nobody follows.
"""

from collections.abc import Iterable, Mapping
from typing import ClassVar, Final

import structlog
from kit.json import dumps_text
from websockets.asyncio.client import ClientConnection

from broker.adapters.drift import drifts
from broker.adapters.kis.client import Client
from broker.adapters.kis.frames import Unreadable, answer
from broker.adapters.kis.notices import PING
from broker.adapters.kis.ticks import FRAMES, Frame, ticks
from broker.adapters.market_data import Hear
from broker.adapters.market_line import MarketLine

SUBSCRIPTIONS_MAX: Final = 41
SYMBOLS_MAX: Final = SUBSCRIPTIONS_MAX // len(FRAMES)
"""Each symbol takes a subscription to its trades and one to its book."""
_TAKEN: Final = frozenset({"OPSP0000", "OPSP0001", "OPSP0002", "OPSP0003"})
"""Subscribed and unsubscribed, now or before."""
_TOO_MANY: Final = "OPSP0008"

log = structlog.get_logger()


class KisMarketStream(MarketLine):
    """One connection, which begins again with everything that is wanted whenever it is lost."""

    SYMBOLS_MAX: ClassVar[int] = SYMBOLS_MAX
    FRAMES: ClassVar[Mapping[str, Frame]] = FRAMES

    def __init__(self, client: Client, url: str, hear: Hear) -> None:
        super().__init__(url, hear)
        self._client = client
        self._approval = ""

    async def _log_in(self, line: ClientConnection) -> None:  # noqa: ARG002 - KIS knows us by what each question says
        self._approval = await self._client.approval()

    async def _give_back(self, line: ClientConnection, symbols: Iterable[str]) -> None:
        await self._say(line, "2", symbols)

    async def _ask(self, line: ClientConnection, symbols: Iterable[str]) -> None:
        await self._say(line, "1", symbols)

    async def _say(self, line: ClientConnection, tr_type: str, symbols: Iterable[str]) -> None:
        header = {"approval_key": self._approval, "custtype": "P", "tr_type": tr_type, "content-type": "utf-8"}
        for symbol in symbols:
            key = await self._key_of(symbol)
            for name in self.FRAMES:
                asked = {"input": {"tr_id": name, "tr_key": key}}
                await line.send(dumps_text({"header": header, "body": asked}))

    async def _key_of(self, symbol: str) -> str:
        """What a symbol is called in a subscription."""
        return symbol

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
        drifts.see("kis", told.name, told.width, self.FRAMES[told.name].fields)
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
