"""Checks of what orders add up to over several accounts: all of a person's, and all that one strategy has ordered.

What is measured are the rows of orders and executions, so nothing is forgotten by a restart. Sums that are not known
are a refusal, as everywhere in the review.
"""

from collections.abc import Iterator
from typing import Final

from quant.risk import MISSING, open_value_of

from trading.domain.account import Tally
from trading.domain.limits import RiskLimits, Scope
from trading.domain.question import ZERO, Question
from trading.domain.request import Denied, Reason

_WHOSE: Final[dict[Scope, str]] = {"user": "over all your accounts", "strategy": "by this strategy"}
_NOTHING_KNOWN: Final = "what was ordered {whose}"


def trades_together_are_few(ask: Question) -> Denied | None:
    for whose, bounds, tally in _spanning(ask):
        most = bounds.daily_trades_max
        if most is None or ask.is_replacement:
            continue
        if tally is None or tally.trades_today >= most:
            detail = f"The limit is {most:f} orders a day {whose}: it is reached."
            return ask.denied(Reason.DAILY_TRADE_LIMIT, detail)
    return None


def loss_together_is_bounded(ask: Question) -> Denied | None:
    """At the limit only what makes positions smaller is let through."""
    for whose, bounds, tally in _spanning(ask):
        most = bounds.daily_loss_max
        if most is None or ask.request.side == "sell":
            continue
        if tally is None:
            return ask.denied(Reason.DAILY_LOSS_LIMIT, MISSING.format(what=_NOTHING_KNOWN.format(whose=whose)))
        if -tally.realized_today >= most:
            detail = f"Today's loss {whose} is {-tally.realized_today:f} {ask.quote.currency}, the limit {most:f}."
            return ask.denied(Reason.DAILY_LOSS_LIMIT, detail)
    return None


def open_orders_together_are_few(ask: Question) -> Denied | None:
    for whose, bounds, tally in _spanning(ask):
        most = bounds.open_orders_max
        if most is None or ask.is_replacement:
            continue
        if tally is None or tally.open_orders >= most:
            return ask.denied(Reason.OPEN_ORDER_LIMIT, f"The limit is {most:f} open orders {whose}: it is reached.")
    return None


def open_value_together_is_bounded(ask: Question) -> Denied | None:
    for whose, bounds, tally in _spanning(ask):
        most = bounds.open_value_max
        if most is None:
            continue
        there = ZERO if tally is None else tally.open_value
        if tally is None or there + open_value_of(ask) > most:
            detail = f"Open orders {whose} may be worth {most:f} {ask.quote.currency}; {there:f} are there."
            return ask.denied(Reason.OPEN_ORDER_LIMIT, detail)
    return None


def _spanning(ask: Question) -> Iterator[tuple[str, RiskLimits, Tally | None]]:
    for scope, bounds in ask.limits.spanning.items():
        yield _WHOSE[scope], bounds, ask.standing.tallies.get(scope)
