"""Frames of KIS's market streams in our words; pure. Fields are read by position, more may follow.

Those of the United States begin with the name of the subscription, which the documents leave out and live ones have.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Final

from quant.markets.calendar import NEW_YORK, SEOUL

from broker.adapters.kis.frames import Unreadable, divided
from broker.adapters.kis.parse import TIME
from broker.adapters.market_data import Depth, Heard, Level, Trade

LEVELS: Final = 10
_SYMBOL, _HOUR, _PRICE, _QUANTITY, _DAY_VOLUME, _DAY = 0, 1, 2, 12, 13, 33
_ASKS, _BIDS, _ASK_SIZES, _BID_SIZES = (slice(first, first + LEVELS) for first in (3, 13, 23, 33))
_US_SYMBOL, _US_DAY, _US_HOUR, _US_PRICE, _US_QUANTITY, _US_DAY_VOLUME = 1, 4, 5, 11, 19, 20
_US_LEVELS, _US_LEVEL_FIELDS = 11, 6
"""Where its book begins, and how many fields a level has: bid, ask, their sizes, and what those were before."""
Record = Sequence[str]


def _trade(record: Record) -> Trade:
    at = datetime.strptime(record[_DAY] + record[_HOUR], TIME).replace(tzinfo=SEOUL)
    return Trade(record[_SYMBOL], at, *(Decimal(record[place]) for place in (_PRICE, _QUANTITY, _DAY_VOLUME)))


def _depth(record: Record) -> Depth:
    return Depth(record[_SYMBOL], _side(record[_BIDS], record[_BID_SIZES]), _side(record[_ASKS], record[_ASK_SIZES]))


def _side(prices: Record, sizes: Record) -> tuple[Level, ...]:
    levels = (Level(Decimal(price), Decimal(size)) for price, size in zip(prices, sizes, strict=True))
    return tuple(level for level in levels if level.price)


def _us_trade(record: Record) -> Trade:
    at = datetime.strptime(record[_US_DAY] + record[_US_HOUR], TIME).replace(tzinfo=NEW_YORK)
    figures = (Decimal(record[place]) for place in (_US_PRICE, _US_QUANTITY, _US_DAY_VOLUME))
    return Trade(record[_US_SYMBOL], at, *figures)


def _us_depth(record: Record) -> Depth:
    levels = [record[place : place + _US_LEVEL_FIELDS] for place in range(_US_LEVELS, len(record), _US_LEVEL_FIELDS)]
    whole = [level for level in levels if len(level) == _US_LEVEL_FIELDS][:LEVELS]
    bids, asks, bid_sizes, ask_sizes = ([level[place] for level in whole] for place in range(4))
    return Depth(record[_US_SYMBOL], _side(bids, bid_sizes), _side(asks, ask_sizes))


@dataclass(frozen=True, slots=True)
class Frame:
    """A kind of frame: how many fields a record has by KIS's documents, how many of them we need, how one is read."""

    fields: int
    needed: int
    read: Callable[[Record], Heard]


FRAMES: Final[Mapping[str, Frame]] = {"H0STCNT0": Frame(46, 34, _trade), "H0STASP0": Frame(59, 43, _depth)}
"""Those of Korea."""
US_FRAMES: Final[Mapping[str, Frame]] = {"HDFSCNT0": Frame(26, 21, _us_trade), "HDFSASP0": Frame(71, 17, _us_depth)}
_ALL: Final = {**FRAMES, **US_FRAMES}


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
    if name not in _ALL or width < _ALL[name].needed:
        raise Unreadable(f"{name} with {width} fields is not a frame of the market")
    try:
        return Ticks(name, width, tuple(_ALL[name].read(record) for record in records))
    except (ValueError, InvalidOperation) as unreadable:
        raise Unreadable(f"a record of {name} cannot be read") from unreadable
