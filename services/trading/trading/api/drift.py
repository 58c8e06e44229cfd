"""The drift report: a day of an automation beside its backtest, and beside others of its version, on paper and live."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Self
from uuid import UUID

import numpy as np
from fastapi import APIRouter, Depends, Query
from kit.auth import CurrentUser
from kit.db import OwnedSession, Session
from kit.errors import AUTHENTICATED, Unavailable, responses
from kit.money import Money
from pydantic import BaseModel
from quant.choices import Universe
from quant.rules import Rule

from trading.api.types import OpenResources, Sum
from trading.clients.market import History
from trading.clients.panels import TooManyBars, universe_of
from trading.domain.account import AccountKind
from trading.domain.automation import Automation, AutomationId, Phase
from trading.domain.basket import MANY, Basket, choose
from trading.domain.drift import Drift, Seen, Tested, apart, compare
from trading.domain.plan import Plan, read_plan
from trading.domain.request import AccountId, OrderId
from trading.domain.signal import SignalStatus
from trading.errors import AutomationNotFound, Overloaded, VersionNotFound
from trading.resources import Resources
from trading.store import accounts, automations, orders, runs, signals

router = APIRouter(prefix="/api/v1/trading/automations", tags=["automations"], responses=AUTHENTICATED)

NEXT_BAR_WITHIN = timedelta(days=14)
BESIDE_MAX = 3
"""Others that are compared at once: each is a backtest of its own."""
DAY_MIN, DAY_MAX = date(1990, 1, 1), date(2099, 12, 31)

Place = tuple[str, datetime]
"""Of a bar: its symbol, and when it began."""
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


class ApartShown(BaseModel):
    """A live fill against the paper one of the same bar: above zero it cost more a share, or came later."""

    symbol: str
    bar: datetime
    price_gap: Sum
    fee_gap: Sum
    latency_gap_seconds: int


class DriftBeside(BaseModel):
    """The same day of another automation of the same version, and its fills against these where one of both is live."""

    automation_id: UUID
    name: str
    account_id: UUID
    account_kind: AccountKind
    rows: list[DriftRow]
    differences: list[str]
    live_against_paper: list[ApartShown]


class DriftReport(BaseModel):
    """A day of bars; `differences` are sentences, empty when automation and backtest did the same."""

    automation_id: UUID
    account_kind: AccountKind
    day: date
    rows: list[DriftRow]
    differences: list[str]
    beside: list[DriftBeside]


@dataclass(frozen=True, slots=True)
class Bars:
    """An automation, what its strategy says, and the backtest of a day's bars."""

    automation: Automation
    plan: Plan
    tested: list[Tested]


async def _bars(automation_id: UUID, day: Day, user: CurrentUser, resources: OpenResources) -> list[Bars]:
    """Ask market before a transaction is open: the day's bars, all before them, and the ones after.

    The automation itself comes first, then others of its version; each begins with bars of its own.
    """
    async with resources.database.owned(user.user_id) as session:
        automation = await automations.find(session, user.user_id, AutomationId(automation_id))
        if automation is None:
            raise AutomationNotFound("You have no automation of this id.")
        if automation.strategy_id is None or automation.version is None:
            raise VersionNotFound("It acts on a hook and has no strategy that could be tested.")
        version = (automation.strategy_id, automation.version)
        document = await automations.find_document(session, user.user_id, *version)
        kin = await automations.list_kin(session, user.user_id, automation, limit=BESIDE_MAX)
    assert document is not None, "an automation is made of a version we have"
    plan, until = read_plan(document), datetime.combine(day, time.max, UTC) + NEXT_BAR_WITHIN
    every = [automation, *kin]
    if plan.basket is not None:
        return [Bars(each, plan, await _chosen(resources, each, plan.basket, day)) for each in every]
    symbols = sorted({symbol for each in every for symbol in each.symbols})
    found = await resources.market.histories(symbols, automation.interval, until)
    bars = []
    for each in every:
        known = {symbol: found[symbol].between(each.history_from, until) for symbol in each.symbols if symbol in found}
        bars.append(Bars(each, plan, await asyncio.to_thread(_tested, plan, known, day)))
    return bars


@router.get("/{automation_id}/drift", responses=responses(AutomationNotFound, VersionNotFound, Unavailable, Overloaded))
async def get_drift(
    day: Day, bars: Annotated[list[Bars], Depends(_bars)], session: OwnedSession, user: CurrentUser
) -> DriftReport:
    """Compare what an automation did on the bars of a day (in UTC) with a backtest of the same version.

    Others of the version stand beside it: one on paper and one live show what real money changes.
    """
    own, *others = [(each.automation, await _drifts(session, user.user_id, each, day)) for each in bars]
    kinds = {account_id: await _kind(session, user.user_id, account_id) for account_id in _accounts(bars)}
    kind = kinds[own[0].account_id]
    return DriftReport(
        automation_id=own[0].id,
        account_kind=kind,
        day=day,
        rows=[DriftRow.of(drift) for drift in own[1]],
        differences=_sentences(own[1]),
        beside=[_beside((kind, own[1]), each, drifts, kinds[each.account_id]) for each, drifts in others],
    )


