"""Record what the broker says became of an order, and free what an ended order still holds."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kit.db import Session

from trading.domain.order import BrokerWord, Order, Status
from trading.domain.request import AccountId, OrderId
from trading.errors import OrderNotFound
from trading.events import order_answered
from trading.meters import hear_first_word
from trading.store import accounts, orders
from trading.store.together import write
from trading.usecases.end_order import end_order


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The broker's word about an order, short of an execution."""

    order_id: OrderId
    account_id: AccountId
    happening: BrokerWord
    reason: str | None = None
    detail: str | None = None


async def record_broker_answer(session: Session, owner: UUID, answer: Answer, now: datetime) -> Order:
    """Move the order along its table; old news changes nothing and is not announced.

    Raises:
        OrderNotFound: when the order is not there (yet).
        Illegal: when this cannot have happened to it.
    """
    await accounts.lock(session, owner, answer.account_id)
    order = await orders.find(session, owner, answer.order_id)
    if order is None or order.account_id != answer.account_id:
        raise OrderNotFound(f"There is no order {answer.order_id} in account {answer.account_id}.")
    after = order.after(answer.happening, now, answer.reason, answer.detail)
    if after is order:
        return order
    hear_first_word(order, after, now)
    if not after.is_open:
        return await end_order(session, owner, order, answer.happening, now, (answer.reason, answer.detail))
    balance = None
    if order.status is Status.SUBMITTED and order.side == "buy":
        balance = await accounts.find_balance(session, owner, order.account_id, order.currency)
    await write(session, orders.saving(owner, after), facts=[order_answered(order, after, balance)], owner=owner)
    return after
