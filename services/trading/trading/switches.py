"""Keeps the kill switches: what a halt of many left open is canceled, and accounts without a heartbeat are halted.

It needs PostgreSQL and nothing else: neither quotes nor the bus. Any number of workers may do it at once, since each
account is locked while it is cleared, and clearing it again changes nothing.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog
from prometheus_client import Gauge

from trading.domain.halt import Halt
from trading.resources import Resources
from trading.stops import OUTAGES, others_go_on
from trading.store import system
from trading.usecases.cancel_orders import cancel_orders
from trading.usecases.trip_dead_man import trip_dead_man

CLEARED_AT_ONCE = 100
LOOK_SECONDS = 1.0
SKEW_SECONDS_MAX = 2.0
"""Beyond this the clock of this machine is worth a line in the log; beyond `clock_skew_max` no real money is risked."""

clock_skew_seconds = Gauge("clock_skew_seconds", "This process's clock minus the database's")

Clock = Callable[[], datetime]

log = structlog.get_logger()


async def keep_switches(resources: Resources, clock: Clock) -> None:
    """Look every second, until cancelled."""
    while True:
        try:
            await look(resources, clock)
        except OUTAGES as away:
            log.warning("switches are not kept for a moment", error=repr(away))
        await asyncio.sleep(LOOK_SECONDS)


async def look(resources: Resources, clock: Clock) -> None:
    """Clear what is halted, trip what is overdue, and compare the clocks."""
    async with resources.database.system() as session:
        read_at = await system.read_clock(session)
        skew = (clock() - read_at).total_seconds()
        halts = await system.list_halts(session)
        overdue = await system.list_dead_men(session)
    clock_skew_seconds.set(skew)
    if abs(skew) > SKEW_SECONDS_MAX:
        log.error("this machine's clock differs from the database's", seconds=round(skew, 1))
    for halt in halts:
        await _clear(resources, halt, clock)
    for whose in overdue:
        with others_go_on(account_id=whose.account_id):
            async with resources.database.owned(whose.owner) as session:
                withdrawn = await trip_dead_man(session, whose.owner, whose.account_id, clock())
            if withdrawn is not None:
                log.warning("no heartbeat: halted", account_id=str(whose.account_id), withdrawn=withdrawn)


async def _clear(resources: Resources, halt: Halt, clock: Clock) -> None:
    """Withdraw what is open under a halt of many, some accounts at a time."""
    async with resources.database.system() as session:
        accounts = await system.list_accounts_to_clear(session, halt, most=CLEARED_AT_ONCE)
    for owner, account_id in accounts:
        with others_go_on(account_id=account_id):
            async with resources.database.owned(owner) as session:
                await cancel_orders(session, owner, account_id, clock(), halt.withdraws, "trading_halted")
