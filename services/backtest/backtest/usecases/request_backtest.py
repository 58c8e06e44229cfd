"""Ask for a strategy to be tested, with the rules it has now."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from kit.db import Session
from quant.markets.symbols import Listing

from backtest.domain.holdings import SPAN_DAYS_MAX
from backtest.domain.limits import NO_LIMITS, RiskLimits
from backtest.domain.run import MANY, Engine, Run, Task, Terms
from backtest.domain.strategy import Mistake, Rules, StrategyId, mistakes_on
from backtest.errors import InvalidRule, StrategyNotFound
from backtest.store import strategies
from backtest.usecases.queue_run import queue_run


@dataclass(frozen=True, slots=True)
class Period:
    """Over which days, with how much."""

    start: date | None
    end: date | None
    initial_cash: Decimal


@dataclass(frozen=True, slots=True)
class Asked:
    """Which strategy, on which symbol unless it has its own universe, over which days, by which engine, within what."""

    strategy_id: StrategyId
    listing: Listing | None
    period: Period
    engine: Engine = "compiled"
    limits: RiskLimits = NO_LIMITS


async def request_backtest(session: Session, owner: UUID, asked: Asked, now: datetime) -> Run:
    strategy = await strategies.find(session, owner, asked.strategy_id)
    if strategy is None:
        raise StrategyNotFound("You have no strategy with this id.")
    rules, period = strategy.content.rules, asked.period
    if mistakes := mistakes_on(rules, asked.engine) + _mistakes_of_subject(rules, asked):
        raise InvalidRule(mistakes)
    listing = asked.listing if rules.portfolio is None else Listing(MANY, rules.portfolio.market)
    assert listing is not None, "a strategy of one symbol has one by now"
    terms = Terms(listing, period.initial_cash, period.start, period.end)
    task = Task(terms, rules, engine=asked.engine, limits=asked.limits)
    return await queue_run(session, owner, task, now, asked.strategy_id)


def _mistakes_of_subject(rules: Rules, asked: Asked) -> list[Mistake]:
    """What does not fit between a strategy and what it is to be tested on."""
    if asked.limits != NO_LIMITS and asked.engine == "compiled":
        said = "the compiled engine sends no orders that could be refused: ask for the engine event_driven"
        return [Mistake("risk_limits", f"{said}, or leave this out")]
    if rules.portfolio is None:
        return [] if asked.listing else [Mistake("symbol", "say on which symbol to test, for example 005930")]
    if asked.listing is not None:
        return [Mistake("symbol", "this strategy chooses from its own universe: leave this out")]
    start, end = asked.period.start, asked.period.end
    if start is None or end is None:
        field = "from" if start is None else "to"
        return [Mistake(field, "a universe is read day by day: say the first and the last")]
    if (days := (end - start).days) > SPAN_DAYS_MAX:
        return [Mistake("from", f"a portfolio is tested on at most {SPAN_DAYS_MAX:,} days, these are {days:,}")]
    return []
