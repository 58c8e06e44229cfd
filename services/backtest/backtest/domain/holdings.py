"""Portfolios: from a task and the bars of a universe to figures, or why it cannot be computed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from quant.backtest import (
    OBJECTIVES,
    CrossValidation,
    Factor,
    FoldPlan,
    PortfolioSpec,
    Universe,
    Walk,
    WalkForward,
    cross_validate_portfolio,
    number_of,
    run_portfolio,
    run_portfolio_event_driven,
    walk_forward_portfolio,
)
from quant.markets.listing import currency_of
from quant.rules import compile_rule
from quant.rules.nodes import fields_of as fields_in

from backtest.domain.budget import beyond_cells
from backtest.domain.grid import combinations_in, filled_rules
from backtest.domain.outcome import TRADES_MAX, Simulation, Trade, Trial
from backtest.domain.prices import BARS_MIN
from backtest.domain.run import EVERYTHING, Refusal, Task
from backtest.domain.search import combinations_of

ROWS_MAX = 4_000_000
"""Bars of all symbols together: five years of a whole market."""
SWEEP_ROWS_MAX = 1_000_000
"""The same for a sweep, whose computers hold the universe as long as they try: a year of a whole market."""
SPAN_DAYS_MAX = 7_310
"""Twenty years of a smaller universe."""
DAYS_OF = {"day": 1, "week": 5, "month": 21, "quarter": 63}


def examine_universe(task: Task, universe: Universe | None) -> Universe | Refusal:
    """The universe of a run, or why it cannot be computed on it. RuleError for a rule that does not compile."""
    start, end = task.terms.start, task.terms.end
    if universe is None or not len(universe.days):
        return Refusal(
            "no_bars", f"Nothing of this universe has daily bars from {start} to {end}; import them, or choose others."
        )
    rows, days = len(universe.panel.dates), len(universe.days)
    if (refused := _beyond_rows(task, rows, days)) is not None:
        return refused
    if days < BARS_MIN:
        said = f"There are {days} days with bars from {start} to {end}, a backtest needs at least {BARS_MIN}"
        return Refusal("period_too_short", f"{said}; choose a longer period.")
    portfolio = task.rules.portfolio
    assert portfolio is not None, "only a portfolio has a universe"
    if (trades := portfolio.positions * days // DAYS_OF[portfolio.every]) > TRADES_MAX:
        said = f"{portfolio.positions} positions chosen every {portfolio.every} may make {trades:,} trades"
        return Refusal("too_large", f"{said} and a run may make {TRADES_MAX:,}; choose less often, or fewer positions.")
    # trials of a sweep differ: one that cannot speak trades nothing
    if task.grid is None and days < (needed := 2 + spec_of(task).look_back):
        said = f"The rules need at least {needed:,} daily bars and there are {days:,} days"
        return Refusal("not_enough_history", f"{said}; choose a longer period, or shorter ones in the rules.")
    return universe


def with_listings(refused: Refusal, market: Universe | None) -> Refusal:
    """A refusal for want of a universe, and what its market has on the last of the days."""
    if market is None or not len(market.panel):
        return refused
    boards, kinds = (", ".join(sorted(set(listed))) for listed in (market.boards, market.kinds))
    said = f"At its end the market has bars of {len(market.panel):,} symbols, boards {boards}, kinds {kinds}."
    return replace(refused, detail=f"{refused.detail} {said}")


def _beyond_rows(task: Task, rows: int, days: int) -> Refusal | None:
    """Why a universe has too many bars for what is asked; None when it has not."""
    start, end = task.terms.start, task.terms.end
    most = ROWS_MAX if task.grid is None else SWEEP_ROWS_MAX
    if rows > most:
        said = f"This universe has {rows:,} daily bars from {start} to {end} and a run may have {most:,}"
        return Refusal("too_large", f"{said}; choose about {days * most // rows:,} days, or fewer symbols.")
    return beyond_cells(task, rows)


def spec_of(task: Task) -> PortfolioSpec:
    """What the engines need to know of a portfolio."""
    rules, portfolio = task.rules, task.rules.portfolio
    assert portfolio is not None, "only a portfolio has many symbols"
    return PortfolioSpec(
        condition=rules.entry,
        unless=rules.exit,
        factors=tuple(Factor(ranked.factor, float(ranked.weight)) for ranked in portfolio.ranking),
        positions=portfolio.positions,
        every=portfolio.every,
        tolerance=float(portfolio.tolerance),
        portion=float(rules.portion),
        stop_loss=None if rules.stop_loss is None else float(rules.stop_loss),
        take_profit=None if rules.take_profit is None else float(rules.take_profit),
        volume_share=None if rules.volume_share is None else float(rules.volume_share),
        slippage=float(rules.slippage),
        schedule=rules.fee_schedule,
        initial_cash=float(task.terms.initial_cash),
        extra_fields=rules.fields,
    )


def fields_of(task: Task) -> list[str]:
    """The figures of companies that a portfolio's rules and ranking read."""
    grid = task.grid or {}
    rules = filled_rules(task.rules, {name: values[0] for name, values in grid.items()})
    assert rules.portfolio is not None, "only a portfolio reads any"
    read: set[str] = set()
    for text in (rules.entry, rules.exit):
        read |= compile_rule(text, rules.fields).fields
    for ranked in rules.portfolio.ranking:
        read |= set(fields_in(number_of(ranked.factor, rules.fields)))
    return sorted(read & rules.fields)


