"""Alpaca's market data: minutes of US symbols as they were traded, 10,000 a page; 200 calls a minute without charge.

The bars of the feed `iex` are of one exchange: prices are near those of the whole market, volumes are not. The source
that is stored with each minute names the feed.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from quant.markets.calendar import NEW_YORK
from quant.markets.listing import Market

from market.providers.caller import Caller
from market.providers.port import RawMinute, Unreadable

PACE_SECONDS: Final = 0.35
PAGE_BARS: Final = 10_000
PAGES_MAX: Final = 10
NAMES: Final = ("o", "h", "l", "c", "v")


class AlpacaMinutes:
    """Alpaca with one key; `feed` says whose trades."""

    market: Market = "US"

    def __init__(self, caller: Caller, feed: str) -> None:
        self._caller = caller
        self._feed = feed

    @property
    def source(self) -> str:
        """Alpaca and its feed."""
        return f"alpaca_{self._feed}"

    async def fetch_minutes(self, symbol: str, day: date) -> Sequence[RawMinute]:
        """Every page of one day in New York. Of a symbol that it does not know there is nothing, as of a quiet one."""
        midnight = datetime.combine(day, time(), NEW_YORK)
        params = {"timeframe": "1Min", "start": midnight.isoformat(), "adjustment": "raw", "feed": self._feed}
        params |= {"end": (midnight + timedelta(days=1, seconds=-1)).isoformat(), "limit": str(PAGE_BARS)}
        found: list[RawMinute] = []
        for _ in range(PAGES_MAX):
            told = await self._caller.call_json("GET", f"/v2/stocks/{symbol}/bars", params=params)
            if "bars" not in told:
                raise Unreadable(f"Alpaca says {told.get('code')}: {told.get('message')}")
            found += [_minute(symbol, row) for row in told["bars"] or ()]
            if not (token := told.get("next_page_token")):
                return found
            if token == params.get("page_token"):
                raise Unreadable(f"Alpaca shows the same page of {symbol} again")
            params["page_token"] = str(token)
        raise Unreadable(f"Alpaca sent {PAGES_MAX} pages of {symbol} on {day} and no end")


def _minute(symbol: str, row: Mapping[str, Any]) -> RawMinute:
    try:
        return RawMinute(symbol, datetime.fromisoformat(row["t"]), *(str(row[name]) for name in NAMES))
    except (KeyError, ValueError, TypeError) as wrong:
        raise Unreadable(f"a minute of Alpaca cannot be read: {wrong}") from wrong
