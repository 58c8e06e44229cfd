"""The watcher: what waits is let go by a live quote, by one watcher at a time, through restarts and for everybody."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from kit.clock import now
from kit.db import Database
from kit.json import dumps_text
from kit.testing.tasks import ended
from redis.asyncio import Redis
from sqlalchemy import text
from trading.config import Settings
from trading.domain.order import Status
from trading.resources import open_resources
from trading.stops import StopWatcher

from services.trading.tests.api.conftest import Trader, a_published_quote, publish

PATIENCE_SECONDS = 60


@asynccontextmanager
async def watching(settings: Settings) -> AsyncIterator[None]:
    async with open_resources(settings) as resources:
        task = asyncio.create_task(StopWatcher(settings, resources, now).run())
        try:
            yield
        finally:
            await ended(task)


async def comes_to(trader: Trader, order_id: str, status: Status) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            order: dict[str, Any] = (await trader.caller.get(f"/trading/orders/{order_id}")).json()
            if order["status"] == status:
                return order
            await asyncio.sleep(0.02)


async def follows_to(database: Database, order_id: str, price: int) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        seen = text("SELECT watched_price FROM orders WHERE id = :id")
        while True:
            async with database.system() as session:
                if await session.scalar(seen, {"id": UUID(order_id)}) == price:
                    return
            await asyncio.sleep(0.02)


async def a_stop(trader: Trader, symbol: str) -> str:
    terms = {"order_type": "stop", "limit_price": None, "stop_price": "57000", "quantity": "1"}
    answer = await trader.caller.post("/trading/orders", trader.order(await trader.opens(), symbol, **terms))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


@pytest.mark.requirement("R-10")
async def test_a_published_quote_lets_a_stop_go(
    trader: Trader, symbol: str, redis: "Redis", settings: Settings
) -> None:
    order = await a_stop(trader, symbol)
    async with watching(settings):
        quote = dumps_text(a_published_quote(symbol, price="57000"))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (await trader.caller.get(f"/trading/orders/{order}")).json()["status"] == "held":
                await redis.publish(f"market:{symbol}", quote)
                await asyncio.sleep(0.05)
    assert (await comes_to(trader, order, Status.SUBMITTED))["triggered_at"] is not None


@pytest.mark.requirement("R-10")
async def test_a_price_that_came_while_nobody_watched_is_seen_after_the_restart(
    trader: Trader, symbol: str, redis: "Redis", settings: Settings
) -> None:
    order = await a_stop(trader, symbol)
    await publish(redis, symbol, price="57100")
    async with watching(settings):
        await comes_to(trader, order, Status.SUBMITTED)


async def test_an_order_that_cannot_be_shown_a_price_keeps_nobody_else_waiting(
    trader: Trader, symbol: str, redis: "Redis", settings: Settings, database: Database
) -> None:
    broken, sound = await a_stop(trader, symbol), await a_stop(trader, symbol)
    async with database.system() as session:
        await session.execute(text("UPDATE orders SET stop_price = NULL WHERE id = :id"), {"id": UUID(broken)})
    async with watching(settings):
        await publish(redis, symbol, price="57100")
        await comes_to(trader, sound, Status.SUBMITTED)
    assert (await trader.caller.get(f"/trading/orders/{broken}")).json()["status"] == "held"


async def test_a_trail_follows_the_market_through_the_watcher(
    trader: Trader, symbol: str, redis: "Redis", settings: Settings, database: Database
) -> None:
    terms = {"order_type": "trailing_stop", "side": "buy", "limit_price": None, "trail_amount": "500", "quantity": "1"}
    order = (await trader.caller.post("/trading/orders", trader.order(await trader.opens(), symbol, **terms))).json()
    async with watching(settings):
        await publish(redis, symbol, price="55000")
        await follows_to(database, order["id"], 55_000)
        assert (await trader.caller.get(f"/trading/orders/{order['id']}")).json()["status"] == "held"
        await publish(redis, symbol, price="55500")  # 500 above the lowest seen, and below what it was placed at
        await comes_to(trader, order["id"], Status.SUBMITTED)


@pytest.mark.requirement("R-10")
async def test_a_second_watcher_waits_its_turn_and_takes_over(
    trader: Trader, symbol: str, redis: "Redis", settings: Settings
) -> None:
    order = await a_stop(trader, symbol)
    async with watching(settings):
        async with watching(settings):
            await asyncio.sleep(0.1)
        await publish(redis, symbol, price="57100")
        await comes_to(trader, order, Status.SUBMITTED)
