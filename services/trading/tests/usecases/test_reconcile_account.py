"""Accounts against what their brokers show: the broker is right, seen twice; and a second run writes nothing."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from kit.db import Database
from kit.events import Envelope
from kit.ids import new_id
from redis.asyncio import Redis
from sqlalchemy import text
from trading.clients.quotes import Quotes
from trading.domain.account import ENVIRONMENT_OF, AccountKind, Connection
from trading.domain.halt import HaltMode
from trading.domain.order import Order, Status
from trading.domain.request import AccountId, Execution, OrderId
from trading.resources import Resources
from trading.store import connections, halts, positions, snapshots
from trading.subscriptions import subscriptions
from trading.usecases.open_account import Opening, open_account

from services.trading.tests.builders import NOW, limits
from services.trading.tests.desk import Desk

DAY = date(2026, 11, 20)
BOOKS = ("orders", "executions", "ledger_entries", "position_entries", "positions", "balances", "halts", "events")


@dataclass
class Venue:
    """What the broker shows, and reports of it as the bus brings them."""

    resources: Resources
    desk: Desk
    connection: UUID
    cash: Decimal = Decimal(10_000_000)
    holdings: dict[str, tuple[int, int]] = field(default_factory=dict)
    orders: list[dict[str, Any]] = field(default_factory=list)
    executions: list[dict[str, Any]] = field(default_factory=list)
    read_at: datetime = NOW

    @classmethod
    async def open(cls, database: Database, redis: "Redis", owner: UUID, kind: AccountKind = "paper") -> "Venue":
        """An account that is bound to a connection, and agreed with its broker once."""
        connection = Connection(id=new_id(), broker="kis", environment=ENVIRONMENT_OF[kind])
        account_id = AccountId(new_id())
        opening = Opening(
            id=account_id,
            name="한국투자",
            kind=kind,
            currency="KRW",
            initial_cash=Decimal(10_000_000 if kind == "paper" else 0),
            connection_id=connection.id,
            permitted_at=NOW if kind == "live" else None,
        )
        async with database.owned(owner) as session:
            await connections.save(session, owner, connection)
            await open_account(session, owner, opening, NOW)
        resources = Resources(database, Quotes(redis), limits(), market=None)  # type: ignore[arg-type]  # nothing here asks it
        return cls(resources, Desk(database, owner, account_id), connection.id)

    def shows(self, order: Order | None = None, **changes: Any) -> dict[str, Any]:
        """An order in its list: one of ours, or a stranger's."""
        values: dict[str, Any] = {
            "order_id": None if order is None else str(order.id),
            "broker_order_id": f"20261120-00950-{len(self.orders) + 1:010d}",
            "symbol": "005930",
            "side": "buy",
            "quantity": "10",
            "limit_price": "56000",
            "filled_quantity": "0",
            "filled_value": "0",
            "is_open": True,
            "placed_at": NOW.isoformat(),
        }
        self.orders.append(values | changes)
        return self.orders[-1]

    def trades(self, order_id: UUID, quantity: int, price: int = 56_000) -> dict[str, Any]:
        """A fill of ours that the broker service knows."""
        execution = {
            "execution_id": f"kis:{order_id}:{quantity}",
            "order_id": str(order_id),
            "quantity": str(quantity),
            "price": str(price),
            "fee": str(quantity * price * 15 // 100_000),
            "tax": "0",
            "trade_date": DAY.isoformat(),
            "settlement_date": "2026-11-24",
            "executed_at": NOW.isoformat(),
        }
        self.executions.append(execution)
        return execution

    async def hears_of(self, fill: dict[str, Any]) -> None:
        """The broker service's own message of a fill, before any report."""
        values = {name: Decimal(fill[name]) for name in ("quantity", "price", "fee", "tax")}
        execution = Execution(
            execution_id=fill["execution_id"],
            order_id=OrderId(UUID(fill["order_id"])),
            account_id=self.desk.account_id,
            trade_date=DAY,
            settlement_date=date(2026, 11, 24),
            executed_at=NOW,
            **values,
        )
        await self.desk.books(execution)

    async def reports(self) -> None:
        """Everything it shows, in one message."""
        self.read_at += timedelta(minutes=5)
        data = {
            "connection_id": str(self.connection),
            "market": "KRX",
            "currency": "KRW",
            "since": datetime(2026, 11, 19, 15, tzinfo=UTC).isoformat(),
            "read_at": self.read_at.isoformat(),
            "cash": str(self.cash),
            "holdings": [
                {"symbol": symbol, "quantity": str(quantity), "average_price": str(price)}
                for symbol, (quantity, price) in self.holdings.items()
            ],
            "orders": self.orders,
            "executions": self.executions,
        }
        message = Envelope(
            id=new_id(),
            type="broker.account.reported.v1",
            source="broker",
            time=self.read_at,
            subject=str(self.connection),
            owner=self.desk.owner,
            correlation_id=new_id(),
            causation_id=None,
            version=1,
            data=data,
        )
        subscription = subscriptions.handlers[message.type]
        await subscription.handler(self.resources, subscription.model.model_validate(data), message)

    async def rows(self) -> dict[str, int]:
        """How many rows each table of the books has for this owner."""
        async with self.resources.database.system() as session:
            return {
                table: int(
                    await session.scalar(
                        text(f"SELECT count(*) FROM {table} WHERE owner_id = :owner"), {"owner": self.desk.owner}
                    )
                    or 0
                )
                for table in BOOKS
            }

    async def halted(self) -> list[HaltMode]:
        async with self.resources.database.owned(self.desk.owner) as session:
            return [halt.mode for halt in await halts.list_all(session, self.desk.owner)]

    async def said(self, event_type: str) -> list[dict[str, Any]]:
        asked = text("SELECT data FROM events WHERE owner_id = :owner AND type = :type ORDER BY position")
        async with self.resources.database.system() as session:
            rows = await session.execute(asked, {"owner": self.desk.owner, "type": event_type})
            return [row.data for row in rows]

    async def shares(self, symbol: str = "005930") -> Decimal:
        async with self.resources.database.owned(self.desk.owner) as session:
            found = await positions.find(session, self.desk.owner, self.desk.account_id, symbol)
        return found.quantity if found else Decimal(0)

    async def cash_here(self) -> Decimal:
        return (await self.desk.balance()).cash


@pytest_asyncio.fixture
async def venue(database: Database, redis: "Redis", owner: UUID) -> AsyncIterator[Venue]:
    yield await Venue.open(database, redis, owner)


@pytest_asyncio.fixture
async def agreed(venue: Venue) -> Venue:
    """An account whose first comparison is behind it."""
    await venue.reports()
    assert await venue.halted() == []
    return venue


async def test_an_account_begins_with_what_its_broker_has(venue: Venue) -> None:
    venue.cash, venue.holdings = Decimal(3_000_000), {"005930": (7, 55_000)}
    await venue.reports()
    assert (await venue.shares(), await venue.cash_here()) == (7, 3_000_000)
    assert await venue.halted() == []
    assert await venue.said("trading.account.mismatched.v1") == []
    await venue.desk.proves()


@pytest.mark.requirement("R-22")
async def test_a_live_account_is_empty_until_its_broker_shows_cash_shares_and_orders(
    database: Database, redis: "Redis", owner: UUID
) -> None:
    venue = await Venue.open(database, redis, owner, "live")
    assert (await venue.shares(), await venue.cash_here()) == (0, 0)
    venue.cash, venue.holdings = Decimal(3_000_000), {"005930": (7, 55_000)}
    venue.shows(quantity="10", limit_price="56000")
    await venue.reports()
    assert (await venue.shares(), await venue.cash_here()) == (7, 3_000_000)
    [adopted] = await venue.said("trading.order.adopted.v1")
    assert (adopted["account_kind"], adopted["quantity"]) == ("live", "10")
    assert ((await venue.desk.balance()).held, await venue.halted()) == (Decimal(560_084), [])
    async with database.owned(owner) as session:
        flows = await snapshots.find_flows(session, owner, venue.desk.account_id, "KRW", after=0)
    assert (flows.deposits, flows.withdrawals) == (3_385_000, 0), "what it begins with is no gain"
    before = await venue.rows()
    await venue.reports()
    assert await venue.rows() == before
    await venue.desk.proves()


@pytest.mark.requirement("R-22")
async def test_a_fill_that_was_never_heard_of_is_booked_under_its_own_id_and_once(agreed: Venue) -> None:
    order = await agreed.desk.places(quantity=Decimal(10), limit_price=Decimal(56_000))
    fill = agreed.trades(order.id, 10)
    agreed.shows(order, filled_quantity="10", filled_value="560000", is_open=False)
    agreed.cash -= Decimal(560_000) + Decimal(fill["fee"])
    agreed.holdings = {"005930": (10, 56_000)}
    await agreed.reports()
    assert (await agreed.desk.order(order.id)).status is Status.FILLED
    before = await agreed.rows()
    for _ in range(2):
        await agreed.reports()
    assert await agreed.rows() == before
    assert await agreed.halted() == []
    await agreed.desk.proves()


@pytest.mark.requirement("R-22")
async def test_an_order_placed_elsewhere_becomes_one_of_the_account_s_and_broker_is_told_to_follow_it(
    agreed: Venue,
) -> None:
    stranger = agreed.shows(quantity="10", limit_price="56000")
    await agreed.reports()
    [adopted] = await agreed.said("trading.order.adopted.v1")
    assert (adopted["broker_order_id"], adopted["quantity"]) == (stranger["broker_order_id"], "10")
    order = await agreed.desk.order(OrderId(UUID(adopted["order_id"])))
    assert (order.status, order.held) == (Status.ACCEPTED, Decimal(560_084))
    before = await agreed.rows()
    for _ in range(2):
        await agreed.reports()
    assert await agreed.rows() == before
    await agreed.desk.proves()


async def test_what_a_stranger_has_traded_already_is_no_mismatch_and_comes_as_executions(agreed: Venue) -> None:
    stranger = agreed.shows(filled_quantity="4", filled_value="224000")
    agreed.cash -= 224_033
    agreed.holdings = {"005930": (4, 56_000)}
    await agreed.reports()
    assert await agreed.halted() == []
    [adopted] = await agreed.said("trading.order.adopted.v1")
    order_id = OrderId(UUID(adopted["order_id"]))
    stranger["order_id"] = str(order_id)
    agreed.trades(order_id, 4)
    await agreed.reports()
    assert (await agreed.desk.order(order_id)).filled_quantity == 4
    assert (await agreed.shares(), await agreed.halted()) == (4, [])
    await agreed.desk.proves()


@pytest.mark.requirement("R-6", "R-22")
async def test_a_stranger_s_buy_beyond_booked_cash_is_booked_and_the_account_ends_as_its_broker_shows_it(
    agreed: Venue,
) -> None:
    cost = Decimal(300 * 56_000 + 2_520)
    agreed.cash += Decimal(10_000_000) - cost  # paid in there, and spent there
    agreed.holdings = {"005930": (300, 56_000)}
    stranger = agreed.shows(quantity="300", filled_quantity="300", filled_value="16800000", is_open=False)
    await agreed.reports()
    [adopted] = await agreed.said("trading.order.adopted.v1")
    stranger["order_id"] = adopted["order_id"]
    fill = agreed.trades(UUID(adopted["order_id"]), 300)
    for _ in range(2):
        await agreed.hears_of(fill)
    assert (await agreed.shares(), await agreed.cash_here()) == (300, 0)
    await agreed.desk.proves()
    for _ in range(3):
        await agreed.reports()
    assert (await agreed.shares(), await agreed.cash_here()) == (300, agreed.cash)
    before = await agreed.rows()
    await agreed.reports()
    assert await agreed.rows() == before
    await agreed.desk.proves()


@pytest.mark.requirement("R-6", "R-22")
async def test_a_stranger_s_sale_of_shares_we_know_nothing_of_is_booked_without_a_profit(agreed: Venue) -> None:
    stranger = agreed.shows(side="sell", quantity="5", filled_quantity="5", filled_value="280000", is_open=False)
    await agreed.reports()
    [adopted] = await agreed.said("trading.order.adopted.v1")
    stranger["order_id"] = adopted["order_id"]
    await agreed.hears_of(agreed.trades(UUID(adopted["order_id"]), 5))
    async with agreed.resources.database.owned(agreed.desk.owner) as session:
        position = await positions.find(session, agreed.desk.owner, agreed.desk.account_id, "005930")
    assert position is not None
    assert (position.quantity, position.cost, position.realized_profit) == (0, 0, -42)
    await agreed.desk.proves()


async def test_an_order_that_was_canceled_before_anything_traded_is_nobody_s_business(agreed: Venue) -> None:
    before = await agreed.rows()
    agreed.shows(is_open=False)
    await agreed.reports()
    after = await agreed.rows()
    assert after["orders"] == before["orders"]


@pytest.mark.requirement("R-22")
async def test_a_mismatch_freezes_new_exposure_and_is_corrected_when_it_is_seen_again(agreed: Venue) -> None:
    await agreed.desk.owns(10)
    agreed.cash = await agreed.cash_here()
    agreed.holdings = {"005930": (8, 56_000)}
    await agreed.reports()
    [told] = await agreed.said("trading.account.mismatched.v1")
    assert told["differences"] == [{"what": "005930", "here": "10", "there": "8"}]
    assert (await agreed.halted(), await agreed.shares()) == ([HaltMode.REDUCE_ONLY], 10)
    denied = await agreed.desk.places(quantity=Decimal(1), limit_price=Decimal(56_000))
    sold = await agreed.desk.places(side="sell", quantity=Decimal(1), limit_price=Decimal(56_000))
    assert (denied.reason, sold.status) == ("trading_halted", Status.SUBMITTED)
    await agreed.reports()
    assert await agreed.shares() == 8
    before = await agreed.rows()
    for _ in range(2):
        await agreed.reports()
    assert await agreed.rows() == before
    assert len(await agreed.said("trading.account.mismatched.v1")) == 1
    assert await agreed.halted() == [HaltMode.REDUCE_ONLY], "its owner says when to trade on"
    await agreed.desk.proves()


async def test_a_reading_that_was_wrong_once_is_not_written_down(agreed: Venue) -> None:
    await agreed.desk.owns(10)
    agreed.cash, true = await agreed.cash_here(), {"005930": (10, 56_000)}
    agreed.holdings = {}
    await agreed.reports()
    agreed.holdings = true
    await agreed.reports()
    assert await agreed.shares() == 10
    agreed.holdings = {}
    await agreed.reports()
    assert await agreed.shares() == 10, "seen again after it was gone is seen for the first time"


async def test_cash_within_what_costs_may_differ_is_booked_and_alarms_nobody(agreed: Venue) -> None:
    agreed.cash -= 700
    await agreed.reports()
    assert (await agreed.cash_here(), await agreed.halted()) == (agreed.cash, [])
    agreed.cash -= 1_000_000
    await agreed.reports()
    assert (await agreed.cash_here(), await agreed.halted()) == (agreed.cash + 1_000_000, [HaltMode.REDUCE_ONLY])
    await agreed.reports()
    assert await agreed.cash_here() == agreed.cash
    await agreed.desk.proves()


async def test_a_report_that_is_overtaken_by_a_fill_changes_nothing(agreed: Venue) -> None:
    order = await agreed.desk.places(quantity=Decimal(10), limit_price=Decimal(56_000))
    agreed.shows(order)
    await agreed.desk.fills(order)
    before = await agreed.rows()
    await agreed.reports()
    assert await agreed.rows() == before


async def test_what_open_orders_have_set_aside_is_not_corrected_away(agreed: Venue) -> None:
    await agreed.desk.owns(10)
    await agreed.desk.places(side="sell", quantity=Decimal(9), limit_price=Decimal(60_000))
    agreed.cash = await agreed.cash_here()
    agreed.holdings = {"005930": (2, 56_000)}
    for _ in range(3):
        await agreed.reports()
    assert (await agreed.shares(), await agreed.halted()) == (10, [HaltMode.REDUCE_ONLY])
    assert len(await agreed.said("trading.account.mismatched.v1")) == 1
    await agreed.desk.proves()


async def test_a_stricter_switch_stays_as_it_is(agreed: Venue) -> None:
    await agreed.desk.halts("account", HaltMode.HALTED)
    agreed.holdings = {"005930": (8, 56_000)}
    await agreed.reports()
    assert await agreed.halted() == [HaltMode.HALTED]


async def test_a_report_of_a_connection_nobody_trades_through_writes_nothing(venue: Venue) -> None:
    venue.connection = new_id()
    venue.holdings = {"005930": (8, 56_000)}
    before = await venue.rows()
    await venue.reports()
    assert await venue.rows() == before
