"""The worker process, `python -m backtest.worker`: computes requested runs, publishes events, ends overdue runs."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, nullcontext

import httpx
import structlog
import uvloop
from kit.clock import now
from kit.consumer import Consumer
from kit.db import Database
from kit.errors import Unavailable
from kit.observe import configure_logging
from kit.relay import Relay
from kit.service_tokens import ServiceTokens
from kit.settings import load
from kit.trust import trust
from kit.worker import run_tasks
from quant.backtest import warm_up

from backtest.clients.market import Market
from backtest.clients.tickets import Tickets
from backtest.code_version import code_version
from backtest.config import Settings
from backtest.resources import open_database
from backtest.subscriptions import subscriptions
from backtest.usecases.expire_runs import expire_runs
from backtest.workshop import Workshop

TIMEOUTS = httpx.Timeout(10.0, connect=2.0)
CONNECTIONS = httpx.Limits(max_connections=8, max_keepalive_connections=4)
EXPIRY_SECONDS = 60

log = structlog.get_logger()


@asynccontextmanager
async def open_workshop(settings: Settings) -> AsyncIterator[Workshop]:
    """Connect everything a run needs; portions under way are waited for at the end, later ones dropped."""
    pool = ThreadPoolExecutor(settings.compute_threads, thread_name_prefix="compute")
    try:
        async with (
            open_database(settings) as database,
            httpx.AsyncClient(verify=trust(), timeout=TIMEOUTS, limits=CONNECTIONS) as http,
        ):
            tokens = ServiceTokens(http, settings.auth_url, "backtest", settings.service_secret.get_secret_value())
            market = Market(http, settings.market_url, tokens)
            tickets = Tickets(settings.amqp_url.get_secret_value())
            yield Workshop(
                database,
                market.history_of,
                pool,
                now,
                code_version(),
                tickets.hand_out,
                market.universe_of,
                nullcontext,
            )
    finally:
        pool.shutdown(cancel_futures=True)


async def end_overdue_runs(database: Database) -> None:
    """Look for overdue runs every minute, as long as the worker runs."""
    while True:
        try:
            async with database.system() as session:
                await expire_runs(session, now())
        except Unavailable as down:
            log.warning("overdue runs are not looked for", reason=str(down))
        await asyncio.sleep(EXPIRY_SECONDS)


async def main() -> None:
    """Run until told to stop."""
    configure_logging("backtest")
    settings = load(Settings)
    async with open_workshop(settings) as workshop:
        asyncio.get_running_loop().run_in_executor(
            workshop.pool, warm_up
        )  # the engine compiles while the worker connects, not in somebody's first run
        relay = Relay(settings, workshop.database, subscriptions.consumer)
        consumer = Consumer(subscriptions, workshop, settings.amqp_url.get_secret_value())
        tasks = [relay.run(), consumer.run(), end_overdue_runs(workshop.database)]
        await run_tasks(workshop, settings.worker_port, tasks, settings.worker_host)


if __name__ == "__main__":
    uvloop.run(main())
