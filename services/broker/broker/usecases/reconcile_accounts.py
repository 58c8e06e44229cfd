"""Read the account behind every connection when it is due, so that trading can compare: one worker does it for all."""

import asyncio
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog
from kit.errors import Unavailable
from prometheus_client import Counter

from broker.adapters.line import KeyRefused
from broker.adapters.port import LineFailure
from broker.desk import Desk
from broker.domain.account_report import is_due
from broker.domain.order import OwnerId
from broker.store import system
from broker.store.system import Connected
from broker.usecases.announce_refusal import announce_refusal
from broker.usecases.report_account import Whose, report_account

READ_SECONDS_MAX: Final = 60
READS_AT_ONCE: Final = 20
CONNECTIONS_MAX: Final = 1_000

accounts_read = Counter("broker_accounts_read_total", "Accounts read at their broker", ["broker", "outcome"])

log = structlog.get_logger()


async def reconcile_accounts(desk: Desk, read: dict[tuple[OwnerId, UUID], datetime]) -> None:
    """Read those that are due now; `read` says when each was read last, whatever came of it."""
    assert desk.lines is not None, "a desk that reads accounts can open lines to them"
    now = desk.clock()
    async with desk.database.system() as session:
        found = await system.list_connections(session, CONNECTIONS_MAX)
    turns = asyncio.Semaphore(READS_AT_ONCE)

    async def look(each: Connected) -> None:
        async with turns:
            await _read(desk, each)

    async with asyncio.TaskGroup() as group:
        for each in found:
            able = desk.lines.of(each.owner, each.connection, each.broker, each.environment).capabilities
            last = read.get((each.owner, each.connection))
            if any(is_due(market, last, now, is_asked_for=each.is_asked_for) for market in able.markets):
                read[each.owner, each.connection] = now
                group.create_task(look(each))


async def _read(desk: Desk, each: Connected) -> None:
    assert desk.lines is not None
    remote = desk.lines.of(each.owner, each.connection, each.broker, each.environment)
    whose = Whose(each.owner, each.connection, remote)
    try:
        async with asyncio.timeout(READ_SECONDS_MAX):
            seen = await report_account(desk.database, whose, desk.clock())
    except KeyRefused as refused:
        accounts_read.labels(each.broker, "refused").inc()
        async with desk.database.system() as session:
            await announce_refusal(session, whose, str(refused), desk.clock())
        return
    except (LineFailure, Unavailable, TimeoutError, OSError) as failed:
        accounts_read.labels(each.broker, "failed").inc()
        log.warning("an account could not be read", connection=str(each.connection), error=repr(failed))
        return
    accounts_read.labels(each.broker, seen.outcome).inc()
