"""Cancel what is open of an order at its broker, and announce what became of it.

There is no intent to keep first: the message is the intent, and asking a broker twice to cancel is harmless. So a
cancel that got no answer is simply tried again.
"""

import asyncio
from uuid import UUID

from kit.consumer import Later, take
from kit.db import Session
from kit.events import record

from broker.adapters.port import LineFailure
from broker.desk import Desk
from broker.domain.attempt import Attempt, AttemptState
from broker.domain.order import Accepted, CancelRefused, OrderId, OwnerId
from broker.events import OrderCancelRejected
from broker.store import attempts
from broker.usecases.settle_attempt import settle_attempt
from broker.usecases.submit_order import CONSUMER

_OVER = {
    AttemptState.REJECTED: CancelRefused("order_rejected", "The broker never took the order."),
    AttemptState.CANCELED: CancelRefused("already_canceled", "The order was canceled before."),
    AttemptState.EXPIRED: CancelRefused("already_expired", "The order expired before the cancel arrived."),
}


async def cancel_order(desk: Desk, owner: OwnerId, order_id: OrderId, message_id: UUID) -> None:
    """Ask the broker to cancel, and announce canceled or cancel_rejected once per message.

    Raises:
        Later: while it is not known whether the broker has the order, or when it did not answer.
    """
    async with desk.database.system() as session:
        attempt = await attempts.find(session, owner, order_id)
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
