"""Adopt an order that its owner placed elsewhere: keep it, set aside what it may need, and have broker follow it."""

from decimal import Decimal
from typing import Final
from uuid import UUID

from kit.db import Session
from kit.events import Event, record

from trading.domain import ledger as movements
from trading.domain.account import Account
from trading.domain.adoption import adopted
from trading.domain.order import Order
from trading.domain.quote import Quote
from trading.domain.reconciliation import AccountReport, ListedOrder
from trading.events import BalanceChanged, order_changed
from trading.reconciliation_events import OrderAdopted
from trading.store import accounts, ledger, orders, positions

ZERO: Final = Decimal(0)


async def adopt_order(
    session: Session, owner: UUID, account: Account, found: tuple[AccountReport, ListedOrder], quote: Quote | None
) -> bool:
    """Take a stranger's order in, once; false when it was before. Its account is locked."""
    report, listed = found
    order = adopted(account, report, listed, quote, await _free(session, owner, account, listed, report))
    if await orders.find(session, owner, order.id) is not None:
        return False
    await orders.save_new(session, owner, order)
    followed = OrderAdopted.of(order, account, listed.broker_order_id, report.read_at)
    await record(session, order_changed(order), *await _hold(session, owner, order), followed, owner=owner)
    return True


async def _free(session: Session, owner: UUID, account: Account, listed: ListedOrder, report: AccountReport) -> Decimal:
    if listed.side == "buy":
        return (await accounts.find_balance(session, owner, account.id, report.currency)).available
    position = await positions.find(session, owner, account.id, listed.symbol)
    return position.quantity - position.held if position else ZERO


async def _hold(session: Session, owner: UUID, order: Order) -> list[Event]:
    if not order.held:
        return []
    if order.side == "sell":
        await positions.save_hold(session, owner, order.account_id, order.symbol, order.held)
        return []
    return [BalanceChanged.of(await ledger.save(session, owner, movements.hold(order)))]