def hold_some(task: Task, universe: Universe, combinations: Sequence[Mapping[str, float]]) -> list[Trial]:
    """Simulate a portfolio's templates with some combinations. RuleError for one that does not compile."""
    found = []
    for parameters in combinations:
        spec = spec_of(_filled(task, parameters))
        found.append(Trial(dict(parameters), run_portfolio(universe, spec).metrics))
    return found


def walk_universe(task: Task, universe: Universe) -> WalkForward:
    """Choose and hold on from window to window. ValueError when the days do not make any."""
    plan, objective = task.search.walk, task.objective
    assert plan is not None, "a walk has windows"
    assert objective is not None, "and a figure to choose by"
    return walk_forward_portfolio(universe, _all_of(task), Walk(plan.train, plan.test, objective))


def fold_universe(task: Task, universe: Universe) -> CrossValidation:
    """Choose on all days but one part, look at that part, for each part. ValueError when there are too few days."""
    plan, objective = task.search.folds, task.objective
    assert plan is not None, "a cross-validation has folds"
    assert objective in OBJECTIVES, "and a figure that parts of a curve have"
    return cross_validate_portfolio(universe, _all_of(task), FoldPlan(plan.count, plan.purge, objective))


def _all_of(task: Task) -> list[tuple[dict[str, float], PortfolioSpec]]:
    """Every combination of a task's grid, and the portfolio it makes."""
    assert task.grid is not None, "there is something to choose from"
    every = combinations_of(task.grid, EVERYTHING, 0, combinations_in(task.grid))
    return [(parameters, spec_of(_filled(task, parameters))) for parameters in every]


def _filled(task: Task, parameters: Mapping[str, float]) -> Task:
    return replace(task, rules=filled_rules(task.rules, parameters), grid=None, objective=None)


def hold(task: Task, universe: Universe) -> Simulation:
    """Simulate a portfolio. OffCalendar for trading on days without a session."""
    if task.engine == "event_driven":
        bounds = task.limits.bounds(currency_of(task.terms.listing.market))
        result = run_portfolio_event_driven(universe, spec_of(task), bounds)
    else:
        result = run_portfolio(universe, spec_of(task))
    trades = [
        Trade(
            entry_date=trip.entry_date,
            exit_date=trip.exit_date,
            shares=trip.shares,
            entry_price=trip.entry_price,
            exit_price=trip.exit_price,
            costs=trip.costs,
            profit=trip.profit,
            profit_rate=trip.profit_rate,
            reason=trip.reason,
            symbol=symbol,
        )
        for symbol, trip in result.trades
    ]
    details = {
        "symbols": len(universe.panel),
        "choices": result.choices,
        "chosen": list(result.chosen),
        "turnover": result.turnover,
        "settled_cash": float(result.settled_cash[-1]),
    }
    dates, equity = result.dates.tolist(), result.equity.tolist()
    return Simulation(result.metrics, trades, dates, equity, result.unfilled, details, refused=result.refused)
