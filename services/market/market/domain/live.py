"""Live prices: what a broker's feed shows of a symbol, as the quote, trade and book that everybody reads."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from quant.markets.bands import price_band
from quant.markets.calendar import is_session, previous_session, session_hours
from quant.markets.listing import Market

from market.domain.instrument import Instrument
from market.domain.quote import Book, Level, Quote, Session
from market.domain.sessions import local_day

CLOSING: Final = timedelta(minutes=10)
"""How long after the close its auction's trades may still be told."""
_PERCENT_PLACES: Final = Decimal("0.01")
_NONE: Final = Level(Decimal(0), Decimal(0))


@dataclass(frozen=True, slots=True)
class Shown:
    """How a symbol stands at a broker. Open, high and low are zero before the day's first trade.

    Attributes:
        traded: shares of the trade that this is news of; 0 when it is news of something else, or none at all.
        with_book: the book may have moved.
    """

    source: str
    market: Market
    symbol: str
    price: Decimal
    base_price: Decimal
    open: Decimal
    high: Decimal
    low: Decimal
    volume: int
    traded: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    with_book: bool


def quote_of(shown: Shown, instrument: Instrument, moment: datetime, timestamp: str) -> Quote | None:
    """The quote, published at a moment; None of what has no price, or is listed on another market."""
    if shown.price <= 0 or shown.base_price <= 0 or instrument.market != shown.market:
        return None
    day, session = day_of(shown.market, moment)
    band = price_band(shown.base_price, instrument.board, day, instrument.kind)
    bid, ask = (side[0] if side else _NONE for side in (shown.bids, shown.asks))
    change = shown.price - shown.base_price
    return Quote(
        type="quote",
        symbol=shown.symbol,
        market=shown.market,
        board=instrument.board,
        kind=instrument.kind,
        currency=instrument.currency,
        name=instrument.name,
        price=shown.price,
        change=change,
        change_percent=(change * 100 / shown.base_price).quantize(_PERCENT_PLACES),
        volume=shown.volume,
        bid=bid.price,
        ask=ask.price,
        bid_size=bid.quantity,
        ask_size=ask.quantity,
        base_price=shown.base_price,
        upper_limit=band.upper if band else None,
        lower_limit=band.lower if band else None,
        open=shown.open or shown.price,
        high=shown.high or shown.price,
        low=shown.low or shown.price,
        session=session,
        trading_date=day,
        timestamp=timestamp,
        source=shown.source,
    )


def deep_book_of(shown: Shown, timestamp: str) -> Book:
    """The book, as deep as the broker shows it."""
    return Book("orderbook", shown.symbol, shown.bids, shown.asks, timestamp, shown.source)


def day_of(market: Market, moment: datetime) -> tuple[date, Session]:
    """The trading day that live prices of this moment are of: today, or the last one before; and its session."""
    day = local_day(market, moment)
    if not is_session(market, day):
        return previous_session(market, day), "closed"
    return day, "regular" if session_hours(market, day).contains(moment) else "closed"


def may_have_traded(market: Market, moment: datetime) -> bool:
    """Whether what is told now can have traded on the exchange: in its session, or in the auction that ends it."""
    day = local_day(market, moment)
    if not is_session(market, day):
        return False
    hours = session_hours(market, day)
    return hours.open <= moment < hours.close + CLOSING
