"""Checks of what an account may do: halts, permissions, counters, and what there is to pay with."""

from trading.domain.halt import HaltMode
from trading.domain.question import Question
from trading.domain.request import Denied, Reason


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


def trades_of_the_person_are_few(ask: Question) -> Denied | None:
    most, done = ask.limits.person_trades_max, ask.standing.person_trades_today
    if most is None or ask.is_replacement:
        return None
    if done is None or done >= most:
        detail = f"You may place {most} orders a day over all your accounts, and have: the operator sets this limit."
        return ask.denied(Reason.DAILY_TRADE_LIMIT, detail)
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
