"""What the broker service listens to: orders to send, to change, to cancel and to adopt; accounts to read again."""

from typing import Literal
from uuid import UUID

from kit.consumer import Later, Subscriptions, take
from kit.events import Envelope
from kit.money import Money
from pydantic import AwareDatetime, BaseModel, ConfigDict
from quant.markets.listing import Board, Kind, Market
from quant.markets.sessions import Venue

from broker.desk import Desk
from broker.domain.order import AccountId, OrderId, OrderIntent, OwnerId, Replacement
from broker.store import account_reports
from broker.usecases.adopt_order import Adoption, adopt_order
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
    venue: Venue = "KRX"

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
            venue=self.venue,
        )


class CancelRequestedFact(BaseModel):
    """The fields we read of an order to cancel: all, in case it has not come yet. Older messages had the id only."""

    model_config = ConfigDict(extra="allow")

    order_id: UUID

    def intent(self, owner: UUID) -> OrderIntent | None:
        """The order that is not to be sent, in our words."""
        if "symbol" not in (self.model_extra or {}):
            return None
        return OrderSubmittedFact.model_validate(self.model_dump()).intent(owner)


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
    await submit_order(desk, fact.intent(message.owner), message.id, message.time)


@subscriptions.on("trading.order.cancel_requested.v1", CancelRequestedFact, phases=True)
async def cancel_requested(desk: Desk, fact: CancelRequestedFact, message: Envelope) -> None:
    """Cancel it, or see to it that it is never sent."""
    assert message.owner is not None, "an order has an owner"
    owner = OwnerId(message.owner)
    await cancel_order(desk, owner, OrderId(fact.order_id), message.id, fact.intent(owner))


@subscriptions.on("trading.order.replace_requested.v1", ReplaceRequestedFact, phases=True)
async def replace_requested(desk: Desk, fact: ReplaceRequestedFact, message: Envelope) -> None:
    """Change it."""
    assert message.owner is not None, "an order has an owner"
    change = Replacement(fact.replace_id, fact.quantity, fact.limit_price)
    await replace_order(desk, OwnerId(message.owner), OrderId(fact.order_id), change, message)


class OrderAdoptedFact(OrderSubmittedFact):
    """The fields we read of an order that was found at a broker."""

    broker_order_id: str
    adopted_at: AwareDatetime


@subscriptions.on("trading.order.adopted.v1", OrderAdoptedFact, phases=True)
async def order_adopted(desk: Desk, fact: OrderAdoptedFact, message: Envelope) -> None:
    """Follow it from now on."""
    assert message.owner is not None, "an order has an owner"
    adoption = Adoption(fact.intent(message.owner), fact.broker_order_id)
    async with desk.database.system() as session:
        if await take(session, message.id, CONSUMER):
            await adopt_order(session, adoption, fact.adopted_at)


class AccountFact(BaseModel):
    """Which connection's account somebody wants to hear of; none for one at the simulator."""

    connection_id: UUID | None


async def _announce_again(desk: Desk, fact: AccountFact, message: Envelope) -> None:
    """Announce it when it is read next, whatever it says.

    An account that was just opened has not heard what was said before; and trading believes a difference only when it
    has seen it twice.
    """
    assert message.owner is not None, "an account has an owner"
    async with desk.database.system() as session:
        if await take(session, message.id, CONSUMER) and fact.connection_id is not None:
            await account_reports.delete_digest(session, OwnerId(message.owner), fact.connection_id)


for _name in ("trading.account.opened.v1", "trading.account.mismatched.v1"):
    subscriptions.on(_name, AccountFact, phases=True)(_announce_again)


class OwnerErasedFact(BaseModel):
    """Who has left, and has no order open any more."""

    user_id: UUID


@subscriptions.on("trading.owner.erased.v1", OwnerErasedFact, phases=True)
async def owner_erased(desk: Desk, fact: OwnerErasedFact, message: Envelope) -> None:
    """Forget them too: until trading had, their keys were needed to cancel what was open."""
    async with desk.database.system() as session:
        if not await take(session, message.id, CONSUMER):
            return
        if not await erase_owner(session, fact.user_id, message.time):
            raise Later("facts of theirs are still being published")
