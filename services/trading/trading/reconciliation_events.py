"""What reconciling accounts with their brokers announces; part of this service's events."""

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar, Self
from uuid import UUID

from kit.events import Event
from kit.money import Money
from pydantic import BaseModel, ConfigDict
from quant.markets.listing import Board, Kind, Market, Side

from trading.domain.account import Account, AccountKind
from trading.domain.order import Order
from trading.domain.reconciliation import Difference
from trading.domain.request import OrderType, TimeInForce


class OrderAdopted(Event):
    """An order that its owner placed elsewhere was found at the broker: it is one of the account's from now on."""

    TYPE: ClassVar[str] = "trading.order.adopted.v1"
    SUBJECT: ClassVar[str] = "order_id"
    order_id: UUID
    account_id: UUID
    account_kind: AccountKind
    symbol: str
    market: Market
    board: Board
    kind: Kind
    side: Side
    order_type: OrderType
    quantity: Money
    limit_price: Money | None
    time_in_force: TimeInForce
    broker: str
    connection_id: UUID
    broker_order_id: str
    adopted_at: datetime

    @classmethod
    def of(cls, order: Order, account: Account, broker_order_id: str, at: datetime) -> Self:
        """Tell broker which of its own orders this is."""
        assert order.board is not None and order.kind is not None  # noqa: PT018 - an adopted order has both
        assert account.connection_id is not None, "only an account at a broker has orders of others"
        return cls(
            order_id=order.id,
            account_id=order.account_id,
            account_kind=account.kind,
            symbol=order.symbol,
            market=order.market,
            board=order.board,
            kind=order.kind,
            side=order.side,
            order_type=order.order_type,
            quantity=order.quantity,
            limit_price=order.limit_price,
            time_in_force=order.time_in_force,
            broker=account.broker,
            connection_id=account.connection_id,
            broker_order_id=broker_order_id,
            adopted_at=at,
        )


class DifferenceSeen(BaseModel):
    """What the broker shows of a symbol's shares, or a currency's cash, and what is booked here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: str
    here: Money
    there: Money


class AccountMismatched(Event):
    """An account is not as its broker shows it: nothing new is risked there until its owner says so.

    Broker reads it once more; a difference that is still the same is then written down as a correction.
    """

    TYPE: ClassVar[str] = "trading.account.mismatched.v1"
    SUBJECT: ClassVar[str] = "account_id"
    account_id: UUID
    connection_id: UUID
    differences: list[DifferenceSeen]

    @classmethod
    def of(cls, account: Account, differences: Iterable[Difference]) -> Self:
        """Tell what differs."""
        assert account.connection_id is not None
        seen = [DifferenceSeen(what=each.what, here=each.here, there=each.there) for each in differences]
        return cls(account_id=account.id, connection_id=account.connection_id, differences=seen)
