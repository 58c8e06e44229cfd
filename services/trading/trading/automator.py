"""Works off what automations have due, and watches over what they have: one worker at a time, through restarts.

An advisory lock on a connection of its own gives the right to work, and each taking of it begins a new epoch: a worker
that lost the lock without noticing can settle nothing any more, because every settlement names its epoch. What is due
is a row, settled once by the transaction that does it, so neither replicas nor restarts nor clocks make a run happen
twice; and a run that comes too late is written down as skipped.
"""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from time import monotonic
from typing import Any, Final
from uuid import UUID

import asyncpg
import structlog
from kit.ids import new_id
from quant.markets.calendar import next_session, previous_session
from quant.markets.listing import Market as MarketName
from redis.asyncio.client import PubSub

from trading.bar_shelf import BarShelf
from trading.chooser import judge_close
from trading.clients.market import History, UnexpectedAnswer, day_of
from trading.clients.quotes import CHANNELS, parse_quote
from trading.config import Settings
from trading.domain.automation import Phase, Status, appointments
from trading.domain.basket import MANY
from trading.domain.day import ZONES
from trading.domain.hook import HookId, named_in
from trading.domain.plan import Plan, Verdict
from trading.domain.quote import Quote
from trading.domain.signal import Signal, SignalId, SignalStatus
from trading.domain.trip import Trip
from trading.hands import OUTAGES, Hands, go_on
from trading.judging import by_symbol, is_moved, is_over, is_timely, judge_all, outcome_of, patience_for, plan_of
from trading.resources import Resources
from trading.store import signals
from trading.store.automation import system
from trading.store.automation.system import DueRun, Owned
from trading.store.runs import LEASE
from trading.usecases.evaluate_bars import Evaluated
from trading.usecases.expire_signal import expire_signal
from trading.usecases.miss_hook import miss_hook
from trading.usecases.rebalance import Chosen, rebalance
from trading.usecases.report_automation import Appointment, report_automation
from trading.usecases.take_alert import Queued, take_alert
from trading.usecases.watch_trip import watch_trip

LOOK_SECONDS: Final = 1.0
RETRY_SECONDS: Final = 1.0
GATHER_SECONDS: Final = 0.02
GATHERED_MAX: Final = 5
"""A close is many messages: more than that long after the last, and after that many, no more are waited for."""
LOOK_BACK: Final = timedelta(hours=12)
"""How far back appointments are looked for after a pause: older ones are of a day that is over."""
SALES_WAIT: Final = timedelta(minutes=5)
"""How long purchases of a portfolio wait for its sales; what does not trade is not sold today, and they go ahead."""
MARKETS: Final[tuple[MarketName, ...]] = ("KRX", "US")
LOCK_KEY: Final = int.from_bytes(hashlib.sha256(b"trading automations").digest()[:8], "big", signed=True)

Clock = Callable[[], datetime]
Settled = tuple[DueRun, str, dict[str, Any]]

log = structlog.get_logger()


