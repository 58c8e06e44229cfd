"""These tests share a database; those of the suite run on a venue of each connector."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from kit.db import Database
from redis.asyncio import Redis

from services.broker.tests.conformance.venues import REAL_VENUES, VENUES, Venue
from services.broker.tests.one_database import fresh

__all__ = ["fresh", "venue"]


@pytest_asyncio.fixture
async def venue(request: pytest.FixtureRequest, database: Database, redis: "Redis") -> AsyncIterator[Venue]:
    _, open_venue = (VENUES | REAL_VENUES)[request.param]
    async with open_venue(database, redis) as opened:
        await opened.quotes()
        yield opened
