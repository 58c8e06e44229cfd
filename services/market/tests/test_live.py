"""Live prices: what a feed tells becomes the quote, trade and book that everybody reads."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import pytest_asyncio
from kit.db import Database
from kit.ids import new_id
from kit.testing.databases import TestDatabase
from kit.testing.tasks import ended
from market import live
from market.lease import Right
from market.live import LivePrices
from market.store import actions, bars, replays
from redis.asyncio import Redis

MONDAY = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
PATIENCE_SECONDS = 60.0


def shown(symbol: str, **changes: Any) -> str:
    return json.dumps(
        {
            "source": "kis",
            "market": "KRX",
            "symbol": symbol,
            "price": "70100",
            "base_price": "70000",
            "open": "69900",
            "high": "70300",
            "low": "69800",
            "volume": 1_234,
            "traded": 0,
            "bids": [{"price": "70000", "quantity": "500"}],
            "asks": [{"price": "70100", "quantity": "420"}, {"price": "70200", "quantity": "7"}],
            "with_book": False,
        }
        | changes
    )


class Clock:
    def __init__(self) -> None:
        self.now = MONDAY

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture
async def listed(upload: Any, bars_csv: Any, symbol: str) -> str:
    answer = await upload({f"{symbol}.csv": bars_csv("2026-10-30,1,2,1,2,10,")}, names=json.dumps({symbol: "표본"}))
    assert answer.status_code == 201
    return symbol


class Feed:
    """Tells live prices, and hears what is made of them."""

    def __init__(self, redis: Redis, symbol: str, heard: Any) -> None:
        self._redis = redis
        self._symbol = symbol
        self._heard = heard

    async def tells(self, text: str) -> list[dict[str, Any]]:
        """Tell it until something of the symbol is heard, and a quote is the last of that."""
        heard: list[dict[str, Any]] = []
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                await self._redis.publish(live.CHANNEL, text)
                while (message := await self._heard.get_message(timeout=0.1)) is not None:
                    heard.append(json.loads(message["data"]))
                if heard:
                    return heard

    async def kept(self) -> dict[str, Any]:
        return dict(json.loads(await self._redis.get(f"realtime:{self._symbol}") or "{}"))


@pytest_asyncio.fixture
async def feed(
    database: Database,
    redis: Redis,
    fresh: TestDatabase,
    clock: Clock,
    listed: str,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Feed]:
    monkeypatch.setattr(live, "CHANNEL", f"feed.told.{new_id()}")  # the test Redis is shared
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.05)
    async with _running(LivePrices(database, redis, fresh.system_url, clock)), redis.pubsub() as heard:
        heard.ignore_subscribe_messages = True
        await heard.psubscribe(f"market:{listed}", f"market.trade:{listed}", f"market.orderbook:{listed}")
        yield Feed(redis, listed, heard)


@asynccontextmanager
async def _running(prices: LivePrices) -> AsyncIterator[None]:
    task = asyncio.create_task(prices.run())
    try:
        yield
    finally:
        await ended(task)


async def test_what_a_feed_shows_is_a_quote_with_the_band_of_its_day(feed: Feed, listed: str) -> None:
    quote = (await feed.tells(shown(listed)))[0]
    assert quote == await feed.kept()
    assert (quote["type"], quote["symbol"], quote["name"], quote["source"]) == ("quote", listed, "표본", "kis")
    assert (quote["price"], quote["change"], quote["change_percent"]) == ("70100", "100", "0.14")
    assert (quote["bid"], quote["ask"], quote["bid_size"], quote["ask_size"]) == ("70000", "70100", "500", "420")
    assert (quote["base_price"], quote["lower_limit"], quote["upper_limit"]) == ("70000", "49000", "91000")
    assert (quote["open"], quote["high"], quote["low"], quote["volume"]) == ("69900", "70300", "69800", 1_234)
    assert (quote["session"], quote["trading_date"]) == ("regular", "2026-11-02")
    assert quote["timestamp"] == "2026-11-02T01:00:00.000Z"


async def test_a_trade_and_a_book_are_told_when_they_are_the_news(feed: Feed, listed: str) -> None:
    heard = await feed.tells(shown(listed, traded=7, with_book=True))
    by_type = {message["type"]: message for message in heard}
    assert (by_type["trade"]["quantity"], by_type["trade"]["price"]) == (7, "70100")
    assert by_type["orderbook"]["asks"][1] == {"price": "70200", "quantity": "7"}
    assert (await feed.kept())["volume"] == 1_234


async def test_a_price_of_the_united_states_is_quoted_in_dollars_and_says_whose_volume_it_is(
    *,
    database: Database,
    redis: Redis,
    fresh: TestDatabase,
    clock: Clock,
    upload: Any,
    bars_csv: Any,
    user: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    symbol = new_id().hex[-9:].translate(str.maketrans("0123456789abcdef", "ABCDEFGHIJKLMNOP"))
    row = bars_csv("2026-10-30,700,701,699,700,10,")
    assert (await upload({f"{symbol}.csv": row}, market="US", board="US")).status_code == 201
    monkeypatch.setattr(live, "CHANNEL", f"feed.told.{new_id()}")
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.05)
    clock.now = datetime(2026, 11, 2, 15, 0, tzinfo=UTC)
    prices = {"price": "700.37", "base_price": "700", "open": "700", "high": "700.37", "low": "700"}
    told = shown(symbol, market="US", source="alpaca_iex", volume=12, **prices)
    async with _running(LivePrices(database, redis, fresh.system_url, clock)), redis.pubsub() as heard:
        heard.ignore_subscribe_messages = True
        await heard.psubscribe(f"market:{symbol}")
        await Feed(redis, symbol, heard).tells(told)
    quote = (await user.get(f"/api/v1/market/quotes/{symbol}")).json()
    assert (quote["price"], quote["change"], quote["currency"]) == ("700.37", "0.37", "USD")
    assert (quote["source"], quote["volume"], quote["session"]) == ("alpaca_iex", 12, "regular")
    assert (quote["upper_limit"], quote["trading_date"]) == (None, "2026-11-02")


async def test_before_the_first_trade_of_a_day_everything_is_the_last_price(feed: Feed, listed: str) -> None:
    quote = (await feed.tells(shown(listed, open="0", high="0", low="0", volume=0, bids=[], asks=[])))[0]
    assert (quote["open"], quote["high"], quote["low"]) == ("70100", "70100", "70100")
    assert (quote["bid"], quote["ask"]) == ("0", "0")


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 11, 2, 6, 30, tzinfo=UTC), "2026-11-02"),
        (datetime(2026, 11, 1, 3, 0, tzinfo=UTC), "2026-10-30"),
        (datetime(2026, 11, 1, 23, 0, tzinfo=UTC), "2026-11-02"),
    ],
)
async def test_outside_of_its_session_a_price_is_of_a_closed_market(
    feed: Feed, listed: str, clock: Clock, moment: datetime, day: str
) -> None:
    clock.now = moment
    quote = (await feed.tells(shown(listed)))[0]
    assert (quote["session"], quote["trading_date"]) == ("closed", day)


async def test_what_cannot_be_read_or_belongs_to_nobody_we_know_is_passed_over(feed: Feed, listed: str) -> None:
    await feed.tells(shown(listed))
    unknown = f"8{new_id().hex[-5:].upper()}"
    for text in ("no json", shown(listed, price="many"), shown(listed, market="US"), shown(listed, price="0")):
        await feed._redis.publish(live.CHANNEL, text)
    await feed._redis.publish(live.CHANNEL, shown(unknown))
    quotes = await feed.tells(shown(listed, price="70500"))
    assert {quote["price"] for quote in quotes} <= {"70100", "70500"}
    assert {quote["market"] for quote in quotes} == {"KRX"}
    assert await feed._redis.get(f"realtime:{unknown}") is None


async def test_a_symbol_that_is_replayed_has_the_quotes_of_its_replay(
    feed: Feed, listed: str, admin: Any, upload: Any, bars_csv: Any
) -> None:
    other = f"7{new_id().hex[-5:].upper()}"
    await upload({f"{other}.csv": bars_csv("2026-10-30,1,2,1,2,10,")})
    await feed.tells(shown(listed))
    body = {"symbols": [listed], "trading_date": "2026-10-30", "duration_seconds": 60, "ticks_per_symbol": 10}
    replay = await admin.post("/api/v1/market/replays", json=body)
    assert replay.status_code == 201
    async with asyncio.timeout(PATIENCE_SECONDS):
        price = 70_000
        while (await feed.kept())["price"] == str(price) or price == 70_000:
            price += 100
            await feed._redis.publish(live.CHANNEL, shown(listed, price=str(price)))
            await feed._redis.publish(live.CHANNEL, shown(other, price=str(price)))
            while f'"price":"{price}"' not in str(await feed._redis.get(f"realtime:{other}")):  # noqa: ASYNC110 - asks a server
                await asyncio.sleep(0.02)


def test_no_two_jobs_of_the_service_wait_for_the_same_lock() -> None:
    rights = Right.__members__.values()  # those of the same number are one member with two names
    locks = [*rights, actions.ADJUST_LOCK, bars.IMPORT_LOCK, replays.START_LOCK]
    assert len(set(locks)) == len(locks)
