"""A bench: automations of one owner, the workers that serve them, market on loopback, and a clock that tests turn."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from kit.db import Database
from kit.events import Envelope
from kit.ids import new_id
from quant.markets.calendar import next_session
from redis.asyncio import Redis
from sqlalchemy import text
from trading.automator import Automator
from trading.clients.market import day_of
from trading.config import Settings
from trading.domain.automation import Automation, AutomationId, Status
from trading.domain.order import Happening, Order
from trading.domain.quote import Quote
from trading.domain.signal import Signal, SignalId
from trading.resources import Resources
from trading.store import automations, orders, signals
from trading.subscriptions import subscriptions
from trading.usecases.create_automation import create_automation
from trading.usecases.decide_signal import Decision, decide_signal
from trading.usecases.record_strategy import Published, record_strategy
from trading.usecases.steer_automation import Command, steer_automation

from services.trading.tests.api.conftest import publish
from services.trading.tests.builders import SAMSUNG, a_quote
from services.trading.tests.desk import Desk
from services.trading.tests.neighbours import Neighbours

NOW = datetime(2026, 11, 20, 1, 2, 3, tzinfo=UTC)
ENTRY, EXIT = "rsi(14) < 45 and sma(5) > sma(20)", "rsi(14) > 60"
FOREVER: dict[str, Any] = {"entry": "close > 0", "exit": "close < 0"}


def a_document(**changes: Any) -> dict[str, Any]:
    stops = {"stop_loss": None, "take_profit": None, "trailing_stop": None, "holding_bars": None}
    return {
        "format": 1,
        "entry": changes.pop("entry", ENTRY),
        "exit": changes.pop("exit", EXIT),
        "stops": stops | changes,
        "sizing": {"portion": "1"},
        "costs": {"fee_schedule": "default", "slippage": "0"},
        "execution": {"volume_share": None},
    }


@dataclass
class Clock:
    """A clock that a test turns."""

    at: datetime = NOW

    def __call__(self) -> datetime:
        return self.at


@dataclass
class Bench:
    """A desk with automations, and the workers that serve them."""

    desk: Desk
    neighbours: Neighbours
    settings: Settings
    resources: Resources
    redis: Redis
    clock: Clock = field(default_factory=Clock)

    @property
    def database(self) -> Database:
        return self.desk.database

    @property
    def owner(self) -> UUID:
        return self.desk.owner

    async def worker(self) -> Automator:
        """A worker that has just taken the lease."""
        automator = Automator(self.settings, self.resources, self.clock)
        await automator.begin()
        return automator

    async def automates(
        self, document: dict[str, Any] | None = None, /, *, start: bool = True, **changes: Any
    ) -> Automation:
        published = Published(strategy_id=new_id(), version=1, name="RSI", document=document or a_document())
        values: dict[str, Any] = {
            "id": AutomationId(new_id()),
            "account_id": self.desk.account_id,
            "name": "밤사이",
            "strategy_id": published.strategy_id,
            "version": 1,
            "market": "KRX",
            "currency": "KRW",
            "symbols": (SAMSUNG,),
            "history_from": None,
            "mode": "automatic",
            "capital": Decimal(5_000_000),
            "positions_max": 1,
            "answer_seconds": 300,
            "interval": "1d",
            "weekdays": (1, 2, 3, 4, 5),
            "not_before": None,
            "not_after": None,
            "order_value_max": None,
            "orders_per_day_max": None,
            "daily_loss_max": None,
            "cool_off_minutes": 60,
            "status": Status.STOPPED,
            "reason": None,
            "cool_off_until": None,
            "created_at": self.clock(),
            "changed_at": self.clock(),
        }
        automation = Automation(**(values | changes))
        async with self.database.owned(self.owner) as session:
            await record_strategy(session, self.owner, published, self.clock())
            await create_automation(session, self.owner, automation)
        return await self.steers(automation, "start") if start else automation

    async def steers(self, automation: Automation, command: Command) -> Automation:
        async with self.database.owned(self.owner) as session:
            return await steer_automation(session, self.owner, automation.id, command, self.clock())

    async def closes(self, day: date | datetime, symbol: str = SAMSUNG, interval: str = "1d") -> None:
        """Market says that a bar has closed."""
        start = day if isinstance(day, datetime) else day_of(day)
        bar = {"symbol": symbol, "market": "KRX", "interval": interval, "start": start.isoformat()}
        await self.hears("market.bar.closed.v1", None, **bar)

    async def hears(self, event_type: str, owner: UUID | None, **data: Any) -> None:
        """Another service announces something: through the very handler that hears it."""
        await self.hears_together(event_type, owner, [data])

    async def hears_together(self, event_type: str, owner: UUID | None, everything: Sequence[dict[str, Any]]) -> None:
        """Another service announces things of one kind at once, which the consumer hands over in one transaction."""
        known = subscriptions.handlers[event_type]
        async with self.database.system() if owner is None else self.database.owned(owner) as session:
            for data in everything:
                await known.handler(session, known.model.model_validate(data), self._message(event_type, owner, data))

    def _message(self, event_type: str, owner: UUID | None, data: dict[str, Any]) -> Envelope:
        return Envelope(
            id=new_id(),
            type=event_type,
            source=event_type.partition(".")[0],
            time=self.clock(),
            subject="test",
            owner=owner,
            correlation_id=new_id(),
            causation_id=None,
            version=1,
            data=data,
        )

    async def quotes(self, quote: Quote) -> None:
        """A price is shown, published now."""
        band = {"upper_limit": str(quote.band.upper), "lower_limit": str(quote.band.lower)} if quote.band else {}
        await publish(
            self.redis,
            quote.symbol,
            price=str(quote.price),
            session=quote.session,
            trading_date=quote.trading_date.isoformat(),
            timestamp=self.clock(),
            **band,
        )

    async def signals(self) -> list[Signal]:
        async with self.database.owned(self.owner) as session:
            found = await signals.list_page(session, self.owner, signals.Wanted(), before=None, limit=500)
        return found[::-1]

    async def orders(self) -> list[Order]:
        async with self.database.owned(self.owner) as session:
            found = await orders.list_page(session, self.owner, orders.Wanted(), before=None, limit=500)
        return found[::-1]

    async def automation(self, automation: Automation) -> Automation:
        async with self.database.owned(self.owner) as session:
            found = await automations.find(session, self.owner, automation.id)
        assert found is not None
        return found

    async def decides(self, signal: Signal, decision: Decision) -> Signal:
        async with self.database.owned(self.owner) as session:
            return await decide_signal(session, self.owner, SignalId(signal.id), (decision, "test"), self.clock())

    async def statuses(self) -> dict[str, int]:
        async with self.database.system() as session:
            rows = await session.execute(text("SELECT status, count(*) FROM automation_runs GROUP BY status"))
            return {row.status: row.count for row in rows}

    async def buys(self, worker: Automator, document: dict[str, Any], **changes: Any) -> tuple[Automation, Order]:
        """An automation that has bought at 56,000 won and been filled."""
        automation = await self.automates(document, **changes)
        await self.closes(DAY)
        await worker.work_off()
        await self.quotes(a_quote(trading_date=TOMORROW, published_at=self.clock()))
        await worker.look()
        (order,) = await self.orders()
        await self.desk.hears(order, Happening.ACCEPTED)
        filled = await self.desk.fills(order, quantity=order.quantity, price=Decimal(56_000), fee=Decimal(700))
        await worker.look()
        return automation, filled


DAY = date(2024, 12, 16)
TOMORROW = next_session("KRX", DAY)
