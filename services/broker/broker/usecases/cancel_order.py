"""Cancel what is open of an order at its broker, and announce what became of it.

A cancel overtakes its order when that still waits for the bus (trading's kill switch must not wait for it). Then the
order is kept as one that was refused before it was sent: whoever comes with it later finds it settled, and sends
nothing. The attempt's key decides which of the two was first. Of an order from before a restore nothing says that it is
not at its broker: its submission comes again and finds evidence, and the cancel goes on from there.

There is no intent to keep first: the message is the intent, and asking a broker twice to cancel is harmless. So a
cancel that got no answer is simply tried again.
"""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

from kit import context
from kit.consumer import Later, take
from kit.db import Session
from kit.events import record

from broker.adapters.port import LineFailure
from broker.desk import Desk
from broker.domain.attempt import Attempt, AttemptState
from broker.domain.order import Accepted, CancelRefused, OrderId, OrderIntent, OwnerId
from broker.events import OrderCanceled, OrderCancelRejected
from broker.store import attempts
from broker.usecases.settle_attempt import settle_attempt
from broker.usecases.submit_order import CONSUMER

UUID_OF_TIME = 7

_OVER = {
    AttemptState.REJECTED: CancelRefused("order_rejected", "The broker never took the order."),
    AttemptState.CANCELED: CancelRefused("already_canceled", "The order was canceled before."),
    AttemptState.EXPIRED: CancelRefused("already_expired", "The order expired before the cancel arrived."),
}


async def cancel_order(
    desk: Desk, owner: OwnerId, order_id: OrderId, message_id: UUID, intent: OrderIntent | None = None
) -> None:
    """Ask the broker to cancel, and announce canceled or cancel_rejected once per message.

    Args:
        desk: connectors and database.
        owner: whose order it is.
        order_id: which order it is.
        message_id: the message that asks for it.
        intent: the order itself: if it has not come yet, it is never sent. None: then it is waited for.

    Raises:
        Later: while it is not known whether the broker has the order, or when it did not answer.
    """
    async with desk.database.system() as session:
        attempt = await attempts.find(session, owner, order_id)
    if attempt is None and intent is not None and not desk.settings.is_from_a_backup(_made_at(order_id)):
        await _never_send(desk, intent, message_id)
        return
    if attempt is None or not attempt.is_settled:
        raise Later(f"order {order_id} is on its way to the broker, or lost on it: evidence first")
    news = _OVER.get(attempt.state) or await _cancel(desk, attempt)
    async with desk.database.system() as session:
        if not await take(session, message_id, CONSUMER):
            return
        if isinstance(news, CancelRefused):
            await _reject(session, attempt, news)
        else:
            await settle_attempt(session, attempt.intent.key, news)


def _made_at(order_id: OrderId) -> datetime:
    """When an order was made, by its UUIDv7; one that says nothing of it might be of any age."""
    if order_id.version != UUID_OF_TIME:
        return datetime.min.replace(tzinfo=UTC)
    return datetime.fromtimestamp((order_id.int >> 80) / 1000, UTC)


async def _never_send(desk: Desk, intent: OrderIntent, message_id: UUID) -> None:
    stopped = Attempt(
        intent=intent,
        broker=intent.broker,
        state=AttemptState.REJECTED,
        broker_order_id=None,
        correlation_id=context.correlation_id(),
        begun_at=desk.clock(),
    )
    async with desk.database.system() as session:
        if not await take(session, message_id, CONSUMER):
            return
        if not await attempts.save_new(session, intent.owner, stopped):
            raise Later(f"order {intent.order_id} has come to the broker in this very moment")
        fact = OrderCanceled(
            order_id=intent.order_id,
            account_id=intent.account_id,
            broker=intent.broker,
            canceled_quantity=intent.quantity,
        )
        await record(session, fact, owner=intent.owner)


async def _cancel(desk: Desk, attempt: Attempt) -> CancelRefused | Accepted:
    connector = desk.connector_for(attempt.intent)
    assert attempt.broker_order_id is not None
    try:
        async with asyncio.timeout(desk.settings.submit_timeout_seconds):
            return await connector.cancel(attempt.intent, attempt.intent.key, attempt.broker_order_id)
    except (LineFailure, TimeoutError) as failed:
        raise Later(
            f"{connector.capabilities.title} did not answer the cancel of {attempt.broker_order_id}"
        ) from failed


async def _reject(session: Session, attempt: Attempt, refusal: CancelRefused) -> None:
    fact = OrderCancelRejected(
        order_id=attempt.intent.order_id,
        account_id=attempt.intent.account_id,
        broker=attempt.broker,
        code=refusal.code,
        text=refusal.text,
    )
    await record(session, fact, owner=attempt.intent.owner)
