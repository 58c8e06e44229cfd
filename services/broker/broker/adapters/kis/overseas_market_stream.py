"""KIS's market stream of the United States: other frames, and symbols named with their exchange."""

from collections.abc import Iterable, Mapping
from typing import ClassVar, Final

import structlog
from websockets.asyncio.client import ClientConnection

from broker.adapters.kis.client import Client
from broker.adapters.kis.listings import Listings
from broker.adapters.kis.market_stream import KisMarketStream
from broker.adapters.kis.ticks import US_FRAMES, Frame
from broker.adapters.market_data import Hear
from broker.adapters.port import LineFailure, NotSent

_NIGHT: Final = "D"
"""Stands before the exchange in a subscription to its own session; what trades by day in Korea has another letter."""

log = structlog.get_logger()


class KisUsMarketStream(KisMarketStream):
    """One connection, which begins again with everything that is wanted whenever it is lost."""

    FRAMES: ClassVar[Mapping[str, Frame]] = US_FRAMES

    def __init__(self, client: Client, listings: Listings, url: str, hear: Hear) -> None:
        super().__init__(client, url, hear)
        self._listings = listings

    async def _key_of(self, symbol: str) -> str:
        exchange = await self._listings.exchange_of(symbol)
        if exchange is None:
            raise NotSent(f"KIS shows {symbol} at no exchange of the United States")
        return f"{_NIGHT}{exchange}{symbol}"

    async def _ask(self, line: ClientConnection, symbols: Iterable[str]) -> None:
        """Follow these as well; when KIS does not say where one trades, the line begins again with all of them."""
        try:
            await super()._ask(line, symbols)
        except LineFailure as failed:
            log.warning("KIS does not say where a symbol of its market trades", error=str(failed))
            await line.close()
