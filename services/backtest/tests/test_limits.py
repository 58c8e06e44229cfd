"""What one may use of a computer: time and memory end a part with a reason, and what was reckoned before is enough."""

import os
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from textwrap import dedent
from uuid import uuid4

import pytest
from backtest.domain.budget import MEMORY_MAX, beyond_budget, memory_of
from backtest.domain.prices import Prices, examine
from backtest.domain.search import chunks_of, combinations_of
from backtest.domain.simulation import try_some
from backtest.domain.table import packed, table_of
from backtest.limits import OutOfBounds
from backtest.workshop import Workshop

from services.backtest.tests.builders import a_history, a_sweep, terms
from services.backtest.tests.people import executed

pytestmark = pytest.mark.requirement("R-35")
MEBIBYTE = 1 << 20
WITHIN = """
    import numpy as np
    from backtest.limits import OutOfBounds, bound_memory, bounded

    bound_memory({memory})
    try:
        with bounded({seconds}):
            {work}
    except OutOfBounds as ended:
        print(ended.code)
    print(np.ones({memory} // 16).nbytes)
"""


@pytest.mark.parametrize(
    ("seconds", "work", "code"),
    [(0.05, "while True: pass", "too_slow"), (60, "np.ones(64 * 1024 * 1024)", "too_large")],
)
def test_work_beyond_its_time_or_memory_ends_with_a_reason_and_the_computer_goes_on(
    seconds: float, work: str, code: str
) -> None:
    """In a process of its own, since it bounds itself."""
    program = dedent(WITHIN).format(memory=128 * MEBIBYTE, seconds=seconds, work=work)
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=paths, capture_output=True, text=True, check=True, timeout=100)
    assert done.stdout.split() == [code, str(64 * MEBIBYTE)]


@pytest.mark.parametrize("code", ["too_slow", "too_large"])
async def test_a_part_that_wanted_too_much_ends_its_run_with_the_reason(workshop: Workshop, code: str) -> None:
    @contextmanager
    def tight() -> Iterator[None]:
        raise OutOfBounds(code, "One part of this run wanted more than it may have.")
        yield

    run = await executed(replace(workshop, bounds=tight), uuid4(), a_sweep())
    assert run.refusal is not None
    assert (run.status, run.refusal.code) == ("failed", code)


def test_a_chunk_takes_no_more_memory_than_was_reckoned_before_it_began() -> None:
    grid = {"fast": list(range(5, 45)), "slow": list(range(50, 90))}
    task, prices = a_sweep(grid=grid), examine(terms(), a_history(count=3_000))
    assert isinstance(prices, Prices)
    size = next(chunks_of(grid, task.search, len(prices.bars)))[1]
    combinations = combinations_of(grid, task.search, 0, size)
    try_some(task, prices, combinations[:1])  # what is compiled or imported once is nobody's
    tracemalloc.start()
    try:
        packed(table_of(grid, try_some(task, prices, combinations)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < memory_of(task, len(prices.bars))


def test_what_needs_too_much_memory_is_not_begun_and_says_how_many_bars_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    task, prices = a_sweep(), examine(terms(), a_history(count=300))
    assert isinstance(prices, Prices)
    assert beyond_budget(task, prices) is None
    monkeypatch.setattr("backtest.domain.budget.MEMORY_MAX", memory_of(task, 200))
    refused = beyond_budget(task, prices)
    assert refused is not None
    assert refused.code == "too_large"
    assert "ask for 200 bars or fewer" in refused.detail
    assert memory_of(task, 12_000) < MEMORY_MAX
