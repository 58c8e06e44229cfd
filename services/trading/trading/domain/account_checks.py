"""Checks of what an account may do: halts, permissions, limits and counters."""

from decimal import Decimal
from typing import Final

from trading.domain.halt import HaltMode
from trading.domain.question import ZERO, Question
from trading.domain.request import Denied, Reason

MISSING: Final = "A limit is set for {what}, and what it is measured by is not known: nothing is sent."


def trading_is_not_halted(ask: Question) -> Denied | None:
    if ask.account.trading_halted or ask.standing.halt is HaltMode.HALTED:
        return ask.denied(
            Reason.TRADING_HALTED, "Trading is halted: open orders can be canceled, resume to trade again."
        )
    if ask.standing.halt is HaltMode.REDUCE_ONLY and ask.request.side == "buy":
        return ask.denied(Reason.TRADING_HALTED, "Trading is halted but for sales: positions can only be made smaller.")
    return None


def live_is_permitted(ask: Question) -> Denied | None:
    """Real money wants the operator's switch, and for buys the permission: whoever lost it can still get out."""
    if ask.account.kind == "paper":
        return None
    if not ask.limits.live_allowed:
        return ask.denied(
            Reason.LIVE_NOT_PERMITTED,
            "Trading with real money is switched off here (TRADING_LIVE_ALLOWED): its operator can switch it on.",
        )
    if ask.request.side == "buy" and not (ask.limits.live_permitted and ask.standing.live_permitted):
        return ask.denied(
            Reason.LIVE_NOT_PERMITTED,
            "You may not buy with real money: ask the operator for the permission. Sales and cancels are possible.",
        )
    return None


def clock_is_right(ask: Question) -> Denied | None:
    """For real money: sessions, ages of quotes and days of orders all hang on what time it is."""
    if ask.account.kind == "paper":
        return None
    read_at = ask.standing.database_time
    if read_at is None or abs(read_at - ask.now) > ask.limits.clock_skew_max:
        return ask.denied(Reason.CLOCK_WRONG, "This server's clock is wrong: nothing is sent until it is set right.")
    return None


def symbol_is_not_restricted(ask: Question) -> Denied | None:
    if ask.request.symbol in ask.limits.restricted_symbols:
        return ask.denied(Reason.RESTRICTED_SYMBOL, f"{ask.request.symbol} is on your list of restricted symbols.")
    return None


def messages_are_few(ask: Question) -> Denied | None:
    most = ask.limits.orders_per_second_max
    if ask.standing.orders_last_second >= most:
        return ask.denied(Reason.RATE_LIMIT, f"An account may place {most} orders a second: wait a second.")
    return None


def order_is_no_duplicate(ask: Question) -> Denied | None:
    if ask.standing.is_duplicate and not ask.is_replacement:
        return ask.denied(
            Reason.DUPLICATE_ORDER,
            "An order of the very same terms came a moment ago. If this one is meant as well, wait a few seconds, or"
            " give each a client_order_id of its own.",
        )
    return None


def open_orders_are_few(ask: Question) -> Denied | None:
    if ask.standing.open_orders >= ask.limits.open_orders_max and not ask.is_replacement:
        return ask.denied(Reason.OPEN_ORDER_LIMIT, f"An account may have {ask.limits.open_orders_max} open orders.")
    return None


def open_value_is_bounded(ask: Question) -> Denied | None:
    most, there = ask.limits.open_value_max, ask.standing.open_value
    if most is None:
        return None
    if there is None:
        return ask.denied(Reason.OPEN_ORDER_LIMIT, MISSING.format(what="the value of open orders"))
    if there + ask.value > most:
        detail = (
            f"Open orders may be worth {most:f} {ask.quote.currency}; with this one they are {there + ask.value:f}."
        )
        return ask.denied(Reason.OPEN_ORDER_LIMIT, detail)
    return None


def trades_today_are_few(ask: Question) -> Denied | None:
    most, done = ask.limits.daily_trades_max, ask.standing.trades_today
    if most is None or ask.is_replacement:
        return None
    if done is None or done >= most:
        return ask.denied(Reason.DAILY_TRADE_LIMIT, f"The limit is {most} orders a day: it is reached.")
    return None


def trades_of_the_person_are_few(ask: Question) -> Denied | None:
    most, done = ask.limits.person_trades_max, ask.standing.person_trades_today
    if most is None or ask.is_replacement:
        return None
    if done is None or done >= most:
        detail = f"You may place {most} orders a day over all your accounts, and have: the operator sets this limit."
        return ask.denied(Reason.DAILY_TRADE_LIMIT, detail)
    return None


def loss_today_is_bounded(ask: Question) -> Denied | None:
    """At the limit only what makes positions smaller is let through."""
    most, realized = ask.limits.daily_loss_max, ask.standing.realized_today
    if most is None or ask.request.side == "sell":
        return None
    if realized is None:
        return ask.denied(Reason.DAILY_LOSS_LIMIT, MISSING.format(what="today's loss"))
    if -realized >= most:
        detail = f"Today's loss is {-realized:f} {ask.quote.currency}, the limit {most:f}: only sales are taken today."
        return ask.denied(Reason.DAILY_LOSS_LIMIT, detail)
    return None


def position_is_bounded(ask: Question) -> Denied | None:
    most = ask.limits.position_value_max
    if most is None or ask.request.side == "sell":
        return None
    value = _position_after(ask)
    if value > most:
        detail = f"A position may be worth {most:f} {ask.quote.currency}; this order would make it {value:f}."
        return ask.denied(Reason.POSITION_LIMIT, detail)
    return None


def position_weighs_little(ask: Question) -> Denied | None:
    most, equity = ask.limits.position_weight_max, ask.standing.equity
    if most is None or ask.request.side == "sell":
        return None
    if equity is None:
        return ask.denied(Reason.POSITION_LIMIT, MISSING.format(what="a position's weight"))
    if _position_after(ask) > most * equity:
        detail = f"A position may be {most:%} of the account's {equity:f}; this order would make it more."
        return ask.denied(Reason.POSITION_LIMIT, detail)
    return None


def leverage_is_bounded(ask: Question) -> Denied | None:
    most, equity, invested = ask.limits.leverage_max, ask.standing.equity, ask.standing.invested
    if most is None or ask.request.side == "sell":
        return None
    if equity is None or invested is None or ask.standing.open_value is None:
        return ask.denied(Reason.POSITION_LIMIT, MISSING.format(what="leverage"))
    exposure = invested + ask.standing.open_value + ask.value
    if exposure > most * equity:
        detail = (
            f"Positions and open orders may be {most:f} times the account's {equity:f}; they would be {exposure:f}."
        )
        return ask.denied(Reason.POSITION_LIMIT, detail)
    return None


def buy_is_affordable(ask: Question) -> Denied | None:
    if ask.request.side == "buy" and ask.more_to_hold > ask.standing.available:
        detail = (
            f"The order may cost {ask.more_to_hold:f} {ask.quote.currency} with its fee,"
            f" {ask.standing.available:f} are available."
        )
        return ask.denied(Reason.INSUFFICIENT_CASH, detail)
    return None


def sale_is_owned(ask: Question) -> Denied | None:
    if ask.request.side == "sell" and ask.more_to_hold > ask.standing.sellable:
        detail = f"{ask.standing.sellable:f} shares of {ask.request.symbol} can be sold."
        return ask.denied(Reason.INSUFFICIENT_SHARES, detail)
    return None


def _position_after(ask: Question) -> Decimal:
    return max(ZERO, ask.standing.quantity + ask.request.quantity) * ask.price
