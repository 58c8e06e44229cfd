"""Adopt an order that somebody placed elsewhere: from now on it is followed like one that we sent."""

from dataclasses import dataclass
from datetime import datetime

from kit import context
from kit.db import Session

from broker.domain.attempt import Attempt, AttemptState
from broker.domain.order import OrderIntent
from broker.store import attempts, system


@dataclass(frozen=True, slots=True)
class Adoption:
    """An order of trading's, and the broker's number of the order it stands for."""

    intent: OrderIntent
    broker_order_id: str


async def adopt_order(session: Session, adoption: Adoption, now: datetime) -> bool:
    """Keep an attempt that was never sent and is at the broker; false when that order has one already."""
    intent = adoption.intent
    assert intent.connection_id is not None, "only an account at a broker has orders of others"
    known = await system.list_keys(session, intent.broker, intent.connection_id, [adoption.broker_order_id])
    if known:
        return False
    attempt = Attempt(
        intent=intent,
        broker=intent.broker,
        state=AttemptState.ACCEPTED,
        broker_order_id=adoption.broker_order_id,
        correlation_id=context.correlation_id(),
        begun_at=now,
    )
    return await attempts.save_new(session, intent.owner, attempt)
