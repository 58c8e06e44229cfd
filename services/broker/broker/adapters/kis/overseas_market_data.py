"""KIS's quotations of the United States: price, book, daily and minute charts in pages, newest first."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

from quant.markets.calendar import NEW_YORK

from broker.adapters.daylist import No
from broker.adapters.kis import overseas_quotations as quotations
from broker.adapters.kis.client import Client
from broker.adapters.kis.listings import QUOTES, Listings, unknown
from broker.adapters.kis.parse import TIME
from broker.adapters.line import in_lane
from broker.adapters.market_data import DailyBar, Depth, LastPrice, MinuteBar
from broker.adapters.port import Unreachable

DAYS_A_PAGE: Final = 100
MINUTES_A_PAGE: Final = 120
PAGES_MAX: Final = 200
_RAW: Final = "0"
"""Prices as they were traded: the opposite number of what the domestic chart calls so."""


class KisUsMarketData:
    """The overseas quotations that one key may ask for; no account is needed."""

    def __init__(self, client: Client, listings: Listings) -> None:
        self._client = client
        self._listings = listings

    async def last_price(self, symbol: str) -> LastPrice | No:
        """The newest trade."""
        body = await self._ask("price-detail", "HHDFS76200200", symbol, {})
        return body if isinstance(body, No) else quotations.last_price(symbol, body)

    async def depth(self, symbol: str) -> Depth | No:
        """Ten levels a side at most."""
        body = await self._ask("inquire-asking-price", "HHDFS76200100", symbol, {})
        return body if isinstance(body, No) else quotations.depth(symbol, body)

    async def daily_bars(self, symbol: str, first: date, last: date) -> Sequence[DailyBar] | No:
        """Turn pages back in time: each ends on the day before the earliest one that was shown."""
        found: list[DailyBar] = []
        end = last
        for _ in range(PAGES_MAX):
            fields = {"GUBN": "0", "BYMD": f"{end:%Y%m%d}", "MODP": _RAW}
            with in_lane("history"):
                body = await self._ask("dailyprice", "HHDFS76240000", symbol, fields)
            if isinstance(body, No):
                return body
            page = quotations.days(body)
            if any(bar.day > end for bar in page):
                raise Unreachable(f"KIS shows the same page of {symbol} again")
            found += [bar for bar in page if bar.day >= first]
            if len(page) < DAYS_A_PAGE or (end := page[-1].day - timedelta(days=1)) < first:
                return found[::-1]
        raise Unreachable(f"KIS shows more than {PAGES_MAX} pages of {symbol}")

    async def minute_bars(self, symbol: str) -> Sequence[MinuteBar] | No:
        """Turn pages back in time until one shows a minute of an earlier day."""
        today = self._client.clock().astimezone(NEW_YORK).date()
        found: list[MinuteBar] = []
        key = ""
        for _ in range(PAGES_MAX):
            fields = {"NMIN": "1", "PINC": "1", "NEXT": "1" if key else "", "NREC": str(MINUTES_A_PAGE), "FILL": ""}
            with in_lane("history"):
                body = await self._ask("inquire-time-itemchartprice", "HHDFS76950200", symbol, fields | {"KEYB": key})
            if isinstance(body, No):
                return body
            page = quotations.minutes(body)
            if found and any(bar.begins >= found[-1].begins for bar in page):
                raise Unreachable(f"KIS shows the same page of {symbol} again")
            found += [bar for bar in page if bar.begins.date() == today]
            if len(page) < MINUTES_A_PAGE or page[-1].begins.date() < today:
                return found[::-1]
            key = f"{page[-1].begins - timedelta(minutes=1):{TIME}}"
        raise Unreachable(f"KIS shows more than {PAGES_MAX} pages of {symbol}")

    async def _ask(self, call: str, transaction: str, symbol: str, fields: Mapping[str, str]) -> Mapping[str, Any] | No:
        exchange = await self._listings.exchange_of(symbol)
        if exchange is None:
            return unknown(symbol)
        asked = {"AUTH": "", "EXCD": exchange, "SYMB": symbol} | dict(fields)
        return await self._client.ask(QUOTES + call, transaction, asked)
