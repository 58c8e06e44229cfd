"""Alpaca's market data in our words; pure. Its numbers are JSON numbers, its times are UTC with nine digits.

The sizes of a quote are taken for shares: they were round lots until the exchanges changed that in November 2025, which
the documents we have do not say.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeVar

from quant.markets.calendar import NEW_YORK

from broker.adapters.alpaca.parse import moment
from broker.adapters.market_data import DailyBar, Depth, Heard, LastPrice, Level, MinuteBar, Trade
from broker.adapters.port import Unreachable

NOTHING: Final = Decimal(0)
Shape = TypeVar("Shape")
Row = Mapping[str, Any]


def shown(body: Any, group: str, symbol: str) -> Row | None:
    """What an answer for several symbols says of one; of a symbol that it does not know it says nothing."""
    found: Row | None = _read(lambda: body.get(group, body).get(symbol), group)
    return found


def last_price(symbol: str, snapshot: Row, now: datetime) -> LastPrice:
    """The newest trade, and the day so far: a snapshot shows the last session until the next one has a trade."""
    return _read(lambda: _last_price(symbol, snapshot, now), "snapshot")


def _last_price(symbol: str, snapshot: Row, now: datetime) -> LastPrice:
    trade, newest, before = snapshot["latestTrade"], snapshot.get("dailyBar"), snapshot.get("prevDailyBar")
    is_today = newest is not None and _day(newest) == now.astimezone(NEW_YORK).date()
    last_session: Row | None = before if is_today else newest
    price = _number(trade["p"])
    base = price if last_session is None else _number(last_session["c"])
    first, high, low, _, volume = _figures(newest) if newest is not None and is_today else (NOTHING,) * 5
    return LastPrice(symbol, price, volume, base, first, high, low, at=moment(trade["t"]))


def depth(symbol: str, quote: Row) -> Depth:
    """The best of each side, which is all there is."""
    return _read(lambda: Depth(symbol, _side(quote["bp"], quote["bs"]), _side(quote["ap"], quote["as"])), "quote")


def daily_bars(body: Row) -> list[DailyBar]:
    """A page of sessions."""
    return _read(lambda: [DailyBar(_day(row), *_figures(row)) for row in body["bars"] or ()], "chart")


def minute_bars(body: Row) -> list[MinuteBar]:
    """A page of minutes, each named by its first second."""
    return _read(lambda: [MinuteBar(moment(row["t"]), *_figures(row)) for row in body["bars"] or ()], "chart")


def told(message: Row) -> Heard:
    """A trade (`t`) or a quote (`q`) of the stream."""
    return _read(lambda: _trade(message) if message["T"] == "t" else depth(str(message["S"]), message), "stream")


def _trade(message: Row) -> Trade:
    return Trade(str(message["S"]), moment(message["t"]), _number(message["p"]), _number(message["s"]), None)


def _day(row: Row) -> Any:
    return moment(row["t"]).astimezone(NEW_YORK).date()


def _figures(row: Row) -> tuple[Decimal, Decimal, Decimal, Decimal, Decimal]:
    first, high, low, last, volume = (_number(row[name]) for name in ("o", "h", "l", "c", "v"))
    return first, high, low, last, volume


def _side(price: Any, size: Any) -> tuple[Level, ...]:
    level = Level(_number(price), _number(size))
    return (level,) if level.price else ()


def _number(value: Any) -> Decimal:
    return Decimal(str(value))


def _read(what: Callable[[], Shape], name: str) -> Shape:
    try:
        return what()
    except (KeyError, ValueError, TypeError, AttributeError, InvalidOperation) as unreadable:
        raise Unreachable(f"Alpaca's {name} cannot be read") from unreadable
