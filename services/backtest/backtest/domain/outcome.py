"""What comes out of a run: figures, trades, equity, trials, and what they rest on.

Everything here is a float: research figures are statistics of a simulation, not money anybody has.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from quant.backtest import ExitReason, Refused
from quant.markets.listing import Board, Currency, Kind

TRADES_MAX: Final = 50_000
"""Round trips of one run."""
Metrics = Mapping[str, float | None]
"""Figures by their names in `quant.performance`; None where a figure is not defined."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What a result rests on. Results with equal fingerprints are equal to the last bit.

    A portfolio is listed in no one place: `board` and `kind` are None, and `bars` counts its days.
    """

    fingerprint: str
    board: Board | None
    kind: Kind | None
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
    symbol: str | None = None
    """Of a portfolio's trades; None where the run has one symbol."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One combination of parameters, and its figures."""

    parameters: Mapping[str, float]
    metrics: Metrics


@dataclass(frozen=True, slots=True)
class Simulation:
    """One strategy simulated: `equity` is the account's worth at the close of each of `dates`.

    `unfilled` counts orders of which something stayed open. `details` say what only a portfolio has, `closes` what only
    one symbol has: its price at each of `dates`.
    """

    metrics: Metrics
    trades: Sequence[Trade]
    dates: Sequence[date]
    equity: Sequence[float]
    unfilled: int
    details: Mapping[str, object] = field(default_factory=dict)
    closes: Sequence[float] | None = None
    refused: Sequence[Refused] = ()
    """Orders that the run's risk limits did not let through."""

    @property
    def costs(self) -> float:
        """Commission and taxes of all trades."""
        return sum(trade.costs for trade in self.trades)


@dataclass(frozen=True, slots=True)
class Sweep:
    """The best trials in order, and what all of them together say: `details` for people, `file` for programs."""

    trials: Sequence[Trial]
    details: Mapping[str, object]
    file: bytes

    @property
    def metrics(self) -> Metrics:
        """The figures of the best trial."""
        return self.trials[0].metrics


@dataclass(frozen=True, slots=True)
class Tested:
    """A choice tested on days it was not made on: the figures and the equity of these days, and how it was chosen."""

    metrics: Metrics
    dates: Sequence[date]
    equity: Sequence[float]
    details: Mapping[str, object]
