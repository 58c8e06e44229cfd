"""How a portfolio did: its course, its figures, how it is spread, and its daily snapshots."""

import asyncio
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import structlog
from fastapi import APIRouter, Query
from kit.auth import CurrentUser
from kit.clock import now
from kit.db import OwnedSession
from kit.errors import AUTHENTICATED, Unavailable, responses
from kit.money import Money
from kit.pagination import Page, PageRequest, encode_cursor
from pydantic import BaseModel, ConfigDict, Field
from quant.markets.listing import Currency

from trading.api.cursors import day_id_and_text_of
from trading.api.portfolio import holdings_of
from trading.api.types import OpenResources, Sum
from trading.clients.market import UnexpectedAnswer
from trading.domain.benchmark import NOTHING, Benchmark, compare
from trading.domain.performance import Course
from trading.domain.portfolio import Valued
from trading.domain.request import AccountId
from trading.errors import AccountNotFound
from trading.resources import Resources
from trading.store import history, snapshots
from trading.usecases.read_course import read_course

router = APIRouter(prefix="/api/v1/portfolio", tags=["trading"], responses=AUTHENTICATED)

log = structlog.get_logger()

Figure = Annotated[float | None, Field(description="Null where it is not defined.")]


class PointShown(BaseModel):
    """One session: its value, what was paid in and out, its return, and how far it is under the highest so far."""

    date: date
    equity: Sum
    deposits: Sum
    withdrawals: Sum
    estimated: bool
    session_return: float
    cumulative_return: float
    drawdown: float


class PerformanceShown(BaseModel):
    """A course in one currency. Returns are fractions, net of deposits (start of session) and withdrawals (its end).

    `money_weighted_return` is the yearly XIRR (365 days); `cagr` goes by the calendar (365.25 days), `cagr_by_sessions`
    by 252 sessions.
    """

    currency: Currency
    profit: Sum
    time_weighted_return: Figure
    money_weighted_return: Figure
    cagr: Figure
    cagr_by_sessions: Figure
    points: list[PointShown]


class PerformancesShown(BaseModel):
    """A course for each currency."""

    items: list[PerformanceShown]


class AnalyticsShown(BaseModel):
    """Figures of one currency: yearly ones by 252 sessions, trades by their profit after costs at average cost.

    `benchmark` is the index of prices it is compared with, over the sessions both have; null, as all figures of it are,
    where the platform has no bars of one.
    """

    currency: Currency
    sessions: int
    trades: int
    drawdown_days: int
    volatility: Figure
    sharpe: Figure
    sortino: Figure
    calmar: Figure
    max_drawdown: Figure
    value_at_risk: Figure
    conditional_value_at_risk: Figure
    turnover: Figure
    win_rate: Figure
    profit_factor: Figure
    payoff: Figure
    expectancy: Figure
    benchmark: str | None
    benchmark_return: Figure
    excess_return: Figure
    beta: Figure
    alpha: Figure
    tracking_error: Figure


class AllAnalyticsShown(BaseModel):
    """Figures for each currency."""

    items: list[AnalyticsShown]


class ShareShown(BaseModel):
    """A part of a portfolio: an instrument, or cash when `symbol` is null; `weight` is its fraction of the whole."""

    symbol: str | None
    value: Sum
    weight: Figure


class AllocationShown(BaseModel):
    """How the portfolio of one currency is spread, largest part first."""

    currency: Currency
    total: Sum
    parts: list[ShareShown]


class AllocationsShown(BaseModel):
    """How each currency is spread."""

    items: list[AllocationShown]


class SnapshotShown(BaseModel):
    """An account after a session; `estimated` when the cost stood in for a price that was not known."""

    model_config = ConfigDict(from_attributes=True)

    account_id: UUID
    currency: Currency
    session_date: date
    cash: Money
    market_value: Money
    equity: Sum
    deposits: Money
    withdrawals: Money
    estimated: bool
    taken_at: datetime


@router.get("/performance", responses=responses(AccountNotFound))
async def get_portfolio_performance(
    user: CurrentUser, resources: OpenResources, account_id: UUID | None = None
) -> PerformancesShown:
    """Show how one account did, or all together, since it was opened or last reset."""
    courses = await _courses(resources, user.user_id, account_id)
    return PerformancesShown(items=[await asyncio.to_thread(_performance, course) for course in courses])


@router.get("/analytics", responses=responses(AccountNotFound))
async def get_portfolio_analytics(
    user: CurrentUser,
    resources: OpenResources,
    account_id: UUID | None = None,
    risk_free: Annotated[Decimal, Query(ge=0, le=1, description="Yearly rate; 0.03 is 3 %.")] = Decimal(0),
) -> AllAnalyticsShown:
    """Show risk and trading figures of one account, or of all together."""
    courses = await _courses(resources, user.user_id, account_id)
    account = AccountId(account_id) if account_id else None
    async with resources.database.owned(user.user_id) as session:
        profits = await history.list_profits(session, user.user_id, account)
    items = []
    for course in courses:
        analytics = AnalyticsOf(
            course, profits.get(course.currency, []), risk_free, await _benchmark(resources, course)
        )
        items.append(await asyncio.to_thread(analytics.shown))
    return AllAnalyticsShown(items=items)


