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
from backtest.api.limits import RefusalsOut, RunLimits
from backtest.api.pages import number_in
from backtest.api.plan import RulesOut, shown
from backtest.api.types import amount
from backtest.domain.run import Engine, Objective, Run, RunId
from backtest.domain.strategy import FeeSchedule
from backtest.errors import NotFinished, RunFailed, RunNotFound
from backtest.store import results, runs
from backtest.store.results import REFUSED

TOP_TRIALS = 20
SKILL_MIN = 0.95
LUCK = (
    "The best of {trials:,} trials is no better than luck makes the best of so many: the probability that it has skill "
    "is {chance:.0%}, and below 95 % nobody should trade it."
)

router = APIRouter(prefix="/api/v1/backtest/results/{run_id}", tags=["results"])
DOCUMENTED = {**AUTHENTICATED, **responses(RunNotFound, NotFinished, RunFailed)}
PAGED = {**DOCUMENTED, **responses(BadCursor)}


class Assumptions(BaseModel):
    """What the simulation took for granted."""

    currency: Currency
    initial_cash: Money
    board: Board | None = Field(description="Null for a universe.")
    instrument: InstrumentKind | None = Field(description="Null for a universe.")
    engine: Engine
    fee_schedule: FeeSchedule
    costs_by: Literal["date"] = Field(description="Commission, taxes and fees are those of each trade's date.")
    fills: Literal["next_open"] = Field(description="Signals at a close fill at the next open at which it trades.")
    slippage: float
    volume_share: Money | None = Field(description="The part of a bar's volume that may be ours; null for no bound.")
    risk_limits: RunLimits | None = Field(description="What every order had to keep; null for no limits.")


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
    refused: RefusalsOut


class SweepResult(Result):
    """What a sweep came to: the best trials; the best 5,000 are at `…/trials`, all in `…/files/trials.parquet`.

    The `symbol` of a portfolio's is `*`, and its `bars` are days.

    `deflated_sharpe` is the probability that the best has skill, given how many were tried; below 0.95 it is luck.
    """

    kind: Literal["optimize"]
    objective: Objective
    trials: int
    best: TrialOut
    items: list[TrialOut]
    deflated_sharpe: float | None
    warning: str | None


class PortfolioAssumptions(BaseModel):
    """What the simulation of a portfolio took for granted."""

    currency: Currency
    initial_cash: Money
    engine: Engine
    fee_schedule: FeeSchedule
    costs_by: Literal["date"] = Field(description="Commission and taxes are those of each trade's date and board.")
    fills: Literal["next_open"] = Field(description="Choices at a close are traded at the next open, sales first.")
    slippage: float
    volume_share: Money | None = Field(description="The part of a bar's volume that may be ours; null for no bound.")
    risk_limits: RunLimits | None = Field(description="What every order had to keep; null for no limits.")
    delisted: Literal["last_close"] = Field(description="What is still held when a symbol leaves is paid at its last.")


class PortfolioResult(RulesOut):
    """What holding the best of a universe came to. `turnover` is of the whole time, over the mean equity.

    `symbols` had bars, those that left the exchange among them; `chosen` are those of the last of the `choices`, best
    first; `settled_cash` has changed hands by the last close.
    """

    kind: Literal["portfolio"]
    id: UUID
    market: Market
    strategy_id: UUID | None
    first_date: date
    last_date: date
    days: int
    assumptions: PortfolioAssumptions
    fingerprint: str
    metrics: Metrics
    costs: Money
    unfilled: int = Field(description="Orders of which something stayed open: at a price limit, or beyond the volume.")
    refused: RefusalsOut
    symbols: int
    choices: int
    chosen: list[str]
    turnover: float
    settled_cash: Money


class WindowOut(BaseModel):
    """One step of a walk: first and last day of both parts, what was chosen, and the total returns of both."""

    train: tuple[date, date]
    test: tuple[date, date]
    parameters: dict[str, int | float]
    in_sample: float
    out_of_sample: float


class WalkResult(Result):
    """What choices of parameters earned on the days after them; figures and equity are of these days only."""

    kind: Literal["walk_forward"]
    objective: Objective
    metrics: Metrics
    windows: list[WindowOut]


