"""A desk whose orders go through one connection to one emulator: the real use cases, database and wire."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from broker.adapters.port import Connector, Report
from broker.config import Settings
from broker.desk import Desk
from broker.domain.attempt import Attempt
from broker.domain.order import ClientKey, Environment, OrderIntent, OwnerId
from broker.store import attempts, system
from broker.subscriptions import subscriptions
from broker.usecases.recover_attempts import recover_attempts
from broker.usecases.settle_attempt import settle_attempt
from emulators.house import Slip
from kit.db import Database
from kit.errors import Unavailable
from kit.events import Envelope
from kit.ids import new_id
from redis.asyncio import Redis
from sqlalchemy import text

from services.broker.tests.builders import an_order, submitted
from services.broker.tests.emulated import Emulated

LOOK_SECONDS = 20


@dataclass(frozen=True)
class OneLine:
    """The same line, whoever asks."""

    connector: Connector

    def of(self, owner: OwnerId, connection: UUID, broker: str, environment: Environment) -> Connector:
        return self.connector

    async def hang_up(self, owner: OwnerId, connection: UUID) -> None:
        """There is nothing to close."""


@dataclass
class RemoteFloor:
    """Messages as the bus would deliver them, and what came of them at the emulator and in the database."""

    emulated: Emulated
    database: Database
    desk: Desk = field(init=False)
    connection: UUID = field(default_factory=new_id)
    account: dict[str, UUID] = field(default_factory=lambda: {"owner": new_id(), "account_id": new_id()})

    @classmethod
    def over(
        cls, emulated: Emulated, database: Database, redis: "Redis", settings: Settings, timeout_seconds: int = 1
    ) -> "RemoteFloor":
        floor = cls(emulated, database)
        brief = settings.model_copy(update={"submit_timeout_seconds": timeout_seconds})
        floor.desk = Desk(database, redis, {}, emulated.clock, brief, pause=emulated.clock.pause)
        floor.restarts()
        return floor

    def restarts(self) -> None:
        """A connector that remembers nothing by itself."""
        self.goes_through(self.emulated.connector(keys_of=self.keys_of))

    def goes_through(self, connector: Connector) -> None:
        """Have all orders go through this connector."""
        self.desk = replace(self.desk, lines=OneLine(connector))

    @property
    def connector(self) -> Connector:
        assert isinstance(self.desk.lines, OneLine)
        return self.desk.lines.connector

    async def keys_of(self, numbers: Sequence[str]) -> Mapping[str, ClientKey]:
        """Which of the house's numbers are orders of ours, by what is stored."""
        async with self.database.system() as session:
            return await system.list_keys(session, self.emulated.kind.able.broker, self.connection, numbers)

    def order(self, **changes: Any) -> OrderIntent:
        """A limit buy of ten shares that waits, unless said otherwise."""
        able = self.emulated.kind.able
        [market] = able.markets
        values = {"limit_price": "69900"} | changes
        if values["limit_price"] is not None:
            values["limit_price"] = self.emulated.money(values["limit_price"])
        place = {"market": market, "board": "KOSPI" if market == "KRX" else "US"}
        through = {"broker": able.broker, "connection_id": self.connection}
        symbol = values.pop("symbol", self.emulated.kind.symbol)
        return an_order(symbol, **(self.account | place | through | values))

    async def deliver(self, message: Envelope) -> bool:
        """Handle a message as the worker does; false when it must come again."""
        subscription = subscriptions.handlers[message.type]
        try:
            await subscription.handler(self.desk, subscription.model.model_validate(message.data), message)
        except Unavailable:
            return False
        return True

    async def submit(self, order: OrderIntent) -> bool:
        return await self.deliver(submitted(order))

    async def looks(self, times: int = 1) -> None:
        """Let time pass, and the recovery look."""
        for _ in range(times):
            self.emulated.clock.passes(LOOK_SECONDS)
            with suppress(Unavailable):  # without its database the worker begins again, and looks then
                await recover_attempts(self.desk, self.emulated.clock())

    async def hears(self, reports: Sequence[Report]) -> None:
        """Settle what a stream told."""
        for report in reports:
            async with self.database.system() as session:
                await settle_attempt(session, report.key, report.news)

    async def attempt(self, order: OrderIntent) -> Attempt:
        async with self.database.system() as session:
            found = await attempts.find(session, order.owner, order.order_id)
        assert found is not None
        return found

    async def attempts(self, orders: Sequence[OrderIntent]) -> dict[UUID, Attempt]:
        """Those of several orders."""
        async with self.database.system() as session:
            found = [await attempts.find(session, order.owner, order.order_id) for order in orders]
        return {attempt.intent.order_id: attempt for attempt in found if attempt is not None}

    async def said(self, order: OrderIntent) -> list[str]:
        """What was announced of an order, in order."""
        asked = text("SELECT type, data FROM events WHERE subject = :order ORDER BY position")
        async with self.database.system() as session:
            rows = await session.execute(asked, {"order": str(order.order_id)})
            return [row.type.split(".")[2] + (f":{row.data['code']}" if "code" in row.data else "") for row in rows]

    async def executed(self, order: OrderIntent) -> list[int]:
        """Shares of each execution that was kept, in order."""
        asked = text("SELECT quantity FROM broker_executions WHERE order_id = :order ORDER BY position")
        async with self.database.system() as session:
            return [int(row.quantity) for row in await session.execute(asked, {"order": order.order_id})]

    def placed(self) -> list[Slip]:
        """Every order the house took, changes and cancels aside."""
        return self.emulated.slips
