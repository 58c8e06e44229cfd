"""The figures of results as they are shown: research figures are numbers, money is strings."""

from datetime import date
from typing import Self

from kit.money import Money
from pydantic import BaseModel, Field
from quant.backtest import ExitReason
from quant.markets.listing import Currency

from backtest.api.types import amount, price
from backtest.domain import outcome


class Metrics(BaseModel):
    """Figures after costs. Fractions: 0.01 = 1 %. Null where a figure is not defined."""

    trades: int = Field(description="Closed round trips.")
    equity_final: Money
    total_return: float | None
    cagr: float | None = Field(description="Growth a year, a year being 365.25 days.")
    volatility: float | None = Field(description="A year, a year being 252 sessions.")
    sharpe: float | None
    sortino: float | None
    max_drawdown: float | None = Field(description="Zero or negative.")
    calmar: float | None
    win_rate: float | None
    profit_factor: float | None
    expectancy: Money | None = Field(description="Mean profit of a closed trade.")

    @classmethod
    def of(cls, figures: outcome.Metrics, currency: Currency) -> Self:
        expectancy = figures["expectancy"]
        return cls(
            trades=int(figures["trades"] or 0),
            equity_final=amount(figures["equity_final"] or 0.0, currency),
            total_return=figures["total_return"],
            cagr=figures["cagr"],
            volatility=figures["volatility"],
            sharpe=figures["sharpe"],
            sortino=figures["sortino"],
            max_drawdown=figures["max_drawdown"],
            calmar=figures["calmar"],
            win_rate=figures["win_rate"],
            profit_factor=figures["profit_factor"],
            expectancy=None if expectancy is None else amount(expectancy, currency),
        )


class TrialOut(BaseModel):
    """One combination of parameters; rank 1 is the best by the objective."""

    rank: int
    parameters: dict[str, int | float]
    metrics: Metrics

    @classmethod
    def of(cls, rank: int, trial: outcome.Trial, currency: Currency) -> Self:
        return cls(rank=rank, parameters=dict(trial.parameters), metrics=Metrics.of(trial.metrics, currency))


class TradeOut(BaseModel):
    """One round trip; an open one is valued at the last close. `profit` is after `costs`."""

    number: int
    symbol: str
    entry_date: date
    exit_date: date
    shares: int
    entry_price: Money
    exit_price: Money
    costs: Money
    profit: Money
    profit_rate: float
    reason: ExitReason

    @classmethod
    def of(cls, number: int, trade: outcome.Trade, code: str, currency: Currency) -> Self:
        return cls(
            number=number,
            symbol=trade.symbol or code,
            entry_date=trade.entry_date,
            exit_date=trade.exit_date,
            shares=trade.shares,
            entry_price=price(trade.entry_price),
            exit_price=price(trade.exit_price),
            costs=amount(trade.costs, currency),
            profit=amount(trade.profit, currency),
            profit_rate=trade.profit_rate,
            reason=trade.reason,
        )


class EquityPoint(BaseModel):
    """The account's worth at a close."""

    date: date
    equity: Money