class FoldOut(BaseModel):
    """One part: its days, what was best on all others, its figure there and here, the share of trials better here."""

    test: tuple[date, date]
    parameters: dict[str, int | float]
    in_sample: float
    out_of_sample: float
    better_share: float


class FoldsResult(Result):
    """What choices made on all other days earned on each part; `overfitting` is the share of choices no better than
    most.
    """

    kind: Literal["cross_validate"]
    objective: Objective
    metrics: Metrics
    folds: list[FoldOut]
    overfitting: float


@router.get("", responses=DOCUMENTED)
async def get_result(
    run_id: UUID, session: OwnedSession, user: CurrentUser
) -> Annotated[BacktestResult | SweepResult | WalkResult | FoldsResult | PortfolioResult, Field(discriminator="kind")]:
    """Show what a run came to."""
    run, head = await finished(session, user.user_id, run_id)
    if run.task.kind == "portfolio":
        return _portfolio_result(run, head)
    currency, objective = head.basis.currency, run.task.objective
    metrics, common = Metrics.of(head.metrics, currency), _common(run, head)
    if objective is None:
        costs = amount(head.costs or 0.0, currency)
        known = {"strategy_id": run.strategy_id, "metrics": metrics, "costs": costs, "unfilled": head.unfilled}
        return BacktestResult(kind="backtest", refused=RefusalsOut.of(head.details), **known, **common)
    if run.task.kind == "walk_forward":
        windows = head.details["windows"]
        return WalkResult(kind="walk_forward", objective=objective, metrics=metrics, windows=windows, **common)
    if run.task.kind == "cross_validate":
        return FoldsResult(kind="cross_validate", objective=objective, metrics=metrics, **head.details, **common)
    best = await results.list_trials(session, user.user_id, run.id, 0, TOP_TRIALS)
    items = [TrialOut.of(rank, trial, currency) for rank, trial in best]
    chance = head.details.get("deflated_sharpe")
    return SweepResult(
        kind="optimize",
        objective=objective,
        trials=run.task.total,
        best=items[0],
        items=items,
        deflated_sharpe=chance,
        warning=None if chance is None or chance >= SKILL_MIN else LUCK.format(trials=run.task.total, chance=chance),
        **common,
    )


@router.get("/trades", responses=PAGED)
async def list_trades(run_id: UUID, page: PageRequest, session: OwnedSession, user: CurrentUser) -> Page[TradeOut]:
    """List a backtest's trades in order; a sweep has none."""
    run, head = await finished(session, user.user_id, run_id)
    found = await results.list_trades(session, user.user_id, RunId(run_id), number_in(page), page.limit + 1)
    code, currency = run.task.terms.listing.code, head.basis.currency
    items = [TradeOut.of(number, trade, code, currency) for number, trade in found[: page.limit]]
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


def _portfolio_result(run: Run, head: results.Head) -> PortfolioResult:
    task, basis = run.task, head.basis
    details = {name: value for name, value in head.details.items() if name != REFUSED}
    assumptions = PortfolioAssumptions(
        currency=basis.currency,
        initial_cash=task.terms.initial_cash,
        engine=task.engine,
        fee_schedule=task.rules.fee_schedule,
        costs_by="date",
        fills="next_open",
        slippage=float(task.rules.slippage),
        volume_share=task.rules.volume_share,
        risk_limits=RunLimits.of(task.limits),
        delisted="last_close",
    )
    return PortfolioResult(
        kind="portfolio",
        id=run.id,
        market=task.terms.listing.market,
        strategy_id=run.strategy_id,
        first_date=basis.first_date,
        last_date=basis.last_date,
        days=basis.bars,
        assumptions=assumptions,
        fingerprint=basis.fingerprint,
        metrics=Metrics.of(head.metrics, basis.currency),
        costs=amount(head.costs or 0.0, basis.currency),
        unfilled=head.unfilled,
        refused=RefusalsOut.of(head.details),
        settled_cash=amount(details.pop("settled_cash"), basis.currency),
        **details,
        **shown(task.rules),
    )


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
        risk_limits=RunLimits.of(task.limits),
    )
    return {
        "id": run.id,
        "symbol": task.terms.listing.code,
        "market": task.terms.listing.market,
        **shown(task.rules),
        "first_date": basis.first_date,
        "last_date": basis.last_date,
        "bars": basis.bars,
        "assumptions": assumptions,
        "fingerprint": basis.fingerprint,
    }
