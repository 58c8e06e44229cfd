"""Recover attempts that got no answer: their process died, or their broker was silent."""

from datetime import datetime, timedelta

import structlog
from kit import context
from kit.errors import Unavailable

from broker.desk import Desk
from broker.domain.attempt import Attempt, ImpossibleTransition
from broker.store import system
from broker.usecases.submit_order import submit_order

ATTEMPTS_MAX = 200

log = structlog.get_logger()


async def recover_attempts(desk: Desk, moment: datetime) -> int:
    """Look for evidence about every old attempt without an answer; tell how many there were."""
    before = moment - timedelta(seconds=desk.settings.recover_after_seconds)
    async with desk.database.system() as session:
        stuck = await system.list_unsettled(session, before, ATTEMPTS_MAX)
    for attempt in stuck:
        await _recover(desk, attempt)
    return len(stuck)


async def _recover(desk: Desk, attempt: Attempt) -> None:
    context.correlation.set(attempt.correlation_id)
    context.causation.set(None)
    try:
        await submit_order(desk, attempt.intent, None)
    except (Unavailable, ImpossibleTransition) as failed:
        log.warning("attempt not recovered yet", order_id=str(attempt.intent.order_id), error=repr(failed))
