"""What the worker does by itself, again and again: each due run happens once, whatever the number of workers.

A job is taken by writing its start into `jobs`; the worker that writes first has it. What was due while nothing ran is
done as soon as something does. A job that fails is logged and comes again in its turn: it must not take the relay and
the consumer with it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import structlog
from kit.belongings import list_old_leavers
from kit.events import record
from prometheus_client import Gauge

from trading.alarm_events import LedgerDisproved, OrderSilent
from trading.domain.order import Status
from trading.domain.settlement import MARKET_OF, last_close, local_day, market_day
from trading.resources import Resources
from trading.store import positions, system
from trading.store.belongings import BOOKS_KEPT
from trading.store.system import Due, Whose
from trading.store.tables import leavers
from trading.usecases.erase_owner import erase_owner
from trading.usecases.forget_books import forget_books
from trading.usecases.prove_account import prove_account
from trading.usecases.settle_account import settle_account
from trading.usecases.take_snapshot import Closing, take_snapshot

LOOK_SECONDS: Final = 5.0
SETTLE_EVERY: Final = timedelta(minutes=1)
ERASE_EVERY: Final = timedelta(seconds=5)
FORGET_EVERY: Final = timedelta(days=1)
PROVE_EVERY: Final = timedelta(hours=1)
WATCH: Final = "watch orders"
WATCH_EVERY: Final = timedelta(seconds=30)
WATCH_SLACK: Final = timedelta(seconds=1)
SILENT_AFTER: Final = timedelta(minutes=2)
"""A broker answers within seconds; unknown orders are settled by its own lists within a minute."""
SNAPSHOTS_EVERY: Final = timedelta(minutes=5)
AFTER_THE_CLOSE: Final = timedelta(minutes=10)
"""Until then the last quotes of a session are on their way."""

job_age_seconds = Gauge("job_age_seconds", "Since a job last came to its end", ["name"])
silent_order_seconds = Gauge("silent_order_seconds", "How long the most silent order waits for its broker's answer")
ledger_accounts_proved = Gauge("ledger_accounts_proved", "Accounts whose last proof held")
ledger_accounts_disproved = Gauge("ledger_accounts_disproved", "Accounts whose last proof did not hold")

log = structlog.get_logger()

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do every so often. `run` says in a few words what came of it."""

    name: str
    every: timedelta
    run: Callable[[Resources, datetime], Awaitable[str]]


async def run_job(resources: Resources, job: Job, clock: Clock) -> None:
    """Run a job whenever it is due, until cancelled."""
    while True:
        await run_if_due(resources, job, clock)
        await asyncio.sleep(LOOK_SECONDS)


async def run_if_due(resources: Resources, job: Job, clock: Clock) -> bool:
    """Run a job unless it ran less than its period ago, here or elsewhere; tell whether it ran to its end."""
    began = clock()
    try:
        async with resources.database.system() as session:
            mine = await system.lock_job(session, job.name, began, job.every)
            ended = await system.find_job_end(session, job.name)
        job_age_seconds.labels(job.name).set((began - ended).total_seconds() if ended else 0)
        if not mine:
            return False
        outcome = await job.run(resources, began)
        async with resources.database.system() as session:
            await system.save_job(session, job.name, outcome, clock())
    except Exception:
        log.exception("a job failed", job=job.name)
        return False
    job_age_seconds.labels(job.name).set(0)
    log.info("a job is done", job=job.name, outcome=outcome)
    return True


async def settle_accounts(resources: Resources, now: datetime) -> str:
    """Settle what the exchange's calendar, or the quotes of a replay, have made due."""
    settled, after = 0, None
    while True:
        async with resources.database.system() as session:
            page = await system.list_unsettled(session, after)
        if not page:
            return f"{settled} settled"
        quotes = await resources.quotes.find_many(sorted({item.symbol for item in page}))
        for item in page:
            quote = quotes.get(item.symbol)
            settled += await _settle(resources, item, [quote.trading_date] if quote else [], now)
        after = page[-1]


