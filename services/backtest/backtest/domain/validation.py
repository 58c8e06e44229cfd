"""A choice of parameters tested on days it was not made on: by a walk or by folds, on one symbol or on a universe."""

from datetime import date

from quant.backtest import CrossValidation, WalkForward

from backtest.domain.ground import Ground
from backtest.domain.holdings import fold_universe, walk_universe
from backtest.domain.outcome import Tested
from backtest.domain.prices import Prices
from backtest.domain.run import Task
from backtest.domain.simulation import fold, walk


def validate(task: Task, ground: Ground) -> Tested:
    """Walk or fold, as the task says. ValueError for days that make no window, or too few for its folds."""
    dates = (ground.bars.dates if isinstance(ground, Prices) else ground.days).tolist()
    if task.search.walk is not None:
        walked = walk(task, ground) if isinstance(ground, Prices) else walk_universe(task, ground)
        return _walked(walked, dates[task.search.walk.train :][: len(walked.equity)])
    return _folded(fold(task, ground) if isinstance(ground, Prices) else fold_universe(task, ground), dates)


def _walked(walked: WalkForward, dates: list[date]) -> Tested:
    windows = [
        {
            "train": [day.isoformat() for day in window.train],
            "test": [day.isoformat() for day in window.test],
            "parameters": window.parameters,
            "in_sample": window.in_sample,
            "out_of_sample": window.out_of_sample,
        }
        for window in walked.windows
    ]
    return Tested(walked.metrics, dates, walked.equity.tolist(), {"windows": windows})


def _folded(found: CrossValidation, dates: list[date]) -> Tested:
    folds = [
        {
            "test": [day.isoformat() for day in part.test],
            "parameters": part.parameters,
            "in_sample": part.in_sample,
            "out_of_sample": part.out_of_sample,
            "better_share": part.better_share,
        }
        for part in found.folds
    ]
    return Tested(found.metrics, dates, found.equity.tolist(), {"folds": folds, "overfitting": found.overfitting})
