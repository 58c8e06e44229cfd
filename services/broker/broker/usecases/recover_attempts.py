"""Recover attempts that got no answer: their process died, or their broker was silent.

Those of one connection go one after the other, since its key has turns and equal orders must not overtake each other; a
broker that is slow for one connection does not keep those of others waiting.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from kit import context
from kit.errors import Unavailable

from broker.desk import Desk
from broker.domain.attempt import Attempt, ImpossibleTransition
from broker.store import system
from broker.usecases.submit_order import submit_order

AT_ONCE = 200
"""How many are read at a time."""
SIDE_BY_SIDE_MAX = 8
"""Of how many connections attempts are looked for at once."""

log = structlog.get_logger()


async def recover_attempts(desk: Desk, moment: datetime) -> int:
    """Look for evidence about every old attempt without an answer; tell how many there were.

    Every one of them, however many there are: the oldest may be those whose broker never answers again.
    """
    before = moment - timedelta(seconds=desk.settings.recover_after_seconds)
    async with desk.database.system() as session:
        stuck = await system.list_unsettled(session, before, AT_ONCE)
    count = 0
    while stuck:
        await _recover_all(desk, stuck)
        count += len(stuck)
        last = stuck[-1]
        async with desk.database.system() as session:
            after = (last.begun_at, last.intent.order_id)
            stuck = await system.list_unsettled(session, before, AT_ONCE, after) if len(stuck) == AT_ONCE else []
    return count


async def _recover_all(desk: Desk, stuck: Sequence[Attempt]) -> None:
    """Look for them, those of each connection in order, several connections at once."""
    by_connection: dict[UUID | None, list[Attempt]] = {}
    for attempt in stuck:
        by_connection.setdefault(attempt.intent.connection_id, []).append(attempt)
    room = asyncio.Semaphore(SIDE_BY_SIDE_MAX)

    async def of_one(attempts: Sequence[Attempt]) -> None:
        async with room:
            for attempt in attempts:
                await _recover(desk, attempt)

    async with asyncio.TaskGroup() as group:
        for attempts in by_connection.values():
            group.create_task(of_one(attempts))


async def _recover(desk: Desk, attempt: Attempt) -> None:
    context.correlation.set(attempt.correlation_id)
    context.causation.set(None)
    try:
        await submit_order(desk, attempt.intent, None)
    except (Unavailable, ImpossibleTransition) as failed:
        log.warning("attempt not recovered yet", order_id=str(attempt.intent.order_id), error=repr(failed))
