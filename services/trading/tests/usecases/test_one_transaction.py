"""docs/audit.md: a fact about money is of the transaction that did what it tells of, by PostgreSQL's own word."""

from decimal import Decimal

import pytest
from kit.db import Database
from sqlalchemy import text
from trading.domain.order import Happening

from services.trading.tests.desk import Desk


async def last_facts(desk: Desk, *effects: str) -> list[str]:
    """The facts of the transaction that last wrote to each of these tables: it is one and the same."""
    async with desk.database.system() as session:
        writers = set()
        for table in effects:
            newest = text(f"SELECT xmin::text FROM {table} WHERE owner_id = :owner ORDER BY age(xmin) LIMIT 1")
            writers.add(await session.scalar(newest, {"owner": desk.owner}))
        assert len(writers) == 1, (effects, writers)
        facts = text("SELECT type FROM events WHERE xmin::text = :writer ORDER BY position")
        told = await session.scalars(facts, {"writer": writers.pop()})
        return [each.removeprefix("trading.").removesuffix(".v1") for each in told]


@pytest.mark.requirement("R-57")
async def test_from_intent_to_fill_each_step_of_an_order_is_told_by_the_transaction_that_takes_it(
    database: Database,
) -> None:
    desk = await Desk.open(database)
    assert "account.opened" in await last_facts(desk, "accounts", "balances", "ledger_entries")
    order = await desk.places(quantity=Decimal(2))
    assert "order.submitted" in await last_facts(desk, "orders", "balances")
    await desk.hears(order, Happening.ACCEPTED)
    assert await last_facts(desk, "orders") == ["order.accepted"]
    await desk.fills(order, quantity=Decimal(1))
    booked = await last_facts(desk, "orders", "executions", "balances", "positions", "ledger_entries")
    assert booked == ["fill.booked"]
    await desk.asks_to_cancel(order)
    assert await last_facts(desk, "orders") == ["order.cancel_requested"]
    await desk.hears(order, Happening.CANCELED)
    assert "order.canceled" in await last_facts(desk, "orders", "balances")
    assert (await desk.places(quantity=Decimal(10_000))).reason is not None
    assert await last_facts(desk, "orders") == ["order.denied"]


@pytest.mark.requirement("R-57")
async def test_switches_and_limits_are_told_by_the_transaction_that_sets_them_with_what_they_were(
    database: Database,
) -> None:
    desk = await Desk.open(database)
    await desk.halts()
    assert await last_facts(desk, "halts") == ["halt.changed"]
    await desk.limits_itself(order_value_max=Decimal(1_000_000), restricted_symbols=("000660",))
    assert await last_facts(desk, "risk_limits") == ["limits.changed"]
    await desk.limits_itself(order_value_max=Decimal("500000.50"), stepped_up=True)
    newest = text("SELECT data FROM events WHERE type = 'trading.limits.changed.v1' ORDER BY position DESC LIMIT 1")
    async with database.system() as session:
        told = await session.scalar(newest)
    assert told["old"] == {"order_value_max": "1000000", "restricted_symbols": "000660"}
    assert told["new"] == {"order_value_max": "500000.50"}
