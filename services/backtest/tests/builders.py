"""Valid things by default; a test names what matters to it."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from backtest.domain.grid import Grid
from backtest.domain.prices import History
from backtest.domain.run import Objective, Run, RunId, Task, Terms
from backtest.domain.strategy import Content, Rules
from kit.clock import now
from kit.db import Database
from kit.ids import new_id
from quant.markets.symbols import normalise
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


async def events_of(database: Database, owner: UUID) -> list[tuple[str, dict[str, Any]]]:
    async with database.system() as session:
        found = await session.execute(
            text("SELECT type, data FROM events WHERE owner_id = :owner ORDER BY position"), {"owner": owner}
        )
        return [(row.type, row.data) for row in found]
