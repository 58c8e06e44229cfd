"""LS's domestic quotations: price, book, daily and minute charts."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from quant.markets.calendar import SEOUL

from broker.adapters.daylist import No
from broker.adapters.line import in_lane
from broker.adapters.ls import quotations
from broker.adapters.ls.client import Client
from broker.adapters.market_data import DailyBar, Depth, LastPrice, MinuteBar
from broker.adapters.posted import Body

PRICES: Final = "/stock/market-data"
CHARTS: Final = "/stock/chart"
ROWS_A_PAGE: Final = 500
KRX: Final = "K"


class LsMarketData:
    """The quotations that one key may ask for."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def last_price(self, symbol: str) -> LastPrice | No:
        """The newest trade."""
        body = await self._price("t1102", {"shcode": symbol, "exchgubun": KRX})
        return body if isinstance(body, No) else quotations.last_price(symbol, body)

    async def depth(self, symbol: str) -> Depth | No:
        """Ten levels a side."""
        body = await self._price("t1101", {"shcode": symbol})
        return body if isinstance(body, No) else quotations.depth(symbol, body)

    async def daily_bars(self, symbol: str, first: date, last: date) -> Sequence[DailyBar] | No:
        """All pages of the days that were asked for."""
        span = {"gubun": "2", "sdate": f"{first:%Y%m%d}", "edate": f"{last:%Y%m%d}", "sujung": "N"}
        pages = await self._chart("t8451", symbol, span, "cts_date")
        return pages if isinstance(pages, No) else quotations.days(pages)

    async def minute_bars(self, symbol: str) -> Sequence[MinuteBar] | No:
        """All pages of today."""
        today = f"{self._client.clock().astimezone(SEOUL):%Y%m%d}"
        span = {"ncnt": 1, "nday": "1", "sdate": today, "stime": "", "edate": today, "etime": ""}
        pages = await self._chart("t8452", symbol, span, "cts_date", "cts_time")
        return pages if isinstance(pages, No) else quotations.minutes(pages)

    async def _price(self, name: str, fields: Mapping[str, str]) -> Body | No:
        body: Body | No = await self._client.call(PRICES, name, fields, "InBlock")
        if isinstance(body, No) or quotations.names_a_stock(body, name):
            return body
        return No("unknown_symbol", f"LS has no price of {fields['shcode']}")

    async def _chart(self, name: str, symbol: str, span: Mapping[str, Any], *marks: str) -> list[Body] | No:
        """Every page of a chart.

        Raises:
            Unreachable: when a page is missing, refused or comes again: half a chart is none.
        """
        fields = {"shcode": symbol, "qrycnt": ROWS_A_PAGE, "comp_yn": "N", "exchgubun": KRX} | dict(span)
        with in_lane("history"):
            pages = await self._client.pages(CHARTS, name, fields, *marks)
        if any(quotations.names_a_stock(page, name) for page in pages):
            return pages
        return No("unknown_symbol", f"LS has no chart of {symbol}")
