"""An order that its broker shows twice or not at all: which of the broker's rows its owner may say it is."""

from collections.abc import Mapping, Sequence

from broker.domain.attempt import UNSETTLED, Attempt
from broker.domain.order import ClientKey, Listed


def is_in_doubt(attempt: Attempt) -> bool:
    """Whether only a human can say what became of it."""
    return attempt.needs_human and attempt.state in UNSETTLED


def candidates_of(attempt: Attempt, found: Sequence[Listed], owners: Mapping[str, ClientKey]) -> tuple[Listed, ...]:
    """The rows that could be this order: the same words, and no other order's of ours. When, its owner can judge."""
    intent = attempt.intent
    words = (intent.symbol, intent.side, intent.quantity, intent.limit_price)
    return tuple(
        each
        for each in found
        if each.broker_order_id not in owners and (each.symbol, each.side, each.quantity, each.limit_price) == words
    )
