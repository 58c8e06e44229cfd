"""What the automator's verdicts and prices lead to: signals and orders, those of one owner in one transaction.

What goes wrong in such a transaction undoes all of it; each of them then gets one of its own, so that only those fail
that were to blame.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeVar
from uuid import UUID

import asyncpg
import structlog
from kit.errors import Unavailable
from kit.ids import new_id
from redis.exceptions import RedisError

from trading.domain.plan import Plan
from trading.domain.quote import Quote
from trading.domain.request import OrderId
from trading.domain.signal import Signal, SignalId, SignalStatus
from trading.resources import Resources
from trading.usecases.act_on_locked import Turn
from trading.usecases.act_on_signals import act_on_signals
from trading.usecases.evaluate_and_act import Spoken, evaluate_and_act
from trading.usecases.evaluate_bars import Evaluated, evaluate_bars

PORTION: Final = 10
"""So many at most share a transaction: an account is locked no longer than that, and nobody else's orders wait."""
AT_ONCE: Final = 8
"""Transactions at the same time: fewer than the database has connections for us."""
OUTAGES = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, RedisError, Unavailable)
"""What the surroundings do to us: working begins again. Anything else is the fault of one automation."""

Waiting = tuple[UUID, Signal, Plan | None, Quote | None]
"""Whose, a signal that waits, the plan it is of, and the newest price if it is known."""
Thing = TypeVar("Thing")

log = structlog.get_logger()


async def go_on(work: Callable[[Thing], Awaitable[int]], given: Thing) -> int:
    """Keep what one automation does wrong from everybody else's; what failed is due, or waits, still."""
    try:
        return await work(given)
    except OUTAGES:
        raise
    except Exception:
        log.exception("one automation is left as it is, the others go on")
        return 0


class Hands:
    """Raises signals and places their orders, of several owners side by side."""

    def __init__(self, resources: Resources, clock: Callable[[], datetime]) -> None:
        self._resources = resources
        self._now = clock
        self._free = asyncio.Semaphore(AT_ONCE)

    def fresh(self, quote: Quote | None) -> Quote | None:
        """A quote that can be trusted still; None otherwise."""
        if quote is None or quote.age(self._now()) > self._resources.limits.quote_age_max:
            return None
        return quote

    async def raise_signals(self, judged: Sequence[tuple[UUID, Evaluated]], epoch: int) -> int:
        """End due runs and raise their signals, each account's together, and act on those whose time is now."""
        quotes = await self._resources.quotes.find_many(sorted({each.symbol for _, each in judged}))
        by_account = defaultdict(list)
        for owner, each in judged:
            by_account[owner, each.automation.account_id].append(each)
        groups = [(owner, group) for (owner, _), mine in by_account.items() for group in _portions(mine)]
        return sum(await asyncio.gather(*(self._speak(owner, group, epoch, quotes) for owner, group in groups)))

    async def _speak(self, owner: UUID, judged: Sequence[Evaluated], epoch: int, quotes: Mapping[str, Quote]) -> int:
        """Raise and act in one transaction; if that fails, raise first and act then, so that no signal is lost."""
        try:
            async with self._free, self._resources.database.owned(owner) as session:
                fresh = {symbol: quote for symbol, quote in quotes.items() if self.fresh(quote)}
                spoken = Spoken(judged, epoch, fresh)
                left = await evaluate_and_act(session, owner, spoken, self._resources.limits, new_id, self._now())
        except OUTAGES:
            raise
        except Exception as failed:  # noqa: BLE001 - each shows by itself whether it was to blame
            log.info("signals are raised before they are acted on", error=repr(failed), count=len(judged))
            return await self._together(lambda some: self._raise(owner, some, epoch, quotes), judged)
        await self._act_on_raised(owner, judged, left, quotes)
        return len(judged)

    async def act(self, waiting: Sequence[Waiting]) -> None:
        """Turn signals that wait into orders, or say why they are none."""
        accounts = defaultdict(list)
        for each in waiting:
            accounts[each[0], each[1].account_id].append(each)
        await asyncio.gather(*(self._act_in_account(mine) for mine in accounts.values()))

    async def _act_in_account(self, waiting: Sequence[Waiting]) -> None:
        """Act on the signals of one account: the second of an automation after the first."""
        turns, rounds = Counter[UUID](), defaultdict(list)
        for each in waiting:
            rounds[turns[each[1].automation_id]].append(each)
            turns[each[1].automation_id] += 1
        for number in sorted(rounds):
            for group in _portions(rounds[number]):
                await self._together(self._act, group)

    async def _together(self, work: Callable[[Sequence[Thing]], Awaitable[int]], group: Sequence[Thing]) -> int:
        if len(group) == 1:
            return await go_on(work, group)
        try:
            return await work(group)
        except OUTAGES:
            raise
        except Exception as failed:  # noqa: BLE001 - each shows by itself whether it was to blame
            log.info("signals are worked on one by one", error=repr(failed), count=len(group))
        return sum([await go_on(work, [each]) for each in group])

    async def _raise(self, owner: UUID, judged: Sequence[Evaluated], epoch: int, quotes: Mapping[str, Quote]) -> int:
        async with self._free, self._resources.database.owned(owner) as session:
            raised = await evaluate_bars(session, owner, judged, epoch, lambda: SignalId(new_id()), self._now())
        now_due = [each for each in raised if each.status is SignalStatus.WAITING and each.act_on is None]
        await self._act_on_raised(owner, judged, now_due, quotes)
        return len(judged)

    async def _act_on_raised(
        self, owner: UUID, judged: Sequence[Evaluated], raised: Sequence[Signal], quotes: Mapping[str, Quote]
    ) -> None:
        plans = {each.about: each.plan for each in judged}
        await self.act(
            [(owner, each, plans[each.automation_id, each.symbol], quotes.get(each.symbol)) for each in raised]
        )

    async def _act(self, waiting: Sequence[Waiting]) -> int:
        turns = [Turn(signal, plan, self.fresh(quote), OrderId(new_id())) for _, signal, plan, quote in waiting]
        owner = waiting[0][0]
        async with self._free, self._resources.database.owned(owner) as session:
            await act_on_signals(session, owner, turns, self._resources.limits, self._now())
        return len(turns)


def _portions(things: Sequence[Thing]) -> list[Sequence[Thing]]:
    return [things[first : first + PORTION] for first in range(0, len(things), PORTION)]
