"""Keeps facts and inbox by day: room for the days to come, and nothing that is older than it has to be.

Facts stay for a week after they were published: long enough to look at what happened, and far longer than a restore or
a repair sends them again. What was not published stays whatever its age. The ledger, orders and executions are books
and are kept whole (decision 99).
"""

from datetime import UTC, date, datetime, timedelta
from typing import Final

import structlog
from kit.db import Database
from prometheus_client import Gauge
from sqlalchemy.exc import DBAPIError

from trading.resources import Resources
from trading.store import days
from trading.store.days import KeptByDay

KEEP_EVERY: Final = timedelta(hours=1)
AHEAD_DAYS: Final = 3
KEPT_DAYS: Final[dict[KeptByDay, int]] = {"events": 7, "inbox": 14}
"""Days after the one a row was written on. A message's id is remembered for longer than any queue holds it."""
ONE: Final = timedelta(days=1)

days_ahead = Gauge("days_ahead", "Days to come that a table kept by day has room for", ["table"])

log = structlog.get_logger()


async def keep_days(resources: Resources, now: datetime) -> str:
    """Make the days to come, drop those that are over; what cannot be had now is done in an hour."""
    today, database = now.astimezone(UTC).date(), resources.database
    made = gone = 0
    for name, kept in KEPT_DAYS.items():
        made += await _make(database, name, today)
        gone += await _drop(database, name, today - ONE * kept)
    return f"{made} days made, {gone} dropped"


async def _make(database: Database, name: KeptByDay, today: date) -> int:
    made = 0
    for ahead in range(AHEAD_DAYS + 1):
        try:
            async with database.system() as session:
                made += await days.save_day(session, name, today + ONE * ahead)
        except DBAPIError as busy:  # somebody was in the way for half a second
            log.warning("a day is not made yet", table=name, ahead=ahead, error=str(busy.orig))
    async with database.system() as session:
        there = await days.list_days(session, name)
    days_ahead.labels(name).set(sum(1 for day in there if day > today))
    return made


async def _drop(database: Database, name: KeptByDay, before: date) -> int:
    async with database.system() as session:
        old = [day for day in await days.list_days(session, name) if day < before]
    gone = 0
    for day in old:
        try:
            async with database.system() as session:
                if name == "events" and await days.find_unsent(session, day, day + ONE):
                    log.error("facts of an old day were never published: it stays", day=str(day))
                    continue
                await days.delete_day(session, name, day)
                gone += 1
        except DBAPIError as busy:
            log.warning("an old day stays for now", table=name, day=str(day), error=str(busy.orig))
    while True:
        async with database.system() as session:
            if await days.delete_others(session, name, before) < days.PORTION:
                return gone
