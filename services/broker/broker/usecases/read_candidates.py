"""Read what an order in doubt could be: the rows at its broker, now, that are like it and no other order's of ours."""

from kit.db import Database

from broker.adapters.port import Remote
from broker.domain.attempt import Attempt
from broker.domain.doubt import candidates_of
from broker.domain.order import Listed
from broker.store import system


async def read_candidates(database: Database, attempt: Attempt, remote: Remote) -> tuple[Listed, ...]:
    """The rows at the broker, now, that could be this order."""
    found = await remote.listed()
    async with database.system() as session:
        numbers = [each.broker_order_id for each in found]
        owners = await system.list_keys(session, attempt.broker, attempt.intent.connection_id, numbers)
    return candidates_of(attempt, found, owners)
