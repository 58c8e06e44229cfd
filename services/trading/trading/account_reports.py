"""What we hear of accounts at brokers: first every execution in it is booked, then the rest is compared."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

import structlog
from kit.consumer import take
from kit.events import Envelope
from kit.money import Money
from pydantic import AwareDatetime, BaseModel, Field
from quant.markets.listing import Currency, Market, Side

from trading.domain.order import Illegal
from trading.domain.position import Oversold
from trading.domain.reconciliation import AccountReport, Holding, ListedOrder
from trading.domain.request import AccountId, Execution, OrderId
from trading.errors import OrderNotFound
from trading.resources import Resources
from trading.store import connections, executions
from trading.store.ledger import Overdrawn
from trading.usecases.reconcile_account import reconcile_account
from trading.usecases.record_execution import record_execution

ITEMS_MAX = 1_000
HOLDINGS_MAX = 10_000
AMOUNT_MAX = 10**15
TEXT_MAX = 200

log = structlog.get_logger()

NotNegative = Annotated[Money, Field(ge=0, le=AMOUNT_MAX)]
Positive = Annotated[Money, Field(gt=0, le=AMOUNT_MAX)]
Text = Annotated[str, Field(min_length=1, max_length=TEXT_MAX)]


class OrderSeen(BaseModel):
    """An order of the broker's list."""

    order_id: UUID | None
    broker_order_id: Text
    symbol: Text
    side: Side
    quantity: Positive
    limit_price: Positive | None
    filled_quantity: NotNegative
    filled_value: NotNegative
    is_open: bool
    placed_at: AwareDatetime


class HoldingSeen(BaseModel):
    """Shares at the broker."""

    symbol: Text
    quantity: NotNegative
    average_price: NotNegative


class ExecutionSeen(BaseModel):
    """An execution that was announced before."""

    execution_id: Text
    order_id: UUID
    quantity: Positive
    price: Positive
    fee: NotNegative
    tax: NotNegative
    trade_date: date
    settlement_date: date
    executed_at: AwareDatetime


class AccountFact(BaseModel):
    """The fields we read of an account report."""

    connection_id: UUID
    market: Market
    currency: Currency
    since: AwareDatetime
    read_at: AwareDatetime
    cash: Annotated[Money, Field(ge=-AMOUNT_MAX, le=AMOUNT_MAX)]
    holdings: Annotated[list[HoldingSeen], Field(max_length=HOLDINGS_MAX)]
    orders: Annotated[list[OrderSeen], Field(max_length=ITEMS_MAX)]
    executions: Annotated[list[ExecutionSeen], Field(max_length=ITEMS_MAX)]

    def report(self, account_id: AccountId) -> AccountReport:
        """The report in the domain's words."""
        return AccountReport(
            connection_id=self.connection_id,
            market=self.market,
            currency=self.currency,
            since=self.since,
            read_at=self.read_at,
            cash=self.cash,
            holdings=tuple(Holding(**dict(each)) for each in self.holdings),
            orders=tuple(ListedOrder(**dict(each)) for each in self.orders),
            executions=tuple(_execution(each, account_id) for each in self.executions),
        )


def _execution(seen: ExecutionSeen, account_id: AccountId) -> Execution:
    fields: dict[str, Any] = dict(seen)
    return Execution(**fields | {"order_id": OrderId(seen.order_id), "account_id": account_id})


async def account_reported(resources: Resources, fact: AccountFact, message: Envelope) -> None:
    """Book what is missing, each in a transaction of its own; then compare."""
    owner = message.owner
    assert owner is not None, "an account has an owner"
    async with resources.database.owned(owner) as session:
        bound = await connections.find_account(session, owner, fact.connection_id)
        known = await executions.list_known(session, owner, [each.execution_id for each in fact.executions])
    if bound is None:
        return  # nobody trades there
    report = fact.report(AccountId(bound))
    for execution in report.executions:
        if execution.execution_id not in known:
            await _book(resources, owner, execution, message)
    strangers = sorted({order.symbol for order in report.orders if order.order_id is None})
    quotes = await resources.quotes.find_many(strangers)
    async with resources.database.owned(owner) as session:
        if await take(session, message.id, "trading"):
            await reconcile_account(session, owner, report, quotes, message.time)


async def _book(resources: Resources, owner: UUID, execution: Execution, message: Envelope) -> None:
    """Book an execution unless it is; one that cannot be shows up as a difference, and in the log."""
    try:
        async with resources.database.owned(owner) as session:
            await record_execution(session, owner, execution, message.time)
    except (OrderNotFound, Illegal, Oversold, Overdrawn) as impossible:
        log.exception("an execution cannot be booked", execution=execution.execution_id, error=str(impossible))
