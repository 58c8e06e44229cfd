"""Do what an order's end means for the orders that belong to it, in the same transaction."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from kit.db import Session
from kit.events import Event, record

from trading.domain.account import Account
from trading.domain.group import is_bracket, leads_on, stop_loss_of, take_profit_of, takes_over
from trading.domain.order import ZERO, Happening, Order, Status
from trading.events import order_changed, order_submitted
from trading.store import accounts, orders, positions, rights
from trading.usecases.move_hold import move_hold


async def follow_group(session: Session, owner: UUID, order: Order, now: datetime) -> None:
    """A filled buy gets its exits; the end of one of a pair ends the other, or makes way. The account is locked."""
    if not leads_on(order):
        return
    if is_bracket(order) and order.filled_quantity:
        await _place_exits(session, owner, order, now)
    if order.group_id is not None:
        for other in await orders.list_group(session, owner, order.group_id):
            if other.id != order.id and other.status is Status.HELD:
                await _make_way(session, owner, order, other, now)


async def _place_exits(session: Session, owner: UUID, bought: Order, now: datetime) -> None:
    """Sell what was bought, once: for what is still free of it."""
    account = await accounts.find(session, owner, bought.account_id)
    position = await positions.find(session, owner, bought.account_id, bought.symbol)
    assert account is not None and position is not None, "something was bought here"  # noqa: PT018
    quantity = min(bought.filled_quantity, position.quantity - position.held)
    if quantity <= 0:
        return
    for leg in (take_profit_of(bought, quantity, now), stop_loss_of(bought, quantity, now)):
        if leg is None or not await orders.save_new(session, owner, leg):
            continue
        if leg.held:
            await positions.save_hold(session, owner, leg.account_id, leg.symbol, leg.held)
        await record(session, _announced(leg, account), owner=owner)


async def _make_way(session: Session, owner: UUID, ended: Order, stop: Order, now: datetime) -> None:
    """The order at the broker has ended: the waiting one goes in its place if its price has come, else it ends too."""
    if stop.triggered_at is None or not ended.remaining_quantity:
        happening = Happening.EXPIRED if ended.status is Status.EXPIRED else Happening.CANCELED
        after = stop.after(happening, now, "other_order_ended")
        await orders.save(session, owner, after)
        await record(session, order_changed(after), owner=owner)
        return
    account = await accounts.find(session, owner, stop.account_id)
    assert account is not None, "accounts are never deleted"
    sent = takes_over(stop, ended.remaining_quantity, now)
    if sent.side == "buy" and (why := await _why_not(session, owner, account, sent)) is not None:
        after = stop.after(Happening.CANCELED, now, *why)
        await orders.save(session, owner, after)
        await record(session, order_changed(after), owner=owner)
        return
    await orders.save(session, owner, sent)
    moved = await move_hold(session, owner, sent, sent.held, "in its place", now)
    await record(session, order_submitted(sent, account), *moved, owner=owner)


async def _why_not(session: Session, owner: UUID, account: Account, order: Order) -> tuple[str, str] | None:
    """What has come in the way of a buy that waited."""
    if account.kind == "live" and not await rights.may_trade_live(session, owner):
        return "live_not_permitted", "The permission to buy with real money was taken away."
    if order.held > await _free_cash(session, owner, order):
        return "insufficient_cash", "The market has moved: more is needed for it."
    return None


async def _free_cash(session: Session, owner: UUID, order: Order) -> Decimal:
    balances = await accounts.list_balances(session, owner, order.account_id)
    return next((each.available for each in balances if each.currency == order.currency), ZERO)


def _announced(leg: Order, account: Account) -> Event:
    return order_submitted(leg, account) if leg.status is Status.SUBMITTED else order_changed(leg)
