"""Valid things by default; a test names what matters to it."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
from backtest.domain.grid import Grid
from backtest.domain.prices import History
from backtest.domain.run import Objective, Run, RunId, Task, Terms
from backtest.domain.strategy import FIGURES, Content, Rules
from kit.clock import now
from kit.db import Database
from kit.ids import new_id
from quant.backtest import Universe
from quant.bars import FIELDS
from quant.markets.calendar import sessions_between
from quant.markets.symbols import normalise
from quant.panel import Panel
from sqlalchemy import text

from services.backtest.tests.neighbours import a_walk

ENTRY = "rsi(14) < 45 and sma(20) > sma(50)"
EXIT = "rsi(14) > 70"
CROSS = Rules("crosses_above(sma({fast}), sma({slow}))", "crosses_below(sma({fast}), sma({slow}))", None)


def rules(*, entry: str = ENTRY, leave: str = EXIT, stop_loss: str | None = "0.05") -> Rules:
    return Rules(entry, leave, None if stop_loss is None else Decimal(stop_loss))


def content(*, name: str = "RSI with the trend", **changed: Any) -> Content:
    return Content(name, "", rules(**changed))


def terms(
    symbol: str = "005930", *, start: date | None = None, end: date | None = None, cash: str = "10000000"
) -> Terms:
    return Terms(normalise(symbol), Decimal(cash), start, end)


A_BACKTEST = Task(terms(), rules())


def a_sweep(symbol: str = "005930", grid: Grid | None = None, objective: Objective = "total_return") -> Task:
    return Task(terms(symbol), CROSS, grid or {"fast": [5, 10, 20], "slow": [40, 60]}, objective)


def a_run(task: Task | None = None, *, at: datetime | None = None) -> Run:
    return Run.requested(RunId(new_id()), task or Task(terms(), rules()), at or now())


def a_history(seed: int = 7, count: int = 300, **changed: Any) -> History:
    bars = a_walk(seed, count)
    days = [date.fromisoformat(day) for day in bars.pop("date")]
    return History(days, bars, **changed)


def a_universe(symbols: int = 30, count: int = 600) -> Universe:
    """Many prices that wander, with figures of companies, on the exchange's own days."""
    days = sessions_between("KRX", date(2015, 1, 5), date(2018, 12, 28))[:count]
    walks = [a_walk(seed, count) for seed in range(symbols)]
    frame = {name: np.concatenate([walk[name] for walk in walks]).astype(float) for name in FIELDS}
    for place, figure in enumerate(sorted(FIGURES)):
        frame[figure] = np.repeat(np.arange(1.0, symbols + 1), count) + place
    names = [f"{number:06d}" for number in range(symbols) for _ in days]
    panel = Panel.of(names, np.tile(np.array(days, dtype="datetime64[D]"), symbols), frame)
    still = np.full(symbols, np.datetime64("NaT"), dtype="datetime64[D]")
    return Universe(panel, ["KOSPI"] * symbols, ["stock"] * symbols, still)


async def events_of(database: Database, owner: UUID) -> list[tuple[str, dict[str, Any]]]:
    async with database.system() as session:
        found = await session.execute(
            text("SELECT type, data FROM events WHERE owner_id = :owner ORDER BY position"), {"owner": owner}
        )
        return [(row.type, row.data) for row in found]
