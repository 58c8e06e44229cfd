"""Replace what an order asks for: at once while it waits with us, by asking the broker when he has it."""

from dataclasses import dataclass, fields, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from kit.db import Session
from kit.events import record

from trading.domain.account import Account
from trading.domain.limits import Limits
from trading.domain.order import REPLACEABLE, ZERO, Order, Status
from trading.domain.question import Question
from trading.domain.quote import Quote
from trading.domain.replacement import Terms, ask_replace, extra_hold, with_terms
from trading.domain.request import Denied, OrderId, OrderRequest
from trading.domain.risk import review
from trading.errors import OrderNotFound, OrderNotReplaceable, ReplaceDenied, ReplacementInvalid
from trading.events import OrderReplaced, OrderReplaceRequested
from trading.store import accounts, orders
from trading.usecases.move_hold import move_hold
from trading.usecases.put_question import Asked, put_question


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to be different; None leaves it as it is. `quantity` is the new total, filled shares included."""

    order_id: OrderId
    replace_id: UUID
    quantity: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None


async def replace_order(
    session: Session, owner: UUID, change: Change, quote: Quote | None, limits: Limits, now: datetime
) -> Order:
    """Review the new terms, hold what they need besides, and ask for them.

    Raises:
        OrderNotFound, OrderNotReplaceable, ReplacementInvalid, ReplaceDenied: nothing has changed then.
    """
    seen = await orders.find(session, owner, change.order_id)
    if seen is None:
        raise OrderNotFound("You have no order of this id.")
    account = await accounts.lock_to_trade(session, owner, seen.account_id)
    order = await orders.find(session, owner, change.order_id)
    assert account is not None and order is not None, "neither is ever deleted"  # noqa: PT018
    terms = _terms(order, change)
    if order.side == "buy" and order.group_id is not None:
        raise OrderNotReplaceable("Of two buys one cancels the other: cancel the pair, and place it anew.")
    if order.status is Status.HELD and order.triggered_at is None:
        return await _change_waiting(session, owner, account, order, (terms, quote, limits, now))
    if order.status not in REPLACEABLE:
        raise OrderNotReplaceable(f"The order is {order.status}: only one that waits or is accepted can be replaced.")
    extra = extra_hold(order, terms)
    await _reviewed(
        session,
        owner,
        account,
        Asked(request=_request(order, terms), quote=quote, limits=limits, now=now, extra_hold=extra),
    )
    asking = ask_replace(order, terms, extra, now)
    await orders.save(session, owner, asking)
    moved = await move_hold(session, owner, asking, extra, str(terms.replace_id), now)
    requested = OrderReplaceRequested(
        order_id=order.id,
        account_id=order.account_id,
        replace_id=terms.replace_id,
        quantity=terms.quantity,
        limit_price=terms.limit_price,
    )
    await record(session, requested, *moved, owner=owner)
    return asking


async def _change_waiting(
    session: Session,
    owner: UUID,
    account: Account,
    order: Order,
    asked: tuple[Terms, Quote | None, Limits, datetime],
) -> Order:
    """The broker knows nothing of the order yet: review, and change it."""
    terms, quote, limits, now = asked
    request = _request(order, terms)
    holds_nothing = order.group_id is not None  # its partner holds the shares
    question = await put_question(
        session, owner, account, Asked(request=request, quote=quote, limits=limits, now=now, extra_hold=ZERO)
    )
    needed = ZERO if holds_nothing or quote is None else question.hold.amount
    more = needed - order.held
    _approve(replace(question, extra_hold=max(ZERO, more)))
    price = None if order.side == "sell" else question.hold.price
    after = replace(with_terms(order, terms, now), held=needed, reserve_price=price)
    await orders.save(session, owner, after)
    moved = await move_hold(session, owner, after, more, str(terms.replace_id), now)
    await record(session, OrderReplaced.of(after), *moved, owner=owner)
    return after


async def _reviewed(session: Session, owner: UUID, account: Account, asked: Asked) -> None:
    _approve(await put_question(session, owner, account, asked))


def _approve(question: Question) -> None:
    verdict = review(question)
    if isinstance(verdict, Denied):
        raise ReplaceDenied(verdict.reason, verdict.detail)


def _terms(order: Order, change: Change) -> Terms:
    if change.limit_price is not None and order.limit_price is None:
        raise ReplacementInvalid("The order has no limit price that could be replaced.")
    if change.stop_price is not None and (order.stop_price is None or order.status is not Status.HELD):
        raise ReplacementInvalid("Only an order that waits for its stop price can have another one.")
    quantity = change.quantity if change.quantity is not None else order.quantity
    if quantity <= order.filled_quantity:
        raise ReplacementInvalid(f"{order.filled_quantity:f} are filled already: ask for more, or cancel the rest.")
    return Terms(
        replace_id=change.replace_id,
        quantity=quantity,
        limit_price=change.limit_price if change.limit_price is not None else order.limit_price,
        stop_price=change.stop_price if change.stop_price is not None else order.stop_price,
    )


def _request(order: Order, terms: Terms) -> OrderRequest:
    values = {field.name: getattr(order, field.name) for field in fields(OrderRequest)}
    values |= {"quantity": terms.quantity, "limit_price": terms.limit_price, "stop_price": terms.stop_price}
    return OrderRequest(**values)
