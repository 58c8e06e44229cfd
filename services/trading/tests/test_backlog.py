"""What was accepted holds up what comes when it is too much, while it is worked off; and only then."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import pytest_asyncio
from kit import cache
from kit.db import Database
from redis.asyncio import Redis
from trading.backlog import KEY, Backlog, Progress, reached
from trading.domain.order import Happening, Order

from services.trading.tests.builders import NOW, an_order
from services.trading.tests.desk import Desk

MOST = 3
PATIENCE_SECONDS = 30
GETS_ON_SECONDS = 60
"""However busy this machine is, what was told is not forgotten in the middle of a test."""


def made(seconds: int) -> Order:
    """An order that was made so long after the first."""
    return replace(an_order(), created_at=NOW + timedelta(seconds=seconds))


@pytest_asyncio.fixture
async def progress(redis: "Redis", monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Progress]:
    monkeypatch.setattr("trading.backlog.GETS_ON_SECONDS", GETS_ON_SECONDS)
    await redis.delete(KEY)
    yield Progress(redis)
    await redis.delete(KEY)


@pytest_asyncio.fixture
async def backlog(progress: Progress) -> AsyncIterator[Backlog]:
    opened = Backlog(most=MOST)
    async with opened.watching(progress):
        yield opened


def is_too_much(backlog: Backlog) -> bool:
    return backlog.too_many > 0


async def looked(backlog: Backlog, progress: Progress) -> None:
    """Wait until what is told has been read once more."""
    asked = asyncio.Event()

    async def read() -> object:
        found = await progress.read()
        asked.set()
        return found

    backlog.read = read  # type: ignore[assignment]
    async with asyncio.timeout(PATIENCE_SECONDS):
        await asked.wait()
        await asyncio.sleep(0)


@pytest.mark.requirement("R-31")
async def test_what_waits_holds_up_what_comes_until_enough_of_it_is_worked_off(
    backlog: Backlog, progress: Progress
) -> None:
    await progress.tell(made(0).created_at)
    for number in range(1, MOST + 1):
        backlog.add(made(number))
        assert not is_too_much(backlog), "there is room for these"
    backlog.add(made(MOST + 1))
    await looked(backlog, progress)
    assert is_too_much(backlog)
    await progress.tell(made(1).created_at)
    assert backlog.looking is not None
    async with asyncio.timeout(PATIENCE_SECONDS):
        await backlog.looking
    assert not is_too_much(backlog)
    assert len(backlog.made_at) == MOST
    backlog.add(made(MOST + 2))
    await looked(backlog, progress)
    assert is_too_much(backlog), "and again"


@pytest.mark.requirement("R-31")
async def test_nobody_is_held_up_by_a_worker_that_is_not_heard_of(
    backlog: Backlog, progress: Progress, redis: "Redis"
) -> None:
    for number in range(10 * MOST):
        backlog.add(made(number))
    await looked(backlog, progress)
    assert not is_too_much(backlog), "it never said anything"
    await progress.tell(made(0).created_at)
    assert 0 < await redis.pttl(KEY) <= GETS_ON_SECONDS * 1_000, "and what it says is soon forgotten"
    await looked(backlog, progress)
    assert is_too_much(backlog)
    await redis.delete(KEY)
    await looked(backlog, progress)
    assert not is_too_much(backlog)


@pytest.mark.requirement("R-31")
async def test_nobody_is_held_up_where_redis_is_away_or_says_nonsense(redis: "Redis") -> None:
    away = cache.connect("redis://127.0.0.1:9/0")
    backlog, progress = Backlog(most=MOST), Progress(away)
    await progress.tell(NOW)
    async with backlog.watching(progress):
        for number in range(2 * MOST):
            backlog.add(made(number))
        await looked(backlog, progress)
        assert not is_too_much(backlog)
        await redis.set(KEY, "soon", px=60_000)
        await looked(backlog, Progress(redis))
        assert not is_too_much(backlog)
        await redis.delete(KEY)
    await away.aclose()


@pytest.mark.requirement("R-31")
async def test_a_worker_tells_how_far_brokers_words_have_come(
    database: Database, progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reached, "made_at", None)
    told = asyncio.Event()
    tell = progress.tell

    async def tell_and_say_so(made_at: datetime) -> None:
        await tell(made_at)
        told.set()

    monkeypatch.setattr(progress, "tell", tell_and_say_so)
    desk, telling = await Desk.open(database), asyncio.create_task(progress.tell_forever())
    await asyncio.sleep(0)
    order = await desk.hears(await desk.places(), Happening.ACCEPTED)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await told.wait()
    assert await progress.read() == order.created_at
    telling.cancel()
    await asyncio.gather(telling, return_exceptions=True)
