"""Watch the connections that orders went through lately: hear what their brokers tell, for as long as they may."""

import asyncio
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from kit.errors import Unavailable

from broker.adapters.port import LineFailure
from broker.desk import Desk
from broker.domain.order import Environment, OwnerId
from broker.store import system
from broker.usecases.report_executions import report_executions

LOOK_SECONDS: Final = 1
IN_USE_FOR: Final = timedelta(days=7)
"""The brokers' orders end with their day; this outlives the longest closure."""
CONNECTIONS_MAX: Final = 1_000

log = structlog.get_logger()


async def watch_connections(desk: Desk) -> None:
    """Hear the reports of every connection in use, for ever; one that was taken away is heard no more."""
    watched: dict[tuple[OwnerId, UUID], asyncio.Task[None]] = {}
    try:
        while True:
            async with desk.database.system() as session:
                since = desk.clock() - IN_USE_FOR
                found = await system.list_connections_in_use(session, since, CONNECTIONS_MAX)
            wanted = {(owner, connection): (broker, environment) for owner, connection, broker, environment in found}
            for gone in watched.keys() - wanted.keys():
                await _hang_up(desk, watched.pop(gone), *gone)
            for (owner, connection), where in wanted.items():
                known = watched.get((owner, connection))
                if known is None or known.done():
                    watched[owner, connection] = asyncio.create_task(_watch(desk, owner, connection, *where))
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        for task in watched.values():
            task.cancel()


async def _watch(desk: Desk, owner: OwnerId, connection: UUID, broker: str, environment: Environment) -> None:
    assert desk.lines is not None, "a desk that sent orders through connections can open them"
    try:
        await report_executions(desk, desk.lines.of(owner, connection, broker, environment))
    except (LineFailure, Unavailable, OSError) as failed:
        log.warning("a connection is not heard", connection=str(connection), broker=broker, error=repr(failed))


async def _hang_up(desk: Desk, watching: "asyncio.Task[None]", owner: OwnerId, connection: UUID) -> None:
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    if desk.lines is not None:
        await desk.lines.hang_up(owner, connection)
