"""Change quantity and limit of an order at its broker, and announce what became of it.

As with a cancel the message is the intent: asking again for what is so already changes nothing, so a change that got no
answer is simply tried again. A change from before a restore is not asked for: later ones, which the backup does not
know, may have followed it.
"""

import asyncio

from kit.consumer import Later, take
from kit.db import Session
from kit.events import Envelope, record

from broker.adapters.port import LineFailure
from broker.desk import Desk
from broker.domain.attempt import Attempt, AttemptState
from broker.domain.order import OrderId, OwnerId, Replaced, Replacement, ReplaceRefused
from broker.events import OrderReplaced, OrderReplaceRejected
from broker.store import attempts
from broker.usecases.settle_attempt import settle_attempt
from broker.usecases.submit_order import CONSUMER

_OVER = {
    AttemptState.REJECTED: ReplaceRefused("order_rejected", "The broker never took the order."),
    AttemptState.CANCELED: ReplaceRefused("already_canceled", "The order was canceled before."),
    AttemptState.EXPIRED: ReplaceRefused("already_expired", "The order expired before the change arrived."),
}

_TOO_OLD = ReplaceRefused(
    "not_placed", "The platform was restored from a backup after this change was asked for: look at the order first."
)


async def replace_order(desk: Desk, owner: OwnerId, order_id: OrderId, change: Replacement, message: Envelope) -> None:
    """Ask the broker for a change, and announce replaced or replace_rejected once per message.

    Raises:
        Later: while it is not known whether the broker has the order, or when it did not answer.
    """
    async with desk.database.system() as session:
        attempt = await attempts.find(session, owner, order_id)
    if attempt is None or not attempt.is_settled:
        raise Later(f"order {order_id} is on its way to the broker, or lost on it: evidence first")
    if desk.settings.is_from_a_backup(message.time):
        news: Replaced | ReplaceRefused = _OVER.get(attempt.state) or _TOO_OLD
    else:
        news = _OVER.get(attempt.state) or await _replace(desk, attempt, change)
    async with desk.database.system() as session:
        if await take(session, message.id, CONSUMER):
            await _announce(session, attempt, change, news)


async def _replace(desk: Desk, attempt: Attempt, change: Replacement) -> Replaced | ReplaceRefused:
    connector = desk.connector_for(attempt.intent)
    title = connector.capabilities.title
    if connector.capabilities.replaces != "native":
        return ReplaceRefused("replace_not_supported", f"{title} changes no orders: cancel it and place a new one.")
    assert attempt.broker_order_id is not None
    try:
        async with asyncio.timeout(desk.settings.submit_timeout_seconds):
            return await connector.replace(attempt.intent, attempt.intent.key, attempt.broker_order_id, change)
    except (LineFailure, TimeoutError) as failed:
        raise Later(f"{title} did not answer the change of {attempt.broker_order_id}") from failed


async def _announce(session: Session, attempt: Attempt, change: Replacement, news: Replaced | ReplaceRefused) -> None:
    """What was traded before the change, the change, and what it traded: in this order."""
    order_id, account_id, key = attempt.intent.order_id, attempt.intent.account_id, attempt.intent.key
    if isinstance(news, ReplaceRefused):
        refused = OrderReplaceRejected(
            order_id=order_id, account_id=account_id, replace_id=change.replace_id, code=news.code, text=news.text
        )
        await record(session, refused, owner=attempt.intent.owner)
        return
    await settle_attempt(session, key, news.before)
    replaced = OrderReplaced(
        order_id=order_id,
        account_id=account_id,
        replace_id=change.replace_id,
        quantity=change.quantity,
        limit_price=change.limit_price,
    )
    await record(session, replaced, owner=attempt.intent.owner)
    await settle_attempt(session, key, news.after)
