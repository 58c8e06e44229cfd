"""The computer process, `python -m backtest.compute`: takes tickets, and computes the chunks whose turn it is.

Any number may run, on any machine that reaches the database and the message bus. One process computes one chunk at a
time, in its main thread, so that a chunk can be interrupted; more processes compute more.
"""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

import structlog
import uvicorn
from celery import Celery, Task
from celery.exceptions import Reject
from celery.signals import worker_ready
from fastapi import FastAPI
from kit.clock import now
from kit.errors import Unavailable
from kit.health import health_router
from kit.observe import configure_logging
from kit.settings import load
from quant.backtest import warm_up

from backtest.clients.tickets import TASK, Tickets, celery_app
from backtest.code_version import code_version
from backtest.config import Settings
from backtest.limits import bound_memory, bounded
from backtest.resources import open_database
from backtest.usecases.compute_chunk import compute_chunk
from backtest.workshop import Workshop

MEBIBYTE = 1 << 20
AWAY_SECONDS = 1.0

log = structlog.get_logger()


@dataclass
class Readiness:
    """Whether the queue is listened to."""

    listens: threading.Event = field(default_factory=threading.Event)

    async def ping(self) -> None:
        """Answer only if it is."""
        if not self.listens.is_set():
            raise Unavailable("the queue of tickets is not reached yet")


@dataclass(frozen=True)
class Shown:
    """What readiness is asked of."""

    queue: Readiness


async def work_off(workshop: Workshop, ticket: UUID) -> None:
    """Compute a ticket's chunk; while database or bus are away, wait: nothing is given up for that."""
    while True:
        try:
            await compute_chunk(workshop, ticket)
        except Unavailable as away:
            log.warning("a chunk waits", reason=str(away))
            await asyncio.sleep(AWAY_SECONDS)
        else:
            return


def register(app: Celery, compute: Callable[[UUID], None]) -> None:
    """Make tickets be worked off; what fails unexpectedly is tried again, as often as a chunk may be."""

    @app.task(name=TASK, bind=True)  # type: ignore[untyped-decorator]
    def take(task: Task) -> None:
        try:
            compute(UUID(task.request.id))
        except Exception as failed:
            log.exception("a chunk failed")
            raise Reject(str(failed), requeue=True) from failed


def show_health(port: int, host: str, readiness: Readiness) -> None:
    """Answer health and metrics from a thread, while the main one computes."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.state.resources = Shown(readiness)
    app.include_router(health_router())
    server = uvicorn.Server(uvicorn.Config(app, host=host, port=port, log_config=None, access_log=False))
    threading.Thread(target=server.run, name="health", daemon=True).start()


async def _no_history(*_asked: Any) -> None:
    raise AssertionError("a computer has its bars from the run")


def main() -> None:
    """Run until told to stop; the chunk under way is finished first."""
    configure_logging("backtest")
    settings = load(Settings)
    app = celery_app(settings.amqp_url.get_secret_value())
    tickets, readiness = Tickets(settings.amqp_url.get_secret_value()), Readiness()
    show_health(settings.compute_port, settings.worker_host, readiness)
    warm_up()
    bound_memory(settings.compute_memory_mib * MEBIBYTE)
    with asyncio.Runner() as runner:
        opened = open_database(settings)
        database = runner.run(opened.__aenter__())
        workshop = Workshop(
            database,
            _no_history,
            None,
            now,
            code_version(),
            tickets.hand_out,
            _no_history,
            partial(bounded, settings.compute_seconds),
        )
        register(app, lambda ticket: runner.run(work_off(workshop, ticket)))
        worker_ready.connect(lambda **_: readiness.listens.set(), weak=False)
        worker: Any = app.Worker(
            pool="solo",
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
            hostname=f"backtest-{settings.compute_port}@%h",
        )
        worker.start()
        runner.run(opened.__aexit__(None, None, None))


if __name__ == "__main__":
    main()
