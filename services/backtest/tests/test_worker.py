"""Worker and computers as processes: they compute what was asked for, also after being killed in the middle."""

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from uuid import UUID, uuid4

import polars as pl
import pytest
from backtest.config import Settings
from backtest.domain.run import Run, RunId
from backtest.store import results, runs
from backtest.usecases.queue_run import queue_run
from kit.clock import now
from kit.db import Database
from kit.testing.serving import free_port

from services.backtest.tests.builders import A_BACKTEST, a_sweep, events_of
from services.backtest.tests.neighbours import SECRET, Neighbours

ROOT = Path(__file__).parents[3]
PATIENCE_SECONDS = 240
"""A computer takes six seconds of processor time to start; on a busy machine that is minutes."""
COMPUTER = ("-m", "backtest.compute")
TOGETHER = (str(ROOT / "tools" / "together.py"), "backtest")


@asynccontextmanager
async def a_worker(settings: Settings, log: Path, *command: str) -> AsyncIterator[asyncio.subprocess.Process]:
    told = settings.model_dump(mode="python") | {"worker_port": free_port(), "compute_port": free_port()}
    told |= {"service_secret": SECRET}
    for name in ("database_url", "system_database_url", "amqp_url", "redis_url"):
        told[name] = told[name].get_secret_value()
    environment = {f"BACKTEST_{name.upper()}": str(value) for name, value in told.items()}
    code = os.pathsep.join(str(ROOT / folder) for folder in ("libs/kit", "libs/quant", "services/backtest"))
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *(command or ("-m", "backtest.worker")),
            env={**os.environ, **environment, "PYTHONPATH": code},
            stdout=output,
            stderr=output,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            await process.wait()


async def until_status(database: Database, owner: UUID, run_id: RunId, status: str) -> Run:
    patience = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < patience:
        async with database.owned(owner) as session:
            run = await runs.find(session, owner, run_id)
        assert run is not None
        if run.status == status:
            return run
        await asyncio.sleep(0.05)
    raise AssertionError(f"the run never became {status}")


@pytest.mark.timeout(800)
@pytest.mark.requirement("R-2", "R-15")
async def test_a_run_whose_worker_is_killed_is_computed_by_the_next_one_and_ends_once(
    settings: Settings, database: Database, neighbours: Neighbours, tmp_path: Path
) -> None:
    owner, log = uuid4(), tmp_path / "worker.log"
    neighbours.held = threading.Event()
    async with database.owned(owner) as session:
        run = await queue_run(session, owner, A_BACKTEST, now())
    async with a_worker(settings, log) as first:
        await until_status(database, owner, run.id, "running")
        first.kill()
        await first.wait()
    neighbours.held.set()
    async with a_worker(settings, log) as second:
        await until_status(database, owner, run.id, "done")
        second.send_signal(signal.SIGTERM)
        assert await second.wait() == 0, log.read_text()
    finished = [data for kind, data in await events_of(database, owner) if kind == "backtest.run.finished.v1"]
    assert [fact["status"] for fact in finished] == ["done"]


async def until_some_are_done(database: Database, owner: UUID, run_id: RunId) -> None:
    patience = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < patience:
        async with database.owned(owner) as session:
            run = await runs.find(session, owner, run_id)
        if run is not None and 0 < run.done < run.task.total:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("no chunk was ever done, or all were at once")


@pytest.mark.timeout(800)
@pytest.mark.requirement("R-2", "R-15", "product 4: spread over workers by Celery on RabbitMQ")
async def test_a_sweep_whose_computer_is_killed_goes_on_at_another_and_has_every_trial_once(
    settings: Settings, database: Database, neighbours: Neighbours, tmp_path: Path
) -> None:
    owner, log = uuid4(), tmp_path / "computers.log"
    grid = {"fast": list(range(5, 105)), "slow": list(range(110, 210))}
    async with database.owned(owner) as session:
        run = await queue_run(session, owner, a_sweep(grid=grid), now())
    async with a_worker(settings, log) as worker:
        async with a_worker(settings, log, *COMPUTER) as first:
            await until_some_are_done(database, owner, run.id)
            first.kill()
            await first.wait()
        async with a_worker(settings, log, *COMPUTER) as second:
            done = await until_status(database, owner, run.id, "done")
            second.send_signal(signal.SIGTERM)
            assert await second.wait() == 0, log.read_text()
        worker.send_signal(signal.SIGTERM)
        assert await worker.wait() == 0, log.read_text()
    assert done.done == len(grid["fast"]) * len(grid["slow"])
    async with database.owned(owner) as session:
        body = await results.find_file(session, owner, run.id, results.TRIALS_FILE)
    trials = pl.read_parquet(BytesIO(body or b""))
    assert trials.select("fast", "slow").n_unique() == len(trials) == 10_000
    finished = [data for kind, data in await events_of(database, owner) if kind == "backtest.run.finished.v1"]
    assert [fact["status"] for fact in finished] == ["done"]


@pytest.mark.timeout(800)
async def test_one_container_for_api_worker_and_computer_does_what_three_do(
    settings: Settings, database: Database, neighbours: Neighbours, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a machine with little memory (deploy/small.yml)."""
    owner, log = uuid4(), tmp_path / "together.log"
    monkeypatch.setenv("API_OPTIONS", f"--factory --port {free_port()} --loop uvloop --no-access-log")
    async with database.owned(owner) as session:
        run = await queue_run(session, owner, a_sweep(grid={"fast": [5, 10], "slow": [110, 120]}), now())
    async with a_worker(settings, log, *TOGETHER) as whole:
        done = await until_status(database, owner, run.id, "done")
        whole.send_signal(signal.SIGTERM)
        assert await whole.wait() == 0, log.read_text()
    assert done.done == 4
