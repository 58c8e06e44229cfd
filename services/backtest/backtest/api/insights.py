"""/api/v1/backtest/results/{id}/…: heat maps of sweeps, and the same trades in other luck."""

from typing import Annotated
from uuid import UUID

import numpy as np
from fastapi import APIRouter, Query
from kit.auth import CurrentUser
from kit.db import OwnedSession
from kit.errors import responses
from kit.money import Money
from pydantic import BaseModel, Field
from quant.backtest import DRAWS_MAX, redraw_trades

from backtest.api.results import DOCUMENTED, finished
from backtest.api.types import SEED_MAX, ParameterName, amount
from backtest.domain.prices import BARS_MAX
from backtest.domain.run import Objective, RunId
from backtest.errors import NoSuchDetail
from backtest.store import results
from backtest.trials_file import CELLS_MAX, heat_map

router = APIRouter(prefix="/api/v1/backtest/results/{run_id}", tags=["results"])
ASKED = {**DOCUMENTED, **responses(NoSuchDetail)}


class HeatMap(BaseModel):
    """The best figure among all trials with each pair of values: a row for each `y`, a column for each `x`."""

    figure: Objective
    x: list[int | float]
    y: list[int | float]
    cells: list[list[float | None]] = Field(description="Null where nothing was tried, or the figure is undefined.")


class Spread(BaseModel):
    """What 5, 50 and 95 of a hundred draws stayed below."""

    low: float
    middle: float
    high: float


class MoneySpread(BaseModel):
    """The same in the market's currency."""

    low: Money
    middle: Money
    high: Money


class MonteCarlo(BaseModel):
    """The same trades drawn anew, with repetition, each on the whole account."""

    draws: int
    trades: int
    equity_final: MoneySpread
    max_drawdown: Spread
    loss_share: float = Field(description="The share of draws that lost money.")


@router.get("/heatmap", responses=ASKED)
async def get_heat_map(
    run_id: UUID,
    session: OwnedSession,
    user: CurrentUser,
    x: ParameterName,
    y: ParameterName,
    figure: Objective = "sharpe",
) -> HeatMap:
    """Show a sweep as a map over two of its parameters: a good choice lies among good neighbours."""
    run, _ = await finished(session, user.user_id, run_id)
    grid = run.task.grid
    body = await results.find_file(session, user.user_id, RunId(run_id), results.TRIALS_FILE)
    if body is None or grid is None:
        raise NoSuchDetail("Only a sweep has a heat map.")
    if x == y or x not in grid or y not in grid:
        raise NoSuchDetail(f"`x` and `y` are two different parameters of this sweep, out of {', '.join(sorted(grid))}.")
    if (count := len(grid[x]) * len(grid[y])) > CELLS_MAX:
        raise NoSuchDetail(f"The map would have {count:,} cells and may have {CELLS_MAX:,}; take the file of trials.")
    columns, rows = sorted(grid[x]), sorted(grid[y])
    return HeatMap(figure=figure, x=columns, y=rows, cells=heat_map(body, (x, columns), (y, rows), figure))


@router.get("/monte-carlo", responses=ASKED)
async def get_monte_carlo(
    run_id: UUID,
    session: OwnedSession,
    user: CurrentUser,
    draws: Annotated[int, Query(ge=1, le=DRAWS_MAX)] = 1_000,
    seed: Annotated[int, Query(ge=0, le=SEED_MAX)] = 0,
) -> MonteCarlo:
    """Draw a backtest's closed trades again and again: how much of its result was the order and the luck of them."""
    run, head = await finished(session, user.user_id, run_id)
    if run.task.rules.portfolio is not None:
        raise NoSuchDetail("Trades of a portfolio overlap: drawing them one after another would say nothing.")
    trades = [trade for _, trade in await results.list_trades(session, user.user_id, RunId(run_id), 0, BARS_MAX)]
    rates = np.array([trade.profit_rate for trade in trades if trade.reason != "open"])
    if not len(rates):
        raise NoSuchDetail("There are no closed trades to draw from: only a backtest that traded has them.")
    drawn = redraw_trades(rates, float(run.task.terms.initial_cash), draws, seed)
    low, middle, high = (amount(figure, head.basis.currency) for figure in drawn.final)
    return MonteCarlo(
        draws=draws,
        trades=len(rates),
        equity_final=MoneySpread(low=low, middle=middle, high=high),
        max_drawdown=Spread(low=drawn.drawdown[0], middle=drawn.drawdown[1], high=drawn.drawdown[2]),
        loss_share=drawn.loss_share,
    )
