"""The shell of a worker process: runs its tasks together, ends them together, and tells how it is."""

import asyncio
import os
import signal
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI

from kit.health import health_router, settle_memory

SHUTDOWN_SECONDS = 8

log = structlog.get_logger()


async def run_tasks(
    resources: Any, port: int, tasks: Sequence[Coroutine[Any, Any, None]], host: str = "127.0.0.1"
) -> None:
    """Run tasks until SIGTERM or SIGINT, or until one fails; serve health and metrics beside them.

    Args:
        resources: the service's resources; those with a `ping` decide readiness.
        port: where /health/live, /health/ready and /metrics answer.
        tasks: endless coroutines. One that ends or raises ends the process, so that the supervisor sees it.
        host: the address to listen on.
    """
    settle_memory()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = _Server(uvicorn.Config(_health(resources), host=host, port=port, log_config=None, access_log=False))
    running = [asyncio.create_task(task) for task in tasks]
    serving = asyncio.create_task(server.serve())
    stopping = asyncio.create_task(stop.wait())
    everything: list[asyncio.Task[Any]] = [*running, serving, stopping]
    finished, _ = await asyncio.wait(everything, return_when=asyncio.FIRST_COMPLETED)
    for task in running:
        task.cancel()
    server.should_exit = True
    _, hanging = await asyncio.wait([*running, serving], timeout=SHUTDOWN_SECONDS)
    if hanging:
        # whoever waits for a task that has swallowed its cancellation (asyncio.run does) waits for ever
        log.error("a task does not end; the process does", tasks=[str(task.get_coro()) for task in hanging])
        os._exit(1)
    stopping.cancel()
    for task in finished:
        if task in running:
            log.error("a task that should never end has ended", task=str(task.get_coro()))
            await task
            raise RuntimeError("a worker's task ended")


class _Server(uvicorn.Server):
    """A server that leaves the signals to us: they end the tasks first."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _health(resources: Any) -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.state.resources = resources
    app.include_router(health_router())
    return app
