"""Show a waiting stop a price: it follows, is let go, or expires; each at most once, whoever asks."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from kit.db import Session
from kit.events import record

from trading.domain.account import Account
from trading.domain.account_checks import live_is_permitted
from trading.domain.halt import HaltMode
from trading.domain.limits import Limits
from trading.domain.order import AT_BROKER, ZERO, Happening, Order, Status
from trading.domain.question import Question
from trading.domain.quote import Quote
from trading.domain.stop import has_expired, is_reached, trigger, watch
from trading.events import order_submitted
from trading.store import accounts, orders
from trading.store.orders import Waiting
from trading.usecases.end_order import end_order
from trading.usecases.move_hold import move_hold
from trading.usecases.put_question import Asked, put_question
from trading.usecases.withdraw_order import withdraw_order


async def trigger_stop(session: Session, waiting: Waiting, quote: Quote, limits: Limits, now: datetime) -> Order | None:
    """Move a stop along by one quote, under its account's lock; None when it does not wait any more.

    A stop was reviewed when it was placed. What is asked again is what may have changed since: halts, the right to
    trade with real money, and whether what is held still covers the price it may be filled at.
    """
    owner = waiting.owner
    account = await accounts.lock_to_trade(session, owner, waiting.order.account_id)
    order = await orders.find(session, owner, waiting.order.id)
    if account is None or order is None or order.status is not Status.HELD or order.triggered_at is not None:
        return None
    if has_expired(order, quote):
        return await end_order(session, owner, order, Happening.EXPIRED, now)
    if not quote.is_regular_session:
        return order
    watched = watch(order, quote, now)
    if not is_reached(watched, quote):
        if watched is not order:
            await orders.save(session, owner, watched)
        return watched
    return await _let_go(session, owner, account, watched, Asked(request=order, quote=quote, limits=limits, now=now))


async def _let_go(session: Session, owner: UUID, account: Account, order: Order, asked: Asked) -> Order:
    now = asked.now
    question = await put_question(session, owner, account, asked)
    if _is_halted(account, question, order):
        return await end_order(session, owner, order, Happening.CANCELED, now, ("trading_halted", None))
    if refused := live_is_permitted(question):
        return await end_order(session, owner, order, Happening.CANCELED, now, (refused.reason, refused.detail))
    if order.group_id is not None and (partner := await _partner(session, owner, order)):
        priced = order if order.side == "sell" else replace(order, reserve_price=question.hold.price)
        return await _take_the_place_of(session, owner, account, (partner, priced), now)
    more = max(ZERO, question.hold.amount - order.held)
    if more > (question.standing.available if order.side == "buy" else question.standing.sellable):
        return await end_order(session, owner, order, Happening.CANCELED, now, _unaffordable(order, more))
    return await _send(session, owner, account, order, (more, question, now))


async def _send(
    session: Session, owner: UUID, account: Account, order: Order, asked: tuple[Decimal, Question, datetime]
) -> Order:
    more, question, now = asked
    sent = replace(trigger(order, now), held=order.held + more)
    if more:
        sent = replace(sent, reserve_price=question.hold.price)
    await orders.save(session, owner, sent)
    moved = await move_hold(session, owner, sent, more, "triggered", now)
    await record(session, order_submitted(sent, account), *moved, owner=owner)
    return sent


async def _take_the_place_of(
    session: Session, owner: UUID, account: Account, exits: tuple[Order, Order], now: datetime
) -> Order:
    """The other one holds the shares or the cash: it is canceled first, and its end will send this (follow_group)."""
    partner, order = exits
    waiting = replace(order, triggered_at=now, updated_at=now)
    await orders.save(session, owner, waiting)
    await withdraw_order(session, owner, account, partner, now, "stop_triggered")
    return waiting


async def _partner(session: Session, owner: UUID, order: Order) -> Order | None:
    assert order.group_id is not None, "asked for an order of a group"
    group = await orders.list_group(session, owner, order.group_id)
    return next((other for other in group if other.id != order.id and other.status in AT_BROKER), None)


def _is_halted(account: Account, question: Question, order: Order) -> bool:
    mode = HaltMode.HALTED if account.trading_halted else question.standing.halt
    return mode is HaltMode.HALTED or (mode is HaltMode.REDUCE_ONLY and order.side == "buy")


def _unaffordable(order: Order, more: Decimal) -> tuple[str, str]:
    if order.side == "buy":
        return "insufficient_cash", f"The market has moved: {more:f} more would have to be held, and are not there."
    return "insufficient_shares", f"{more:f} shares are missing."
