"""From a task and prices to figures: the only place that drives quant's engine."""

from quant.backtest import CostRates, StrategySpec, cost_rates, run, sweep

from backtest.domain.grid import Grid
from backtest.domain.outcome import Simulation, Trade, Trial
from backtest.domain.prices import Prices
from backtest.domain.run import Task


def simulate(task: Task, prices: Prices) -> Simulation:
    """Simulate a task's strategy. RuleError for a rule that does not compile."""
    result = run(prices.bars, _spec_of(task), _costs_of(prices))
    trades = [
        Trade(
            entry_date=trade.entry_date,
            exit_date=trade.exit_date,
            shares=trade.shares,
            entry_price=trade.entry_price,
            exit_price=trade.exit_price,
            costs=trade.costs,
            profit=trade.profit,
            profit_rate=trade.profit_rate,
            reason=trade.reason,
        )
        for trade in result.trades
    ]
    return Simulation(result.metrics, trades, result.dates.tolist(), result.equity.tolist())


def try_all(task: Task, prices: Prices, grid: Grid) -> list[Trial]:
    """Simulate a task's templates with every combination of a grid. RuleError for one that does not compile."""
    rows = sweep(prices.bars, _spec_of(task), grid, _costs_of(prices))
    return [Trial(row.parameters, row.metrics) for row in rows]


def _spec_of(task: Task) -> StrategySpec:
    stop_loss = task.rules.stop_loss
    return StrategySpec(
        entry=task.rules.entry,
        exit=task.rules.exit,
        stop_loss=None if stop_loss is None else float(stop_loss),
        initial_cash=float(task.terms.initial_cash),
    )


def _costs_of(prices: Prices) -> CostRates:
    return cost_rates(prices.bars, prices.board, prices.kind)
