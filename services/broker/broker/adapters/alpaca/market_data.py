"""Alpaca's market data: snapshot, best quote, bars in pages. They are on hosts of their own, over the same key.

Which exchanges they are of is the feed's: `iex` is one of many, whose volume is not that of the whole market.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any, Final

from quant.markets.calendar import NEW_YORK

from broker.adapters.alpaca import quotations
from broker.adapters.alpaca.client import Client
from broker.adapters.daylist import No
from broker.adapters.line import in_lane
from broker.adapters.market_data import DailyBar, Depth, LastPrice, MinuteBar
from broker.adapters.port import Unreachable

BARS_A_PAGE: Final = 10_000
PAGES_MAX: Final = 100
"""More days, or minutes of a day, than there have ever been."""
_LAST_SECOND: Final = time(23, 59, 59)


class AlpacaMarketData:
    """What one key may see of one feed."""

    def __init__(self, client: Client, feed: str) -> None:
        self._client = client
        self._feed = feed

    async def last_price(self, symbol: str) -> LastPrice | No:
        """The newest trade."""
        found = await self._shown("stocks/snapshots", "snapshots", symbol)
        return found if isinstance(found, No) else quotations.last_price(symbol, found, self._client.clock())

    async def depth(self, symbol: str) -> Depth | No:
        """The best of each side."""
        found = await self._shown("stocks/quotes/latest", "quotes", symbol)
        return found if isinstance(found, No) else quotations.depth(symbol, found)

    async def daily_bars(self, symbol: str, first: date, last: date) -> Sequence[DailyBar] | No:
        """Sessions, as they were traded."""
        span = (datetime.combine(first, time(), NEW_YORK), datetime.combine(last, _LAST_SECOND, NEW_YORK))
        bars: list[DailyBar] = []
        pages = await self._pages(symbol, "1Day", *span)
        if isinstance(pages, No):
            return pages
        for page in pages:
            bars += quotations.daily_bars(page)
        return bars or await self._nothing_of(symbol)

    async def minute_bars(self, symbol: str) -> Sequence[MinuteBar] | No:
        """The minutes of today, those around the regular session included."""
        now = self._client.clock()
        midnight = datetime.combine(now.astimezone(NEW_YORK).date(), time(), NEW_YORK)
        bars: list[MinuteBar] = []
        pages = await self._pages(symbol, "1Min", midnight, now)
        if isinstance(pages, No):
            return pages
        for page in pages:
            bars += quotations.minute_bars(page)
        return bars or await self._nothing_of(symbol)

    async def _nothing_of(self, symbol: str) -> "list[Any] | No":
        """An empty chart, which Alpaca shows of a symbol that it does not know as well."""
        known = await self.last_price(symbol)
        return known if isinstance(known, No) else []

    async def _shown(self, path: str, group: str, symbol: str) -> Mapping[str, Any] | No:
        body = await self._client.call("GET", path, query={"symbols": symbol, "feed": self._feed})
        if isinstance(body, No):
            return body
        found = quotations.shown(body, group, symbol)
        return No("unknown_symbol", f"Alpaca shows nothing of {symbol}.") if found is None else found

    async def _pages(
        self, symbol: str, timeframe: str, first: datetime, last: datetime
    ) -> list[Mapping[str, Any]] | No:
        """Every page of a chart, oldest first.

        Raises:
            Unreachable: when a page is missing or repeats itself: half a chart is none.
        """
        asked = {"timeframe": timeframe, "start": first.isoformat(), "end": last.isoformat(), "feed": self._feed}
        asked |= {"limit": str(BARS_A_PAGE), "adjustment": "raw", "sort": "asc"}
        found: list[Mapping[str, Any]] = []
        token = ""
        while len(found) < PAGES_MAX:
            with in_lane("history"):
                query = asked | ({"page_token": token} if token else {})
                body = await self._client.call("GET", f"stocks/{symbol}/bars", query=query)
            if isinstance(body, No):
                return body
            found.append(body)
            following = body.get("next_page_token") if isinstance(body, Mapping) else None
            if not following:
                return found
            if following == token:
                raise Unreachable(f"Alpaca shows the same page of {symbol} again")
            token = str(following)
        raise Unreachable(f"Alpaca shows more than {PAGES_MAX} pages of {symbol}")
