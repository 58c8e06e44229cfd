"""What starts over after a failure still ends when it is told to: even when both come at once."""

import asyncio
from typing import Any

import pytest
from broker.adapters.simulator.feed import QuoteFeed
from kit.errors import Unavailable

SOON_SECONDS = 30


class Falling:
    """Books that go away when they are told to."""

    def __init__(self) -> None:
        self.open_symbols: set[str] = set()
        self.reads = 0
        self.goes = asyncio.Event()

    async def refresh_open_symbols(self) -> None:
        self.reads += 1
        await self.goes.wait()
        raise Unavailable("The database does not answer.")


class Silent:
    """Redis, of which nobody hears anything, and which takes its time to say goodbye."""

    def __init__(self) -> None:
        self.leaving = asyncio.Event()

    def pubsub(self, **_: Any) -> "Silent":
        return self

    async def __aenter__(self) -> "Silent":
        return self

    async def __aexit__(self, *_: object) -> None:
        self.leaving.set()
        await asyncio.sleep(0.1)


@pytest.mark.requirement("R-23")
async def test_a_feed_that_fails_while_it_is_ended_ends() -> None:
    books, redis = Falling(), Silent()
    feeding = asyncio.create_task(QuoteFeed(books, redis).run())  # type: ignore[arg-type]
    await asyncio.sleep(0.02)
    books.goes.set()
    await redis.leaving.wait()  # the failure is ending the feed's other tasks
    feeding.cancel()
    async with asyncio.timeout(SOON_SECONDS):
        await asyncio.gather(feeding, return_exceptions=True)
    assert feeding.cancelled()


@pytest.mark.requirement("R-23")
async def test_a_feed_that_only_fails_starts_over() -> None:
    books = Falling()
    books.goes.set()
    feeding = asyncio.create_task(QuoteFeed(books, Silent()).run())  # type: ignore[arg-type]
    async with asyncio.timeout(SOON_SECONDS):
        while books.reads < 3:  # noqa: ASYNC110 - counts what the feed does by itself
            await asyncio.sleep(0.01)
    feeding.cancel()
    await asyncio.gather(feeding, return_exceptions=True)
    assert feeding.cancelled()
