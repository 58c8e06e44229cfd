"""Alpaca's market data as the emulator answers them: snapshots, newest quotes and trades, bars in pages.

Numbers are JSON numbers here, and times have nine digits. Every feed shows the same market.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

from quant.markets.calendar import NEW_YORK
from quant.matching import Exchange

from emulators.alpaca.rows import written
from emulators.house import House
from emulators.tape import Day, Minute, Tick

FEEDS: Final = frozenset({"iex", "sip", "delayed_sip", "test"})
BARS_MAX: Final = 10_000
BARS_USUAL: Final = 1_000
Query = Mapping[str, str]
Body = dict[str, Any]
Bars = list[tuple[datetime, Body]]


class Market:
    """What the market data routes answer; a symbol that is not listed is simply missing."""

    def __init__(self, house: House) -> None:
        self.house = house

    def snapshots(self, query: Query) -> Body:
        """The newest trade and quote, and the last sessions, by symbol."""
        return {symbol: self.snapshot(symbol) for symbol in self._listed(query)}

    def snapshot(self, symbol: str) -> Body:
        """One of them; the day's bar is that of the last session until the next one has a trade."""
        minutes, days = self._minutes(symbol), self._days(symbol)
        base = {"t": "", "o": 0.0, "h": 0.0, "l": 0.0, "c": float(self.house.bases[symbol]), "v": 0}
        return {
            "latestTrade": self.trade(symbol),
            "latestQuote": self.quote(symbol),
            "minuteBar": minutes[-1][1] if minutes else None,
            "dailyBar": days[-1][1] if days else None,
            "prevDailyBar": days[-2][1] if len(days) > 1 else base,
        }

    def newest(self, query: Query, name: str, of: Callable[[str], Body]) -> Body:
        """The newest of something, by symbol."""
        return {name: {symbol: of(symbol) for symbol in self._listed(query)}}

    def quote(self, symbol: str) -> Body:
        """The best of each side."""
        return quoted(self.house.exchanges[symbol], self.house.clock())

    def trade(self, symbol: str) -> Body:
        """The newest trade; before the first one, that of some earlier day."""
        for day in reversed(self.house.tape.days_of(symbol)):
            return traded(self.house.tape.of(symbol, day)[-1], 0)
        before = self.house.clock() - timedelta(days=1)
        return traded(Tick(before, self.house.exchanges[symbol].last or self.house.bases[symbol], Decimal(1)), 0)

    def bars(self, symbol: str, query: Query) -> Body:
        """A page of one symbol's bars."""
        shown, token = self._page(symbol, query)
        return {"bars": shown or None, "symbol": symbol, "next_page_token": token}

    def bars_of_several(self, query: Query) -> Body:
        """The first page of several symbols' bars."""
        found = {symbol: self._page(symbol, query)[0] for symbol in self._listed(query)}
        return {"bars": {symbol: shown for symbol, shown in found.items() if shown}, "next_page_token": None}

    def _page(self, symbol: str, query: Query) -> tuple[list[Body], str | None]:
        every = {"1Day": self._days, "1Min": self._minutes}[query["timeframe"]](symbol)
        first, last = (_moment(query[name]) if name in query else None for name in ("start", "end"))
        rows = [row for at, row in every if (first is None or at >= first) and (last is None or at <= last)]
        if query.get("sort", "asc") == "desc":
            rows.reverse()
        begin = int(query.get("page_token") or 0)
        end = begin + min(int(query.get("limit") or BARS_USUAL), BARS_MAX)
        return rows[begin:end], str(end) if end < len(rows) else None

    def _listed(self, query: Query) -> list[str]:
        return [symbol for symbol in query["symbols"].split(",") if symbol in self.house.exchanges]

    def _days(self, symbol: str) -> Bars:
        tape = self.house.tape
        traded_days = [tape.session(symbol, day) for day in tape.days_of(symbol)]
        every = [*tape.days.get(symbol, ()), *(day for day in traded_days if day is not None)]
        return [(_midnight(day.on), _bar(_midnight(day.on), day)) for day in every]

    def _minutes(self, symbol: str) -> Bars:
        every = [minute for day in self.house.tape.days_of(symbol) for minute in self.house.tape.minutes(symbol, day)]
        return [(minute.begins, _bar(minute.begins, minute)) for minute in every]


def traded(tick: Tick, number: int) -> Body:
    """A trade."""
    price, size = float(tick.price), int(tick.quantity)
    return {"t": written(tick.at), "x": "V", "p": price, "s": size, "c": ["@"], "i": number, "z": "C"}


def quoted(exchange: Exchange, at: datetime) -> Body:
    """A quote; an empty side has neither price nor size."""
    shown = exchange.outside
    sizes = {"as": int(shown.ask_size), "bs": int(shown.bid_size)}
    prices = {"ap": float(shown.ask or 0), "bp": float(shown.bid or 0)}
    return {"t": written(at), "ax": "V", "bx": "V", "c": ["R"], "z": "C"} | prices | sizes


def _bar(at: datetime, of: Day | Minute) -> Body:
    prices = {"o": float(of.open), "h": float(of.high), "l": float(of.low), "c": float(of.close)}
    at_text = f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return {"t": at_text} | prices | {"v": int(of.volume), "n": 1, "vw": float(of.close)}


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), NEW_YORK)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text.replace("Z", "+00:00").replace(" ", "+"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
