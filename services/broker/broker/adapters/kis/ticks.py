"""Frames of KIS's market stream in our words; pure. Fields are read by position, more may follow."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Final

from quant.markets.calendar import SEOUL

from broker.adapters.kis.frames import Unreadable, divided
from broker.adapters.kis.parse import TIME
from broker.adapters.market_data import Depth, Heard, Level, Trade

LEVELS: Final = 10
_SYMBOL, _HOUR, _PRICE, _QUANTITY, _DAY_VOLUME, _DAY = 0, 1, 2, 12, 13, 33
_ASKS, _BIDS, _ASK_SIZES, _BID_SIZES = (slice(first, first + LEVELS) for first in (3, 13, 23, 33))
Record = Sequence[str]


def _trade(record: Record) -> Trade:
    at = datetime.strptime(record[_DAY] + record[_HOUR], TIME).replace(tzinfo=SEOUL)
    return Trade(record[_SYMBOL], at, *(Decimal(record[place]) for place in (_PRICE, _QUANTITY, _DAY_VOLUME)))


def _depth(record: Record) -> Depth:
    return Depth(record[_SYMBOL], _side(record[_BIDS], record[_BID_SIZES]), _side(record[_ASKS], record[_ASK_SIZES]))


def _side(prices: Record, sizes: Record) -> tuple[Level, ...]:
    levels = (Level(Decimal(price), Decimal(size)) for price, size in zip(prices, sizes, strict=True))
    return tuple(level for level in levels if level.price)


@dataclass(frozen=True, slots=True)
class Frame:
    """A kind of frame: how many fields a record has by KIS's documents, how many of them we need, how one is read."""

    fields: int
    needed: int
    read: Callable[[Record], Heard]


FRAMES: Final[Mapping[str, Frame]] = {"H0STCNT0": Frame(46, 34, _trade), "H0STASP0": Frame(59, 43, _depth)}


@dataclass(frozen=True, slots=True)
class Ticks:
    """What a data frame holds: which kind, and how many fields each record really has."""

    name: str
    width: int
    heard: tuple[Heard, ...]


def ticks(text: str) -> Ticks:
    """The trades or books in a data frame.

    Raises:
        Unreadable: when it is none of ours, or one of its records cannot be read.
    """
    name, records = divided(text, None)
    width = len(records[0])
    if name not in FRAMES or width < FRAMES[name].needed:
        raise Unreadable(f"{name} with {width} fields is not a frame of the market")
    try:
        return Ticks(name, width, tuple(FRAMES[name].read(record) for record in records))
    except (ValueError, InvalidOperation) as unreadable:
        raise Unreadable(f"a record of {name} cannot be read") from unreadable
