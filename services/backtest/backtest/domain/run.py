"""A run: what was asked to be computed, and how far that has come."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal, NewType, Self
from uuid import UUID

from quant.markets.symbols import Listing

from backtest.domain.grid import Grid
from backtest.domain.limits import NO_LIMITS, RiskLimits
from backtest.domain.search import Search, trials_in
from backtest.domain.strategy import Rules, StrategyId

RUNS_WAITING_MAX = 10
"""Unfinished runs one owner may have."""
RUN_SECONDS_MAX = 3_600
"""A run that has not ended this long after it was asked for ends as failed."""

EVERYTHING: Final = Search()
MANY: Final = "*"
"""What stands for a symbol where a run has a whole universe."""
RunId = NewType("RunId", UUID)
Kind = Literal["backtest", "optimize", "walk_forward", "cross_validate", "portfolio"]
Engine = Literal["compiled", "event_driven"]
"""One pass at rates of cost, as sweeps do; or every order on the exchange of paper trading, costs to the won."""
Status = Literal["queued", "running", "done", "failed", "canceled"]
Objective = Literal[
    "total_return", "cagr", "sharpe", "sortino", "calmar", "max_drawdown", "win_rate", "profit_factor", "expectancy"
]
"""Figures of which more is better (a drawdown is negative)."""

TRIALS_WAITING_MAX = 300_000
"""Trials not computed yet that one owner may have."""
FILES_BYTES_MAX = 512 << 20
"""What one owner's files of trials may take; older runs make room when they are removed."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What an owner has under way: unfinished runs, and trials in them that are still to be computed."""

    runs: int
    trials: int


TRANSITIONS: dict[Status, frozenset[Status]] = {
    "queued": frozenset({"running", "failed", "canceled"}),
    "running": frozenset({"running", "done", "failed", "canceled"}),
    "done": frozenset(),
    "failed": frozenset(),
    "canceled": frozenset(),
}
"""Running again after running: the worker died in between, and the message came to another."""


class ImpossibleStep(Exception):
    """A run was to go where no run can go from its status: a mistake of ours."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a run ended without a result, in words for the person who asked for it."""

    code: str
    detail: str


OVERDUE = Refusal("not_finished_in_time", "The run did not end within an hour; ask for a smaller one, or try again.")


@dataclass(frozen=True, slots=True)
class Terms:
    """What is traded, with how much, over which days; an open end means: as far as there are bars."""

    listing: Listing
    initial_cash: Decimal
    start: date | None
    end: date | None


@dataclass(frozen=True, slots=True)
class Task:
    """Everything that decides a result besides prices and code. A sweep has a grid, and its rules name parameters.

    `search` says how the grid is searched; it means nothing without one. `limits` bind in the event-driven engine.
    """

    terms: Terms
    rules: Rules
    grid: Grid | None = None
    objective: Objective | None = None
    engine: Engine = "compiled"
    search: Search = EVERYTHING
    limits: RiskLimits = NO_LIMITS

    @property
    def kind(self) -> Kind:
        if self.grid is None:
            return "backtest" if self.rules.portfolio is None else "portfolio"
        if self.search.walk is not None:
            return "walk_forward"
        return "cross_validate" if self.search.folds is not None else "optimize"

    @property
    def total(self) -> int:
        """How many simulations the task takes; how many pieces of work, if it is no plain sweep."""
        return 1 if self.grid is None else trials_in(self.grid, self.search)


@dataclass(frozen=True, slots=True)
class Run:
    """A task on its way from `queued` to its end: `done`, `failed` or `canceled`."""

    id: RunId
    strategy_id: StrategyId | None
    task: Task
    status: Status
    done: int
    refusal: Refusal | None
    requested_at: datetime
    finished_at: datetime | None

    @classmethod
    def requested(cls, run_id: RunId, task: Task, now: datetime, strategy_id: StrategyId | None = None) -> Self:
        """A run that waits."""
        return cls(run_id, strategy_id, task, "queued", 0, None, now, None)

    @property
    def is_finished(self) -> bool:
        return not TRANSITIONS[self.status]

    def begun(self) -> "Run":
        """This run under way, from the start."""
        return replace(self._then("running"), done=0)

    def ended(self, now: datetime, refusal: Refusal | None = None) -> "Run":
        """This run at its end: done, or failed for a reason."""
        if refusal is not None:
            return replace(self._then("failed"), refusal=refusal, finished_at=now)
        return replace(self._then("done"), done=self.task.total, finished_at=now)

    def canceled(self, now: datetime) -> "Run":
        """This run as its owner wants no more of it."""
        return replace(self._then("canceled"), finished_at=now)

    def _then(self, status: Status) -> "Run":
        if status not in TRANSITIONS[self.status]:
            raise ImpossibleStep(f"run {self.id} is {self.status} and cannot become {status}")
        return replace(self, status=status)
