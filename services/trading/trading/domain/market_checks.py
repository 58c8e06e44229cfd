"""Checks of what the market and common sense allow: kinds, session, lots, ticks, bands, slips of the finger."""

from decimal import Decimal
from typing import Final

from quant.markets.sessions import Phase
from quant.markets.symbols import is_index
from quant.markets.ticks import is_on_grid, tick_size
from quant.markets.venues import Instrument, Window, is_traded, open_windows, takes

from trading.domain.question import Question
from trading.domain.request import Denied, Reason, TimeInForce

LOT: Final = Decimal(1)
WAITING_TIMES: Final[frozenset[TimeInForce]] = frozenset({"day", "gtc"})
"""How long a stop may wait."""
PHASE_WORDS: Final[dict[Phase, str]] = {
    "pre_market": "pre-market",
    "continuous": "continuous session",
    "opening_auction": "opening auction",
    "closing_auction": "auction",
    "after_auction": "opening of the after-market",
    "close_price": "trading at the closing price",
    "after_market": "after-market",
}
BEFORE_THE_SESSION: Final[frozenset[TimeInForce]] = frozenset({"at_open"})
"""What may be placed while the market is closed."""


def quote_is_fresh(ask: Question) -> Denied | None:
    if ask.latest is None:
        return ask.denied(Reason.STALE_QUOTE, f"There is no quote for {ask.request.symbol} at the moment.")
    age, most = ask.latest.age(ask.now), ask.limits.quote_age_max
    if age > most:
        seconds = int(age.total_seconds())
        detail = f"The last quote of {ask.request.symbol} is {seconds} s old; at most {most.seconds} s are allowed."
        return ask.denied(Reason.STALE_QUOTE, detail)
    return None


def symbol_is_no_index(ask: Question) -> Denied | None:
    """An index has bars, and a replay of them quotes: but nobody can buy it."""
    if is_index(ask.request.symbol):
        return ask.denied(Reason.RESTRICTED_SYMBOL, f"{ask.request.symbol} is an index: it cannot be bought or sold.")
    return None


def venue_trades_the_instrument(ask: Question) -> Denied | None:
    """Funds are neither at NXT nor in the after-market; NXT has two of the three boards."""
    asked, of = ask.request, _instrument(ask)
    windows = _windows(ask)
    if windows and not any(is_traded(window, of) for window in windows):
        detail = f"{asked.symbol} is not traded in {windows[0].venue}'s {PHASE_WORDS[windows[0].phase]}."
        return ask.denied(Reason.ORDER_TYPE_NOT_ALLOWED, detail)
    return None


def session_takes_the_order(ask: Question) -> Denied | None:
    """By the quote's session, and not by the clock: a replayed market is open when its quotes say so."""
    asked, windows = ask.request, _windows(ask)
    if not windows:
        if asked.time_in_force in BEFORE_THE_SESSION and asked.venue != "NXT":
            return None
        return ask.denied(Reason.MARKET_CLOSED, f"{asked.venue} takes no orders now.")
    of = _instrument(ask)
    if not any(takes(window, of, asked.order_type, asked.time_in_force) for window in windows):
        kind, phase = asked.order_type, PHASE_WORDS[windows[0].phase]
        detail = f"{asked.venue} takes no {kind} order for {asked.time_in_force} in its {phase}."
        return ask.denied(Reason.ORDER_TYPE_NOT_ALLOWED, detail)
    return None


def exits_suit_the_venue(ask: Question) -> Denied | None:
    """A stop without a limit turns into an order at market, and NXT has none."""
    asked = ask.request
    pairs = ((asked.stop_loss_price, asked.stop_loss_limit_price), (asked.oco_stop_price, asked.oco_stop_limit_price))
    if asked.venue == "NXT" and any(stop is not None and limit is None for stop, limit in pairs):
        detail = "NXT takes no orders at market: give the stop a limit price as well, or name KRX."
        return ask.denied(Reason.ORDER_TYPE_NOT_ALLOWED, detail)
    return None


def _windows(ask: Question) -> tuple[Window, ...]:
    return open_windows(ask.request.venue, ask.quote.session, ask.quote.trading_date)


def _instrument(ask: Question) -> Instrument:
    return Instrument(ask.quote.board, ask.quote.kind, ask.quote.trading_date)


def order_kind_is_allowed(ask: Question) -> Denied | None:
    asked = ask.request
    if asked.is_stop and asked.time_in_force not in WAITING_TIMES:
        detail = f"A {asked.order_type} order waits for its price: its time in force is day or gtc."
        return ask.denied(Reason.ORDER_TYPE_NOT_ALLOWED, detail)
    if asked.take_profit_price is not None and asked.side == "sell":
        return ask.denied(Reason.ORDER_TYPE_NOT_ALLOWED, "A take profit belongs to a buy: it sells what was bought.")
    if asked.stop_loss_price is not None and asked.side == "sell" and asked.order_type != "limit":
        return ask.denied(Reason.ORDER_TYPE_NOT_ALLOWED, "Only a limit sale can have a stop loss at its side.")
    return None


def pair_can_wait(ask: Question) -> Denied | None:
    """Of two buys of which one cancels the other, the limit waits at the broker and the stop with us."""
    asked = ask.request
    if asked.oco_stop_price is None:
        return None
    if (asked.side, asked.order_type) != ("buy", "limit") or asked.time_in_force not in WAITING_TIMES:
        detail = "Only a limit buy for day or gtc can have another buy at its side, of which one cancels the other."
        return ask.denied(Reason.ORDER_TYPE_NOT_ALLOWED, detail)
    limit, most = asked.oco_stop_limit_price, ask.limits.price_distance_max
    if limit is not None and most is not None and limit > asked.oco_stop_price * (1 + most):
        detail = f"{limit:f} is more than {most:%} worse than its stop price, {asked.oco_stop_price:f}."
        return ask.denied(Reason.PRICE_TOO_FAR, detail)
    return None


def quantity_is_in_lots(ask: Question) -> Denied | None:
    if ask.request.quantity % LOT != 0:
        return ask.denied(Reason.QUANTITY_OFF_LOT, f"{ask.quote.market} trades whole shares.")
    return None


def price_is_on_tick(ask: Question) -> Denied | None:
    quote = ask.quote
    for price in ask.prices:
        if not is_on_grid(price, quote.board, quote.kind, quote.trading_date):
            tick = tick_size(price, quote.board, quote.kind, quote.trading_date)
            return ask.denied(Reason.PRICE_OFF_TICK, f"At {price:f} prices move in steps of {tick}.")
    return None


def price_is_within_band(ask: Question) -> Denied | None:
    band = ask.quote.band
    for price in ask.prices:
        if band is not None and not band.contains(price):
            detail = f"Today's prices lie between {band.lower:f} and {band.upper:f}."
            return ask.denied(Reason.PRICE_OUTSIDE_BAND, detail)
    return None


def price_is_near_the_market(ask: Question) -> Denied | None:
    """Only against one's own interest: a patient limit far from the market harms nobody."""
    limit, most, last = ask.request.limit_price, ask.limits.price_distance_max, ask.quote.price
    if limit is None or most is None:
        return None
    if ask.request.is_stop and ask.request.stop_price is not None:
        last = ask.request.stop_price  # the market will have come to it
    too_far = limit > last * (1 + most) if ask.request.side == "buy" else limit < last * (1 - most)
    if too_far:
        return ask.denied(Reason.PRICE_TOO_FAR, f"{limit:f} is more than {most:%} worse than the last price, {last:f}.")
    return None
