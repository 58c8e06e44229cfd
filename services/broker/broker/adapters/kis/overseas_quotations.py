"""KIS's overseas quotations in our words; pure, and tolerant of whatever is added to them. Rows come newest first."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeVar

from quant.markets.calendar import NEW_YORK

from broker.adapters.kis.parse import TIME
from broker.adapters.market_data import DailyBar, Depth, LastPrice, Level, MinuteBar
from broker.adapters.port import Unreachable

LEVELS: Final = 10
_LAST: Final = ("last", "tvol", "base", "open", "high", "low")
_PRICES: Final = ("open", "high", "low")
Shape = TypeVar("Shape")
Row = Mapping[str, Any]


def last_price(symbol: str, body: Row) -> LastPrice:
    """The price and the day so far of price-detail."""
    return _read(lambda: LastPrice(symbol, *(Decimal(body["output"][name]) for name in _LAST)), "price")


def depth(symbol: str, body: Row) -> Depth:
    """The book of inquire-asking-price, as deep as it is shown; a level without a price is none.

    Its levels are an object of their own, or a list of one: the documents say either.
    """
    return _read(lambda: _depth(symbol, body), "book")


def _depth(symbol: str, body: Row) -> Depth:
    given = body["output2"]
    shown: Row = given[0] if isinstance(given, list) else given
    return Depth(symbol, _side(shown, "bid"), _side(shown, "ask"))


def _side(row: Row, name: str) -> tuple[Level, ...]:
    levels = (
        Level(Decimal(row[f"p{name}{number}"]), Decimal(row[f"v{name}{number}"]))
        for number in range(1, LEVELS + 1)
        if str(row.get(f"p{name}{number}", "")).strip()
    )
    return tuple(level for level in levels if level.price)


def days(body: Row) -> list[DailyBar]:
    """A page of dailyprice, newest first."""
    return _read(lambda: [_day(row) for row in _rows(body)], "chart")


def minutes(body: Row) -> list[MinuteBar]:
    """A page of minutes, newest first, in New York's time. That a row is named by its first second is unconfirmed."""
    return _read(lambda: [_minute(row) for row in _rows(body)], "chart")


def _rows(body: Row) -> Iterable[Row]:
    return (row for row in body["output2"] if row.get("xymd"))


def _day(row: Row) -> DailyBar:
    return DailyBar(_date(row["xymd"]), *(Decimal(row[name]) for name in (*_PRICES, "clos", "tvol")))


def _date(text: str) -> date:
    return datetime.strptime(text, "%Y%m%d").replace(tzinfo=NEW_YORK).date()


def _minute(row: Row) -> MinuteBar:
    at = datetime.strptime(row["xymd"] + row["xhms"], TIME).replace(tzinfo=NEW_YORK)
    return MinuteBar(at, *(Decimal(row[name]) for name in (*_PRICES, "last", "evol")))


def _read(what: Callable[[], Shape], name: str) -> Shape:
    try:
        return what()
    except (KeyError, ValueError, TypeError, AttributeError, IndexError, InvalidOperation) as unreadable:
        raise Unreachable(f"KIS's overseas {name} cannot be read") from unreadable
