"""The worker's shell: it says how it is, and ends when it is told to, whatever its tasks do."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass

import httpx
import pytest
from kit.testing.serving import free_port
from kit.worker import SHUTDOWN_SECONDS, run_tasks

DEAF = textwrap.dedent(
    """
    import asyncio, sys
    from kit.worker import run_tasks

    async def deaf():
        print("works", flush=True)
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                print("swallowed", flush=True)

    async def falls():
        await asyncio.sleep(0.5)
        raise RuntimeError("a task that falls")

    asyncio.run(run_tasks(object(), 0, [deaf(), *([falls()] if "falls" in sys.argv else [])]))
    """
)


@pytest.mark.parametrize("how", ["told", "falls"])
def test_a_task_that_swallows_its_cancellation_keeps_no_process_alive(how: str) -> None:
    roots = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", DEAF, how], stdout=subprocess.PIPE, text=True, env=roots) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "works\n"
        began = time.monotonic()
        if how == "told":
            worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=SHUTDOWN_SECONDS + 20) == 1
        assert time.monotonic() - began >= SHUTDOWN_SECONDS, "the others get their time first"
        assert "swallowed" in worker.stdout.read()


@dataclass
class Wobbly:
    """What a worker needs, and does not always have."""

    here: bool = True

    async def ping(self) -> None:
        if not self.here:
            raise ConnectionError


@dataclass
class Resources:
    """What a worker has."""

    wobbly: Wobbly


async def test_a_worker_is_ready_while_what_it_needs_is_there_and_needs_no_keys() -> None:
    resources, port = Resources(Wobbly()), free_port()
    working = asyncio.create_task(run_tasks(resources, port, [asyncio.sleep(60)]))
    transport = httpx.AsyncHTTPTransport(retries=10)
    try:
        async with httpx.AsyncClient(transport=transport, base_url=f"http://127.0.0.1:{port}") as http:
            assert (await http.get("/health/ready")).json() == {"status": "ok"}
            resources.wobbly.here = False
            ready = await http.get("/health/ready")
        assert (ready.status_code, ready.json()["failures"]) == (503, {"wobbly": "ConnectionError"})
    finally:
        signal.raise_signal(signal.SIGTERM)
        await working
