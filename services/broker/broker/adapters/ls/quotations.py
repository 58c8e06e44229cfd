"""LS's quotations in our words, asked for and told by the stream; pure, and tolerant of what is added to them.

Each page of a chart is oldest first, and the pages go back in time. That a symbol LS does not know has neither a name
nor rows, and that a minute has its first second as name, is unconfirmed.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeVar

from quant.markets.calendar import SEOUL

from broker.adapters.market_data import DailyBar, Depth, Heard, LastPrice, Level, MinuteBar, Trade
from broker.adapters.port import Unreachable

LEVELS: Final = 10
TRADES: Final = frozenset({"S3_", "K3_"})
BOOKS: Final = frozenset({"H1_", "HA_"})
"""Of KOSPI and KOSDAQ: whoever does not know where a symbol is listed asks for both."""
_LAST: Final = ("price", "volume", "recprice", "open", "high", "low")
_BAR: Final = ("open", "high", "low", "close", "jdiff_vol")
_TIME: Final = "%Y%m%d%H%M%S"
Shape = TypeVar("Shape")
Row = Mapping[str, Any]


def names_a_stock(body: Row, name: str) -> bool:
    """Whether an answer is of something."""
    block = body.get(f"{name}OutBlock") or {}
    return bool(block.get("hname") or block.get("shcode") or body.get(f"{name}OutBlock1"))


def last_price(symbol: str, body: Row) -> LastPrice:
    """The price and the day so far of t1102."""
    return _read(lambda: LastPrice(symbol, *(_number(body["t1102OutBlock"][name]) for name in _LAST)), "price")


def depth(symbol: str, body: Row) -> Depth:
    """The book of t1101."""
    return _read(lambda: _book(symbol, body["t1101OutBlock"]), "book")


def days(pages: Sequence[Row]) -> list[DailyBar]:
    """The pages of t8451, oldest session first."""
    return _read(lambda: [_day(row) for page in reversed(pages) for row in page.get("t8451OutBlock1", ())], "chart")


def minutes(pages: Sequence[Row]) -> list[MinuteBar]:
    """The pages of t8452, oldest minute first."""
    return _read(lambda: [_minute(row) for page in reversed(pages) for row in page.get("t8452OutBlock1", ())], "chart")


def _day(row: Row) -> DailyBar:
    at = datetime.strptime(str(row["date"]), "%Y%m%d").replace(tzinfo=SEOUL)
    return DailyBar(at.date(), *(_number(row[name]) for name in _BAR))


def _minute(row: Row) -> MinuteBar:
    at = datetime.strptime(f"{row['date']}{row['time']}", _TIME).replace(tzinfo=SEOUL)
    return MinuteBar(at, *(_number(row[name]) for name in _BAR))


def told(name: str, body: Row, day: date) -> Heard:
    """A trade or a book of the stream, which does not say its day.

    Raises:
        Unreachable: when it cannot be read.
    """
    return _read(lambda: _trade(body, day) if name in TRADES else _book(str(body["shcode"]), body), "frame")


def _trade(body: Row, day: date) -> Trade:
    at = datetime.strptime(f"{day:%Y%m%d}{body['chetime']}", _TIME).replace(tzinfo=SEOUL)
    return Trade(str(body["shcode"]), at, *(_number(body[name]) for name in ("price", "cvolume", "volume")))


def _book(symbol: str, block: Row) -> Depth:
    return Depth(symbol, _side(block, "bid"), _side(block, "offer"))


def _side(block: Row, side: str) -> tuple[Level, ...]:
    levels = (
        Level(_number(block[f"{side}ho{place}"]), _number(block[f"{side}rem{place}"]))
        for place in range(1, LEVELS + 1)
        if f"{side}ho{place}" in block
    )
    return tuple(level for level in levels if level.price)


def _number(value: Any) -> Decimal:
    return Decimal(str(value).strip() or 0)


def _read(what: Callable[[], Shape], name: str) -> Shape:
    try:
        return what()
    except (KeyError, ValueError, TypeError, AttributeError, InvalidOperation) as unreadable:
        raise Unreachable(f"LS's {name} cannot be read") from unreadable
