"""The worker's shell: it ends when it is told to, whatever its tasks do."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest
from kit.worker import SHUTDOWN_SECONDS

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
