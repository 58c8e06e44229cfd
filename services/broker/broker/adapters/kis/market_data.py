"""KIS's domestic quotations: price, book, daily and minute charts. Charts come in pages, newest first."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final, TypeVar

from quant.markets.calendar import SEOUL

from broker.adapters.daylist import No
from broker.adapters.kis import quotations
from broker.adapters.kis.client import Client
from broker.adapters.line import in_lane
from broker.adapters.market_data import DailyBar, Depth, LastPrice, MinuteBar
from broker.adapters.port import Unreachable

QUOTATIONS: Final = "/uapi/domestic-stock/v1/quotations/"
KRX: Final = "J"
RAW: Final = "1"
DAYS_A_PAGE: Final = 100
MINUTES_A_PAGE: Final = 30
PAGES_MAX: Final = 200
"""At a hundred sessions a page, more than any stock has been listed for."""

Bar = TypeVar("Bar", DailyBar, MinuteBar)


class KisMarketData:
    """The quotations that one key may ask for; no account is needed."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def last_price(self, symbol: str) -> LastPrice | No:
        """The newest trade."""
        body = await self._ask("inquire-price", "FHKST01010100", symbol, {})
        return body if isinstance(body, No) else quotations.last_price(symbol, body)

    async def depth(self, symbol: str) -> Depth | No:
        """Ten levels a side."""
        body = await self._ask("inquire-asking-price-exp-ccn", "FHKST01010200", symbol, {})
        return body if isinstance(body, No) else quotations.depth(symbol, body)

    async def daily_bars(self, symbol: str, first: date, last: date) -> Sequence[DailyBar] | No:
        """Turn pages back in time: each ends on the day before the earliest one that was shown."""
        found: list[DailyBar] = []
        end = last
        for _ in range(PAGES_MAX):
            fields = {"FID_INPUT_DATE_1": f"{first:%Y%m%d}", "FID_INPUT_DATE_2": f"{end:%Y%m%d}"}
            fields |= {"FID_PERIOD_DIV_CODE": "D", "FID_ORG_ADJ_PRC": RAW}
            page = await self._page("inquire-daily-itemchartprice", "FHKST03010100", symbol, fields, quotations.days)
            if isinstance(page, No):
                return page
            if any(bar.day > end for bar in page):
                raise Unreachable(f"KIS shows the same page of {symbol} again")
            found += page
            if len(page) < DAYS_A_PAGE or (end := page[-1].day - timedelta(days=1)) < first:
                return found[::-1]
        raise Unreachable(f"KIS shows more than {PAGES_MAX} pages of {symbol}")

    async def minute_bars(self, symbol: str) -> Sequence[MinuteBar] | No:
        """Turn pages back in time: each ends at the minute before the earliest one that was shown."""
        found: list[MinuteBar] = []
        end = now = self._client.clock().astimezone(SEOUL)
        for _ in range(PAGES_MAX):
            fields = {"FID_INPUT_HOUR_1": f"{end:%H%M%S}", "FID_PW_DATA_INCU_YN": "N", "FID_ETC_CLS_CODE": ""}
            page = await self._page("inquire-time-itemchartprice", "FHKST03010200", symbol, fields, quotations.minutes)
            if isinstance(page, No):
                return page
            if any(bar.begins > end for bar in page):
                raise Unreachable(f"KIS shows the same page of {symbol} again")
            found += page
            if len(page) < MINUTES_A_PAGE or (end := page[-1].begins - timedelta(minutes=1)).date() < now.date():
                return found[::-1]
        raise Unreachable(f"KIS shows more than {PAGES_MAX} pages of {symbol}")

    async def _page(
        self,
        call: str,
        transaction: str,
        symbol: str,
        fields: Mapping[str, str],
        bars: Callable[[Mapping[str, Any]], list[Bar]],
    ) -> list[Bar] | No:
        with in_lane("history"):
            body = await self._ask(call, transaction, symbol, fields)
        if isinstance(body, No):
            return body
        if not quotations.names_a_stock(body):
            return No("unknown_symbol", f"KIS has no chart of {symbol}")
        return bars(body)

    async def _ask(self, call: str, transaction: str, symbol: str, fields: Mapping[str, str]) -> Mapping[str, Any] | No:
        asked = {"FID_COND_MRKT_DIV_CODE": KRX, "FID_INPUT_ISCD": symbol} | dict(fields)
        return await self._client.ask(QUOTATIONS + call, transaction, asked)
