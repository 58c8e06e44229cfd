"""A venue for every connector: the connector, and a hand on the market it trades in."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from broker.adapters.port import Connector, Report
from broker.adapters.simulator.connector import Simulator
from kit.clock import now
from kit.db import Database
from redis.asyncio import Redis
from sqlalchemy import text

from services.broker.tests.floor import Tape

NEWS_SECONDS = 0.5


class Venue(Protocol):
    """What the suite needs besides a connector. A real broker's venue drives that broker's emulator."""

    connector: Connector
    symbol: str

    async def quotes(self, **changes: Any) -> None:
        """Move the market: bid 70000 x 500, ask 70100 x 420, band 49000 to 91000, unless said otherwise."""

    async def loses_the_market(self) -> None:
        """Make the broker know no price."""

    async def restarts(self) -> None:
        """Begin again with a connector that remembers nothing by itself."""

    def cut_off(self) -> Connector:
        """The connector on a line that cannot even begin to send."""


async def news(venue: Venue) -> Sequence[Report]:
    """The next batch of the stream, which counts as not taken."""
    stream = venue.connector.reports()
    try:
        return await asyncio.wait_for(anext(stream), NEWS_SECONDS)
    finally:
        await stream.aclose()


async def take_news(venue: Venue) -> Sequence[Report]:
    """The next batch of the stream, taken: the one after it was asked for."""
    stream = venue.connector.reports()
    reports = await asyncio.wait_for(anext(stream), NEWS_SECONDS)
    asking = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0.1)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await stream.aclose()
    return reports


@dataclass
class SimulatorVenue:
    """The simulator is its own emulator: a quote is published, and brought to it as the feed would."""

    connector: Simulator
    tape: Tape
    database: Database

    @property
    def symbol(self) -> str:
        return self.tape.symbol

    async def quotes(self, **changes: Any) -> None:
        await self.connector.apply(await self.tape.quotes(**changes))

    async def loses_the_market(self) -> None:
        await self.tape.disappears()

    async def restarts(self) -> None:
        self.connector = Simulator(self.database, self.tape.cache, now)

    def cut_off(self) -> Connector:
        return Simulator(self.database, Redis.from_url("redis://127.0.0.1:9/0"), now)


@asynccontextmanager
async def simulator_venue(database: Database, redis: "Redis") -> AsyncIterator[Venue]:
    yield SimulatorVenue(Simulator(database, redis, now), Tape(redis), database)
    async with database.system() as session:  # the next venue is to hear its own news only
        await session.execute(text("UPDATE sim_orders SET told_version = version"))


OpenVenue = Callable[[Database, "Redis"], AbstractAsyncContextManager[Venue]]
VENUES: dict[str, OpenVenue] = {"simulator": simulator_venue}
