"""An automation: a published strategy that is given an account, symbols, times, money and limits, and left to act."""

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum
from typing import Final, Literal, NewType
from uuid import UUID

from quant.markets.calendar import is_session, session_hours
from quant.markets.intervals import Interval
from quant.markets.listing import Currency, Market

from trading.domain.day import ZONES
from trading.domain.request import AccountId

AutomationId = NewType("AutomationId", UUID)
Mode = Literal["notify", "ask", "automatic"]

STALE_AFTER: Final[dict[Interval, timedelta]] = {
    "1m": timedelta(minutes=1),
    "5m": timedelta(minutes=2),
    "15m": timedelta(minutes=5),
    "1h": timedelta(minutes=10),
    "1d": timedelta(hours=12),
}
"""How long after a bar has closed it may still be acted on; of a day, how late its close may be heard of."""

PREPARE_BEFORE: Final = timedelta(minutes=30)
TIDY_AFTER: Final = timedelta(minutes=5)
"""Against the regular hours of the day: 08:30 and 15:35 in Korea."""
FRIDAY: Final = 5
ZERO: Final = Decimal(0)


class Status(StrEnum):
    """Paused, it buys nothing and still watches over what it has; stopped, it does nothing at all."""

    STOPPED = "stopped"
    RUNNING = "running"
    PAUSED = "paused"


class Phase(StrEnum):
    """What a due run is for."""

    PREPARE = "prepare"
    EVALUATE = "evaluate"
    TIDY = "tidy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When it may look for something to buy: on which days (1 is Monday), and within which local times of the market.

    What it has is sold at any time. A day's bar closes after the session, so times mean nothing to it.
    """

    interval: Interval
    weekdays: tuple[int, ...] = (1, 2, 3, 4, 5)
    not_before: time | None = None
    not_after: time | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Automation:
    """Everything about one; `capital` is what it may have invested, before what it has gained or lost.

    `version` None: it has no strategy, and acts on what a hook says. `history_from` is the bar its rules begin with:
    the last bits of a running sum depend on it. `daily_loss_max` is realised loss since the market's midnight: reaching
    it pauses for `cool_off_minutes` at least. Money is in its currency, and None is no bound.
    """

    id: AutomationId
    account_id: AccountId
    name: str
    strategy_id: UUID | None
    version: int | None
    market: Market
    currency: Currency
    symbols: tuple[str, ...]
    history_from: date | None
    mode: Mode
    capital: Decimal
    positions_max: int
    answer_seconds: int
    interval: Interval
    weekdays: tuple[int, ...]
    not_before: time | None
    not_after: time | None
    order_value_max: Decimal | None
    orders_per_day_max: int | None
    daily_loss_max: Decimal | None
    cool_off_minutes: int
    status: Status
    reason: str | None
    cool_off_until: datetime | None
    created_at: datetime
    changed_at: datetime

    def then(self, status: Status, at: datetime, reason: str | None = None) -> "Automation":
        """The automation as it goes on; a start forgets why it was paused."""
        until = self.cool_off_until if status is not Status.RUNNING else None
        return replace(self, status=status, reason=reason, cool_off_until=until, changed_at=at)

    def breached(self, reason: str, at: datetime) -> "Automation":
        """The automation after it has hurt itself enough: it cannot be started before its cool-off is over."""
        until = at + timedelta(minutes=self.cool_off_minutes)
        return replace(self, status=Status.PAUSED, reason=reason, cool_off_until=until, changed_at=at)

    def is_cooling_off(self, at: datetime) -> bool:
        """Whether a breach is too recent to go on."""
        return self.cool_off_until is not None and at < self.cool_off_until

    def may_enter(self, trading_date: date, at: datetime) -> bool:
        """Whether its schedule lets it buy on a day of trading, which may be replayed on any other, at this moment."""
        if trading_date.isoweekday() not in self.weekdays:
            return False
        if self.interval == "1d":
            return True
        begins, ends = self.not_before or time.min, self.not_after or time.max
        return begins <= at.astimezone(ZONES[self.market]).time() <= ends


def breach_of(automation: Automation, profit_today: Decimal) -> str | None:
    """Why an automation has to pause; None while it has not lost too much today."""
    most = automation.daily_loss_max
    if most is None or -profit_today < most or automation.status is not Status.RUNNING:
        return None
    return f"it has lost {-profit_today:f} {automation.currency} today, and {most:f} is its limit"


def never_fires(schedule: Schedule, market: Market) -> str | None:
    """Why a schedule would never come to anything; None for one that does."""
    if not any(day <= FRIDAY for day in schedule.weekdays):
        return "no exchange is open on the days given: add one from 1 (Monday) to 5 (Friday)"
    begins, ends = schedule.not_before or time.min, schedule.not_after or time.max
    if begins >= ends:
        return "not_before is not earlier than not_after"
    if schedule.interval != "1d" and (ends <= _OPENS[market] or begins >= _CLOSES[market]):
        return f"the market is open from {_OPENS[market]:%H:%M} to {_CLOSES[market]:%H:%M}, and the times given miss it"
    return None


_OPENS: Final[dict[Market, time]] = {"KRX": time(9), "US": time(9, 30)}
_CLOSES: Final[dict[Market, time]] = {"KRX": time(15, 30), "US": time(16)}


def appointments(market: Market, since: datetime, until: datetime) -> list[tuple[Phase, datetime]]:
    """When a market's automations prepare and tidy, after `since` and up to `until`; a day or two at most."""
    zone = ZONES[market]
    day, last = since.astimezone(zone).date(), until.astimezone(zone).date()
    found = []
    while day <= last:
        if is_session(market, day):
            hours = session_hours(market, day)
            found += [(Phase.PREPARE, hours.open - PREPARE_BEFORE), (Phase.TIDY, hours.close + TIDY_AFTER)]
        day += timedelta(days=1)
    return [(phase, at) for phase, at in found if since < at <= until]


def stake(automation: Automation, portion: Decimal, invested: Decimal, profit: Decimal) -> Decimal:
    """How much money the next position may take: its share of what the automation is worth, and no more than is left.

    Args:
        portion: the strategy's share of the cash that goes into a position.
        invested: what its open positions and orders have cost.
        profit: what it has realised, losses below zero.
    """
    worth = automation.capital + profit
    share = worth / automation.positions_max * portion
    wanted = min(share, worth - invested)
    if automation.order_value_max is not None:
        wanted = min(wanted, automation.order_value_max)
    return max(wanted, ZERO)


def shares_for(money: Decimal, price: Decimal, fee_rate: Decimal) -> Decimal:
    """Whole shares for some money, fee included."""
    return (money / (price * (1 + fee_rate))).to_integral_value(ROUND_DOWN)
