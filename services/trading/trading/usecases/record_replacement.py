"""Record the broker's answer to a replacement: the order has its new terms now, or its old ones again."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kit.db import Session
from kit.events import Event, record

from trading.domain.order import Order, Status
from trading.domain.replacement import Terms, replace_rejected, replaced
from trading.domain.request import AccountId, OrderId
from trading.errors import OrderNotFound
from trading.events import OrderReplaced, OrderReplaceRejected, order_changed
from trading.store import accounts, orders
from trading.usecases.follow_group import follow_group
from trading.usecases.move_hold import move_hold


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceAnswer:
    """The broker's word about a replacement: the terms it has now, or None and why not."""

    order_id: OrderId
    account_id: AccountId
    replace_id: UUID
    terms: Terms | None
    detail: str | None = None


async def record_replacement(session: Session, owner: UUID, answer: ReplaceAnswer, now: datetime) -> Order:
    """Settle a replacement and free what is held too much; an answer to no open question changes nothing.

    Raises:
        OrderNotFound: when the order is not there (yet).
        Illegal: when this cannot have happened to it.
    """
    await accounts.lock(session, owner, answer.account_id)
    order = await orders.find(session, owner, answer.order_id)
    if order is None or order.account_id != answer.account_id:
        raise OrderNotFound(f"There is no order {answer.order_id} in account {answer.account_id}.")
    if answer.terms is None:
        after = replace_rejected(order, answer.replace_id, answer.detail, now)
    else:
        after = replaced(order, answer.terms, now)
    if after is order:
        return order
    await orders.save(session, owner, after)
    step = f"{answer.replace_id}:answered"
    moved = await move_hold(session, owner, after, after.held - order.held, step, now)
    await record(session, *_facts(after, answer), *moved, owner=owner)
    await follow_group(session, owner, after, now)
    return after


def _facts(order: Order, answer: ReplaceAnswer) -> list[Event]:
    if answer.terms is None:
        return [OrderReplaceRejected.of(order)]
    facts: list[Event] = [OrderReplaced.of(order)]
    return [*facts, order_changed(order)] if order.status is Status.FILLED else facts
