"""Place an order in a locked account: review it, then hold its money and submit it, or keep it as denied."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Self, assert_never
from uuid import UUID

from kit import context
from kit.db import Session
from kit.events import Event
from kit.sql import Row
from sqlalchemy.exc import IntegrityError

from trading.domain import ledger as movements
from trading.domain.account import Account
from trading.domain.order import Order, Status, deny, submit
from trading.domain.request import Approved, Denied, OrderRequest
from trading.errors import ClientOrderIdReused
from trading.events import BalanceChanged, order_changed, order_submitted
from trading.store import ledger, orders, positions
from trading.store.together import Write, write
from trading.usecases.join_partner import join_partner
from trading.usecases.put_question import Asked
from trading.usecases.review_order import Reviewed, review_order


@dataclass(frozen=True, slots=True)
class Placed:
    """The order of a client id, and whether it was there already. A denial is an outcome too: it must be committed."""

    order: Order
    replayed: bool


@dataclass(frozen=True, slots=True)
class Saving:
    """An order that was decided: what is written of it by one statement, and what its rows have to say."""

    order: Order
    writes: tuple[Write, ...]
    facts: tuple[Event, ...]
    require: Callable[[Sequence[Row]], None]

    @classmethod
    def of(cls, owner: UUID, asked: Asked, reviewed: Reviewed) -> Self:
        """The order that a review leads to, what it holds, and its facts."""
        order = _decided(asked, reviewed.verdict)
        added = orders.adding(owner, order)
        if not order.is_open:
            return cls(order, (added,), (order_changed(order),), _nothing)
        submitted = order_changed(order) if order.status is Status.HELD else order_submitted(order, reviewed.account)
        if order.side == "sell":
            promise = positions.holding(owner, order.account_id, order.symbol, order.held)
            return cls(
                order, (added, promise), (submitted,), partial(positions.require, order.account_id, order.symbol)
            )
        before, movement = reviewed.standing.balance, movements.hold(order)
        assert before is not None, "an approved buy has money"
        expected = movements.balance_after(before, movement)
        # of one that goes to its broker the answer tells what is held
        facts = (submitted, BalanceChanged.of(expected)) if order.status is Status.HELD else (submitted,)
        return cls(
            order,
            (added, ledger.moving(owner, movement)),
            facts,
            partial(ledger.require, movement, expected=expected),
        )


async def place_in_account(session: Session, owner: UUID, account: Account, asked: Asked) -> Placed:
    """Place an order in an account that this transaction has locked to trade: for whoever places several."""
    reviewed, request, now = await review_order(session, owner, account, asked), asked.request, asked.now
    if reviewed.standing.is_taken:
        return await _earlier(session, owner, request)
    saving = Saving.of(owner, asked, reviewed)
    try:
        saving.require(await write(session, *saving.writes, facts=saving.facts, owner=owner))
    except IntegrityError as refused:
        if orders.CLIENT_ID in str(refused):  # taken in these milliseconds, for another account: this one is locked
            raise _reused(request) from refused
        raise
    order = saving.order
    if order.is_open:
        order = await join_partner(session, owner, order, now)
    return Placed(order, replayed=False)


def _decided(asked: Asked, verdict: Approved | Denied) -> Order:
    match verdict:
        case Approved() as approved:
            return replace(submit(approved, asked.now), correlation_id=context.correlation_id())
        case Denied() as denied:
            return replace(deny(asked.request, denied, asked.now), correlation_id=context.correlation_id())
        case _:
            assert_never(verdict)


def _nothing(rows: Sequence[Row]) -> None:
    assert not rows, "a denied order moves nothing"


async def _earlier(session: Session, owner: UUID, request: OrderRequest) -> Placed:
    earlier = await orders.find_by_client_id(session, owner, request.client_order_id)
    assert earlier is not None, "orders are never deleted"
    if not earlier.asks_the_same_as(request):
        raise _reused(request)
    return Placed(earlier, replayed=True)


def _reused(request: OrderRequest) -> ClientOrderIdReused:
    return ClientOrderIdReused(f"{request.client_order_id} is the id of another order of yours: choose a new one.")
