"""/api/v1/backtest/{run,runs}: ask for a backtest, and list and remove what was asked for."""

from datetime import datetime
from typing import Self
from uuid import UUID

from fastapi import APIRouter
from kit.auth import CurrentUser
from kit.clock import now
from kit.db import OwnedSession
from kit.errors import AUTHENTICATED, responses
from kit.pagination import BadCursor, Page, PageRequest, encode_cursor
from pydantic import BaseModel
from quant.markets.listing import Market

from backtest.api.jobs import Job, JobError
from backtest.api.limits import RunLimits
from backtest.api.pages import id_in
from backtest.api.types import PeriodIn, Symbol
from backtest.domain.limits import NO_LIMITS
from backtest.domain.run import Engine, Kind, Run, RunId, Status
from backtest.domain.strategy import StrategyId
from backtest.errors import InvalidRule, RunNotFound, StillRunning, StrategyNotFound, TooManyRuns, TooManyTrials
from backtest.store import runs
from backtest.usecases.remove_run import remove_run
from backtest.usecases.request_backtest import Asked, Period, request_backtest

router = APIRouter(prefix="/api/v1/backtest", tags=["runs"])


class BacktestIn(PeriodIn):
    """A strategy to test. Commission, taxes and fees are those of each trade's date.

    A strategy with a portfolio has no `symbol` but a first and a last day; any other wants one.
    `compiled` takes them as rates and fills every order; `event_driven` sends each to the exchange of paper trading,
    after asking whether `risk_limits` let it through.
    """

    strategy_id: UUID
    symbol: Symbol | None = None
    engine: Engine = "compiled"
    risk_limits: RunLimits | None = None


class RunOut(BaseModel):
    """A run in a list; the symbol of a portfolio's is `*`."""

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
    "/run",
    status_code=202,
    responses={**AUTHENTICATED, **responses(StrategyNotFound, InvalidRule, TooManyRuns, TooManyTrials)},
)
async def run_backtest(body: BacktestIn, session: OwnedSession, user: CurrentUser) -> Job:
    """Ask for a backtest of a strategy as it is now. Follow it at `/backtest/jobs/{id}`."""
    period = Period(body.from_, body.to, body.initial_cash)
    limits = NO_LIMITS if body.risk_limits is None else body.risk_limits.limits
    asked = Asked(StrategyId(body.strategy_id), body.symbol, period, body.engine, limits)
    run = await request_backtest(session, user.user_id, asked, now())
    return Job.of(run)


@router.get("/runs", responses={**AUTHENTICATED, **responses(BadCursor)})
async def list_runs(page: PageRequest, session: OwnedSession, user: CurrentUser) -> Page[RunOut]:
    """List what you asked for, newest first."""
    before = id_in(page)
    found = await runs.list_page(session, user.user_id, None if before is None else RunId(before), page.limit + 1)
    shown = found[: page.limit]
    following = encode_cursor(str(shown[-1].id)) if len(found) > page.limit else None
    return Page(items=[RunOut.of(run) for run in shown], next_cursor=following)


@router.delete("/runs/{run_id}", status_code=204, responses={**AUTHENTICATED, **responses(RunNotFound, StillRunning)})
async def delete_run(run_id: UUID, session: OwnedSession, user: CurrentUser) -> None:
    """Forget a run that has ended, with everything it came to."""
    await remove_run(session, user.user_id, RunId(run_id))
