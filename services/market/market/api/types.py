"""The shapes that market's routes share: symbols, stocks and quotes as JSON."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Path, Query
from kit.clock import now
from kit.errors import FieldError
from kit.money import Money
from kit.pagination import BadCursor, PageQuery, decode_cursor
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from quant.markets.listing import Board, Currency, Kind, Market
from quant.markets.symbols import SYMBOL_TEXT_MAX, normalise

from market.domain.instrument import AdjustmentOfBars
from market.errors import BadRange, BadSymbols

SYMBOLS_PER_REQUEST_MAX = 100
DEFAULT_SPAN = timedelta(days=366)


def _code(text: str) -> str:
    return normalise(text).code


Symbol = Annotated[str, Field(max_length=SYMBOL_TEXT_MAX, examples=["005930"]), AfterValidator(_code)]
"""A symbol in any accepted spelling, as its code."""

SymbolPath = Annotated[str, Path(max_length=SYMBOL_TEXT_MAX, examples=["005930"]), AfterValidator(_code)]


def _symbols(
    symbols: Annotated[
        str,
        Query(
            min_length=1,
            max_length=SYMBOLS_PER_REQUEST_MAX * (SYMBOL_TEXT_MAX + 1),
            description=f"At most {SYMBOLS_PER_REQUEST_MAX} symbols, separated by commas",
            examples=["005930,AAPL"],
        ),
    ],
) -> tuple[str, ...]:
    """Read a list of symbols; each counts once."""
    texts = [text for text in symbols.split(",") if text.strip()]
    if not 1 <= len(texts) <= SYMBOLS_PER_REQUEST_MAX:
        raise _bad_symbols(f"Send 1 to {SYMBOLS_PER_REQUEST_MAX} symbols, not {len(texts)}.")
    try:
        return tuple(dict.fromkeys(_code(text) for text in texts))
    except ValueError as wrong:
        raise _bad_symbols(str(wrong)) from wrong


def _bad_symbols(message: str) -> BadSymbols:
    return BadSymbols(message, errors=[FieldError(field="symbols", message=message, code=BadSymbols.CODE)])


SymbolList = Annotated[tuple[str, ...], Depends(_symbols)]


@dataclass(frozen=True)
class DayRange:
    """From which day to which, both included, and whether the asker chose the first."""

    first: date
    last: date
    first_is_chosen: bool


def _day_range(
    from_day: Annotated[
        date | None, Query(alias="from", description="First day; a year before `to`, or as far as may be asked")
    ] = None,
    to_day: Annotated[date | None, Query(alias="to", description="Last day, itself included; today")] = None,
) -> DayRange:
    last = to_day or now().date() + timedelta(days=1)
    first = from_day or max(last, date.min + DEFAULT_SPAN) - DEFAULT_SPAN
    if first > last:
        wrong = FieldError(field="from", message="is after `to`", code=BadRange.CODE)
        raise BadRange(f"The first day {first} is after the last one {last}.", errors=[wrong])
    return DayRange(first, last, from_day is not None)


Days = Annotated[DayRange, Depends(_day_range)]


def after_id(page: PageQuery) -> UUID | None:
    """Read the id a list goes on after."""
    if page.cursor is None:
        return None
    (text,) = decode_cursor(page.cursor, (str,))
    try:
        return UUID(str(text))
    except ValueError:
        raise BadCursor("Pass the `next_cursor` of the page before, unchanged.") from None


class Stock(BaseModel):
    """An instrument, and the days its bars cover."""

    model_config = ConfigDict(from_attributes=True)

    symbol: str
    name: str
    market: Market
    board: Board
    kind: Kind
    currency: Currency
    first_day: date
    last_day: date
    adjustment: AdjustmentOfBars
    name_en: str | None
    sector: str | None
    isin: str | None
    listed_on: date | None
    delisted_on: date | None


class LevelShown(BaseModel):
    """One price of an order book, and how many shares are wanted or offered there."""

    price: Money
    quantity: Money


class BookMessage(BaseModel):
    """An order book as far as its source shows it, the best price first on both sides: see `market.domain.quote`."""

    type: Literal["orderbook"]
    symbol: str
    bids: list[LevelShown]
    asks: list[LevelShown]
    timestamp: str
    source: str


class QuoteMessage(BaseModel):
    """A quote, as it is kept, published and sent: see `market.domain.quote`."""

    type: Literal["quote"]
    symbol: str
    market: Market
    board: Board
    kind: Kind
    currency: Currency
    name: str
    price: Money
    change: Money
    change_percent: Money
    volume: int
    bid: Money
    ask: Money
    bid_size: Money
    ask_size: Money
    base_price: Money
    upper_limit: Money | None
    lower_limit: Money | None
    open: Money
    high: Money
    low: Money
    session: Literal["regular", "closed"]
    trading_date: date
    timestamp: str
    source: str
