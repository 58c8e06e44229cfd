"""The trading floor of a test: quotes for one symbol, and what the broker service made of them."""

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from broker.adapters.port import Connector, Report
from broker.adapters.simulator import books
from broker.adapters.simulator.connector import Simulator
from broker.adapters.simulator.quotes import Quote, quote_channel, quote_key
from broker.desk import Desk
from broker.domain.capabilities import Capabilities
from broker.domain.order import Accepted, ClientKey, OrderIntent, Refused
from broker.subscriptions import subscriptions
from broker.usecases.report_executions import report_executions
from kit import context
from kit.clock import now
from kit.db import Database
from kit.events import Envelope
from kit.testing.tasks import ended
from redis.asyncio import Redis
from sqlalchemy import text

from services.broker.tests.builders import a_symbol, cancel_requested, replace_requested, submitted

LOOK_SECONDS = 0.05


@dataclass
class Tape:
    """Publishes quotes of one symbol as the market service does. Each call is a newer quote."""

    cache: "Redis"
    symbol: str = field(default_factory=a_symbol)
    at: datetime = field(default_factory=now)

    async def quotes(self, **changes: Any) -> Quote:
        self.at += timedelta(milliseconds=1)
        fields = {
            "type": "quote",
            "symbol": self.symbol,
            "market": "KRX",
            "board": "KOSPI",
            "kind": "stock",
            "currency": "KRW",
            "price": "70100",
            "volume": 1_234_567,
            "bid": "70000",
            "ask": "70100",
            "bid_size": "500",
            "ask_size": "420",
            "base_price": "70000",
            "upper_limit": "91000",
            "lower_limit": "49000",
            "session": "regular",
            "trading_date": "2024-12-16",
            "timestamp": self.at.isoformat(),
            "source": "replay",
        } | changes
        document = json.dumps(fields)
        await self.cache.set(quote_key(self.symbol), document, ex=600)
        await self.cache.publish(quote_channel(self.symbol), document)
        return Quote.model_validate(fields)

    async def disappears(self) -> None:
        await self.cache.delete(quote_key(self.symbol))


@dataclass
class Floor:
    """A desk, a tape, and messages as the bus would deliver them."""

    desk: Desk
    tape: Tape

    @property
    def database(self) -> Database:
        return self.desk.database

    @property
    def simulator(self) -> Simulator:
        simulator = self.desk.connectors["simulator"]
        assert isinstance(simulator, Simulator)
        return simulator

    async def deliver(self, message: Envelope) -> None:
        subscription = subscriptions.handlers[message.type]
        context.correlation.set(message.correlation_id)
        context.causation.set(message.id)
        try:
            await subscription.handler(self.desk, subscription.model.model_validate(message.data), message)
        finally:
            context.causation.set(None)

    async def submit(self, order: OrderIntent) -> None:
        await self.deliver(submitted(order))

    async def cancel(self, order: OrderIntent) -> None:
        await self.deliver(cancel_requested(order))

    async def replace(self, order: OrderIntent, quantity: str, limit_price: str | None) -> None:
        await self.deliver(replace_requested(order, quantity, limit_price))

    async def tick(self, **changes: Any) -> int:
        """A new quote, matched against the book; tells how many orders it changed."""
        return await self.simulator.apply(await self.tape.quotes(**changes))

    async def hear(self) -> None:
        """Settle the reports that wait now."""
        await report_executions(self.desk, _Once(self.simulator, self.database))  # type: ignore[arg-type]

    async def facts(self, order: OrderIntent | None = None) -> list[tuple[str, dict[str, Any]]]:
        """What was announced, in order: short names and bodies."""
        async with self.database.system() as session:
            rows = await session.execute(text("SELECT type, subject, data FROM events ORDER BY position"))
        return [
            (row.type.removeprefix("broker.order.").removesuffix(".v1"), row.data)
            for row in rows
            if order is None or row.subject == str(order.order_id)
        ]

    async def said(self, order: OrderIntent | None = None) -> list[str]:
        """What was announced about orders; reports about all of them together are another subject."""
        return [name for name, _ in await self.facts(order) if not name.startswith("broker.")]

    async def count(self, table: str) -> int:
        async with self.database.system() as session:
            return int(await session.scalar(text(f"SELECT count(*) FROM {table}")) or 0)


class _Once:
    """The simulator's stream, ending when there is no more news."""

    def __init__(self, simulator: Simulator, database: Database) -> None:
        self._simulator, self._database = simulator, database
        self.capabilities = simulator.capabilities

    async def reports(self) -> AsyncGenerator[Sequence[Report], None]:
        stream = self._simulator.reports()
        while (reports := await self._next(stream)) is not None:
            yield reports

    async def _next(self, stream: AsyncGenerator[Sequence[Report], None]) -> Sequence[Report] | None:
        """What is told next; nothing once all of it has been taken, however long the machine needs for that."""
        asking = asyncio.ensure_future(anext(stream))
        while not asking.done():
            await asyncio.wait({asking}, timeout=LOOK_SECONDS)
            if not asking.done() and not await self._simulator_tells():
                await ended(asking)
                return None
        return asking.result()

    async def _simulator_tells(self) -> bool:
        async with self._database.system() as session:
            return bool((await books.list_untold(session, 1)).reports)


class Broken(Exception):
    """The process dies here."""


@contextmanager
def dying() -> Iterator[None]:
    """A process that dies in the middle, as seen from outside."""
    try:
        yield
    except Broken:
        return
    raise AssertionError("it should have died")


class Line:
    """A real connector on a line that breaks: before what is sent arrives, or before the answer comes back."""

    def __init__(self, connector: Connector, *, able: Capabilities | None = None) -> None:
        self._connector = connector
        self.capabilities = able or connector.capabilities
        self.breaks_before: list[Exception] = []
        self.breaks_after: list[Exception] = []
        self.hangs = False
        self.cancel, self.find, self.reports = connector.cancel, connector.find, connector.reports
        self.replace = connector.replace
        self.sent: list[ClientKey] = []

    async def submit(self, order: OrderIntent, key: ClientKey) -> Accepted | Refused:
        if self.breaks_before:
            raise self.breaks_before.pop(0)
        self.sent.append(key)
        answer = await self._connector.submit(order, key)
        if self.hangs:
            await asyncio.Event().wait()
        if self.breaks_after:
            raise self.breaks_after.pop(0)
        return answer
