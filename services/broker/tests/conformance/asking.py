"""Sending an order to a venue, and asking what became of it."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from broker.domain.order import Absent, Accepted, Ambiguous, OrderIntent, Refused

from services.broker.tests.conformance.venues import Venue

Answered = Accepted | Refused | Absent | Ambiguous


async def sent(venue: Venue, /, **changes: Any) -> tuple[OrderIntent, Accepted]:
    order = venue.order(**changes)
    answer = await venue.connector.submit(order, order.key)
    assert isinstance(answer, Accepted), answer
    venue.learns(order, answer)
    return order, answer


async def found(venue: Venue, order: OrderIntent) -> Answered:
    return await venue.connector.find(order, order.key, venue.moment() - timedelta(seconds=1))


async def traded(venue: Venue, order: OrderIntent) -> int:
    """How many shares of an order have traded."""
    return int(shares(await found(venue, order))[0])


def shares(answer: Answered) -> tuple[Decimal, Decimal]:
    """How many shares an answer says have traded, and for how much."""
    assert isinstance(answer, Accepted), answer
    if answer.progress is not None:
        return answer.progress.quantity, answer.progress.amount
    executions = answer.executions
    quantity = sum((each.quantity for each in executions), Decimal(0))
    return quantity, sum((each.quantity * each.price for each in executions), Decimal(0))
