"""A replay's life: which steps are possible, and where the wall clock says it is."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest
from kit.ids import new_id
from market.domain.replay import (
    HOLD_OPEN_MAX,
    PULSE,
    TRANSITIONS,
    ImpossibleChange,
    Replay,
    ReplayId,
    is_over,
    next_due,
    stop_of,
    tick_due,
)

BEGAN = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
WAITING = Replay(
    id=ReplayId(new_id()),
    market="KRX",
    symbols=("005930",),
    trading_date=date(2024, 12, 16),
    duration_seconds=10,
    ticks_per_symbol=20,
    hold_open=False,
    status="waiting",
    requested_by=new_id(),
    requested_at=BEGAN,
    started_at=None,
    finished_at=None,
)
RUNNING = WAITING.then("running", BEGAN)


@pytest.mark.parametrize(("before", "after"), list(product(TRANSITIONS, TRANSITIONS)))
def test_only_the_steps_of_the_table_are_possible(before: str, after: str) -> None:
    replay = replace(WAITING, status=before)
    if after in TRANSITIONS[before]:
        assert replay.then(after, BEGAN).status == after
    else:
        with pytest.raises(ImpossibleChange):
            replay.then(after, BEGAN)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("waiting", "stopped"),
        ("running", "stopping"),
        ("stopping", "stopping"),
        ("finished", "finished"),
        ("stopped", "stopped"),
    ],
)
def test_asking_to_stop_is_always_allowed(before: str, after: str) -> None:
    assert stop_of(replace(WAITING, status=before), BEGAN).status == after


@pytest.mark.parametrize(("seconds", "tick"), [(-5, 0), (0, 0), (0.49, 0), (0.5, 1), (9.99, 19), (10, 19), (500, 19)])
def test_the_wall_clock_says_which_tick_is_due(seconds: float, tick: int) -> None:
    assert tick_due(RUNNING, BEGAN + timedelta(seconds=seconds)) == tick


def test_a_replay_is_over_after_its_duration_unless_it_is_held_open() -> None:
    end = BEGAN + timedelta(seconds=10)

    assert not is_over(RUNNING, end - timedelta(milliseconds=1))
    assert is_over(RUNNING, end)
    assert not is_over(replace(RUNNING, hold_open=True), end)
    assert is_over(replace(RUNNING, hold_open=True), end + HOLD_OPEN_MAX)


def test_the_next_quote_is_due_with_the_next_tick_and_within_a_pulse() -> None:
    slow = replace(RUNNING, duration_seconds=3_600)
    moment = BEGAN + timedelta(milliseconds=700)

    assert next_due(RUNNING, moment) == BEGAN + timedelta(seconds=1)
    assert next_due(slow, moment) == moment + PULSE
    assert next_due(RUNNING, BEGAN + timedelta(seconds=60)) == BEGAN + timedelta(seconds=60) + PULSE
