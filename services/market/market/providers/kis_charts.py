"""KIS quotations: raw daily bars of KRX symbols, for the owner of the key. A hundred rows a call, newest first."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Final

from quant.markets.listing import Board, Market
from quant.markets.symbols import is_index

from market.providers.kis_calls import KisCalls, rows_of
from market.providers.port import NotOffered, Provenance, RawBar, UnknownSymbol, Unreadable

CHART: Final = "quotations/inquire-daily-itemchartprice"
CHART_TR: Final = "FHKST03010100"
RAW: Final = "1"
PAGE_ROWS: Final = 100
PAGES_MAX: Final = 200
NAMES: Final = ("stck_oprc", "stck_hgpr", "stck_lwpr", "stck_clpr", "acml_vol")


class KisCharts:
    """KIS with the key of one account."""

    provenance = Provenance("kis", "raw", "owner", frozenset({"KRX"}), whole_days=False, series=True)

    def __init__(self, calls: KisCalls) -> None:
        self._calls = calls

    async def fetch_series(self, symbol: str, market: Market, first: date, last: date) -> Sequence[RawBar]:
        """Turn pages back in time: each ends where the one before began."""
        if market != "KRX" or is_index(symbol):
            raise NotOffered(f"KIS's charts of domestic stocks have no {symbol} ({market})")
        found: list[RawBar] = []
        end = last
        for _ in range(PAGES_MAX):
            page = await self._page(symbol, first, end)
            found += page
            if len(page) < PAGE_ROWS:
                return found[::-1]
            end = date.fromisoformat(page[-1].date) - timedelta(days=1)
            if end < first:
                return found[::-1]
        raise Unreadable(f"KIS sent {PAGES_MAX} pages of {symbol} and no end")

    async def fetch_day(self, board: Board, day: date) -> Sequence[RawBar]:
        """Not offered."""
        raise NotOffered(f"KIS gives one symbol at a time, not {board} on {day}")

    async def _page(self, symbol: str, first: date, last: date) -> list[RawBar]:
        params = {
            "FID_COND_MRKT_DIV_CODE": "J",
            "FID_INPUT_ISCD": symbol,
            "FID_INPUT_DATE_1": first.strftime("%Y%m%d"),
            "FID_INPUT_DATE_2": last.strftime("%Y%m%d"),
            "FID_PERIOD_DIV_CODE": "D",
            "FID_ORG_ADJ_PRC": RAW,
        }
        told = await self._calls.ask(CHART, CHART_TR, params)
        if (rows := rows_of(symbol, told)) is None:
            raise UnknownSymbol(f"KIS knows no {symbol}")
        return [_bar(symbol, row) for row in rows]


def _bar(symbol: str, row: Mapping[str, str]) -> RawBar:
    try:
        day = row["stck_bsop_date"]
        return RawBar(symbol, f"{day[:4]}-{day[4:6]}-{day[6:]}", *(row[name] for name in NAMES))
    except KeyError as missing:
        raise Unreadable(f"a row of KIS lacks {missing}") from missing
