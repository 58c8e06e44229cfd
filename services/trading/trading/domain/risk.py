"""The risk review: small named checks, asked in order, of which the first refusal is the answer.

It fails closed: what a check needs and does not have is a refusal. Everything it looks at was read in the transaction
that will hold the money, but for the quote, which says itself how old it is. `market_checks`, `account_checks` and
`spanning_checks` have the checks themselves, `quant.risk` those of an account's bounds, which backtests ask as well.
"""

from functools import wraps
from typing import Final

from quant import risk as bounds

from trading.domain import account_checks as account
from trading.domain import market_checks as market
from trading.domain import spanning_checks as together
from trading.domain.question import Check, Question
from trading.domain.request import Approved, Denied, Reason


def bound(check: bounds.Check) -> Check:
    """A check of `quant.risk` among ours."""

    @wraps(check)
    def asked(ask: Question) -> Denied | None:
        refusal = check(ask)
        return None if refusal is None else ask.denied(Reason(refusal.why), refusal.detail)

    return asked


CHECKS: Final[tuple[Check, ...]] = (
    account.trading_is_not_halted,
    account.live_is_permitted,
    account.clock_is_right,
    bound(bounds.symbol_is_not_restricted),
    account.messages_are_few,
    market.symbol_is_no_index,
    market.order_kind_is_allowed,
    market.pair_can_wait,
    market.quote_is_fresh,
    market.venue_trades_the_instrument,
    market.session_takes_the_order,
    market.exits_suit_the_venue,
    market.quantity_is_in_lots,
    bound(bounds.quantity_is_no_slip),
    market.price_is_on_tick,
    market.price_is_within_band,
    bound(bounds.value_is_no_slip),
    market.price_is_near_the_market,
    account.order_is_no_duplicate,
    bound(bounds.open_orders_are_few),
    bound(bounds.open_value_is_bounded),
    bound(bounds.trades_today_are_few),
    account.trades_of_the_person_are_few,
    together.open_orders_together_are_few,
    together.open_value_together_is_bounded,
    together.trades_together_are_few,
    together.loss_together_is_bounded,
    bound(bounds.loss_today_is_bounded),
    bound(bounds.position_is_bounded),
    bound(bounds.position_weighs_little),
    bound(bounds.leverage_is_bounded),
    account.buy_is_affordable,
    account.sale_is_owned,
)


def review(ask: Question) -> Approved | Denied:
    """Ask every check; approve with what has to be held, or deny with the first refusal."""
    for check in CHECKS:
        if refusal := check(ask):
            return refusal
    return Approved(request=ask.request, quote=ask.quote, hold=ask.hold)