@router.get("/allocation", responses=responses(AccountNotFound))
async def get_portfolio_allocation(
    user: CurrentUser, resources: OpenResources, account_id: UUID | None = None
) -> AllocationsShown:
    """Show what the portfolio consists of, by instrument and cash."""
    balances, valued = await holdings_of(resources, user.user_id, account_id)
    shown = []
    for currency in sorted({item.currency for item in balances}):
        parts: dict[str | None, Decimal] = {None: sum((b.cash for b in balances if b.currency == currency), Decimal(0))}
        for item in valued:
            if item.position.quantity and item.position.currency == currency:
                symbol = item.position.symbol
                parts[symbol] = parts.get(symbol, Decimal(0)) + item.market_value
        total = sum(parts.values(), Decimal(0))
        largest_first = sorted(parts.items(), key=lambda part: (-part[1], part[0] or ""))
        shown.append(
            AllocationShown(
                currency=currency,
                total=total,
                parts=[
                    ShareShown(symbol=symbol, value=value, weight=float(value / total) if total else None)
                    for symbol, value in largest_first
                ],
            )
        )
    return AllocationsShown(items=shown)


@router.get("/snapshots")
async def get_portfolio_snapshots(
    session: OwnedSession, user: CurrentUser, page: PageRequest, account_id: UUID | None = None
) -> Page[SnapshotShown]:
    """List daily snapshots, newest first; dates are those of the exchange."""
    found = await snapshots.list_page(
        session,
        user.user_id,
        before=day_id_and_text_of(page.cursor),
        limit=page.limit + 1,
        account_id=AccountId(account_id) if account_id else None,
    )
    last = found[page.limit - 1] if len(found) > page.limit else None
    more = encode_cursor(last.session_date.isoformat(), str(last.account_id), last.currency) if last else None
    return Page(items=[SnapshotShown.model_validate(item) for item in found[: page.limit]], next_cursor=more)


async def _courses(resources: Resources, owner: UUID, account_id: UUID | None) -> list[Course]:
    balances, valued = await holdings_of(resources, owner, account_id)
    by_account: dict[AccountId, list[Valued]] = {}
    for item in valued:
        by_account.setdefault(item.position.account_id, []).append(item)
    async with resources.database.owned(owner) as session:
        return [
            await read_course(session, owner, currency, balances, by_account, now())
            for currency in sorted({item.currency for item in balances})
        ]


async def _benchmark(resources: Resources, course: Course) -> Benchmark | None:
    """What a course is compared with; None when there is nothing, or market cannot say."""
    symbol = resources.benchmarks.get(course.currency)
    if symbol is None or not course.points:
        return None
    try:
        closes = await resources.market.closes(symbol, course.points[0].day, course.points[-1].day)
    except (Unavailable, UnexpectedAnswer) as away:
        log.warning("nothing to compare with", benchmark=symbol, error=repr(away))
        return None
    return Benchmark(symbol, closes) if closes else None


def _performance(course: Course) -> PerformanceShown:
    returns = course.returns
    grown = [1.0]
    points = []
    for point, earned in zip(course.points, returns.tolist(), strict=True):
        grown.append(grown[-1] * (1 + earned))
        points.append(
            PointShown(
                date=point.day,
                equity=point.equity,
                deposits=point.deposits,
                withdrawals=point.withdrawals,
                estimated=point.estimated,
                session_return=earned,
                cumulative_return=grown[-1] - 1,
                drawdown=grown[-1] / max(grown) - 1,
            )
        )
    return PerformanceShown(currency=course.currency, profit=course.profit, points=points, **course.growth())


class AnalyticsOf:
    """The figures of one currency, to be reckoned aside: a long course would keep everybody else waiting."""

    def __init__(self, course: Course, profits: list[Decimal], risk_free: Decimal, benchmark: Benchmark | None) -> None:
        self._benchmark = benchmark
        self._course = course
        self._profits = profits
        self._risk_free = risk_free

    def shown(self) -> AnalyticsShown:
        """Reckon."""
        return AnalyticsShown(
            currency=self._course.currency,
            sessions=self._course.sessions,
            trades=len(self._profits),
            drawdown_days=self._course.drawdown_days,
            benchmark=self._benchmark.symbol if self._benchmark else None,
            **self._course.analysis(self._profits, self._risk_free),
            **(compare(self._course, self._benchmark) if self._benchmark else NOTHING),
        )
