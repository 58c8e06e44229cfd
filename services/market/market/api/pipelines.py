"""Pipelines: what was done for each trading day, and doing it again or for days of the past."""

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from kit.auth import Admin
from kit.clock import now
from kit.db import SystemSession
from kit.errors import AUTHENTICATED, FieldError, responses
from kit.ids import new_id
from kit.pagination import PAGE_SIZE_MAX, Page
from pydantic import BaseModel, ConfigDict, Field
from quant.markets.calendar import sessions_between
from quant.markets.listing import Market

from market.domain.pipeline import CHAIN, DAYS_AT_ONCE_MAX, USUAL, Pipeline, Run, RunId, RunStatus
from market.errors import BadRange
from market.store import pipelines

router = APIRouter(prefix="/api/v1/market", tags=["market"])


class RunsWanted(BaseModel):
    """Which pipelines to run for which days, both included; days without a session are passed over."""

    model_config = ConfigDict(extra="forbid")

    market: Market = "KRX"
    first: Annotated[date, Field(examples=["2026-11-16"])]
    last: Annotated[date, Field(examples=["2026-11-20"])]
    pipelines: Annotated[list[Pipeline], Field(min_length=1, max_length=len(CHAIN))] = list(USUAL)


class RunView(BaseModel):
    """One pipeline of one market for one day; `done` of `total` tells how far a running one is."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    pipeline: Pipeline
    market: Market
    day: date
    status: RunStatus
    attempts: int
    not_before: datetime
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    done: int
    total: int
    report: dict[str, Any]
    error: str | None


class RunsAccepted(BaseModel):
    """How many runs wait now."""

    days: int
    runs: int


@router.post("/pipelines", status_code=202, responses={**AUTHENTICATED, **responses(BadRange)})
async def request_runs(_admin: Admin, session: SystemSession, body: RunsWanted) -> RunsAccepted:
    """Run pipelines for days of the past, or again; those that wait or run already are left as they are."""
    if body.first > body.last or (body.last - body.first).days >= DAYS_AT_ONCE_MAX:
        message = f"ask for 1 to {DAYS_AT_ONCE_MAX} days, the first before the last"
        wrong = FieldError(field="first", message=message, code=BadRange.CODE)
        raise BadRange(f"The days {body.first} to {body.last} cannot be asked for.", errors=[wrong])
    try:
        days = sessions_between(body.market, body.first, body.last)
    except ValueError as unknown:
        wrong = FieldError(field="first", message=str(unknown), code=BadRange.CODE)
        raise BadRange("The calendar does not know these days.", errors=[wrong]) from unknown
    moment = now()
    chosen = [pipeline for pipeline in CHAIN if pipeline in body.pipelines]
    runs = [
        Run(RunId(new_id()), pipeline, body.market, day, "waiting", 0, moment, moment)
        for day in days
        for pipeline in chosen
    ]
    if runs:
        await pipelines.save_new(session, runs, again=True)
    return RunsAccepted(days=len(days), runs=len(runs))


@router.get("/pipelines", responses=AUTHENTICATED)
async def list_runs(
    _admin: Admin,
    session: SystemSession,
    market: Market | None = None,
    first: date = date.min,
    last: date = date.max,
    limit: Annotated[int, Query(ge=1, le=PAGE_SIZE_MAX)] = 50,
) -> Page[RunView]:
    """List runs of a span of days, the newest day first."""
    found = await pipelines.list_newest(session, limit, market, (first, last))
    return Page(items=[_view(run) for run in found], next_cursor=None)


def _view(run: Run) -> RunView:
    values = {name: getattr(run, name) for name in RunView.model_fields if name != "id"}
    return RunView(id=str(run.id), **values)