class Automator:
    """Evaluates, acts and watches for the automations of everybody."""

    def __init__(self, settings: Settings, resources: Resources, clock: Clock) -> None:
        system_url = settings.system_database_url.get_secret_value()
        self._dsn = system_url.replace("postgresql+asyncpg://", "postgresql://")
        self._resources = resources
        self._now = clock
        self._shelf = BarShelf(resources.market)
        self._due = asyncio.Event()
        self._looking = asyncio.Lock()
        self._hands = Hands(resources, clock)
        self._kept: set[tuple[str, Phase, datetime]] = set()
        self._epoch = 0
        self._ready: dict[SignalId, datetime] = {}
        self._signals: dict[str, list[Owned[Signal]]] = {}
        self._trips: dict[str, list[Owned[Trip]]] = {}

    async def run(self) -> None:
        """Work until cancelled; begin again whenever the database or Redis goes away."""
        while True:
            try:
                await self._hold_the_lease()
            except* OUTAGES as lost:
                log.warning("automations wait for a moment", error=repr(lost.exceptions))
            await asyncio.sleep(RETRY_SECONDS)

    async def _hold_the_lease(self) -> None:
        connection = await asyncpg.connect(self._dsn, timeout=5, command_timeout=10)
        try:
            while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK_KEY):  # noqa: ASYNC110
                await asyncio.sleep(RETRY_SECONDS)
            await connection.add_listener(system.CHANNEL, lambda *_: self._due.set())
            await self.begin()
            async with self._resources.quotes.subscription() as channel:
                await channel.psubscribe(CHANNELS)
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._work(connection))
                    group.create_task(self._hear(channel))
        finally:
            connection.terminate()

    async def begin(self) -> None:
        """Begin a new epoch: from now on nobody with an older one settles anything."""
        async with self._resources.database.system() as session:
            self._epoch = await system.take_lease(session, LEASE, self._now())
        self._kept.clear()
        self._ready.clear()
        log.info("automations are worked off", epoch=self._epoch)

    async def _work(self, connection: "asyncpg.Connection[Any]") -> None:
        while True:
            self._due.clear()
            await connection.fetchval("SELECT 1")  # without this connection the right to work is gone
            await self.keep_appointments()
            began = monotonic()
            while await self.work_off() + await self.take_alerts():
                if monotonic() - began > LOOK_SECONDS:  # a flood of work keeps nobody from being watched
                    self._due.set()
                    break
            await self.look()
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._due.wait()
                await self._gather()
            except TimeoutError:
                continue

    async def _gather(self) -> None:
        """Let a close be told of as a whole: what comes while its first bars are acted on waits for the end of that."""
        for _ in range(GATHERED_MAX):
            self._due.clear()
            try:
                async with asyncio.timeout(GATHER_SECONDS):
                    await self._due.wait()
            except TimeoutError:
                return

    async def _hear(self, channel: PubSub) -> None:
        while True:
            message = await channel.get_message(timeout=LOOK_SECONDS)
            if message is None or not self._is_watched(message["channel"]):
                continue
            if (quote := parse_quote(message["data"])) is not None:
                await self._show(quote)

    def _is_watched(self, channel: str | bytes) -> bool:
        """Whether anything waits for this symbol: most quotes are nobody's business, and are not even read."""
        name = channel.decode() if isinstance(channel, bytes) else channel
        symbol = name.partition(":")[2]
        return symbol in self._signals or symbol in self._trips

    # What is due

    async def keep_appointments(self) -> None:
        """Write down what the day's times have made due."""
        now = self._now()
        for market in MARKETS:
            for phase, at in appointments(market, now - LOOK_BACK, now):
                if (market, phase, at) in self._kept:
                    continue
                async with self._resources.database.system() as session:
                    await system.save_due_by_clock(session, market, phase, at)
                    await system.delete_old_runs(session, now)
                self._kept.add((market, phase, at))

    async def work_off(self) -> int:
        """Settle what is due; return how many runs were settled."""
        now = self._now()
        async with self._resources.database.system() as session:
            due = await system.list_due(session)
        late = [run for run in due if now - run.due_at > patience_for(run)]
        skipped: list[Settled] = [(run, "skipped", {"why": "stale"}) for run in late]
        for run in late:
            log.warning("a due run came too late", automation=str(run.automation.id), due_at=str(run.due_at))
        prompt = [run for run in due if now - run.due_at <= patience_for(run)]
        settled = await self._settle_quiet(skipped)
        bars = defaultdict(list)
        for run in prompt:
            if run.phase is Phase.EVALUATE and run.symbol == MANY:
                settled += await go_on(self._choose, run)
            elif run.phase is Phase.EVALUATE:
                bars[run.automation.interval, run.scheduled_at].append(run)
            else:
                settled += await go_on(self._report, run)
        for runs in bars.values():
            settled += await go_on(self._evaluate, runs)
        return settled

    async def _evaluate(self, runs: Sequence[DueRun]) -> int:
        """Judge one closed bar for every automation that follows it."""
        interval, bar = runs[0].automation.interval, runs[0].scheduled_at
        symbols = sorted({run.symbol for run in runs})
        try:
            histories = await self._shelf.up_to(symbols, interval, bar)
        except UnexpectedAnswer:
            log.exception("bars cannot be read, the runs wait")
            return 0
        judged = await asyncio.to_thread(judge_all, runs, histories)
        async with self._resources.database.system() as session:
            held = await system.list_held(session)
        quiet: list[Settled] = []
        loud: list[tuple[UUID, Evaluated]] = []
        for run, found in judged:
            if isinstance(found, str):
                quiet.append((run, "skipped", {"why": found}))
            elif not (found[1].entry or found[1].exit or (run.automation.id, run.symbol) in held):
                quiet.append((run, "done", outcome_of(found[1])))
            else:
                loud.append((run.owner, self._evaluated(run, found, histories[run.symbol])))
        return await self._hands.raise_signals(loud, self._epoch) + await self._settle_quiet(quiet)

    def _evaluated(self, run: DueRun, found: tuple[Plan, Verdict], history: History) -> Evaluated:
        plan, verdict = found
        day = run.scheduled_at.date()
        close = history.between(None, run.scheduled_at).frame["close"][-1]
        return Evaluated(
            automation=run.automation,
            plan=plan,
            verdict=verdict,
            symbol=run.symbol,
            scheduled_at=run.scheduled_at,
            close=Decimal(repr(float(close))),
            act_on=next_session(run.automation.market, day) if run.automation.interval == "1d" else None,
            outcome=outcome_of(verdict),
        )

    async def _choose(self, run: DueRun) -> int:
        """Judge the close of a day for an automation of many symbols."""
        found = await judge_close(run, self._resources.market, self._epoch, self._now())
        if found is None:
            return 0
        if not isinstance(found, Chosen):
            return await self._settle_quiet([(run, *found)])
        async with self._resources.database.owned(run.owner) as session:
            await rebalance(session, run.owner, found, lambda: SignalId(new_id()), self._now())
        return 1

    async def _held_by(self, run: DueRun) -> list[str]:
        async with self._resources.database.owned(run.owner) as session:
            return [trip.symbol for trip in await signals.list_open_trips(session, run.owner, run.automation.id)]

    async def _report(self, run: DueRun) -> int:
        automation, market = run.automation, run.automation.market
        day = run.scheduled_at.astimezone(ZONES[market]).date()
        before = previous_session(market, day)
        bars: dict[str, date | None] = {}
        if run.phase is Phase.PREPARE:
            symbols = automation.symbols or await self._held_by(run)
            found = await self._resources.market.histories(symbols, "1d", day_of(before))
            bars = {symbol: last.date() for symbol, history in found.items() if (last := history.last) is not None}
        due = Appointment(
            automation=automation,
            phase=run.phase,
            scheduled_at=run.scheduled_at,
            day=day,
            previous_day=before,
            bars=bars,
            epoch=self._epoch,
        )
        async with self._resources.database.owned(run.owner) as session:
            return int(await report_automation(session, run.owner, due, self._now()) is not None)

    async def _settle_quiet(self, settled: Sequence[Settled]) -> int:
        if not settled:
            return 0
        async with self._resources.database.system() as session:
            return await system.settle_quiet(session, settled, (LEASE, self._epoch), self._now())

    # What hooks said

    async def take_alerts(self) -> int:
        """Take the alerts that wait, and miss those that should have come; return how many there were."""
        async with self._resources.database.system() as session:
            queued = await system.list_queued(session)
            expected = await system.list_expected(session, self._now())
        for owner, hook_id, key, body in queued:
            await go_on(self._take, (owner, Queued(hook_id, key, body)))
        for owner, hook_id in expected:
            await go_on(self._miss, (owner, hook_id))
        return len(queued)

    async def _take(self, given: tuple[UUID, Queued]) -> int:
        owner, queued = given
        symbol = named_in(queued.body)
        quote = self._hands.fresh(await self._resources.quotes.find(symbol)) if symbol else None
        async with self._resources.database.owned(owner) as session:
            await take_alert(session, owner, queued, quote, SignalId(new_id()), self._now())
        return 1

    async def _miss(self, given: tuple[UUID, HookId]) -> int:
        owner, hook_id = given
        async with self._resources.database.owned(owner) as session:
            return int(await miss_hook(session, owner, hook_id, self._now()))

    # What waits for a price

    async def look(self) -> None:
        """Find out what waits and what is held, and show it the newest quotes."""
        async with self._looking:
            async with self._resources.database.system() as session:
                pending = await system.list_pending(session)
                held = await system.list_open_trips(session)
                changed = await system.list_changed_trips(session)
            self._signals, self._trips = by_symbol(pending), by_symbol(held)
            quotes = await self._resources.quotes.find_many(sorted(self._signals.keys() | self._trips.keys()))
            now = self._now()
            for signal in pending:
                if is_over(signal.thing, now):
                    await go_on(self._expire, signal)
            for trip in held:
                if trip.thing.id in changed:
                    await go_on(self._watch, (trip, self._hands.fresh(quotes.get(trip.thing.symbol))))
        for quote in quotes.values():
            await self._show(quote)

    async def _show(self, quote: Quote) -> None:
        if self._hands.fresh(quote) is None:
            return  # what cannot be trusted moves nothing
        now = self._now()
        waiting = self._signals.get(quote.symbol, [])
        timely = [each for each in waiting if is_timely(each.thing, quote, now)]
        for signal in timely:
            waiting.remove(signal)  # the other task may be here as well
        go = [each for each in timely if await go_on(self._may_go, each)]
        await self._hands.act([(each.owner, each.thing, plan_of(each.document), quote) for each in go])
        for trip in list(self._trips.get(quote.symbol, ())):
            if is_moved(trip, quote):
                await go_on(self._watch, (trip, quote))

    async def _may_go(self, signal: Owned[Signal]) -> int:
        return int(not await self._waits_for_sales(signal))  # the next look shows it a price again

    async def _waits_for_sales(self, signal: Owned[Signal]) -> bool:
        """Whether a portfolio's purchase is too early: its money may come from sales of the same choice."""
        thing, now = signal.thing, self._now()
        if thing.target is None or thing.side == "sell" or thing.bar is None:
            return False
        if now - self._ready.setdefault(thing.id, now) > SALES_WAIT:
            return False
        async with self._resources.database.owned(signal.owner) as session:
            return await signals.find_unfinished_sales(session, signal.owner, thing.automation_id, thing.bar)

    async def _expire(self, signal: Owned[Signal]) -> int:
        async with self._resources.database.owned(signal.owner) as session:
            await expire_signal(session, signal.owner, signal.thing.id, self._now())
        return 1

    async def _watch(self, given: tuple[Owned[Trip], Quote | None]) -> int:
        trip, quote = given
        watched = trip.automation.status is not Status.STOPPED
        basis = (plan_of(trip.document), quote if watched else None)
        async with self._resources.database.owned(trip.owner) as session:
            after, signal = await watch_trip(session, trip.owner, trip.thing, basis, SignalId(new_id()), self._now())
        others = [each for each in self._trips.get(trip.thing.symbol, ()) if each.thing.id != trip.thing.id]
        kept = [] if after is None else [Owned(trip.owner, after, trip.automation, trip.document)]
        self._trips[trip.thing.symbol] = others + kept
        if signal is not None and signal.status is SignalStatus.WAITING:
            await self._hands.act([(trip.owner, signal, basis[0], quote)])
        return 1
