"""What comes out of a run: figures, trades, equity, trials, and what they rest on.

Everything here is a float: research figures are statistics of a simulation, not money anybody has.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from quant.backtest import ExitReason
from quant.markets.listing import Board, Currency, Kind

from backtest.domain.run import Objective

Metrics = Mapping[str, float | None]
"""Figures by their names in `quant.performance`; None where a figure is not defined."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What a result rests on. Results with equal fingerprints are equal to the last bit."""

    fingerprint: str
    board: Board
    kind: Kind
    currency: Currency
    bars: int
    first_date: date
    last_date: date


@dataclass(frozen=True, slots=True)
class Trade:
    """One round trip; an open one is valued at the last close."""

    entry_date: date
    exit_date: date
    shares: int
    entry_price: float
    exit_price: float
    costs: float
    profit: float
    profit_rate: float
    reason: ExitReason


@dataclass(frozen=True, slots=True)
class Trial:
    """One combination of parameters, and its figures."""

    parameters: Mapping[str, float]
    metrics: Metrics


@dataclass(frozen=True, slots=True)
class Simulation:
    """One strategy simulated: `equity` is the account's worth at the close of each of `dates`.

    `unfilled` counts orders of which something stayed open: only the event-driven engine knows such.
    """

    metrics: Metrics
    trades: Sequence[Trade]
    dates: Sequence[date]
    equity: Sequence[float]
    unfilled: int

    @property
    def costs(self) -> float:
        """Commission and taxes of all trades."""
        return sum(trade.costs for trade in self.trades)


@dataclass(frozen=True, slots=True)
class Sweep:
    """All trials, the best first."""

    trials: Sequence[Trial]

    @property
    def metrics(self) -> Metrics:
        """The figures of the best trial."""
        return self.trials[0].metrics


def ranked(trials: Sequence[Trial], objective: Objective) -> list[Trial]:
    """The trials by falling objective; undefined ones last, and of equals the one with the smaller parameters first."""

    def place(trial: Trial) -> tuple[bool, float, tuple[float, ...]]:
        figure = trial.metrics[objective]
        return figure is None, -(figure or 0.0), tuple(trial.parameters.values())

    return sorted(trials, key=place)
