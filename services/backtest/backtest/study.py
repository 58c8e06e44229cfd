"""A search that learns: Optuna's tree-structured Parzen estimator over the values of a grid."""

import warnings
from collections.abc import Sequence
from math import isnan

import optuna
from quant.bars import Series

from backtest.domain.grid import Grid
from backtest.domain.ground import Ground, try_on
from backtest.domain.outcome import Trial
from backtest.domain.run import Task
from backtest.domain.table import column, fulfilling, table_of, trial_of

STARTUP_TRIALS = 20
"""Drawn at random before there is anything to learn from."""

optuna.logging.set_verbosity(optuna.logging.WARNING)
warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)


def learn(task: Task, ground: Ground, known: Sequence[Series], count: int) -> list[Trial]:
    """Try `count` more combinations, chosen by what the known trials came to; equal knowledge, equal choice.

    A combination whose figure is undefined, or that breaks a constraint, is known to be no good.
    """
    grid = task.grid
    assert grid is not None, "a search has a grid"
    ranges = {name: optuna.distributions.IntDistribution(0, len(values) - 1) for name, values in grid.items()}
    sampler = optuna.samplers.TPESampler(seed=task.search.seed + len(known), n_startup_trials=STARTUP_TRIALS)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    for row in known:
        places = _places(grid, trial_of(grid, row))
        worth = _worth(task, row)
        state = optuna.trial.TrialState.FAIL if worth is None else optuna.trial.TrialState.COMPLETE
        study.add_trial(optuna.create_trial(state=state, value=worth, params=places, distributions=dict(ranges)))
    found = []
    for _ in range(count):
        asked = study.ask(dict(ranges))
        parameters = {name: values[asked.params[name]] for name, values in grid.items()}
        (trial,) = try_on(task, ground, [parameters])
        worth = _worth(task, table_of(grid, [trial])[0])
        if worth is None:
            study.tell(asked, state=optuna.trial.TrialState.FAIL)
        else:
            study.tell(asked, worth)
        found.append(trial)
    return found


def _places(grid: Grid, trial: Trial) -> dict[str, int]:
    return {name: list(values).index(trial.parameters[name]) for name, values in grid.items()}


def _worth(task: Task, row: Series) -> float | None:
    """The figure that is made as large as possible."""
    assert task.objective is not None, "a search has an objective"
    table = row.reshape(1, -1)
    value = float(column(table, task.objective)[0])
    return None if isnan(value) or not fulfilling(table, task.search)[0] else value
