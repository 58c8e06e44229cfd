"""From a task and prices to figures: the only place that drives quant's engine."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from quant.backtest import (
    OBJECTIVES,
    CostRates,
    CrossValidation,
    FoldPlan,
    Limited,
    Result,
    StrategySpec,
    Venue,
    Walk,
    WalkForward,
    cost_rates,
    cross_validate,
    run,
    run_event_driven,
    sweep,
    walk_forward,
)
from quant.rules import compile_rule

from backtest.domain.outcome import Simulation, Trade, Trial
from backtest.domain.prices import Prices
from backtest.domain.run import Refusal, Task


def simulate(task: Task, prices: Prices) -> Simulation:
    """Simulate a task's strategy. RuleError for a rule that does not compile, OffCalendar for days without session."""
    if task.engine == "event_driven":
        rules = task.rules
        venue = Venue(prices.board, prices.kind, rules.fee_schedule, rules.slippage, rules.volume_share)
        limited = Limited(task.terms.listing.code, task.limits.bounds(prices.currency))
        done = run_event_driven(prices.bars, _spec_of(task), venue, limited)
        return replace(_simulation(done.result, prices, len(done.unfilled)), refused=done.refused)
    return _simulation(run(prices.bars, _spec_of(task), _costs_of(task, prices)), prices, 0)


def _simulation(result: Result, prices: Prices, unfilled: int) -> Simulation:
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
    dates, equity, closes = result.dates.tolist(), result.equity.tolist(), prices.bars.close.tolist()
    return Simulation(result.metrics, trades, dates, equity, unfilled, closes=closes)


def lacks_history(task: Task, prices: Prices) -> Refusal | None:
    """Why a backtest's rules could never speak on these bars; None when they can, and for a sweep, whose trials differ.

    RuleError for a rule that does not compile.
    """
    if task.grid is not None:
        return None
    needed = 2 + max(compile_rule(rule).look_back for rule in (task.rules.entry, task.rules.exit))
    if (count := len(prices.bars)) >= needed:
        return None
    said = f"The rules need at least {needed:,} daily bars and there are {count:,}"
    return Refusal("not_enough_history", f"{said}; choose a longer period, or shorter ones in the rules.")


def try_some(task: Task, prices: Prices, combinations: Sequence[Mapping[str, float]]) -> list[Trial]:
    """Simulate a task's templates with some combinations. RuleError for one that does not compile."""
    rows = sweep(prices.bars, _spec_of(task), {}, _costs_of(task, prices), combinations)
    return [Trial(row.parameters, row.metrics) for row in rows]


def walk(task: Task, prices: Prices) -> WalkForward:
    """Choose and trade on from window to window. ValueError when the days do not make any."""
    plan, grid, objective = task.search.walk, task.grid, task.objective
    assert plan is not None, "a walk has windows"
    assert grid is not None, "and something to choose from"
    assert objective is not None, "by a figure"
    costs, steps = _costs_of(task, prices), Walk(plan.train, plan.test, objective)
    return walk_forward(prices.bars, _spec_of(task), grid, costs, steps)


def fold(task: Task, prices: Prices) -> CrossValidation:
    """Choose on all days but one part, look at that part, for each part. ValueError when there are too few days."""
    plan, grid, objective = task.search.folds, task.grid, task.objective
    assert plan is not None, "a cross-validation has folds"
    assert grid is not None, "and something to choose from"
    assert objective in OBJECTIVES, "by a figure that parts of a curve have"
    cut = FoldPlan(plan.count, plan.purge, objective)
    return cross_validate(prices.bars, _spec_of(task), grid, _costs_of(task, prices), cut)


def _spec_of(task: Task) -> StrategySpec:
    rules = task.rules
    return StrategySpec(
        entry=rules.entry,
        exit=rules.exit,
        stop_loss=_fraction(rules.stop_loss),
        take_profit=_fraction(rules.take_profit),
        portion=float(rules.portion),
        initial_cash=float(task.terms.initial_cash),
        trailing_stop=_fraction(rules.trailing_stop),
        holding_bars=rules.holding_bars,
    )


def _fraction(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _costs_of(task: Task, prices: Prices) -> CostRates:
    rules = task.rules
    return cost_rates(prices.bars, prices.board, prices.kind, rules.fee_schedule, float(rules.slippage))
