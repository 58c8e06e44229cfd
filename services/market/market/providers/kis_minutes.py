"""KIS quotations: minutes of KRX symbols, of today on any account, of a day within about a year on a real one.

Today's come thirty a call, those of a day of the past at most a hundred and twenty; newest first, back from a moment.
A moment that has not come raises flat bars at the last price, so nothing after now is asked for. Whether
prices before a split are as they were traded is not documented: an answer that leaves the day's stored range is told.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final

from quant.markets.calendar import SEOUL
from quant.markets.listing import Market
from quant.markets.symbols import is_index

from market.providers.kis_calls import KisCalls, rows_of
from market.providers.port import NotOffered, RawMinute, UnknownSymbol, Unreadable

TODAY: Final = ("quotations/inquire-time-itemchartprice", "FHKST03010200")
THE_PAST: Final = ("quotations/inquire-time-dailychartprice", "FHKST03010230")
LAST_SECOND: Final = "235959"
PAGES_MAX: Final = 60
"""A day with its after-market, thirty minutes a page, twice over."""
NAMES: Final = ("stck_oprc", "stck_hgpr", "stck_lwpr", "stck_prpr", "cntg_vol")


class KisMinutes:
    """KIS with the key of one account."""

    source: str = "kis"
    market: Market = "KRX"

    def __init__(self, calls: KisCalls) -> None:
        self._calls = calls

    async def fetch_minutes(self, symbol: str, day: date) -> Sequence[RawMinute]:
        """Turn pages back in time: each ends at the minute before the earliest one that was shown."""
        if is_index(symbol):
            raise NotOffered(f"KIS's minutes of stocks have no {symbol}")
        now = self._calls.clock().astimezone(SEOUL)
        until = f"{now:%H%M%S}" if day == now.date() else LAST_SECOND
        found: list[RawMinute] = []
        for _ in range(PAGES_MAX):
            page = await self._page(symbol, day, until, is_today=day == now.date())
            if not page:
                return found
            earliest = min(minute.begins for minute in page)
            if found and earliest >= min(minute.begins for minute in found):
                raise Unreadable(f"KIS shows the same page of {symbol} again")
            found += page
            before = earliest - timedelta(minutes=1)
            if before.date() != day:
                return found
            until = f"{before:%H%M%S}"
        raise Unreadable(f"KIS sent {PAGES_MAX} pages of {symbol} on {day} and no end")

    async def _page(self, symbol: str, day: date, until: str, *, is_today: bool) -> list[RawMinute]:
        params = {"FID_COND_MRKT_DIV_CODE": "J", "FID_INPUT_ISCD": symbol, "FID_INPUT_HOUR_1": until}
        params |= {"FID_PW_DATA_INCU_YN": "N"}
        if is_today:
            told = await self._calls.ask(*TODAY, params | {"FID_ETC_CLS_CODE": ""})
        else:
            past = {"FID_INPUT_DATE_1": f"{day:%Y%m%d}", "FID_FAKE_TICK_INCU_YN": ""}
            told = await self._calls.ask(*THE_PAST, params | past)
        if (rows := rows_of(symbol, told)) is None:
            raise UnknownSymbol(f"KIS knows no {symbol}")
        every = [_minute(symbol, row) for row in rows if row.get("stck_bsop_date")]
        return [minute for minute in every if minute.begins.date() == day]


def _minute(symbol: str, row: Mapping[str, str]) -> RawMinute:
    try:
        written = row["stck_bsop_date"] + row["stck_cntg_hour"]
        begins = datetime.strptime(written, "%Y%m%d%H%M%S").replace(tzinfo=SEOUL)
        return RawMinute(symbol, begins, *(row[name] for name in NAMES))
    except (KeyError, ValueError) as wrong:
        raise Unreadable(f"a minute of KIS cannot be read: {wrong}") from wrong
