"""One strategy on one symbol: its trades, its equity curve and its figures."""

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from quant.backtest import core
from quant.backtest.costs import CostRates
from quant.bars import Bars, Mask, Series
from quant.performance import summary
from quant.rules import compile_rule

ExitReason = Literal["signal", "stop_loss", "take_profit", "open", "trailing_stop", "time", "delisted"]
REASONS: Final[tuple[ExitReason, ...]] = get_args(ExitReason)
HOLDING_BARS_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class StrategySpec:
    """Buy when `entry` holds at a close, sell when `exit` does; both at the next open at which the symbol trades.

    A bar on which both hold is no entry. `stop_loss` and `take_profit` are fractions of the entry price, watched
    within each bar from the entry on; `trailing_stop` is one of the highest price since the entry, up to the bar
    before. After `holding_bars` bars, the entry's included, a position is sold at the next open. `portion` of the cash
    goes into each position, in whole shares.
    """

    entry: str
    exit: str
    stop_loss: float | None = None
    take_profit: float | None = None
    portion: float = 1.0
    initial_cash: float = 10_000_000.0
    trailing_stop: float | None = None
    holding_bars: int | None = None

    def __post_init__(self) -> None:
        if self.stop_loss is not None and not 0 < self.stop_loss < 1:
            raise ValueError("stop_loss is a fraction between 0 and 1: 0.05 sells 5 % below the entry")
        if self.take_profit is not None and not 0 < self.take_profit <= 100:
            raise ValueError("take_profit is a fraction above 0: 0.1 sells 10 % above the entry")
        if self.trailing_stop is not None and not 0 < self.trailing_stop < 1:
            raise ValueError("trailing_stop is a fraction between 0 and 1: 0.05 sells 5 % below the highest price")
        if self.holding_bars is not None and not 1 <= self.holding_bars <= HOLDING_BARS_MAX:
            raise ValueError(f"holding_bars is a number of bars from 1 to {HOLDING_BARS_MAX}")
        if not 0 < self.portion <= 1:
            raise ValueError("portion is a fraction of the cash, above 0 and at most 1")
        if not 0 < self.initial_cash <= 1e15:
            raise ValueError("initial_cash must be above 0 and at most 1e15")

    @property
    def plan(self) -> core.Plan:
        """The numbers as the compiled loop takes them."""
        stops = (self.stop_loss or 0.0, self.take_profit or 0.0, self.trailing_stop or 0.0)
        return (float(self.initial_cash), float(self.portion), *stops, float(self.holding_bars or 0))


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """One round trip; an open one (`reason` "open") is valued at the last close, without selling costs.

    Prices include slippage, `costs` are commission and taxes of both sides, `profit` is after them.
    """

    entry_date: date
    exit_date: date
    shares: int
    entry_price: float
    exit_price: float
    costs: float
    profit: float
    profit_rate: float
    reason: ExitReason


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """Trades in order, equity at each close, and figures (None where undefined), `trades` counting closed ones."""

    trades: tuple[RoundTrip, ...]
    dates: NDArray[np.datetime64]
    equity: Series
    metrics: dict[str, float | None]


def run(bars: Bars, spec: StrategySpec, costs: CostRates) -> Result:
    """Test a strategy. RuleError for rules that cannot be read, ValueError for bars or costs that do not fit.

    Signals are taken from the close of bars that traded; orders fill at the open of the next bar that trades.
    """
    check_sizes(bars, costs)
    frame = bars.frame()
    entry, leave = compile_rule(spec.entry), compile_rule(spec.exit)
    signals = (entry.mask(frame), leave.mask(frame))
    equity, table = simulate_signals(bars, signals, costs, spec.plan)
    trades = tuple(round_trip_of(bars.dates, row) for row in table)
    look_back = max(entry.look_back, leave.look_back)
    return Result(trades, bars.dates, equity, metrics_of(bars, equity, table, spec.initial_cash, look_back))


def simulate_signals(
    bars: Bars, signals: tuple[Mask, Mask], costs: CostRates, plan: core.Plan
) -> tuple[Series, Series]:
    """The equity at each close and the table of trades (columns of `core`) of entry and exit signals."""
    equity = np.empty(len(bars))
    table = np.empty((len(bars), core.TRADE_COLUMNS))
    prices = (bars.open, bars.high, bars.low, bars.close)
    rates = (costs.buy, costs.sell, float(costs.slippage))
    count = core.simulate(prices, (bars.traded, *signals), rates, plan, costs.ticks, (equity, table))
    return equity, table[:count]


def metrics_of(
    bars: Bars, equity: Series, table: Series, initial_cash: float, look_back: int
) -> dict[str, float | None]:
    """The figures of one run of the compiled loop, see `figures_of`."""
    closed = table[table[:, core.REASON] != core.STILL_OPEN]
    return figures_of(bars, equity, profits_of(closed), initial_cash, look_back)


def figures_of(
    bars: Bars, equity: Series, profits: Series, initial_cash: float, look_back: int
) -> dict[str, float | None]:
    """Figures of an equity curve and of closed trades; `equity_final` and the count beside those of `performance`.

    The first `look_back` bars, before which no rule can speak, are no part of any ratio: standing by is not skill.
    """
    return figures_from(bars.dates, equity, profits, initial_cash, look_back)


def figures_from(
    dates: NDArray[np.datetime64], equity: Series, profits: Series, initial_cash: float, look_back: int
) -> dict[str, float | None]:
    """The same for an equity curve by its dates."""
    first = min(look_back, len(dates) - 2)
    curve = np.concatenate(([initial_cash], equity[first:]))
    start, end = (cast("date", day.item()) for day in (dates[first], dates[-1]))
    figures = summary(curve, profits, start, end)
    return {"equity_final": float(equity[-1]), "trades": float(len(profits)), **figures}


def profits_of(table: Series) -> Series:
    """Profit of each trade after its costs."""
    gained = table[:, core.SHARES] * (table[:, core.EXIT_PRICE] - table[:, core.ENTRY_PRICE])
    return np.asarray(gained - table[:, core.ENTRY_COST] - table[:, core.EXIT_COST], dtype=np.float64)


def check_sizes(bars: Bars, costs: CostRates) -> None:
    """ValueError unless there are bars and one cost rate for each."""
    if len(bars) < 2:
        raise ValueError("a backtest needs at least two bars")
    if len(costs.buy) != len(bars) or len(costs.sell) != len(bars):
        raise ValueError("costs must have one rate per bar")


def round_trip_of(dates: NDArray[np.datetime64], row: Series) -> RoundTrip:
    """One line of a compiled loop's trades, whose columns `core` names; `dates` has the day of each of its bars."""
    costs = float(row[core.ENTRY_COST] + row[core.EXIT_COST])
    profit = float(row[core.SHARES] * (row[core.EXIT_PRICE] - row[core.ENTRY_PRICE]) - costs)
    return RoundTrip(
        entry_date=cast("date", dates[int(row[core.ENTRY])].item()),
        exit_date=cast("date", dates[int(row[core.EXIT])].item()),
        shares=int(row[core.SHARES]),
        entry_price=float(row[core.ENTRY_PRICE]),
        exit_price=float(row[core.EXIT_PRICE]),
        costs=costs,
        profit=profit,
        profit_rate=profit / float(row[core.SHARES] * row[core.ENTRY_PRICE] + row[core.ENTRY_COST]),
        reason=REASONS[int(row[core.REASON])],
    )