async def _settle(resources: Resources, item: Due, quoted: Sequence[date], now: datetime) -> int:
    day = market_day([item.replayed], quoted, local_day(item.currency, now))
    if day is None or item.settles_on > day:
        return 0
    async with resources.database.owned(item.owner) as session:
        done = await settle_account(session, item.owner, (item.account_id, item.currency), day, now)
    return int(done is not None)


async def take_snapshots(resources: Resources, now: datetime) -> str:
    """Value every account once for each session, as soon as its market has closed; what was missed stays a gap."""
    taken = 0
    for currency in MARKET_OF:
        day, closed_at = last_close(currency, now - AFTER_THE_CLOSE)
        after: Whose | None = None
        while True:
            async with resources.database.system() as session:
                page = await system.list_without_snapshot(session, currency, day, closed_at, after)
            for whose in page:
                async with resources.database.owned(whose.owner) as session:
                    held = await positions.list_symbols(session, whose.owner, whose.account_id)
                quotes = await resources.quotes.find_many(held)
                prices = {symbol: quote.price for symbol, quote in quotes.items()}
                wanted = Closing(account_id=whose.account_id, currency=currency, session_date=day)
                async with resources.database.owned(whose.owner) as session:
                    await take_snapshot(session, whose.owner, wanted, prices, now)
                taken += 1
            if len(page) < system.PAGE:
                break
            after = page[-1]
    return f"{taken} taken"


async def watch_orders(resources: Resources, now: datetime) -> str:
    """Say how long the most silent order has waited for its broker, and announce each that has waited too long.

    Each is announced as it crosses the line: no look is missed, and one at the seam of two looks may be told twice.
    """
    async with resources.database.system() as session:
        since = await system.find_silent_since(session)
        silent_order_seconds.set(max(0, (now - since).total_seconds()) if since else 0)
        looked = await system.find_job_end(session, WATCH)
        seam = looked - WATCH_SLACK if looked else now - WATCH_EVERY
        silent = await system.list_silent(session, heard_after=seam - SILENT_AFTER, heard_until=now - SILENT_AFTER)
        for order in silent:
            fact = OrderSilent(
                order_id=order.order_id,
                account_id=order.account_id,
                status=Status(order.status),
                heard_at=order.heard_at,
            )
            await record(session, fact, owner=order.owner)
    return f"{len(silent)} announced"


async def prove_accounts(resources: Resources, now: datetime) -> str:
    """Prove every account; one that does not hold is announced, so that somebody looks at it."""
    del now
    held, failed = 0, 0
    after: Whose | None = None
    while True:
        async with resources.database.system() as session:
            page = await system.list_accounts(session, after)
        if not page:
            break
        for whose in page:
            async with resources.database.system() as session:
                proof = await prove_account(session, whose.owner, whose.account_id)
            if proof.holds:
                held += 1
                continue
            failed += 1
            lines = [f"{line.what}: {line.rebuilt:f}, not {line.stored:f}" for line in proof.differences]
            log.error("the ledger disproves an account", account=str(whose.account_id), faults=[*lines, *proof.faults])
            async with resources.database.system() as session:
                fact = LedgerDisproved(account_id=whose.account_id, faults=len(lines) + len(proof.faults))
                await record(session, fact, owner=whose.owner)
        after = page[-1]
    ledger_accounts_proved.set(held)
    ledger_accounts_disproved.set(failed)
    return f"{held} hold, {failed} do not"


async def erase_leavers(resources: Resources, now: datetime) -> str:
    """Forget whoever has left and has nothing under way any more."""
    erased = 0
    async with resources.database.system() as session:
        waiting = await system.list_leavers(session)
    for owner in waiting:
        async with resources.database.system() as session:
            erased += await erase_owner(session, owner, now)
    return f"{erased} of {len(waiting)} forgotten"


async def forget_old_books(resources: Resources, now: datetime) -> str:
    """Delete the books of whoever left so long ago that no law wants them any more."""
    async with resources.database.system() as session:
        old = await list_old_leavers(session, leavers, now - BOOKS_KEPT)
    for owner in old:
        async with resources.database.system() as session:
            await forget_books(session, owner)
    return f"{len(old)} forgotten"
