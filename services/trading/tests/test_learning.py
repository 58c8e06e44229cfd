"""What a new platform's statements are planned by: its tables are learned when they have something in them."""

import json
from decimal import Decimal

import asyncpg
from kit.db import Database
from kit.testing.databases import TestDatabase
from sqlalchemy import text
from trading.store import system

from services.trading.tests.desk import Desk

ORDERS = 210
FOUND = "SELECT * FROM orders WHERE owner_id = $1 AND id = $2"


async def index_of(admin: "asyncpg.Connection[asyncpg.Record]", desk: Desk, order: object) -> str:
    """By which index PostgreSQL would find an order now."""
    [plan] = json.loads(await admin.fetchval(f"EXPLAIN (FORMAT JSON) {FOUND}", desk.owner, order))
    return str(plan["Plan"].get("Index Name"))


async def learned(database: Database) -> int:
    async with database.system() as session:
        return await system.learn_tables(session)


async def test_tables_are_learned_when_they_have_filled_and_again_when_they_are_much_larger(
    database: Database, fresh: TestDatabase
) -> None:
    admin = await asyncpg.connect(fresh.admin_url)
    try:
        await admin.execute(
            "ALTER TABLE orders SET (autovacuum_enabled = off)"
        )  # or PostgreSQL may learn it just before
        desk = await Desk.open(database, cash=1_000_000_000)
        assert await learned(database) == 0, "there is nothing to learn from"
        for _ in range(ORDERS):
            bounds = {"orders_per_second_max": 1_000, "open_orders_max": 1_000}
            order = (await desk.submits(desk.request(quantity=Decimal(1)), **bounds)).order
        async with database.owned(desk.owner) as session:
            await session.execute(text("SELECT pg_stat_force_next_flush()"))
            await session.execute(text("UPDATE orders SET updated_at = updated_at"))
        await admin.execute("SELECT pg_stat_clear_snapshot()")
        await admin.execute("SET enable_seqscan = off")
        assert await learned(database) >= 1
        assert await index_of(admin, desk, order.id) == "orders_pkey"
        analyzed = "SELECT last_analyze IS NOT NULL FROM pg_stat_user_tables WHERE relname = $1"
        assert await admin.fetchval(analyzed, "orders")
        assert not await admin.fetchval(analyzed, "snapshots"), "nothing is in it"
        assert await learned(database) == 0, "they are as large as they were"
    finally:
        await admin.close()