def _beside(
    own: tuple[AccountKind, list[Drift]], automation: Automation, drifts: list[Drift], kind: AccountKind
) -> DriftBeside:
    pairs = []
    if (own[0], kind) == ("paper", "live"):
        pairs = apart(own[1], drifts)
    elif (own[0], kind) == ("live", "paper"):
        pairs = apart(drifts, own[1])
    return DriftBeside(
        automation_id=automation.id,
        name=automation.name,
        account_id=automation.account_id,
        account_kind=kind,
        rows=[DriftRow.of(drift) for drift in drifts],
        differences=_sentences(drifts),
        live_against_paper=[
            ApartShown(
                symbol=each.symbol,
                bar=each.bar,
                price_gap=each.price_gap,
                fee_gap=each.fee_gap,
                latency_gap_seconds=int(each.latency_gap.total_seconds()),
            )
            for each in pairs
        ],
    )


def _sentences(drifts: list[Drift]) -> list[str]:
    return [sentence for drift in drifts for sentence in drift.differences]


def _accounts(bars: list[Bars]) -> set[AccountId]:
    return {each.automation.account_id for each in bars}


async def _kind(session: Session, owner: UUID, account_id: AccountId) -> AccountKind:
    account = await accounts.find(session, owner, account_id)
    assert account is not None, "accounts are never deleted"
    return account.kind


async def _drifts(session: Session, owner: UUID, bars: Bars, day: date) -> list[Drift]:
    seen = await _seen(session, owner, bars.automation, day)
    if bars.plan.basket is not None:
        bars, seen = _by_symbol(bars, seen, day)
    nothing = Seen(status=None, outcome=None, signal=None, order=None)
    return [compare(tested, seen.get((tested.symbol, tested.bar), nothing), bars.plan) for tested in bars.tested]


async def _seen(session: Session, owner: UUID, automation: Automation, day: date) -> dict[Place, Seen]:
    first, last = datetime.combine(day, time.min, UTC), datetime.combine(day, time.max, UTC)
    raised = {
        (signal.symbol, signal.bar): signal
        for signal in await signals.list_raised(session, owner, automation.id, first, last)
        if signal.bar is not None
    }
    found: dict[Place, Seen] = {}
    for run in await runs.list_evaluated(session, owner, automation.id, first, last):
        assert run.phase is Phase.EVALUATE, "only those are about bars"
        signal = raised.get((run.symbol, run.scheduled_at))
        order = None
        if signal is not None and signal.order_id is not None:
            order = await orders.find(session, owner, OrderId(signal.order_id))
        found[run.symbol, run.scheduled_at] = Seen(status=run.status, outcome=run.outcome, signal=signal, order=order)
    for place, signal in raised.items():
        if place not in found:  # of a portfolio: one run is about all of its symbols
            order = None if signal.order_id is None else await orders.find(session, owner, OrderId(signal.order_id))
            found[place] = Seen(status=None, outcome=None, signal=signal, order=order)
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


async def _chosen(resources: Resources, automation: Automation, basket: Basket, day: date) -> list[Tested]:
    """The backtest of a portfolio: what the choice of the day takes in and gives up; nothing on a day without one."""
    assert automation.history_from is not None, "a portfolio's history begins on a day"
    last = day + NEXT_BAR_WITHIN
    try:
        universe = await universe_of(resources.market, basket, automation.history_from, last)
    except TooManyBars as many:
        raise VersionNotFound(f"It cannot be tested: {many}.") from many
    return [] if universe is None else await asyncio.to_thread(_tested_choice, basket, universe, day)


def _tested_choice(basket: Basket, universe: Universe, day: date) -> list[Tested]:
    place = int(np.searchsorted(universe.days, np.datetime64(day)))
    if len(universe.days) < 2 or place == len(universe.days) or universe.days[place].item() != day:
        return []
    if (choice := choose(basket, universe, place)) is None:
        return []
    names, found = universe.panel.symbols, []
    for name in (*choice.chosen, *choice.left):
        rows = universe.place[place + 1 :, names.index(name)]
        following = rows[rows >= 0][:1].tolist()
        found.append(
            Tested(
                symbol=name,
                bar=datetime.combine(day, time.min, UTC),
                entry=name in choice.chosen,
                exit=name in choice.left,
                next_day=universe.panel.dates[following[0]].item() if following else None,
                next_open=Decimal(repr(float(universe.panel.frame["open"][following[0]]))) if following else None,
            )
        )
    return found


def _by_symbol(bars: Bars, seen: Mapping[Place, Seen], day: date) -> tuple[Bars, dict[Place, Seen]]:
    """The one run of a portfolio as rows of its symbols, those that only one of both sides has among them."""
    moment = datetime.combine(day, time.min, UTC)
    run = seen.get((MANY, moment))
    if run is None:
        return bars, {}
    outcome = run.outcome or {}
    chosen, left = outcome.get("chosen", []), outcome.get("left", [])
    names = {tested.symbol for tested in bars.tested}
    ours = [
        Tested(symbol=name, bar=moment, entry=False, exit=False, next_day=None, next_open=None)
        for name in sorted({*chosen, *left} - names)
    ]
    told = {
        name: {**outcome, "entry": name in chosen, "exit": name in left}
        for name in names | {tested.symbol for tested in ours}
    }
    rows = {
        (name, moment): replace(seen.get((name, moment), run), status=run.status, outcome=told[name]) for name in told
    }
    return replace(bars, tested=[*bars.tested, *ours]), rows


def _column(rule: Rule, history: History) -> list[bool]:
    return [bool(holds) for holds in rule.mask(history.frame)]
