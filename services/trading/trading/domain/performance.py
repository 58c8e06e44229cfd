"""The course of a portfolio in one currency: its value at each session, and what its owner paid in and out meanwhile.

A line of points from the daily snapshots of one account or several, with the present value at its end. Statistics are
reckoned from it by quant; nothing here books money.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from quant import performance as figures
from quant.bars import Series
from quant.markets.calendar import sessions_between
from quant.markets.listing import Currency

from trading.domain.request import AccountId
from trading.domain.settlement import MARKET_OF

ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """An account after a session: cash and shares at their last price, and what moved since the snapshot before.

    `estimated` when a price was not known and the cost stood in for it. `ledger_until` is the last ledger entry in it.
    """

    account_id: AccountId
    currency: Currency
    session_date: date
    cash: Decimal
    market_value: Decimal
    deposits: Decimal
    withdrawals: Decimal
    bought: Decimal
    sold: Decimal
    estimated: bool
    ledger_until: int
    taken_at: datetime

    @property
    def equity(self) -> Decimal:
        """Everything it was worth."""
        return self.cash + self.market_value


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One session of the course."""

    day: date
    equity: Decimal
    deposits: Decimal = ZERO
    withdrawals: Decimal = ZERO
    bought: Decimal = ZERO
    sold: Decimal = ZERO
    estimated: bool = False


def until_now(snapshots: Sequence[Snapshot], now: Snapshot) -> list[Snapshot]:
    """A course with its present end: on a day that has a snapshot already, both are one point."""
    if not (snapshots and snapshots[-1].session_date >= now.session_date):
        return [*snapshots, now]
    last = snapshots[-1]
    merged = replace(
        now,
        session_date=last.session_date,
        deposits=last.deposits + now.deposits,
        withdrawals=last.withdrawals + now.withdrawals,
        bought=last.bought + now.bought,
        sold=last.sold + now.sold,
    )
    return [*snapshots[:-1], merged]


def course_of(snapshots: Iterable[Snapshot]) -> list[Point]:
    """Add up the snapshots of several accounts by session; one that has none for a session keeps its last value."""
    last: dict[AccountId, Decimal] = {}
    points: dict[date, Point] = {}
    for item in sorted(snapshots, key=lambda item: item.session_date):
        last[item.account_id] = item.equity
        point = points.get(item.session_date) or Point(day=item.session_date, equity=ZERO)
        points[item.session_date] = replace(
            point,
            equity=sum(last.values(), ZERO),
            deposits=point.deposits + item.deposits,
            withdrawals=point.withdrawals + item.withdrawals,
            bought=point.bought + item.bought,
            sold=point.sold + item.sold,
            estimated=point.estimated or item.estimated,
        )
    return list(points.values())


@dataclass(frozen=True, slots=True)
class Course:
    """A course as quant reads it: the start with nothing, then every point with its return net of flows."""

    currency: Currency
    points: Sequence[Point]

    @property
    def returns(self) -> Series:
        """The return of each point, flows counted out."""
        values = figures.series_of([ZERO, *(point.equity for point in self.points)])
        deposits = figures.series_of([point.deposits for point in self.points])
        withdrawals = figures.series_of([point.withdrawals for point in self.points])
        return figures.returns_net_of_flows(values, deposits, withdrawals)

    @property
    def profit(self) -> Decimal:
        """What was earned in money: what is there, and was taken out, less what was paid in."""
        if not self.points:
            return ZERO
        paid_in = sum((point.deposits - point.withdrawals for point in self.points), ZERO)
        return self.points[-1].equity - paid_in

    @property
    def sessions(self) -> int:
        """How many sessions the course spans, those without a snapshot included; at least as many as it has points."""
        if not self.points:
            return 0
        market = MARKET_OF[self.currency]
        return max(len(self.points), len(sessions_between(market, self.points[0].day, self.points[-1].day)))

    def growth(self) -> figures.Figures:
        """How it grew: time-weighted, money-weighted, a year. Shorter than a year is not made longer."""
        returns = self.returns
        flows = [(point.day, point.withdrawals - point.deposits) for point in self.points]
        if self.points:
            flows.append((self.points[-1].day, self.points[-1].equity))
        numbers = figures.series_of([amount for _, amount in flows])
        money_weighted = figures.money_weighted_return(
            [(day, number) for (day, _), number in zip(flows, numbers.tolist(), strict=True) if number]
        )
        total = figures.total_return(returns)
        days = [point.day for point in self.points]
        span = (days[0], days[-1]) if days else (date.min, date.min)
        return figures.defined(
            {
                "time_weighted_return": total,
                "money_weighted_return": money_weighted,
                "cagr": figures.cagr_by_calendar(1, 1 + total, *span),
                "cagr_by_sessions": figures.cagr_by_sessions(returns),
            }
        )

    def analysis(self, profits: Sequence[Decimal], risk_free: Decimal) -> figures.Figures:
        """Risk and trading figures; `profits` are those of closed sales, after costs."""
        returns, trades = self.returns, figures.series_of(profits)
        bought = figures.series_of([point.bought for point in self.points])
        sold = figures.series_of([point.sold for point in self.points])
        equity = figures.series_of([point.equity for point in self.points])
        mean = equity.mean().item() if len(equity) else 0
        return figures.defined(
            {
                "volatility": figures.volatility(returns),
                "sharpe": figures.sharpe(returns, figures.series_of([risk_free]).item()),
                "sortino": figures.sortino(returns),
                "calmar": figures.calmar(returns),
                "max_drawdown": figures.max_drawdown(returns),
                "value_at_risk": figures.value_at_risk(returns),
                "conditional_value_at_risk": figures.conditional_value_at_risk(returns),
                "turnover": figures.turnover(bought.sum().item(), sold.sum().item(), mean, self.sessions),
                "win_rate": figures.win_rate(trades),
                "profit_factor": figures.profit_factor(trades),
                "payoff": figures.payoff(trades),
                "expectancy": figures.expectancy(trades),
            }
        )

    @property
    def drawdown_days(self) -> int:
        """The longest time under an earlier high."""
        if not self.points:
            return 0
        return figures.drawdown_days(self.returns, [self.points[0].day, *(point.day for point in self.points)])
