"""The drift report: a day of an automation beside the backtest of the same bars."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from kit.auth import CurrentUser
from kit.db import OwnedSession, Session
from kit.errors import AUTHENTICATED, Unavailable, responses
from kit.money import Money
from pydantic import BaseModel
from quant.rules import Rule

from trading.api.types import OpenResources, Sum
from trading.clients.market import History
from trading.domain.automation import Automation, AutomationId, Phase
from trading.domain.drift import Drift, Seen, Tested, compare
from trading.domain.plan import Plan, read_plan
from trading.domain.request import OrderId
from trading.domain.signal import SignalStatus
from trading.errors import AutomationNotFound, Overloaded, VersionNotFound
from trading.store import automations, orders, runs, signals

router = APIRouter(prefix="/api/v1/trading/automations", tags=["automations"], responses=AUTHENTICATED)

NEXT_BAR_WITHIN = timedelta(days=14)
DAY_MIN, DAY_MAX = date(1990, 1, 1), date(2099, 12, 31)

Day = Annotated[date, Query(ge=DAY_MIN, le=DAY_MAX)]


class GapShown(BaseModel):
    """A fill against a backtest's at the next open; gaps above zero cost, `latency_seconds` is from the signal."""

    quantity: Money
    backtest_price: Money
    price: Money
    price_gap: Sum
    backtest_fee: Money
    fee: Money
    fee_gap: Sum
    latency_seconds: int


class DriftRow(BaseModel):
    """One bar of one symbol: both rules as the backtest has them and as they were when it closed, and what followed."""

    symbol: str
    bar: datetime
    backtest_entry: bool
    backtest_exit: bool
    entry: bool | None
    exit: bool | None
    signal_id: UUID | None
    signal_status: SignalStatus | None
    order_id: UUID | None
    fill: GapShown | None

    @classmethod
    def of(cls, drift: Drift) -> Self:
        """Show both sides."""
        tested, seen, gap = drift.tested, drift.seen, drift.gap
        outcome = seen.outcome or {}
        fill = None
        if gap is not None:
            fill = GapShown(
                quantity=gap.quantity,
                backtest_price=gap.tested_price,
                price=gap.price,
                price_gap=gap.price_gap,
                backtest_fee=gap.tested_fee,
                fee=gap.fee,
                fee_gap=gap.fee_gap,
                latency_seconds=int(gap.latency.total_seconds()),
            )
        return cls(
            symbol=tested.symbol,
            bar=tested.bar,
            backtest_entry=tested.entry,
            backtest_exit=tested.exit,
            entry=outcome.get("entry"),
            exit=outcome.get("exit"),
            signal_id=seen.signal.id if seen.signal else None,
            signal_status=seen.signal.status if seen.signal else None,
            order_id=seen.order.id if seen.order else None,
            fill=fill,
        )


class DriftReport(BaseModel):
    """A day of bars; `differences` are sentences, empty when automation and backtest did the same."""

    automation_id: UUID
    day: date
    rows: list[DriftRow]
    differences: list[str]


@dataclass(frozen=True, slots=True)
class Bars:
    """An automation, what its strategy says, and the backtest of a day's bars."""

    automation: Automation
    plan: Plan
    tested: list[Tested]


async def _bars(automation_id: UUID, day: Day, user: CurrentUser, resources: OpenResources) -> Bars:
    """Ask market before a transaction is open: the day's bars, all before them, and the ones after."""
    async with resources.database.owned(user.user_id) as session:
        automation = await automations.find(session, user.user_id, AutomationId(automation_id))
        if automation is None:
            raise AutomationNotFound("You have no automation of this id.")
        if automation.strategy_id is None or automation.version is None:
            raise VersionNotFound("It acts on a hook and has no strategy that could be tested.")
        version = (automation.strategy_id, automation.version)
        document = await automations.find_document(session, user.user_id, *version)
    assert document is not None, "an automation is made of a version we have"
    plan, until = read_plan(document), datetime.combine(day, time.max, UTC) + NEXT_BAR_WITHIN
    found = await resources.market.histories(automation.symbols, automation.interval, until)
    histories = {symbol: history.between(automation.history_from, until) for symbol, history in found.items()}
    tested = await asyncio.to_thread(_tested, plan, histories, day)
    return Bars(automation, plan, tested)


@router.get("/{automation_id}/drift", responses=responses(AutomationNotFound, VersionNotFound, Unavailable, Overloaded))
async def get_drift(
    day: Day, bars: Annotated[Bars, Depends(_bars)], session: OwnedSession, user: CurrentUser
) -> DriftReport:
    """Compare what an automation did on the bars of a day (in UTC) with a backtest of the same version."""
    seen = await _seen(session, user.user_id, bars.automation, day)
    nothing = Seen(status=None, outcome=None, signal=None, order=None)
    drifts = [compare(tested, seen.get((tested.symbol, tested.bar), nothing), bars.plan) for tested in bars.tested]
    differences = [sentence for drift in drifts for sentence in drift.differences]
    rows = [DriftRow.of(drift) for drift in drifts]
    return DriftReport(automation_id=bars.automation.id, day=day, rows=rows, differences=differences)


async def _seen(
    session: Session, owner: UUID, automation: Automation, day: date
) -> Mapping[tuple[str, datetime], Seen]:
    first, last = datetime.combine(day, time.min, UTC), datetime.combine(day, time.max, UTC)
    raised = {
        (signal.symbol, signal.bar): signal
        for signal in await signals.list_raised(session, owner, automation.id, first, last)
        if signal.bar is not None
    }
    found = {}
    for run in await runs.list_evaluated(session, owner, automation.id, first, last):
        assert run.phase is Phase.EVALUATE, "only those are about bars"
        signal = raised.get((run.symbol, run.scheduled_at))
        order = None
        if signal is not None and signal.order_id is not None:
            order = await orders.find(session, owner, OrderId(signal.order_id))
        found[run.symbol, run.scheduled_at] = Seen(status=run.status, outcome=run.outcome, signal=signal, order=order)
    return found


def _tested(plan: Plan, histories: Mapping[str, History], day: date) -> list[Tested]:
    """The backtest's own way: each rule over whole columns, at once. Runs in a thread."""
    found = []
    for symbol, history in sorted(histories.items()):
        entry, leave = _column(plan.entry, history), _column(plan.exit, history)
        moments = [moment.replace(tzinfo=UTC) for moment in history.times.tolist()]
        for place, moment in enumerate(moments):
            if moment.date() != day:
                continue
            following = place + 1 if place + 1 < len(moments) else None
            found.append(
                Tested(
                    symbol=symbol,
                    bar=moment,
                    entry=entry[place],
                    exit=leave[place],
                    next_day=None if following is None else moments[following].date(),
                    next_open=None if following is None else Decimal(repr(history.frame["open"].tolist()[following])),
                )
            )
    return found


def _column(rule: Rule, history: History) -> list[bool]:
    return [bool(holds) for holds in rule.mask(history.frame)]
