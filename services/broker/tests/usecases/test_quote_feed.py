"""The feed brings quotes to the book by itself, whether Redis delivers them or loses them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from broker.adapters.simulator.feed import QuoteFeed
from broker.worker import watch_brokers
from kit.testing.tasks import ended

from services.broker.tests.builders import an_order
from services.broker.tests.floor import Floor

PATIENCE_SECONDS = 60


@asynccontextmanager
async def watching(floor: Floor) -> AsyncIterator[None]:
    task = asyncio.create_task(watch_brokers(floor.desk))
    yield
    await ended(task)


async def said(floor: Floor, *expected: str) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await floor.said() != list(expected):  # noqa: ASYNC110 - asks a database
            await asyncio.sleep(0.02)


async def test_a_published_quote_fills_a_resting_order(floor: Floor) -> None:
    await floor.tape.quotes()
    async with watching(floor):
        await floor.submit(an_order(floor.tape.symbol, limit_price="69900"))
        await asyncio.sleep(0.3)
        await floor.tape.quotes(bid="69800", ask="69900")
        await said(floor, "accepted", "executed")


async def test_the_end_of_the_session_expires_what_rests(floor: Floor) -> None:
    await floor.tape.quotes()
    async with watching(floor):
        await floor.submit(an_order(floor.tape.symbol, limit_price="69900"))
        await floor.tape.quotes(session="closed")
        await said(floor, "accepted", "expired")


@pytest.mark.requirement("R-23")
async def test_a_quote_published_while_nobody_listened_is_not_missed(floor: Floor) -> None:
    await floor.tape.quotes()
    await floor.submit(an_order(floor.tape.symbol, limit_price="69900"))
    await floor.tape.quotes(bid="69800", ask="69900")
    async with watching(floor):
        await said(floor, "accepted", "executed")


async def test_only_symbols_with_open_orders_are_asked_about_and_each_quote_once(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied: list[str] = []

    async def note(quote: object) -> int:
        applied.append(str(quote))
        return 0

    monkeypatch.setattr(floor.simulator, "apply", note)
    await floor.tape.quotes()
    feed = asyncio.create_task(QuoteFeed(floor.simulator, floor.tape.cache).run())
    for _ in range(5):
        await floor.tape.quotes()
    await asyncio.sleep(0.3)
    assert applied == []
    await floor.submit(an_order(floor.tape.symbol, limit_price="69900"))
    await asyncio.sleep(1.5)
    assert len(applied) == 1
    await ended(feed)
