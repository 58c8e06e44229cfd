"""The booker: fills of different owners that come at once are booked at once, in two round trips to the database.

One reads what they are booked on, one writes what they make of it, where nobody has locked the account in between
(store/fills). While a portion is being booked, what comes meanwhile waits for the next. So a quiet platform books at
once, and a busy one pays for two round trips where it would have paid for a hundred.

What is not plain (an order that is not there yet, a fill that is known, something to settle first, orders that belong
together), what was overtaken, and whatever came in one portion with what could not be written, the consumer handles by
itself: record_execution, under the account's lock.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog
from kit.consumer import Read
from kit.db import Database
from kit.events import announce, given_of

from trading.domain.fill import fill
from trading.domain.group import leads_on
from trading.domain.settlement import due
from trading.events import FillBooked
from trading.meters import hear_first_word
from trading.store.fills import system
from trading.store.fills.system import Decided, Heard, Seen
from trading.subscriptions import ExecutionFact, subscriptions

PORTION_MAX: Final = 16
"""So many fills at most share a transaction, and with it the fate of each other."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Fill:
    """A fill to book, when its broker told of it, and what it is a part of: its facts are told in there."""

    heard: Heard
    told_at: datetime
    around: Context

    @property
    def account(self) -> tuple[UUID, UUID]:
        """What it changes."""
        return self.heard.owner, self.heard.execution.account_id


@dataclass(slots=True, eq=False)
class Waiting:
    """The fills of one owner that are still to be booked, in order, and who waits to hear whether all of them were."""

    fills: list[Fill]
    done: "asyncio.Future[bool]" = field(default_factory=asyncio.Future)


class Booker:
    """Takes what the consumer hands over, and books it with what others hand over meanwhile."""

    def __init__(
        self, database: Database, clock: Callable[[], datetime], consumer: str = subscriptions.consumer
    ) -> None:
        self._database = database
        self._clock = clock
        self._consumer = consumer
        self._waiting: list[Waiting] = []
        self._working: asyncio.Task[None] | None = None

    async def book(self, batch: Sequence[Read]) -> list[str] | None:
        """Handle messages of one owner; None for what the consumer has to handle itself, those that were booked too."""
        heard = [each for each in map(_heard, batch) if each is not None]
        if len(heard) < len(batch):
            return None
        fills: list[Fill] = []
        with ExitStack() as stack:
            for read, each in zip(batch, heard, strict=True):
                stack.enter_context(read.begun())
                fills.append(Fill(each, read.envelope.time, copy_context()))
            waiting = Waiting(fills)
            self._waiting.append(waiting)
            if self._working is None or self._working.done():
                self._working = asyncio.create_task(self._work(), name="booker")
            return ["done"] * len(batch) if await waiting.done else None

    async def _work(self) -> None:
        while self._waiting:
            # whoever waited may have been cancelled: the messages come again
            self._waiting = [each for each in self._waiting if not each.done.done()]
            portion = _portion_of(self._waiting)
            try:
                booked = await self._book([each for some in portion.values() for each in some]) if portion else set()
            except Exception as failed:  # noqa: BLE001 - each is handled by itself then, and shows whether it was to blame
                log.info("fills are booked one by one", error=repr(failed), count=len(portion))
                booked = set()
            for waiting, tried in portion.items():
                _tell(waiting, tried, booked)
            self._waiting = [each for each in self._waiting if not each.done.done()]

    async def _book(self, fills: Sequence[Fill]) -> set[UUID]:
        """Book what is plain, in two round trips; return the messages of what was booked."""
        async with self._database.system(single=True) as session:
            seen = await system.list_seen(session, self._consumer, [each.heard for each in fills])
        decided = {}
        for each in fills:
            decision = each.around.run(_decide, each, seen.get(each.heard.message_id))
            if decision is not None:
                decided[each.heard.message_id] = each, decision
        if not decided:
            return set()
        async with self._database.system(single=True) as session:
            decisions = [decision for _, decision in decided.values()]
            booked = await system.save_decided(session, self._consumer, decisions, self._clock())
            for message_id in booked:
                each, decision = decided[message_id]
                each.around.run(announce, session, decision.told)
        for message_id in booked:
            each, decision = decided[message_id]
            hear_first_word(decision.filled.before, decision.filled.order, each.told_at)
        return booked


def _heard(read: Read) -> Heard | None:
    """A fill of somebody's, if this is one."""
    owner = read.envelope.owner
    if owner is None or not isinstance(read.fact, ExecutionFact):
        return None
    return Heard(owner=owner, message_id=read.envelope.id, execution=read.fact.execution())


def _portion_of(waiting: Sequence[Waiting]) -> dict[Waiting, list[Fill]]:
    """What is booked next: of each who waits the first fills, in order, of accounts that nothing else here changes."""
    portion: dict[Waiting, list[Fill]] = {}
    taken: set[tuple[UUID, UUID]] = set()
    for each in waiting:
        for one in each.fills:
            if one.account in taken or len(taken) == PORTION_MAX:
                break
            taken.add(one.account)
            portion.setdefault(each, []).append(one)
    return portion


def _tell(waiting: Waiting, tried: Sequence[Fill], booked: set[UUID]) -> None:
    """Let whoever waits know that all is booked, or that something is not; what is left waits for the next portion."""
    if waiting.done.done():
        return
    if any(each.heard.message_id not in booked for each in tried):
        waiting.done.set_result(False)
        return
    waiting.fills = waiting.fills[len(tried) :]
    if not waiting.fills:
        waiting.done.set_result(True)


def _decide(each: Fill, seen: Seen | None) -> Decided | None:
    """What a fill makes of what was seen; None where it is not plain, or cannot be."""
    if seen is None or not seen.is_usual or seen.books.is_recorded or seen.books.order.is_adopted:
        return None
    heard, books = each.heard, seen.books
    if due(books.pending, heard.execution.trade_date):
        return None
    try:
        filled = fill(books, heard.execution, each.told_at)
        told = given_of(FillBooked.of(filled), owner=heard.owner)
    except Exception:  # noqa: BLE001 - whoever handles it by itself says what is wrong
        return None
    if leads_on(filled.order):
        return None
    return Decided(owner=heard.owner, message_id=heard.message_id, revision=seen.revision, filled=filled, told=told)
