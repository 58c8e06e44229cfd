"""Naver Finance charts: daily bars of KRX symbols back to 1990, adjusted for splits and rights, volume not adjusted.

XML in EUC-KR, oldest first, `date|open|high|low|close|volume`. An unknown symbol is an empty chart. Unofficial: slow
calls, for one's own use.
"""

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Final

from quant.markets.listing import Board, Market

from market.providers.caller import Caller
from market.providers.port import NotOffered, Provenance, RawBar, UnknownSymbol, Unreadable

INDICES: Final = {"KOSPI200": "KPI200"}
"""Indices that are called otherwise there. Their volume is told in thousands of shares."""
PATH: Final = "/sise.nhn"
COUNT_MAX: Final = 12_000
PACE_SECONDS: Final = 0.5
ITEM: Final = re.compile(r'<item data="([^"]*)"')
FIELDS: Final = 6
ENDED: Final = "</protocol>"


class Naver:
    """The chart feed of the web site."""

    provenance = Provenance("naver", "adjusted", "personal", frozenset({"KRX"}), whole_days=False, series=True)

    def __init__(self, caller: Caller, clock: Callable[[], datetime]) -> None:
        self._caller = caller
        self._clock = clock

    async def fetch_series(self, symbol: str, market: Market, first: date, last: date) -> Sequence[RawBar]:
        """The feed counts days back from today, so everything since `first` is asked for."""
        if market != "KRX":
            raise NotOffered(f"Naver's daily feed has no {market} symbols")
        count = min(max((self._clock().date() - first).days + 2, 1), COUNT_MAX)
        params = {"symbol": INDICES.get(symbol, symbol), "timeframe": "day", "count": str(count), "requestType": "0"}
        answer = await self._caller.call("GET", PATH, params=params)
        bars = read_chart(symbol, answer.body)
        return [bar for bar in bars if str(first) <= bar.date <= str(last)]

    async def fetch_day(self, board: Board, day: date) -> Sequence[RawBar]:
        """Not offered."""
        raise NotOffered(f"Naver gives one symbol at a time, not {board} on {day}")


def read_chart(symbol: str, body: bytes) -> list[RawBar]:
    """The items of a chart.

    Raises:
        UnknownSymbol: when the chart is empty.
        Unreadable: when it is no chart, or only the beginning of one.
    """
    text = body.decode("euc-kr", errors="replace")
    if "<chartdata" not in text or ENDED not in text:
        raise Unreadable(f"Naver sent no whole chart: {text[:60]!r}")
    bars = []
    for item in ITEM.findall(text):
        fields = item.split("|")
        if len(fields) != FIELDS or len(fields[0]) != 8:
            raise Unreadable(f"Naver sent an item of another shape: {item[:60]!r}")
        day = f"{fields[0][:4]}-{fields[0][4:6]}-{fields[0][6:]}"
        bars.append(RawBar(symbol, day, *fields[1:]))
    if not bars:
        raise UnknownSymbol(f"Naver knows no {symbol}")
    return bars
