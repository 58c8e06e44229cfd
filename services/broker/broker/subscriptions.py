"""What the broker service listens to: orders to send, to change and to cancel."""

from typing import Literal
from uuid import UUID

from kit.consumer import Later, Subscriptions, take
from kit.events import Envelope
from kit.money import Money
from pydantic import BaseModel
from quant.markets.listing import Board, Kind, Market

from broker.desk import Desk
from broker.domain.order import AccountId, OrderId, OrderIntent, OwnerId, Replacement
from broker.usecases.cancel_order import cancel_order
from broker.usecases.erase_owner import erase_owner
from broker.usecases.replace_order import replace_order
from broker.usecases.submit_order import CONSUMER, submit_order

subscriptions = Subscriptions(CONSUMER)


class OrderSubmittedFact(BaseModel):
    """The fields we read of an order to send."""

    order_id: UUID
    account_id: UUID
    account_kind: str
    symbol: str
    market: Market
    board: Board
    kind: Kind
    side: Literal["buy", "sell"]
    order_type: str
    time_in_force: str
    quantity: Money
    limit_price: Money | None
    broker: str = "simulator"
    connection_id: UUID | None = None

    def intent(self, owner: UUID) -> OrderIntent:
        """The order to send, in our words."""
        return OrderIntent(
            order_id=OrderId(self.order_id),
            owner=OwnerId(owner),
            account_id=AccountId(self.account_id),
            account_kind=self.account_kind,
            symbol=self.symbol,
            market=self.market,
            board=self.board,
            kind=self.kind,
            side=self.side,
            order_type=self.order_type,
            time_in_force=self.time_in_force,
            quantity=self.quantity,
            limit_price=self.limit_price,
            broker=self.broker,
            connection_id=self.connection_id,
        )


class CancelRequestedFact(BaseModel):
    """The fields we read of an order to cancel."""

    order_id: UUID


class ReplaceRequestedFact(BaseModel):
    """The fields we read of an order to change: its new whole quantity and limit."""

    order_id: UUID
    replace_id: UUID
    quantity: Money
    limit_price: Money | None


@subscriptions.on("trading.order.submitted.v1", OrderSubmittedFact, phases=True)
async def order_submitted(desk: Desk, fact: OrderSubmittedFact, message: Envelope) -> None:
    """Send it."""
    assert message.owner is not None, "an order has an owner"
    await submit_order(desk, fact.intent(message.owner), message.id)


@subscriptions.on("trading.order.cancel_requested.v1", CancelRequestedFact, phases=True)
async def cancel_requested(desk: Desk, fact: CancelRequestedFact, message: Envelope) -> None:
    """Cancel it."""
    assert message.owner is not None, "an order has an owner"
    await cancel_order(desk, OwnerId(message.owner), OrderId(fact.order_id), message.id)


@subscriptions.on("trading.order.replace_requested.v1", ReplaceRequestedFact, phases=True)
async def replace_requested(desk: Desk, fact: ReplaceRequestedFact, message: Envelope) -> None:
    """Change it."""
    assert message.owner is not None, "an order has an owner"
    change = Replacement(fact.replace_id, fact.quantity, fact.limit_price)
    await replace_order(desk, OwnerId(message.owner), OrderId(fact.order_id), change, message.id)


class OwnerErasedFact(BaseModel):
    """Who has left, and has no order open any more."""

    user_id: UUID


@subscriptions.on("trading.owner.erased.v1", OwnerErasedFact, phases=True)
async def owner_erased(desk: Desk, fact: OwnerErasedFact, message: Envelope) -> None:
    """Forget them too: until trading had, their keys were needed to cancel what was open."""
    async with desk.database.system() as session:
        if not await take(session, message.id, CONSUMER):
            return
        if not await erase_owner(session, fact.user_id):
            raise Later("facts of theirs are still being published")
