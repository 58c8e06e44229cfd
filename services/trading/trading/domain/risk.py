"""The risk review: small named checks, asked in order, of which the first refusal is the answer.

It fails closed: what a check needs and does not have is a refusal. Everything it looks at was read in the transaction
that will hold the money, but for the quote, which says itself how old it is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from quant.fees import Trade, buy_reserve, reserve_price
from quant.markets.listing import Currency
from quant.markets.ticks import is_on_grid, tick_size

from trading.domain.account import Account, Standing
from trading.domain.quote import Quote
from trading.domain.request import Approved, Denied, Hold, OrderRequest, OrderType, Reason, TimeInForce

LOT: Final = Decimal(1)
SUPPORTED_TYPES: Final[frozenset[OrderType]] = frozenset({"market", "limit"})
SUPPORTED_TIMES: Final[frozenset[TimeInForce]] = frozenset({"day", "ioc", "fok"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The bounds of the review. `price_distance_max` is a share of the last price, or None for no bound."""

    quote_age_max: timedelta
    quantity_max: Decimal
    value_max: Mapping[Currency, Decimal]
    price_distance_max: Decimal | None
    open_orders_max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Everything a check may look at."""

    request: OrderRequest
    account: Account
    standing: Standing
    latest: Quote | None
    limits: Limits
    now: datetime

    @property
    def quote(self) -> Quote:
        """The quote, for the checks that come after `quote_is_fresh`."""
        assert self.latest is not None
        return self.latest

    @property
    def price(self) -> Decimal:
        """The price the order is judged by: its limit, else the last."""
        return self.request.limit_price or self.quote.price

    @property
    def hold_price(self) -> Decimal:
        """What a share is reserved at: the limit; at market the day's upper limit, or a margin above the last price."""
        upper = self.quote.band.upper if self.quote.band else None
        return reserve_price(self.request.limit_price, upper, self.quote.price)

    @property
    def hold_cash(self) -> Decimal:
        """What a buy may cost at most, fee included."""
        return buy_reserve(
            Trade(
                market=self.quote.market,
                board=self.quote.board,
                kind=self.quote.kind,
                side="buy",
                quantity=self.request.quantity,
                price=self.hold_price,
                trade_date=self.quote.trading_date,
            )
        )

    def denied(self, reason: Reason, detail: str) -> Denied:
        """Refuse, with the published reason and a sentence that gives the figures."""
        return Denied(reason=reason, detail=detail, quote=self.latest)


Check = Callable[[Question], Denied | None]


def trading_is_not_halted(ask: Question) -> Denied | None:
    if ask.account.trading_halted:
        return ask.denied(Reason.TRADING_HALTED, "Trading is halted for this account: open orders can be canceled.")
    return None


def account_is_paper(ask: Question) -> Denied | None:
    if ask.account.kind != "paper":
        return ask.denied(Reason.LIVE_NOT_PERMITTED, "Live accounts cannot trade here yet: use a paper account.")
    return None


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
    if not ask.quote.is_regular_session:
        return ask.denied(Reason.MARKET_CLOSED, f"{ask.quote.market} is not in its regular session.")
    return None


def order_type_is_supported(ask: Question) -> Denied | None:
    if ask.request.order_type not in SUPPORTED_TYPES:
        detail = f"{ask.request.order_type} orders are not taken: use {' or '.join(sorted(SUPPORTED_TYPES))}."
        return ask.denied(Reason.ORDER_TYPE_NOT_ALLOWED, detail)
    if ask.request.time_in_force not in SUPPORTED_TIMES:
        detail = f"{ask.request.time_in_force} orders are not taken: use {', '.join(sorted(SUPPORTED_TIMES))}."
        return ask.denied(Reason.ORDER_TYPE_NOT_ALLOWED, detail)
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
    limit, quote = ask.request.limit_price, ask.quote
    if limit is not None and not is_on_grid(limit, quote.board, quote.kind, quote.trading_date):
        tick = tick_size(limit, quote.board, quote.kind, quote.trading_date)
        return ask.denied(Reason.PRICE_OFF_TICK, f"At {limit:f} prices move in steps of {tick}.")
    return None


def price_is_within_band(ask: Question) -> Denied | None:
    limit, band = ask.request.limit_price, ask.quote.band
    if limit is not None and band is not None and not band.contains(limit):
        detail = f"Today's prices lie between {band.lower:f} and {band.upper:f}."
        return ask.denied(Reason.PRICE_OUTSIDE_BAND, detail)
    return None


def value_is_no_slip(ask: Question) -> Denied | None:
    most = ask.limits.value_max[ask.quote.currency]
    value = ask.request.quantity * ask.price
    if value > most:
        detail = f"An order may be worth {most:f} {ask.quote.currency}, this one is worth {value:f}."
        return ask.denied(Reason.FAT_FINGER_VALUE, detail)
    return None


def price_is_near_the_market(ask: Question) -> Denied | None:
    """Only against one's own interest: a patient limit far from the market harms nobody."""
    limit, most, last = ask.request.limit_price, ask.limits.price_distance_max, ask.quote.price
    if limit is None or most is None:
        return None
    too_far = limit > last * (1 + most) if ask.request.side == "buy" else limit < last * (1 - most)
    if too_far:
        return ask.denied(Reason.PRICE_TOO_FAR, f"{limit:f} is more than {most:%} worse than the last price, {last:f}.")
    return None


def open_orders_are_few(ask: Question) -> Denied | None:
    if ask.standing.open_orders >= ask.limits.open_orders_max:
        return ask.denied(Reason.OPEN_ORDER_LIMIT, f"An account may have {ask.limits.open_orders_max} open orders.")
    return None


def buy_is_affordable(ask: Question) -> Denied | None:
    if ask.request.side == "buy" and ask.hold_cash > ask.standing.available:
        detail = (
            f"The order may cost {ask.hold_cash:f} {ask.quote.currency} with its fee,"
            f" {ask.standing.available:f} are available."
        )
        return ask.denied(Reason.INSUFFICIENT_CASH, detail)
    return None


def sale_is_owned(ask: Question) -> Denied | None:
    if ask.request.side == "sell" and ask.request.quantity > ask.standing.sellable:
        detail = f"{ask.standing.sellable:f} shares of {ask.request.symbol} can be sold."
        return ask.denied(Reason.INSUFFICIENT_SHARES, detail)
    return None


CHECKS: Final[tuple[Check, ...]] = (
    trading_is_not_halted,
    account_is_paper,
    order_type_is_supported,
    quote_is_fresh,
    session_is_regular,
    quantity_is_in_lots,
    quantity_is_no_slip,
    price_is_on_tick,
    price_is_within_band,
    value_is_no_slip,
    price_is_near_the_market,
    open_orders_are_few,
    buy_is_affordable,
    sale_is_owned,
)


def review(ask: Question) -> Approved | Denied:
    """Ask every check; approve with what has to be held, or deny with the first refusal."""
    for check in CHECKS:
        if refusal := check(ask):
            return refusal
    if ask.request.side == "buy":
        hold = Hold(price=ask.hold_price, amount=ask.hold_cash)
    else:
        hold = Hold(price=None, amount=ask.request.quantity)
    return Approved(request=ask.request, quote=ask.quote, hold=hold)
