"""/api/v1/backtest/results: what a finished run came to."""

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter
from kit.auth import CurrentUser
from kit.db import OwnedSession, Session
from kit.errors import AUTHENTICATED, responses
from kit.money import Money
from kit.pagination import BadCursor, Page, PageRequest, encode_cursor
from pydantic import BaseModel, Field
from quant.markets.listing import Board, Currency, Market
from quant.markets.listing import Kind as InstrumentKind

from backtest.api.figures import EquityPoint, Metrics, TradeOut, TrialOut
from backtest.api.pages import number_in
from backtest.api.plan import RulesOut
from backtest.api.types import amount
from backtest.domain.run import Engine, Objective, Run, RunId
from backtest.domain.strategy import FeeSchedule
from backtest.errors import NotFinished, RunFailed, RunNotFound
from backtest.store import results, runs

TOP_TRIALS = 20

router = APIRouter(prefix="/api/v1/backtest/results/{run_id}", tags=["results"])
DOCUMENTED = {**AUTHENTICATED, **responses(RunNotFound, NotFinished, RunFailed)}
PAGED = {**DOCUMENTED, **responses(BadCursor)}


class Assumptions(BaseModel):
    """What the simulation took for granted."""

    currency: Currency
    initial_cash: Money
    board: Board
    instrument: InstrumentKind
    engine: Engine
    fee_schedule: FeeSchedule
    costs_by: Literal["date"] = Field(description="Commission, taxes and fees are those of each trade's date.")
    fills: Literal["next_open"] = Field(description="Signals at a close fill at the next open at which it trades.")
    slippage: float
    volume_share: Money | None = Field(description="The part of a bar's volume that may be ours; null for no bound.")


class Result(RulesOut):
    """What every result says. Equal fingerprints: equal data, request and code, and equal figures to the bit."""

    id: UUID
    symbol: str
    market: Market
    first_date: date
    last_date: date
    bars: int
    assumptions: Assumptions
    fingerprint: str


class BacktestResult(Result):
    """What a backtest came to; `costs` are all commissions and taxes paid."""

    kind: Literal["backtest"]
    strategy_id: UUID | None
    metrics: Metrics
    costs: Money
    unfilled: int = Field(description="Orders of which something stayed open: at a price limit, or beyond the volume.")


class SweepResult(Result):
    """What a sweep came to: the best trials; all of them are at `…/trials`."""

    kind: Literal["optimize"]
    objective: Objective
    trials: int
    best: TrialOut
    items: list[TrialOut]


@router.get("", responses=DOCUMENTED)
async def get_result(
    run_id: UUID, session: OwnedSession, user: CurrentUser
) -> Annotated[BacktestResult | SweepResult, Field(discriminator="kind")]:
    """Show what a run came to."""
    run, head = await finished(session, user.user_id, run_id)
    currency = head.basis.currency
    if run.task.objective is None:
        return BacktestResult(
            kind="backtest",
            strategy_id=run.strategy_id,
            metrics=Metrics.of(head.metrics, currency),
            costs=amount(head.costs or 0.0, currency),
            unfilled=head.unfilled,
            **_common(run, head),
        )
    best = await results.list_trials(session, user.user_id, run.id, 0, TOP_TRIALS)
    items = [TrialOut.of(rank, trial, currency) for rank, trial in best]
    return SweepResult(
        kind="optimize",
        objective=run.task.objective,
        trials=run.task.total,
        best=items[0],
        items=items,
        **_common(run, head),
    )


@router.get("/trades", responses=PAGED)
async def list_trades(run_id: UUID, page: PageRequest, session: OwnedSession, user: CurrentUser) -> Page[TradeOut]:
    """List a backtest's trades in order; a sweep has none."""
    _, head = await finished(session, user.user_id, run_id)
    found = await results.list_trades(session, user.user_id, RunId(run_id), number_in(page), page.limit + 1)
    items = [TradeOut.of(number, trade, head.basis.currency) for number, trade in found[: page.limit]]
    return Page(items=items, next_cursor=_following(len(found), page.limit, number_in(page)))


@router.get("/equity", responses=PAGED)
async def list_equity(run_id: UUID, page: PageRequest, session: OwnedSession, user: CurrentUser) -> Page[EquityPoint]:
    """List the equity of a backtest at each close, oldest first; a sweep has none."""
    _, head = await finished(session, user.user_id, run_id)
    found = await results.list_equity(session, user.user_id, RunId(run_id), number_in(page), page.limit + 1)
    currency = head.basis.currency
    items = [EquityPoint(date=day, equity=amount(equity, currency)) for day, equity in found[: page.limit]]
    return Page(items=items, next_cursor=_following(len(found), page.limit, number_in(page)))


@router.get("/trials", responses=PAGED)
async def list_trials(run_id: UUID, page: PageRequest, session: OwnedSession, user: CurrentUser) -> Page[TrialOut]:
    """List all trials of a sweep, the best first; a backtest has none."""
    _, head = await finished(session, user.user_id, run_id)
    found = await results.list_trials(session, user.user_id, RunId(run_id), number_in(page), page.limit + 1)
    items = [TrialOut.of(rank, trial, head.basis.currency) for rank, trial in found[: page.limit]]
    return Page(items=items, next_cursor=_following(len(found), page.limit, number_in(page)))


async def finished(session: Session, owner: UUID, run_id: UUID) -> tuple[Run, results.Head]:
    """A run that ended well, and what it came to; the errors say why there is none."""
    run = await runs.find(session, owner, RunId(run_id))
    if run is None:
        raise RunNotFound("You have no run with this id.")
    if run.refusal is not None:
        raise RunFailed(run.refusal.detail, reason=run.refusal.code)
    head = await results.find(session, owner, run.id)
    if head is None:
        raise NotFinished(
            f"The run is {run.status}; follow it at /api/v1/backtest/jobs/{run_id}.", run_status=run.status
        )
    return run, head


def _following(found: int, limit: int, before: int) -> str | None:
    return encode_cursor(before + limit) if found > limit else None


def _common(run: Run, head: results.Head) -> dict[str, Any]:
    """What every result says: the fields of `Result`."""
    task, basis = run.task, head.basis
    assumptions = Assumptions(
        currency=basis.currency,
        initial_cash=task.terms.initial_cash,
        board=basis.board,
        instrument=basis.kind,
        engine=task.engine,
        fee_schedule=task.rules.fee_schedule,
        costs_by="date",
        fills="next_open",
        slippage=float(task.rules.slippage),
        volume_share=task.rules.volume_share,
    )
    return {
        "id": run.id,
        "symbol": task.terms.listing.code,
        "market": task.terms.listing.market,
        **{name: getattr(task.rules, name) for name in RulesOut.model_fields},
        "first_date": basis.first_date,
        "last_date": basis.last_date,
        "bars": basis.bars,
        "assumptions": assumptions,
        "fingerprint": basis.fingerprint,
    }
