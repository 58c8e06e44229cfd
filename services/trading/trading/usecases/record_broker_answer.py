"""Record what the broker says became of an order, and free what an ended order still holds."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from kit.db import Session
from kit.events import Event, record

from trading.domain import ledger as movements
from trading.domain.order import BrokerWord, Order
from trading.domain.request import AccountId, OrderId
from trading.errors import OrderNotFound
from trading.events import BalanceChanged, order_changed
from trading.store import accounts, ledger, orders, positions


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
    await orders.save(session, owner, after)
    released = await _release(session, owner, after, order.held - after.held)
    await record(session, order_changed(after), *released, owner=owner)
    return after


async def _release(session: Session, owner: UUID, order: Order, amount: Decimal) -> list[Event]:
    if not amount:
        return []
    if order.side == "sell":
        await positions.save_hold(session, owner, order.account_id, order.symbol, -amount)
        return []
    balance = await ledger.save(session, owner, movements.release(order, amount))
    return [BalanceChanged.of(balance)]
