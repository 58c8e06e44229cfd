"""Closed bars, kept in memory by whoever evaluates: read once, then only what is new."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from quant.markets.intervals import Interval

from trading.clients.market import History, Market

KEPT_MAX: Final = 2_000
NEWEST: Final = 30
"""How many bars are asked for to go on from: more than are missed between two looks."""


class BarShelf:
    """The newest history of each symbol and interval."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._known: dict[tuple[str, Interval], History] = {}

    async def up_to(self, symbols: Sequence[str], interval: Interval, bar: datetime) -> dict[str, History]:
        """Return the histories of those symbols whose newest bar is the one that began at `bar`, or an older one.

        A day's history is read anew each day: an adjustment changes all that came before.

        Raises:
            Unavailable: while market cannot be asked.
        """
        known = {symbol: self._known.get((symbol, interval)) for symbol in symbols}
        wanted = [symbol for symbol, history in known.items() if history is None or history.last != bar]
        if interval != "1d" and (begun := [symbol for symbol in wanted if known[symbol] is not None]):
            for symbol, newer in (await self._market.histories(begun, interval, bar, NEWEST)).items():
                before = known[symbol]
                if before is not None and (joined := before.followed_by(newer)) is not None:
                    self._keep(symbol, interval, joined)
                    wanted.remove(symbol)
        if wanted:
            for symbol, history in (await self._market.histories(wanted, interval, bar)).items():
                self._keep(symbol, interval, history)
        return {symbol: self._known[symbol, interval] for symbol in symbols if (symbol, interval) in self._known}

    def _keep(self, symbol: str, interval: Interval, history: History) -> None:
        self._known.pop((symbol, interval), None)
        self._known[symbol, interval] = history
        while len(self._known) > KEPT_MAX:
            del self._known[next(iter(self._known))]  # what was read longest ago
