"""KIS's quotations in our words; pure, and tolerant of whatever is added to them.

Rows come newest first. Where there is nothing to show KIS fills a page up with empty objects.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeVar

from quant.markets.calendar import SEOUL

from broker.adapters.kis.parse import TIME
from broker.adapters.market_data import DailyBar, Depth, LastPrice, Level, MinuteBar
from broker.adapters.port import Unreachable

LEVELS: Final = 10
_PRICES: Final = ("stck_oprc", "stck_hgpr", "stck_lwpr")
_LAST: Final = ("stck_prpr", "acml_vol", "stck_sdpr", *_PRICES)
Shape = TypeVar("Shape")
Row = Mapping[str, Any]


def last_price(symbol: str, body: Row) -> LastPrice:
    """The price and the day so far of inquire-price."""
    return _read(lambda: LastPrice(symbol, *(Decimal(body["output"][name]) for name in _LAST)), "price")


def depth(symbol: str, body: Row) -> Depth:
    """The book of inquire-asking-price-exp-ccn; a level without a price is none."""
    return _read(lambda: Depth(symbol, _side(body["output1"], "bidp"), _side(body["output1"], "askp")), "book")


def _side(row: Row, name: str) -> tuple[Level, ...]:
    levels = (
        Level(Decimal(row[f"{name}{number}"]), Decimal(row[f"{name}_rsqn{number}"]))
        for number in range(1, LEVELS + 1)
        if row.get(f"{name}{number}")
    )
    return tuple(level for level in levels if level.price)


def names_a_stock(body: Row) -> bool:
    """Whether a chart is one of something: of a symbol that it does not know KIS shows neither name nor rows."""
    return _read(lambda: bool(body["output1"].get("hts_kor_isnm") or any(body["output2"])), "chart")


def days(body: Row) -> list[DailyBar]:
    """A page of inquire-daily-itemchartprice, newest first."""
    return _read(lambda: [_day(row) for row in _rows(body)], "chart")


def minutes(body: Row) -> list[MinuteBar]:
    """A page of inquire-time-itemchartprice, newest first. That a row has its first second as name is unconfirmed."""
    return _read(lambda: [_minute(row) for row in _rows(body)], "chart")


def _rows(body: Row) -> Iterable[Row]:
    return (row for row in body["output2"] if row.get("stck_bsop_date"))


def _day(row: Row) -> DailyBar:
    at = datetime.strptime(row["stck_bsop_date"], "%Y%m%d").replace(tzinfo=SEOUL)
    return DailyBar(at.date(), *(Decimal(row[name]) for name in (*_PRICES, "stck_clpr", "acml_vol")))


def _minute(row: Row) -> MinuteBar:
    at = datetime.strptime(row["stck_bsop_date"] + row["stck_cntg_hour"], TIME).replace(tzinfo=SEOUL)
    return MinuteBar(at, *(Decimal(row[name]) for name in (*_PRICES, "stck_prpr", "cntg_vol")))


def _read(what: Callable[[], Shape], name: str) -> Shape:
    try:
        return what()
    except (KeyError, ValueError, TypeError, AttributeError, InvalidOperation) as unreadable:
        raise Unreachable(f"KIS's {name} cannot be read") from unreadable
