"""A stored day played back as live quotes: the same bar always gives the same ticks.

The path of a rising day is open, low, high, close; of a falling one open, high, low, close. The corners are printed
exactly as stored, which may be off the grid; everything between them is on it. Bid and ask are always on the grid, one
tick apart, and inside the day's price band.
"""

from bisect import bisect_right
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from quant.markets.bands import Band, price_band
from quant.markets.ticks import ceil_to_tick, floor_to_tick, round_to_tick

from market.domain.instrument import Bar, Instrument
from market.domain.quote import Quote, Session

LEGS: Final = 3
TICKS_MIN: Final = LEGS + 1
SOURCE: Final = "replay"

# No grid is finer than this, so the price one step away lies on the neighbouring line.
_FINEST: Final = {"KRX": Decimal(1), "US": Decimal("0.0001")}
_PERCENT_PLACES: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Playback:
    """One symbol's day, ready to be asked for any of its ticks."""

    instrument: Instrument
    bar: Bar
    ticks: int
    base_price: Decimal
    band: Band | None
    corners: tuple[Decimal, ...]
    corner_ticks: tuple[int, ...]


def prepare(instrument: Instrument, bar: Bar, previous_close: Decimal | None, ticks: int) -> Playback:
    """Get a day ready; ValueError for a halted day or fewer than four ticks."""
    if bar.halted:
        raise ValueError(f"{instrument.symbol} did not trade on {bar.day}")
    if ticks < TICKS_MIN:
        raise ValueError(f"a replay needs at least {TICKS_MIN} ticks")
    base_price, band = _base_and_band(instrument, bar, previous_close)
    turns = (bar.low, bar.high) if bar.close >= bar.open else (bar.high, bar.low)
    return Playback(
        instrument=instrument,
        bar=bar,
        ticks=ticks,
        base_price=base_price,
        band=band,
        corners=(bar.open, *turns, bar.close),
        corner_ticks=tuple((ticks - 1) * corner // LEGS for corner in range(LEGS + 1)),
    )


def quote_at(playback: Playback, tick: int, session: Session, timestamp: str) -> Quote:
    """The quote of one tick, 0 to ticks - 1, as published at `timestamp`."""
    instrument, bar = playback.instrument, playback.bar
    leg = _leg_of(playback, tick)
    price = _price_at(playback, tick, leg)
    bid, ask = _sides(playback, price, rising=playback.corners[leg + 1] >= playback.corners[leg])
    seen = (*playback.corners[: leg + 1], price)
    change = price - playback.base_price
    depth = Decimal(max(bar.volume // playback.ticks, 1))
    return Quote(
        type="quote",
        symbol=instrument.symbol,
        market=instrument.market,
        board=instrument.board,
        kind=instrument.kind,
        currency=instrument.currency,
        name=instrument.name,
        price=price,
        change=change,
        change_percent=(change * 100 / playback.base_price).quantize(_PERCENT_PLACES),
        volume=bar.volume * (tick + 1) // playback.ticks,
        bid=bid,
        ask=ask,
        bid_size=depth,
        ask_size=depth,
        base_price=playback.base_price,
        upper_limit=playback.band.upper if playback.band else None,
        lower_limit=playback.band.lower if playback.band else None,
        open=bar.open,
        high=max(seen),
        low=min(seen),
        session=session,
        trading_date=bar.day,
        timestamp=timestamp,
        source=SOURCE,
    )


def _base_and_band(instrument: Instrument, bar: Bar, previous_close: Decimal | None) -> tuple[Decimal, Band | None]:
    """The base price is the previous close, unless the day's own prices prove that another one held.

    On days of listing, split or rights issue the exchange sets the base; we do not know it and take the open, or, when
    even that does not explain the day, do without a band.
    """
    bases = [bar.open] if previous_close is None else [previous_close, bar.open]
    for base in bases:
        band = price_band(base, instrument.board, bar.day, instrument.kind)
        if band is None or band.lower == band.upper:  # at a few won, 30 % is less than a tick
            return base, None
        if band.contains(bar.low) and band.contains(bar.high):
            return base, band
    return bases[0], None


def _leg_of(playback: Playback, tick: int) -> int:
    return min(bisect_right(playback.corner_ticks, tick) - 1, LEGS - 1)


def _price_at(playback: Playback, tick: int, leg: int) -> Decimal:
    begin, end = playback.corners[leg], playback.corners[leg + 1]
    begin_tick, end_tick = playback.corner_ticks[leg], playback.corner_ticks[leg + 1]
    if tick == begin_tick:
        return begin
    if tick == end_tick:
        return end
    between = begin + (end - begin) * (tick - begin_tick) / (end_tick - begin_tick)
    instrument = playback.instrument
    on_grid = round_to_tick(between, instrument.board, instrument.kind, playback.bar.day)
    return min(max(on_grid, min(begin, end)), max(begin, end))


def _sides(playback: Playback, price: Decimal, *, rising: bool) -> tuple[Decimal, Decimal]:
    """Bid and ask around a price: a rising market trades at the ask, a falling one at the bid."""
    board, kind, day = playback.instrument.board, playback.instrument.kind, playback.bar.day
    finest = _FINEST[playback.instrument.market]

    def below(ask: Decimal) -> Decimal:
        return floor_to_tick(ask - finest, board, kind, day) if ask > finest else Decimal(0)

    def above(bid: Decimal) -> Decimal:
        return ceil_to_tick(bid + finest, board, kind, day)

    bid, ask = floor_to_tick(price, board, kind, day), ceil_to_tick(price, board, kind, day)
    if bid == ask:
        bid, ask = (below(ask), ask) if rising else (bid, above(bid))
    band = playback.band
    if band is not None and ask > band.upper:
        bid, ask = below(band.upper), band.upper
    if band is not None and bid < band.lower:
        bid, ask = band.lower, above(band.lower)
    if bid <= 0:
        bid, ask = ask, above(ask)
    return bid, ask
