"""The steps of a run: the whole table of them."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from backtest.domain.run import OVERDUE, TRANSITIONS, ImpossibleStep, Status

from services.backtest.tests.builders import a_run, a_sweep

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
STEPS = {
    "running": lambda run: run.begun(),
    "done": lambda run: run.ended(NOON),
    "failed": lambda run: run.ended(NOON, OVERDUE),
}


@pytest.mark.requirement("R-5")
@pytest.mark.parametrize("status", TRANSITIONS)
@pytest.mark.parametrize("step", STEPS)
def test_a_run_takes_the_steps_of_the_table_and_no_others(status: Status, step: Status) -> None:
    run = replace(a_run(), status=status)
    if step in TRANSITIONS[status]:
        assert STEPS[step](run).status == step
    else:
        with pytest.raises(ImpossibleStep):
            STEPS[step](run)


def test_a_run_that_begins_again_begins_from_nothing() -> None:
    run = replace(a_run(a_sweep()), status="running", done=4)
    assert run.begun().done == 0


def test_a_done_run_has_done_all_it_had_to() -> None:
    done = a_run(a_sweep()).begun().ended(NOON)
    assert (done.done, done.finished_at, done.refusal) == (6, NOON, None)


def test_a_failed_run_says_why() -> None:
    assert a_run().ended(NOON, OVERDUE).refusal == OVERDUE
