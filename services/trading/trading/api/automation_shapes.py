"""What crosses the wire about automations: bounded requests, and what is shown."""

from datetime import date, datetime, time
from typing import Annotated, Any, Self
from uuid import UUID

from kit.money import Money
from pydantic import BaseModel, ConfigDict, Field, model_validator
from quant.markets.intervals import Interval
from quant.markets.listing import Currency, Market, currency_of
from quant.markets.symbols import normalise

from trading.api.types import Amount, SymbolCode
from trading.automation_events import ReasonShown
from trading.domain.automation import Automation, AutomationId, Mode, Phase, Schedule, Status, never_fires
from trading.domain.request import AccountId
from trading.domain.signal import Signal, SignalKind, SignalStatus
from trading.store.signals import Money as Figures

SYMBOLS_MAX = 100
NAME_LENGTH_MAX = 80
ANSWER_SECONDS_MAX = 3_600
COOL_OFF_MINUTES_MAX = 10_080
VERSION_MAX = 1_000_000
ORDERS_MAX = 10_000

Weekday = Annotated[int, Field(ge=1, le=7)]


class CreateAutomation(BaseModel):
    """A published version, an account, symbols of one market, and how far it may go.

    `capital` is what it may have invested, of which a position gets its share: `capital / positions_max`, times the
    strategy's own portion. Without `strategy_id` it acts on a hook alone. `history_from` is the day its rules begin
    with; leave it out for all there is, as a backtest without dates has it. A portfolio chooses from its own universe
    at the close of days: it has no `symbols`, and a `history_from`, the first day of the backtest it is to agree with.
    """

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=NAME_LENGTH_MAX, pattern=r"^[^\x00-\x1f]*$")]
    account_id: UUID
    strategy_id: UUID | None = None
    version: Annotated[int, Field(ge=1, le=VERSION_MAX)] | None = None
    symbols: Annotated[list[SymbolCode], Field(max_length=SYMBOLS_MAX)] = []
    interval: Interval = "1d"
    weekdays: Annotated[list[Weekday], Field(max_length=7)] = [1, 2, 3, 4, 5]
    not_before: time | None = None
    not_after: time | None = None
    history_from: date | None = None
    mode: Mode = "notify"
    capital: Amount
    positions_max: Annotated[int, Field(ge=1, le=SYMBOLS_MAX)] | None = None
    answer_seconds: Annotated[int, Field(ge=10, le=ANSWER_SECONDS_MAX)] = 300
    order_value_max: Amount | None = None
    orders_per_day_max: Annotated[int, Field(ge=1, le=ORDERS_MAX)] | None = None
    daily_loss_max: Amount | None = None
    cool_off_minutes: Annotated[int, Field(ge=1, le=COOL_OFF_MINUTES_MAX)] = 60

    @model_validator(mode="after")
    def _one_market_and_a_whole_version(self) -> Self:
        if len({normalise(symbol).market for symbol in self.symbols}) > 1:
            raise ValueError("symbols must be of one market: make an automation for each")
        if (self.strategy_id is None) != (self.version is None):
            raise ValueError("give strategy_id and version together, or neither for an automation of a hook")
        if not self.symbols and self.strategy_id is None:
            raise ValueError("say in symbols what a hook may trade")
        for name in ("not_before", "not_after"):
            given: time | None = getattr(self, name)
            if given is not None and given.tzinfo is not None:
                raise ValueError(f"{name} is a local time of the market, without a zone")
        return self

    @property
    def market(self) -> Market:
        """Where its symbols trade; a portfolio's market comes with its strategy."""
        return normalise(self.symbols[0]).market if self.symbols else "KRX"

    def why_never(self) -> str | None:
        """Why its schedule would never come to anything."""
        times = {"not_before": self.not_before, "not_after": self.not_after}
        return never_fires(Schedule(interval=self.interval, weekdays=tuple(self.weekdays), **times), self.market)

    def automation(self, automation_id: UUID, at: datetime) -> Automation:
        """The same in the domain's words, stopped."""
        symbols = tuple(dict.fromkeys(self.symbols))
        told = self.model_dump(exclude={"symbols", "weekdays", "positions_max", "account_id"})
        return Automation(
            **told,
            id=AutomationId(automation_id),
            account_id=AccountId(self.account_id),
            symbols=symbols,
            weekdays=tuple(sorted(set(self.weekdays))),
            positions_max=self.positions_max or max(1, len(symbols)),
            market=self.market,
            currency=currency_of(self.market),
            status=Status.STOPPED,
            reason=None,
            cool_off_until=None,
            created_at=at,
            changed_at=at,
        )


class AutomationShown(BaseModel):
    """An automation. Paused, it buys nothing and still sells; stopped, it does nothing."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    account_id: UUID
    strategy_id: UUID | None
    version: int | None
    market: Market
    currency: Currency
    symbols: list[str]
    interval: Interval
    weekdays: list[int]
    not_before: time | None
    not_after: time | None
    history_from: date | None
    mode: Mode
    capital: Money
    positions_max: int
    answer_seconds: int
    order_value_max: Money | None
    orders_per_day_max: int | None
    daily_loss_max: Money | None
    cool_off_minutes: int
    status: Status
    reason: str | None
    cool_off_until: datetime | None
    created_at: datetime
    changed_at: datetime


class AutomationFigures(AutomationShown):
    """An automation and its money: what open positions and orders take, and what ended ones brought, after costs."""

    invested: Money
    profit: Money
    profit_today: Money
    open_trips: int
    closed_trips: int
    orders_today: int

    @classmethod
    def of(cls, automation: Automation, figures: Figures) -> Self:
        """Show both."""
        shown = AutomationShown.model_validate(automation)
        return cls(
            **shown.model_dump(),
            invested=figures.invested,
            profit=figures.profit,
            profit_today=figures.profit_today,
            open_trips=figures.open_trips,
            closed_trips=figures.closed_trips,
            orders_today=figures.orders_today,
        )


class SignalShown(BaseModel):
    """A signal: what was said, the numbers behind it, and what became of it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    automation_id: UUID
    account_id: UUID
    symbol: str
    side: str
    kind: SignalKind
    price: Money
    bar: datetime | None
    reasons: list[ReasonShown]
    mode: Mode
    status: SignalStatus
    act_on: date | None
    raised_at: datetime
    answer_until: datetime | None
    decided_by: str | None
    order_id: UUID | None
    detail: str | None
    settled_at: datetime | None

    @classmethod
    def of(cls, signal: Signal) -> Self:
        """Show a signal."""
        return cls.model_validate(signal)


class RunShown(BaseModel):
    """A due run: for a bar of a symbol, or for a time of the day; settled once."""

    model_config = ConfigDict(from_attributes=True)

    phase: Phase
    symbol: str
    scheduled_at: datetime
    due_at: datetime
    status: str
    outcome: dict[str, Any] | None
    settled_at: datetime | None
