"""/api/v1/backtest/results/{id}/…: a backtest as a page, and its trades and equity as files."""

from io import BytesIO
from typing import Any, Literal
from uuid import UUID

import polars as pl
from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse
from kit.auth import CurrentUser
from kit.db import OwnedSession
from kit.errors import responses

from backtest.api.results import DOCUMENTED, finished
from backtest.domain.outcome import TRADES_MAX
from backtest.domain.prices import BARS_MAX
from backtest.domain.report import Report, page
from backtest.domain.run import Run, RunId
from backtest.errors import NoSuchDetail
from backtest.store import results

router = APIRouter(prefix="/api/v1/backtest/results/{run_id}", tags=["results"])

File = Literal["trades.csv", "trades.parquet", "equity.csv", "equity.parquet", "trials.parquet"]
TYPES = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}
FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file",
        "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in TYPES.values()},
    }
}


@router.get("/report.html", response_class=HTMLResponse, responses=DOCUMENTED)
async def get_report(run_id: UUID, session: OwnedSession, user: CurrentUser) -> HTMLResponse:
    """Show a backtest as a page to read and print; a sweep has an empty one but for its best figures."""
    run, head = await finished(session, user.user_id, run_id)
    owner = user.user_id
    curve = await results.list_equity(session, owner, run.id, 0, BARS_MAX)
    trades = await results.list_trades(session, owner, run.id, 0, TRADES_MAX)
    cash = float(run.task.terms.initial_cash)
    report = Report(
        title=f"{_subject(run)} {head.basis.first_date} – {head.basis.last_date}",
        facts=_facts(run, head),
        figures={name: "–" if value is None else f"{value:,.4f}" for name, value in head.metrics.items()},
        dates=[day for day, _ in curve],
        equity=[cash, *(value for _, value in curve)],
        trades=[trade for _, trade in trades],
        closes=await results.find_closes(session, owner, run.id),
    )
    return HTMLResponse(page(report))


@router.get("/files/{file}", response_class=Response, responses={**DOCUMENTED, **responses(NoSuchDetail), **FILES})
async def get_file(run_id: UUID, file: File, session: OwnedSession, user: CurrentUser) -> Response:
    """Download trades or equity at each close, as CSV or Parquet, empty for a sweep; or all trials of a sweep."""
    await finished(session, user.user_id, run_id)
    what, _, form = file.partition(".")
    headers = {"Content-Disposition": f'attachment; filename="{run_id}-{file}"'}
    if what == "trials":
        kept = await results.find_file(session, user.user_id, RunId(run_id), file)
        if kept is None:
            raise NoSuchDetail("Only a sweep has trials, and its file is kept since runs are divided into chunks.")
        return Response(kept, media_type=TYPES[form], headers=headers)
    if what == "trades":
        found = await results.list_trades(session, user.user_id, RunId(run_id), 0, TRADES_MAX)
        names = list(results.TRADE_FIELDS)
        rows = [[number, *(getattr(trade, name) for name in names)] for number, trade in found]
        table = pl.DataFrame(rows, schema=["number", *names], orient="row")
    else:
        curve = await results.list_equity(session, user.user_id, RunId(run_id), 0, BARS_MAX)
        table = pl.DataFrame(curve, schema=["date", "equity"], orient="row")
    body = BytesIO()
    if form == "csv":
        table.write_csv(body)
    else:
        table.write_parquet(body)
    return Response(body.getvalue(), media_type=TYPES[form], headers=headers)


def _subject(run: Run) -> str:
    listing = run.task.terms.listing
    return listing.code if run.task.rules.portfolio is None else f"Portfolio · 포트폴리오 {listing.market}"


def _ranking(run: Run) -> dict[str, str]:
    portfolio = run.task.rules.portfolio
    if portfolio is None:
        return {}
    ranking = ", ".join(f"{ranked.weight} x {ranked.factor}" for ranked in portfolio.ranking)
    held = f"{portfolio.positions} positions, chosen every {portfolio.every}, tolerance {portfolio.tolerance}"
    return {"ranking": ranking, "holdings": held}


def _facts(run: Run, head: results.Head) -> dict[str, str]:
    task, basis, rules = run.task, head.basis, run.task.rules
    return {
        "entry": rules.entry,
        "exit": rules.exit,
        "stop loss, take profit, trailing stop": f"{rules.stop_loss}, {rules.take_profit}, {rules.trailing_stop}",
        "holding bars": str(rules.holding_bars),
        "initial cash": f"{task.terms.initial_cash:,} {basis.currency}",
        "portion of the cash": str(rules.portion),
        "engine": task.engine,
        "fees": f"{rules.fee_schedule}, {basis.board or 'each board'} {basis.kind or ''}, by date",
        **_ranking(run),
        "slippage": str(rules.slippage),
        "share of the volume": str(rules.volume_share),
        "orders not filled whole": str(head.unfilled),
        "daily bars": str(basis.bars),
        "fingerprint": basis.fingerprint,
    }
