"""The benchmark over HTTP: the index as market has it, and nulls where it has none or cannot be asked."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from kit.db import Database
from kit.testing.fixtures import client
from kit.testing.serving import serving
from kit.testing.tokens import Tokens
from redis.asyncio import Redis
from sqlalchemy import text
from trading.app import create_app
from trading.config import Settings
from trading.domain.request import AccountId
from trading.jobs import take_snapshots
from trading.resources import open_resources

from services.trading.tests.api.conftest import Trader, publish
from services.trading.tests.conftest import People
from services.trading.tests.desk import Desk
from services.trading.tests.neighbours import Neighbours, a_walk

FIGURES = ("benchmark", "benchmark_return", "excess_return", "beta", "alpha", "tracking_error")
DAYS = [datetime(2024, 12, day, 7, tzinfo=UTC) for day in (16, 17, 18)]


async def test_a_course_in_won_stands_beside_the_kospi(
    settings: Settings, tokens: Tokens, database: Database, redis: "Redis", symbol: str
) -> None:
    neighbours = Neighbours()
    neighbours.days["KOSPI"] = a_walk(9)
    async with serving(neighbours.app()) as url:
        told = settings.model_copy(update={"market_url": url, "auth_url": url})
        async with client(create_app(told, tokens.verifier)) as api, open_resources(told) as resources:
            trader = Trader(People(api, tokens).new())
            desk = Desk(database, trader.caller.id, AccountId(await trader.opens()))
            await desk.fills(await desk.places(symbol=symbol, quantity=Decimal(100), limit_price=Decimal(50_000)))
            async with database.owned(desk.owner) as session:
                began = {"at": datetime(2024, 1, 1, tzinfo=UTC)}
                await session.execute(text("UPDATE accounts SET created_at = :at"), began)
            for moment, price in zip(DAYS, ("50000", "52000", "51000"), strict=True):
                await publish(redis, symbol, price=price)
                await take_snapshots(resources, moment)

            async def shown() -> dict[str, Any]:
                (figures,) = (await trader.caller.get("/portfolio/analytics")).json()["items"]
                return {name: figures[name] for name in FIGURES}

            found = await shown()
            first, _, last = (neighbours.close_of("KOSPI", moment.date()) for moment in DAYS)
            assert found["benchmark"] == "KOSPI"
            assert found["benchmark_return"] == pytest.approx(last / first - 1)
            assert found["excess_return"] == pytest.approx(10_099_250 / 9_999_250 - last / first)
            assert None not in found.values()
            neighbours.status = 503
            assert set((await shown()).values()) == {None}, "who cannot be asked spoils nothing else"
            neighbours.status = 200
            del neighbours.days["KOSPI"]
            assert set((await shown()).values()) == {None}
