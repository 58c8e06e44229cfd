"""Checks of what the market and common sense allow: kinds, session, lots, ticks, bands, slips of the finger."""

from decimal import Decimal
from typing import Final

from quant.markets.ticks import is_on_grid, tick_size

from trading.domain.question import Question
from trading.domain.request import Denied, Reason, TimeInForce

LOT: Final = Decimal(1)
WAITING_TIMES: Final[frozenset[TimeInForce]] = frozenset({"day", "gtc"})
"""How long a stop may wait."""
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


def session_is_regular(ask: Question) -> Denied | None:
    if not ask.quote.is_regular_session and ask.request.time_in_force not in BEFORE_THE_SESSION:
        return ask.denied(Reason.MARKET_CLOSED, f"{ask.quote.market} is not in its regular session.")
    return None


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


def quantity_is_in_lots(ask: Question) -> Denied | None:
    if ask.request.quantity % LOT != 0:
        return ask.denied(Reason.QUANTITY_OFF_LOT, f"{ask.quote.market} trades whole shares.")
    return None


def quantity_is_no_slip(ask: Question) -> Denied | None:
    if ask.request.quantity > ask.limits.quantity_max:
        detail = f"An order may have {ask.limits.quantity_max} shares, this one has {ask.request.quantity:f}."
        return ask.denied(Reason.FAT_FINGER_QUANTITY, detail)
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


def value_is_no_slip(ask: Question) -> Denied | None:
    most = ask.limits.value_max[ask.quote.currency]
    if ask.value > most:
        detail = f"An order may be worth {most:f} {ask.quote.currency}, this one is worth {ask.value:f}."
        return ask.denied(Reason.FAT_FINGER_VALUE, detail)
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
