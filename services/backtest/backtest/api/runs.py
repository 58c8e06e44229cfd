"""/api/v1/backtest/{run,optimize,runs}: ask for a backtest or a sweep, and list what was asked for."""

from datetime import date, datetime
from decimal import Decimal
from typing import Self
from uuid import UUID

from fastapi import APIRouter
from kit.auth import CurrentUser
from kit.clock import now
from kit.db import OwnedSession
from kit.errors import AUTHENTICATED, responses
from kit.pagination import BadCursor, Page, PageRequest, encode_cursor
from pydantic import BaseModel, ConfigDict, Field, model_validator
from quant.markets.listing import Market

from backtest.api.jobs import Job, JobError
from backtest.api.pages import id_in
from backtest.api.plan import RulesIn
from backtest.api.types import InitialCash, Parameters, Symbol
from backtest.domain.run import Engine, Kind, Objective, Run, RunId, Status, Task, Terms
from backtest.domain.strategy import StrategyId
from backtest.errors import InvalidRule, StrategyNotFound, TooManyRuns
from backtest.store import runs
from backtest.usecases.request_backtest import Asked, request_backtest
from backtest.usecases.request_sweep import request_sweep

INITIAL_CASH_DEFAULT = Decimal(10_000_000)

router = APIRouter(prefix="/api/v1/backtest", tags=["runs"])


class TermsIn(BaseModel):
    """What is traded, over which days (both included; all there are, if not said), with how much."""

    model_config = ConfigDict(extra="forbid")

    symbol: Symbol
    from_: date | None = Field(default=None, alias="from")
    to: date | None = None
    initial_cash: InitialCash = INITIAL_CASH_DEFAULT

    @model_validator(mode="after")
    def _days_rise(self) -> Self:
        if self.from_ and self.to and self.to <= self.from_:
            raise ValueError("`to` must be later than `from`")
        return self

    @property
    def terms(self) -> Terms:
        return Terms(self.symbol, self.initial_cash, self.from_, self.to)


class BacktestIn(TermsIn):
    """A strategy to test. Commission, taxes and fees are those of each trade's date.

    `compiled` takes them as rates and fills every order; `event_driven` sends each to the exchange of paper trading.
    """

    strategy_id: UUID
    engine: Engine = "compiled"


class SweepIn(TermsIn, RulesIn):
    """Rule templates with parameters in braces, and the values to try: `sma({fast}) > sma({slow})`."""

    parameters: Parameters
    objective: Objective = "total_return"

    @property
    def task(self) -> Task:
        return Task(self.terms, self.rules, self.parameters, self.objective)


class RunOut(BaseModel):
    """A run in a list."""

    id: UUID
    kind: Kind
    status: Status
    strategy_id: UUID | None
    symbol: str
    market: Market
    error: JobError | None
    requested_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, run: Run) -> Self:
        refusal, listing = run.refusal, run.task.terms.listing
        return cls(
            id=run.id,
            kind=run.task.kind,
            status=run.status,
            strategy_id=run.strategy_id,
            symbol=listing.code,
            market=listing.market,
            error=None if refusal is None else JobError(code=refusal.code, detail=refusal.detail),
            requested_at=run.requested_at,
            finished_at=run.finished_at,
        )


@router.post(
    "/run", status_code=202, responses={**AUTHENTICATED, **responses(StrategyNotFound, InvalidRule, TooManyRuns)}
)
async def run_backtest(body: BacktestIn, session: OwnedSession, user: CurrentUser) -> Job:
    """Ask for a backtest of a strategy as it is now. Follow it at `/backtest/jobs/{id}`."""
    asked = Asked(StrategyId(body.strategy_id), body.terms, body.engine)
    run = await request_backtest(session, user.user_id, asked, now())
    return Job.of(run)


@router.post("/optimize", status_code=202, responses={**AUTHENTICATED, **responses(InvalidRule, TooManyRuns)})
async def optimize(body: SweepIn, session: OwnedSession, user: CurrentUser) -> Job:
    """Ask for a sweep: at most 5,000 combinations. Follow it at `/backtest/jobs/{id}`."""
    return Job.of(await request_sweep(session, user.user_id, body.task, now()))


@router.get("/runs", responses={**AUTHENTICATED, **responses(BadCursor)})
async def list_runs(page: PageRequest, session: OwnedSession, user: CurrentUser) -> Page[RunOut]:
    """List what you asked for, newest first."""
    before = id_in(page)
    found = await runs.list_page(session, user.user_id, None if before is None else RunId(before), page.limit + 1)
    shown = found[: page.limit]
    following = encode_cursor(str(shown[-1].id)) if len(found) > page.limit else None
    return Page(items=[RunOut.of(run) for run in shown], next_cursor=following)
