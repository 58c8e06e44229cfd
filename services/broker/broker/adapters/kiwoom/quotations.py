"""Kiwoom's quotations in our words, asked for and told by the stream; pure, and tolerant of what is added to them.

Rows come newest first. A price's sign is its direction since yesterday; that of a trade's size is who wanted it.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeVar

from quant.markets.calendar import SEOUL

from broker.adapters.kiwoom.parse import number, price
from broker.adapters.market_data import DailyBar, Depth, Heard, LastPrice, Level, MinuteBar, Trade
from broker.adapters.port import Unreachable

LEVELS: Final = 10
_PRICES: Final = ("open_pric", "high_pric", "low_pric")
_TIME: Final = "%Y%m%d%H%M%S"
_ASK, _BID, _ASK_SIZE, _BID_SIZE = 41, 51, 61, 71
Shape = TypeVar("Shape")
Row = Mapping[str, Any]


def last_price(symbol: str, body: Row) -> LastPrice:
    """The price and the day so far of ka10001; what it leaves empty has not happened yet."""
    return _read(
        lambda: LastPrice(
            symbol,
            price(body["cur_prc"]),
            number(body["trde_qty"]),
            price(body["base_pric"]),
            *(price(body[name]) for name in _PRICES),
        ),
        "price",
    )


def depth(symbol: str, body: Row) -> Depth:
    """The book of ka10004, whose best levels are called otherwise than the rest."""
    return _read(lambda: Depth(symbol, _side(body, "buy"), _side(body, "sel")), "book")


def _side(body: Row, side: str) -> tuple[Level, ...]:
    names = [(f"{side}_fpr_bid", f"{side}_fpr_req")]
    names += [(f"{side}_{place}th_pre_bid", f"{side}_{place}th_pre_req") for place in range(2, LEVELS + 1)]
    return _levels((body[names[0][0]], body[names[0][1]]), *((body.get(one), body.get(two)) for one, two in names[1:]))


def _levels(*pairs: tuple[Any, Any]) -> tuple[Level, ...]:
    levels = (Level(price(each or 0), number(size or 0)) for each, size in pairs)
    return tuple(level for level in levels if level.price)


def days(body: Row) -> list[DailyBar]:
    """A page of ka10081, newest first."""
    return _read(lambda: [_day(row) for row in body["stk_dt_pole_chart_qry"]], "chart")


def minutes(body: Row) -> list[MinuteBar]:
    """A page of ka10080, newest first. That a row has its first second as name is unconfirmed."""
    return _read(lambda: [_minute(row) for row in body["stk_min_pole_chart_qry"]], "chart")


def _day(row: Row) -> DailyBar:
    at = datetime.strptime(row["dt"], "%Y%m%d").replace(tzinfo=SEOUL)
    return DailyBar(at.date(), *_figures(row))


def _minute(row: Row) -> MinuteBar:
    at = datetime.strptime(row["cntr_tm"], _TIME).replace(tzinfo=SEOUL)
    return MinuteBar(at, *_figures(row))


def _figures(row: Row) -> list[Decimal]:
    return [*(price(row[name]) for name in (*_PRICES, "cur_prc")), number(row["trde_qty"])]


def told(kind: str, symbol: str, values: Row, day: date) -> Heard:
    """A trade (0B) or a book (0D) of the stream, which does not say its day.

    Raises:
        Unreachable: when it cannot be read.
    """
    return _read(lambda: _trade(symbol, values, day) if kind == "0B" else _book(symbol, values), "frame")


def _trade(symbol: str, values: Row, day: date) -> Trade:
    at = datetime.strptime(f"{day:%Y%m%d}{values['20']}", _TIME).replace(tzinfo=SEOUL)
    return Trade(symbol, at, price(values["10"]), abs(number(values["15"])), number(values["13"]))


def _book(symbol: str, values: Row) -> Depth:
    sides = [
        _levels(*((values[str(first + place)], values[str(sizes + place)]) for place in range(LEVELS)))
        for first, sizes in ((_BID, _BID_SIZE), (_ASK, _ASK_SIZE))
    ]
    return Depth(symbol, *sides)


def _read(what: Callable[[], Shape], name: str) -> Shape:
    try:
        return what()
    except (KeyError, ValueError, TypeError, AttributeError, InvalidOperation) as unreadable:
        raise Unreachable(f"Kiwoom's {name} cannot be read") from unreadable
