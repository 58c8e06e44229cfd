"""Accounts as their brokers show them: when to read one, which of its orders are strangers, whether it is news."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time, timedelta, tzinfo
from typing import Final

from quant.markets.calendar import NEW_YORK, SEOUL, is_session, session_hours
from quant.markets.listing import Market

from broker.domain.attempt import Attempt
from broker.domain.order import ClientKey, Listed

ZONES: Final[Mapping[Market, tzinfo]] = {"KRX": SEOUL, "US": NEW_YORK}


IN_SESSION_EVERY: Final = timedelta(minutes=5)
AFTER_CLOSE: Final = timedelta(minutes=10)
"""By then a broker has written down what the closing auction did."""
AGAIN_AFTER: Final = timedelta(minutes=1)
"""How soon an account is read again when somebody found that it is not as it should be."""


def is_due(market: Market, last: datetime | None, now: datetime, *, is_asked_for: bool) -> bool:
    """Whether to read an account: at start, every five minutes in session, once after the close, and when asked for."""
    if last is None:
        return True
    if is_asked_for and now - last >= AGAIN_AFTER:
        return True
    today = now.astimezone(ZONES[market]).date()
    if not is_session(market, today):
        return False
    hours = session_hours(market, today)
    settled = hours.close + AFTER_CLOSE
    return (hours.contains(now) and now - last >= IN_SESSION_EVERY) or last < settled <= now


def day_began(market: Market, moment: datetime) -> datetime:
    """Midnight at the market: what a broker calls today begins there."""
    return datetime.combine(moment.astimezone(ZONES[market]).date(), time.min, ZONES[market])


def strangers(
    found: Sequence[Listed], owners: Mapping[str, ClientKey], in_doubt: Iterable[Attempt]
) -> tuple[Listed, ...]:
    """Orders that somebody placed elsewhere: none of ours, and none that an order of ours in doubt could be.

    Every order of ours is kept as an attempt before it is sent, so one that a list shows is either known by its number
    or still in doubt when attempts are read after the list.
    """
    doubts = {_words(each) for each in in_doubt}
    return tuple(
        each
        for each in found
        if each.broker_order_id not in owners
        and (each.symbol, each.side, each.quantity, each.limit_price) not in doubts
        and (each.is_open or each.filled)
    )


def _words(attempt: Attempt) -> tuple[object, ...]:
    intent = attempt.intent
    return intent.symbol, intent.side, intent.quantity, intent.limit_price


def digest_of(facts: Iterable[str]) -> str:
    """Everything that makes a report news, in one word."""
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()
