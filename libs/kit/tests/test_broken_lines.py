"""What a broken line is called differs from driver to driver and from loop to loop; here it is one thing: an outage."""

import asyncpg
import pytest
import uvloop
from kit import cache
from kit.db import Database, driver_of
from kit.errors import Unavailable
from sqlalchemy import text


def test_a_reset_connection_to_redis_is_replaced_under_uvloop_too(redis_url: str) -> None:
    async def play() -> str:
        async with cache.connect(redis_url) as client:
            await client.ping()
            [connection] = client.connection_pool._available_connections
            connection._writer.transport.abort()
            return str(await client.echo("again"))

    assert uvloop.run(play()) == "again"


async def breaks(database: Database, *, lost: bool) -> None:
    async with database.public() as session:
        if lost:
            driver_of(session).terminate()
        raise asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress")


async def test_a_driver_that_lost_its_line_between_two_messages_is_an_outage(database: Database) -> None:
    with pytest.raises(Unavailable):
        await breaks(database, lost=True)
    async with database.public() as session:
        assert await session.scalar(text("SELECT 1")) == 1, "the next has a line of its own"


async def test_two_at_once_on_a_whole_line_are_our_own_fault(database: Database) -> None:
    with pytest.raises(asyncpg.InternalClientError):
        await breaks(database, lost=False)
