"""Kiwoom's domestic quotations: price, book, daily and minute charts. Charts come in pages, newest first."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Final, TypeVar

from quant.markets.calendar import SEOUL

from broker.adapters.daylist import No
from broker.adapters.kiwoom import quotations
from broker.adapters.kiwoom.client import Client
from broker.adapters.line import in_lane
from broker.adapters.market_data import DailyBar, Depth, LastPrice, MinuteBar
from broker.adapters.port import Unreachable
from broker.adapters.posted import PAGES_MAX, Body

RAW: Final = "0"

Bar = TypeVar("Bar", DailyBar, MinuteBar)


class KiwoomMarketData:
    """The quotations that one key may ask for."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def last_price(self, symbol: str) -> LastPrice | No:
        """The newest trade."""
        body = await self._client.call("stkinfo", "ka10001", {"stk_cd": symbol})
        return body if isinstance(body, No) else quotations.last_price(symbol, body)

    async def depth(self, symbol: str) -> Depth | No:
        """Ten levels a side."""
        body = await self._client.call("mrkcond", "ka10004", {"stk_cd": symbol})
        return body if isinstance(body, No) else quotations.depth(symbol, body)

    async def daily_bars(self, symbol: str, first: date, last: date) -> Sequence[DailyBar] | No:
        """Turn pages back in time from the last day, until one reaches the first."""
        fields = {"stk_cd": symbol, "base_dt": f"{last:%Y%m%d}", "upd_stkpc_tp": RAW}
        found = await self._chart("ka10081", fields, quotations.days, lambda bar: bar.day <= first)
        return found if isinstance(found, No) else [bar for bar in found[::-1] if first <= bar.day <= last]

    async def minute_bars(self, symbol: str) -> Sequence[MinuteBar] | No:
        """Turn pages back in time, until one reaches yesterday."""
        today = self._client.clock().astimezone(SEOUL).date()
        fields = {"stk_cd": symbol, "tic_scope": "1", "base_dt": f"{today:%Y%m%d}", "upd_stkpc_tp": RAW}
        found = await self._chart("ka10080", fields, quotations.minutes, lambda bar: bar.begins.date() < today)
        return found if isinstance(found, No) else [bar for bar in found[::-1] if bar.begins.date() == today]

    async def _chart(
        self,
        name: str,
        fields: Mapping[str, str],
        bars: Callable[[Body], list[Bar]],
        is_enough: Callable[[Bar], bool],
    ) -> list[Bar] | No:
        """Everything down to the bar that is enough, newest first.

        Raises:
            Unreachable: when a page is missing or comes again: half a chart is none.
        """
        found: list[Bar] = []
        key = ""
        for _ in range(PAGES_MAX):
            with in_lane("history"):
                body, following = await self._client.page("chart", name, fields, key)
            if isinstance(body, No):
                return body
            found += (page := bars(body))
            if following is None or not page or is_enough(page[-1]):
                return found
            if following in {"", key}:
                raise Unreachable(f"Kiwoom says there is more of {name}, and not where")
            key = following
        raise Unreachable(f"Kiwoom shows more than {PAGES_MAX} pages of {name}")
