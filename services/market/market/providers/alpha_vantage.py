"""Alpha Vantage: raw daily bars of US symbols. Always HTTP 200; what went wrong stands in the body.

The free key has 25 calls a day, counted until midnight in New York, and 5 a minute.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Final

from quant.markets.listing import Board, Market

from market.providers.caller import Caller, end_of_day
from market.providers.port import Blocked, Limited, NotOffered, Provenance, RawBar, UnknownSymbol, Unreadable

PACE_SECONDS: Final = 12.5
SERIES: Final = "Time Series (Daily)"
NAMES: Final = ("1. open", "2. high", "3. low", "4. close", "5. volume")
NEW_YORK_HOURS: Final = -5
MINUTE_SECONDS: Final = 60.0
COMPACT_DAYS: Final = timedelta(days=130)
"""`compact` holds 100 sessions; a longer range needs `full`."""


class AlphaVantage:
    """The service, with one key."""

    provenance = Provenance("alpha_vantage", "raw", "owner", frozenset({"US"}), whole_days=False, series=True)

    def __init__(self, caller: Caller, key: str, clock: Callable[[], datetime]) -> None:
        self._caller = caller
        self._key = key
        self._clock = clock

    async def fetch_series(self, symbol: str, market: Market, first: date, last: date) -> Sequence[RawBar]:
        """Ask for the last hundred sessions when they reach back far enough, else for everything."""
        if market != "US":
            raise NotOffered(f"Alpha Vantage has no {market} symbols to rely on")
        size = "compact" if self._clock().date() - first <= COMPACT_DAYS else "full"
        params = {"function": "TIME_SERIES_DAILY", "symbol": symbol, "outputsize": size, "apikey": self._key}
        told = await self._caller.call_json("GET", "/query", params=params)
        if not isinstance(told, dict):
            raise Unreadable("Alpha Vantage sent no object")
        if "Error Message" in told:
            raise UnknownSymbol(f"Alpha Vantage: {told['Error Message']}")
        if limit := told.get("Information") or told.get("Note"):
            if "per minute" in limit and "per day" not in limit:
                raise Limited(f"Alpha Vantage: {limit}", MINUTE_SECONDS)
            raise Blocked(f"Alpha Vantage: {limit}", end_of_day(self._clock(), NEW_YORK_HOURS))
        if not isinstance(series := told.get(SERIES), dict):
            raise Unreadable("Alpha Vantage sent no daily series")
        try:
            bars = [RawBar(symbol, day, *(values[name] for name in NAMES)) for day, values in series.items()]
        except (KeyError, TypeError) as missing:
            raise Unreadable(f"a day of Alpha Vantage lacks {missing}") from missing
        return sorted(bar for bar in bars if str(first) <= bar.date <= str(last))

    async def fetch_day(self, board: Board, day: date) -> Sequence[RawBar]:
        """Not offered."""
        raise NotOffered(f"Alpha Vantage gives one symbol at a time, not {board} on {day}")
