"""People at the API: with accounts of their own, and a quote for symbols nobody else uses."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from kit.clock import now
from kit.ids import new_id
from kit.json import dumps_text
from redis.asyncio import Redis

from services.trading.tests.conftest import Caller, People

LIFE_SECONDS = 60


def a_published_quote(symbol: str, /, **changes: Any) -> dict[str, Any]:
    """A quote as market publishes it."""
    quote = {
        "type": "quote",
        "symbol": symbol,
        "market": "KRX",
        "board": "KOSPI",
        "kind": "stock",
        "currency": "KRW",
        "name": "시험전자",
        "price": "56000",
        "bid": "55900",
        "ask": "56000",
        "base_price": "55000",
        "upper_limit": "71500",
        "lower_limit": "38500",
        "session": "regular",
        "trading_date": "2024-12-16",
        "timestamp": now(),
        "source": "test",
    }
    return quote | changes


async def publish(redis: "Redis", symbol: str, /, **changes: Any) -> None:
    await redis.set(f"realtime:{symbol}", dumps_text(a_published_quote(symbol, **changes)), ex=LIFE_SECONDS)


@pytest_asyncio.fixture
async def symbol(redis: "Redis") -> AsyncIterator[str]:
    """A symbol of this test alone, with a fresh quote."""
    code = f"0{new_id().hex[-5:].upper()}"
    await publish(redis, code)
    yield code
    await redis.delete(f"realtime:{code}")


@pytest.fixture
def trader(people: People) -> "Trader":
    return Trader(people.new())


class Trader:
    """A person who trades: opens accounts and places orders."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller

    async def opens(self, cash: str = "10000000", **changes: Any) -> UUID:
        body = {"name": "모의", "kind": "paper", "currency": "KRW", "initial_cash": cash, **changes}
        answer = await self.caller.post("/trading/accounts", body)
        assert answer.status_code == 201, answer.text
        return UUID(answer.json()["id"])

    async def posts_with_key(self, key: str, path: str, body: object) -> httpx.Response:
        headers = {**self.caller.headers, "Idempotency-Key": key}
        return await self.caller.api.post(f"/api/v1{path}", headers=headers, json=body)

    def order(self, account_id: UUID, symbol: str, /, **changes: Any) -> dict[str, Any]:
        body = {
            "account_id": str(account_id),
            "client_order_id": f"c-{new_id()}",
            "symbol": symbol,
            "side": "buy",
            "order_type": "limit",
            "quantity": "10",
            "limit_price": "56100",
            "time_in_force": "day",
        }
        return body | changes
