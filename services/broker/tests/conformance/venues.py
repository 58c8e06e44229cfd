"""A venue for every connector: the connector, and a hand on the market it trades in."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

import httpx
from broker.adapters.port import Connector, Remote, Report
from broker.adapters.simulator.capabilities import SIMULATOR
from broker.adapters.simulator.connector import Simulator
from broker.domain.capabilities import Capabilities
from broker.domain.order import Accepted, OrderIntent
from kit.clock import now
from kit.db import Database
from kit.testing.tasks import ended
from redis.asyncio import Redis
from sqlalchemy import text

from services.broker.tests.builders import an_order
from services.broker.tests.emulated import KINDS, REAL_KINDS, Emulated, emulated
from services.broker.tests.floor import Tape

NEWS_SECONDS = 0.5
MARKETABLE = {"buy": "70200", "sell": "69900"}
EVERYTHING = frozenset(
    {
        *("price_off_tick", "price_outside_band", "quantity_off_lot", "market_closed", "unknown_symbol"),
        *("insufficient_cash", "insufficient_shares"),
    }
)


class Venue(Protocol):
    """What the suite needs besides a connector. A real broker's venue drives that broker's emulator.

    Prices are said in won; where the market has other money, the venue makes them its own.
    """

    connector: Connector
    able: Capabilities
    reasons: frozenset[str]

    def order(self, **changes: Any) -> OrderIntent:
        """A market buy of ten shares here, unless said otherwise."""

    def price(self, won: str) -> Decimal:
        """A price in this market's money."""

    def learns(self, order: OrderIntent, answer: Accepted) -> None:
        """Remember that a number is this order's, as the attempts do."""

    async def quotes(self, **changes: Any) -> None:
        """Move the market: bid 70000 x 500, ask 70100 x 420, band 49000 to 91000, unless said otherwise."""

    async def closes(self) -> None:
        """End the session."""

    async def loses_the_market(self) -> None:
        """Make the broker know no price."""

    async def restarts(self) -> None:
        """Begin again with a connector that remembers nothing by itself."""

    def cut_off(self) -> Connector:
        """The connector on a line that cannot even begin to send."""

    def moment(self) -> Any:
        """What time it is here."""


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
    await ended(asking)
    await stream.aclose()
    return reports


@dataclass
class SimulatorVenue:
    """The simulator is its own emulator: a quote is published, and brought to it as the feed would."""

    connector: Simulator
    tape: Tape
    database: Database
    able: Capabilities = SIMULATOR
    reasons: frozenset[str] = EVERYTHING

    def order(self, **changes: Any) -> OrderIntent:
        return an_order(self.tape.symbol, **changes)

    def price(self, won: str) -> Decimal:
        return Decimal(won)

    def learns(self, order: OrderIntent, answer: Accepted) -> None:
        """The key is enough."""

    async def quotes(self, **changes: Any) -> None:
        await self.connector.apply(await self.tape.quotes(**changes))

    async def closes(self) -> None:
        await self.quotes(session="closed")

    async def loses_the_market(self) -> None:
        await self.tape.disappears()

    async def restarts(self) -> None:
        self.connector = Simulator(self.database, self.tape.cache, now)

    def cut_off(self) -> Connector:
        return Simulator(self.database, Redis.from_url("redis://127.0.0.1:9/0"), now)

    def moment(self) -> Any:
        return now()


@dataclass
class EmulatorVenue:
    """A broker's connector, on a real line to that broker's emulator."""

    emulated: Emulated
    connector: Remote

    @property
    def able(self) -> Capabilities:
        return self.emulated.kind.able

    @property
    def reasons(self) -> frozenset[str]:
        return self.emulated.kind.reasons

    def order(self, **changes: Any) -> OrderIntent:
        [market] = self.able.markets
        [account_kind] = self.able.account_kinds
        place = {"market": market, "board": "KOSPI" if market == "KRX" else "US", "broker": self.able.broker}
        place |= {"account_kind": account_kind}
        if changes.get("limit_price"):
            changes["limit_price"] = self.price(changes["limit_price"])
        elif "market" not in self.able.order_types:  # a limit that trades wherever this market goes stands in for it
            changes["limit_price"] = self.price(MARKETABLE[changes.get("side", "buy")])
        return an_order(self.emulated.kind.symbol, **(place | changes))

    def price(self, won: str) -> Decimal:
        return self.emulated.money(won)

    def learns(self, order: OrderIntent, answer: Accepted) -> None:
        self.emulated.known[answer.broker_order_id] = order.key

    async def quotes(self, **changes: Any) -> None:
        changes.pop("trading_date", None)  # its day is that of its clock
        self.emulated.quotes(**changes)

    def trades(self, won: str, quantity: str) -> None:
        """Let others trade with each other."""
        self.emulated.house.trade(self.emulated.kind.symbol, self.price(won), Decimal(quantity))

    async def closes(self) -> None:
        self.emulated.house.close(self.emulated.kind.symbol)

    async def loses_the_market(self) -> None:
        self.emulated.house.exchanges.clear()

    async def restarts(self) -> None:
        self.connector = self.emulated.connector()

    def cut_off(self) -> Connector:
        return self.emulated.connector(httpx.AsyncClient(base_url="http://127.0.0.1:9", trust_env=False))

    def moment(self) -> Any:
        return self.emulated.clock()


@asynccontextmanager
async def simulator_venue(database: Database, redis: "Redis") -> AsyncIterator[Venue]:
    yield SimulatorVenue(Simulator(database, redis, now), Tape(redis), database)
    async with database.system() as session:  # the next venue is to hear its own news only
        await session.execute(text("UPDATE sim_orders SET told_version = version"))


def emulator_venue(broker: str) -> "OpenVenue":
    """How to open the venue of a broker that has an emulator."""

    @asynccontextmanager
    async def opened(_: Database, __: "Redis") -> AsyncIterator[Venue]:
        async with emulated(broker) as running:
            yield EmulatorVenue(running, running.connector())

    return opened


OpenVenue = Callable[[Database, "Redis"], AbstractAsyncContextManager[Venue]]
VENUES: dict[str, tuple[Capabilities, OpenVenue]] = {"simulator": (SIMULATOR, simulator_venue)} | {
    name: (kind.able, emulator_venue(name)) for name, kind in KINDS.items()
}
REAL_VENUES: dict[str, tuple[Capabilities, OpenVenue]] = {
    name: (kind.able, emulator_venue(name)) for name, kind in REAL_KINDS.items()
}
"""Where paper is asked otherwise: only what differs, and that an order lives and ends there, is tried on them."""
