"""What a symbol's market does: read for the first order of a burst, and anew when a phase may have begun."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from broker.domain.hours import MarketNow
from broker.market_now import KEPT_FOR, Markets
from redis.asyncio import Redis

from services.broker.tests.floor import a_symbol

AT = datetime(2026, 11, 2, 6, 19, 59, 900_000, tzinfo=UTC)
"""A tenth of a second before the closing auction."""
DAY = AT.date()


async def says(redis: "Redis", symbol: str, session: str) -> None:
    quote = {"session": session, "trading_date": f"{DAY}"}
    await redis.set(f"realtime:{symbol}", json.dumps(quote), ex=60)


@pytest.mark.parametrize(
    ("after", "session"),
    [
        (timedelta(milliseconds=50), "regular"),
        (timedelta(milliseconds=100), "closing_auction"),
        (timedelta(milliseconds=-1), "closing_auction"),
    ],
    ids=["in a burst", "in the next half minute", "by a clock that went back"],
)
async def test_a_reading_is_kept_in_its_half_minute_alone(redis: "Redis", after: timedelta, session: str) -> None:
    markets, symbol = Markets(), a_symbol()
    await says(redis, symbol, "regular")
    assert await markets.now(redis, symbol, AT) == MarketNow("regular", DAY)
    await says(redis, symbol, "closing_auction")
    assert await markets.now(redis, symbol, AT + after) == MarketNow(session, DAY)
    assert await markets.now(redis, a_symbol(), AT + after) is None, "each symbol has its own"


async def test_a_reading_is_kept_for_a_moment_alone(redis: "Redis") -> None:
    markets, symbol, began = Markets(), a_symbol(), AT.replace(second=31)
    for moment, session in ((began, "regular"), (began + KEPT_FOR + timedelta(milliseconds=1), "halted")):
        await says(redis, symbol, session)
        assert await markets.now(redis, symbol, moment) == MarketNow(session, DAY)
