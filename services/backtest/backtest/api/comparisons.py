"""/api/v1/backtest/compare: finished runs side by side."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from kit.auth import CurrentUser
from kit.db import OwnedSession
from kit.errors import responses
from pydantic import BaseModel, Field
from quant.markets.listing import Currency, Market

from backtest.api.figures import Metrics
from backtest.api.results import DOCUMENTED, finished
from backtest.domain.comparison import compare
from backtest.domain.run import Kind, RunId
from backtest.errors import NoSuchDetail
from backtest.store import results

RUNS_MAX = 10
DAYS_MAX = 20_000

router = APIRouter(prefix="/api/v1/backtest/compare", tags=["results"])


class CommonFigures(BaseModel):
    """What a run did on the days that all compared runs have. Fractions; null where a figure is not defined."""

    total_return: float | None
    cagr: float | None
    volatility: float | None
    sharpe: float | None
    sortino: float | None
    max_drawdown: float | None


class ComparedRun(BaseModel):
    """One of the runs: `metrics` are of its own days, `common` of those that all have; `worth` is 1 at the first."""

    id: UUID
    kind: Kind
    symbol: str
    market: Market
    entry: str
    currency: Currency
    first_date: date
    last_date: date
    fingerprint: str
    metrics: Metrics
    common: CommonFigures
    worth: list[float] = Field(description="At each of `dates`.")
    correlations: list[float | None] = Field(description="Of its daily returns with those of each run, in order.")


class ComparisonOut(BaseModel):
    """Runs side by side, in the order asked for. `days` is how many days all of them have."""

    days: int
    dates: list[date] = Field(description="At most 250 of these days, the first and the last among them.")
    items: list[ComparedRun]


@router.get("", responses={**DOCUMENTED, **responses(NoSuchDetail)})
async def compare_runs(
    session: OwnedSession,
    user: CurrentUser,
    runs: Annotated[list[UUID], Query(min_length=2, max_length=RUNS_MAX)],
) -> ComparisonOut:
    """Compare two to ten runs that have an equity: on the days that all of them have, each begins with 1."""
    found = [await finished(session, user.user_id, run_id) for run_id in dict.fromkeys(runs)]
    curves = [await results.list_equity(session, user.user_id, RunId(run.id), 0, DAYS_MAX) for run, _ in found]
    if len(curves) < 2:
        raise NoSuchDetail("A run is compared with another one: name two different ones.")
    for (run, _), curve in zip(found, curves, strict=True):
        if not curve:
            raise NoSuchDetail(f"The run {run.id} has no equity to compare: a sweep is many runs.")
    sides = compare(curves)
    if sides is None:
        raise NoSuchDetail("These runs have no three days in common: compare runs of overlapping days.")
    items = [
        ComparedRun(
            id=run.id,
            kind=run.task.kind,
            symbol=run.task.terms.listing.code,
            market=run.task.terms.listing.market,
            entry=run.task.rules.entry,
            currency=head.basis.currency,
            first_date=head.basis.first_date,
            last_date=head.basis.last_date,
            fingerprint=head.basis.fingerprint,
            metrics=Metrics.of(head.metrics, head.basis.currency),
            common=CommonFigures(**sides.figures[place]),
            worth=list(sides.worth[place]),
            correlations=list(sides.correlations[place]),
        )
        for place, (run, head) in enumerate(found)
    ]
    return ComparisonOut(days=sides.days, dates=list(sides.dates), items=items)
