"""What trials are computed on: the bars of one symbol, or those of a universe; one set of words for both."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from math import isfinite, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from quant.backtest import Universe, deflated_sharpe
from quant.bars import FIELDS, Bars
from quant.markets.listing import currency_of, market_of
from quant.panel import Panel
from quant.performance import SESSIONS_PER_YEAR, returns_of

from backtest.domain.fingerprint import basis_of, basis_of_many
from backtest.domain.grid import filled_rules
from backtest.domain.holdings import hold, hold_some
from backtest.domain.outcome import Basis, Trial
from backtest.domain.prices import Prices
from backtest.domain.run import Task
from backtest.domain.search import UNIVERSE_CHUNK_CELLS, chunks_of
from backtest.domain.simulation import simulate, try_some

Ground = Prices | Universe
_COLUMN = "column_"


def pieces_of(task: Task, ground: Ground) -> list[tuple[int, int]]:
    """(first trial, number of trials) of each chunk that a task is divided into."""
    assert task.grid is not None, "only what tries combinations is divided"
    if isinstance(ground, Prices):
        return list(chunks_of(task.grid, task.search, len(ground.bars)))
    return list(chunks_of(task.grid, task.search, len(ground.panel.dates), UNIVERSE_CHUNK_CELLS))


def try_on(task: Task, ground: Ground, combinations: Sequence[Mapping[str, float]]) -> list[Trial]:
    """Simulate a task's templates with some combinations. RuleError for one that does not compile."""
    return (try_some if isinstance(ground, Prices) else hold_some)(task, ground, combinations)  # type: ignore[arg-type]


def basis_on(task: Task, ground: Ground, code_version: str) -> Basis:
    """What a result of this task on this ground rests on."""
    if isinstance(ground, Prices):
        return basis_of(task, ground, code_version)
    return basis_of_many(task, ground, code_version)


def filled_with(task: Task, parameters: Mapping[str, float]) -> Task:
    """The backtest of one combination of a sweep."""
    return replace(task, rules=filled_rules(task.rules, parameters), grid=None, objective=None)


def luck_of(task: Task, ground: Ground, best: Mapping[str, float], sharpes: Sequence[float]) -> dict[str, object]:
    """How likely the best of many trials has skill: `sharpes` are a year's, of all trials."""
    chosen = filled_with(task, best)
    done = simulate(chosen, ground) if isinstance(ground, Prices) else hold(chosen, ground)
    returns = returns_of(np.array([float(task.terms.initial_cash), *done.equity]))
    chance = deflated_sharpe(returns, [value / sqrt(SESSIONS_PER_YEAR) for value in sharpes])
    return {"deflated_sharpe": chance if isfinite(chance) else None, "trials": len(sharpes)}


def material_of(ground: Ground) -> bytes:
    """Bars and what decides their costs, as bytes that give them back to the bit."""
    body = BytesIO()
    if isinstance(ground, Prices):
        columns = {name: getattr(ground.bars, name) for name in FIELDS}
        listed = np.array([ground.board, ground.kind])
        np.savez_compressed(body, dates=_days(ground.bars.dates), listed=listed, **columns)
        return body.getvalue()
    panel = ground.panel
    frame: dict[str, Any] = {f"{_COLUMN}{name}": values for name, values in panel.frame.items()}
    np.savez_compressed(
        body,
        dates=_days(panel.dates),
        symbols=np.array(panel.symbols),
        starts=panel.starts,
        boards=np.array(ground.boards),
        kinds=np.array(ground.kinds),
        delisted=_days(ground.delisted),
        **frame,
    )
    return body.getvalue()


def ground_of(material: bytes) -> Ground:
    """The ground a material was made of."""
    with np.load(BytesIO(material), allow_pickle=False) as stored:
        dates = stored["dates"].astype("datetime64[D]")
        if "listed" in stored:
            board, kind = stored["listed"].tolist()
            bars = Bars.of(dates, {name: stored[name] for name in FIELDS})
            return Prices(bars, board, kind, currency_of(market_of(board)))
        frame = {name.removeprefix(_COLUMN): stored[name] for name in stored.files if name.startswith(_COLUMN)}
        panel = Panel(tuple(stored["symbols"].tolist()), stored["starts"], dates, frame)
        left = stored["delisted"].astype("datetime64[D]")
        return Universe(panel, stored["boards"].tolist(), stored["kinds"].tolist(), left)


def _days(dates: NDArray[np.datetime64]) -> NDArray[np.int64]:
    """Days as numbers; NaT has one as well."""
    return dates.astype("datetime64[D]").astype(np.int64)
