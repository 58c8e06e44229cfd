"""/api/v1/backtest/{optimize,walk-forward,cross-validate}: ask for many combinations of parameters to be tried."""

from dataclasses import replace
from typing import Annotated, Literal, Self

from fastapi import APIRouter
from kit.auth import CurrentUser
from kit.clock import now
from kit.db import OwnedSession
from kit.errors import AUTHENTICATED, responses
from kit.money import Money
from pydantic import Field, model_validator
from quant.markets.symbols import Listing

from backtest.api.jobs import Job
from backtest.api.plan import PortfolioIn, RulesIn
from backtest.api.types import SEED_MAX, Parameters, PeriodIn, Symbol
from backtest.domain.holdings import SPAN_DAYS_MAX
from backtest.domain.prices import BARS_MAX
from backtest.domain.run import MANY, Objective, Task, Terms
from backtest.domain.search import TRIALS_MAX, Folds, Method, Search, Walk
from backtest.errors import InvalidRule, StorageFull, TooManyRuns, TooManyTrials
from backtest.usecases.request_sweep import request_sweep

FOLDS_MAX = 50
TRADES_MIN_MAX = 10_000

router = APIRouter(prefix="/api/v1/backtest", tags=["runs"])
DOCUMENTED = {**AUTHENTICATED, **responses(InvalidRule, TooManyRuns, TooManyTrials, StorageFull)}

Seed = Annotated[int, Field(ge=0, le=SEED_MAX, description="Equal seeds draw and learn alike.")]
Trials = Annotated[int, Field(ge=1, le=TRIALS_MAX, description="How many combinations `random` and `tpe` try.")]
TradesMin = Annotated[int, Field(ge=0, le=TRADES_MIN_MAX, description="Trials with fewer closed trades rank last.")]
DrawdownMax = Annotated[Money, Field(gt=0, le=1, description="Trials with a deeper drawdown rank last: 0.2 = 20 %.")]


class GridIn(RulesIn):
    """Rule templates with parameters in braces, and the values to try: `sma({fast}) > sma({slow})`."""

    parameters: Parameters


class GroundIn(PeriodIn, GridIn):
    """On one `symbol`; or on the universe of a `portfolio`, whose ranking may name parameters too, over days from a
    first to a last.
    """

    symbol: Symbol | None = None
    portfolio: PortfolioIn | None = None

    def task_of(self, search: Search, objective: Objective) -> Task:
        portfolio = None if self.portfolio is None else self.portfolio.portfolio
        listing = self.symbol if portfolio is None else Listing(MANY, portfolio.market)
        assert listing is not None, "without a portfolio there is a symbol"
        terms = Terms(listing, self.initial_cash, self.from_, self.to)
        rules = replace(self.rules, portfolio=portfolio)
        return Task(terms, rules, self.parameters, objective, search=search)

    @model_validator(mode="after")
    def _is_of_one_or_of_many(self) -> Self:
        if (self.symbol is None) == (self.portfolio is None):
            raise ValueError("say on which `symbol`, or which `portfolio` to choose from a universe: one of the two")
        if self.portfolio is not None:
            if self.from_ is None or self.to is None:
                raise ValueError("a universe is read day by day: say the first day with `from` and the last with `to`")
            if (days := (self.to - self.from_).days) > SPAN_DAYS_MAX:
                raise ValueError(f"a portfolio is tested on at most {SPAN_DAYS_MAX:,} days, these are {days:,}")
        return self


class SweepIn(GroundIn):
    """`grid` tries every combination, `random` draws some, `tpe` learns from each what to try next.

    On one `symbol`; or on the universe of a `portfolio`, whose ranking may name parameters too, over days from a first
    to a last.
    """

    objective: Objective = "total_return"
    method: Method = "grid"
    trials: Trials | None = None
    seed: Seed = 0
    trades_min: TradesMin = 0
    drawdown_max: DrawdownMax | None = None

    @property
    def task(self) -> Task:
        search = Search(self.method, self.trials, self.seed, self.trades_min, self.drawdown_max)
        return self.task_of(search, self.objective)


class WalkIn(GroundIn):
    """Choose on `train_bars`, trade on the next `test_bars`, and go on from there with the cash.

    On one `symbol`, or on the universe of a `portfolio`, where a bar is a day.
    """

    objective: Objective = "sharpe"
    train_bars: Annotated[int, Field(ge=2, le=BARS_MAX)] = 504
    test_bars: Annotated[int, Field(ge=2, le=BARS_MAX)] = 126

    @property
    def task(self) -> Task:
        return self.task_of(Search(walk=Walk(self.train_bars, self.test_bars)), self.objective)


class FoldsIn(GroundIn):
    """Choose on all days but one part, look at that part, for each part; `purge_bars` beside it teach nothing.

    On one `symbol`, or on the universe of a `portfolio`, where a bar is a day.
    """

    objective: Literal["sharpe", "total_return"] = "sharpe"
    folds: Annotated[int, Field(ge=2, le=FOLDS_MAX)] = 5
    purge_bars: Annotated[int, Field(ge=0, le=BARS_MAX)] = 20

    @property
    def task(self) -> Task:
        return self.task_of(Search(folds=Folds(self.folds, self.purge_bars)), self.objective)


@router.post("/optimize", status_code=202, responses=DOCUMENTED)
async def optimize(body: SweepIn, session: OwnedSession, user: CurrentUser) -> Job:
    """Ask for a sweep: at most 100,000 combinations. Follow it at `/backtest/jobs/{id}`."""
    return Job.of(await request_sweep(session, user.user_id, body.task, now()))


@router.post("/walk-forward", status_code=202, responses=DOCUMENTED)
async def walk_forward(body: WalkIn, session: OwnedSession, user: CurrentUser) -> Job:
    """Ask what a choice of parameters, made anew again and again, earned on the days after each choice."""
    return Job.of(await request_sweep(session, user.user_id, body.task, now()))


@router.post("/cross-validate", status_code=202, responses=DOCUMENTED)
async def cross_validate(body: FoldsIn, session: OwnedSession, user: CurrentUser) -> Job:
    """Ask how choices of parameters do on parts of the days they were not made on (purged cross-validation)."""
    return Job.of(await request_sweep(session, user.user_id, body.task, now()))
