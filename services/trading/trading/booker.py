"""The booker: what brokers say of different owners' orders at once is booked at once, in two round trips.

One reads what fills are booked on, one writes what they make of it, where nobody has locked the account in between
(store/fills). While a portion is being booked, what comes meanwhile waits for the next. So a quiet platform books at
once, and a busy one pays for two round trips where it would have paid for a hundred. Likewise with the word that an
order was accepted.

What is not plain (an order that is not there yet, a fill that is known, something to settle first, orders that belong
together), what was overtaken, and whatever came in one portion with what could not be written, the consumer handles by
itself, under the account's lock: record_execution, record_broker_answer.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog
from kit.consumer import Read
from kit.db import Database, Session
from kit.events import announce, given_of

from trading.domain.fill import fill
from trading.domain.group import leads_on
from trading.domain.order import Happening, Order
from trading.domain.request import AccountId, OrderId
from trading.domain.settlement import due
from trading.events import FillBooked, order_answered
from trading.meters import hear_first_word
from trading.store.fills import answers, system
from trading.store.fills.answers import Answered, DecidedOrder, SeenOrder
from trading.store.fills.system import Decided, Heard, Seen
from trading.subscriptions import ExecutionFact, OrderFact, subscriptions

PORTION_MAX: Final = 16
"""So many words at most share a transaction, and with it the fate of each other."""
ACCEPTED: Final = "broker.order.accepted.v1"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Word:
    """A fill to book, or an answer to keep, when its broker told of it, and what it is a part of: its facts, too."""

    heard: Heard | Answered
    told_at: datetime
    around: Context

    @property
    def account(self) -> tuple[UUID, UUID]:
        """What it changes."""
        heard = self.heard
        return heard.owner, heard.execution.account_id if isinstance(heard, Heard) else heard.account_id


@dataclass(slots=True, eq=False)
class Waiting:
    """The words for one owner that are still to be booked, in order, and who waits to hear whether all of them were."""

    words: list[Word]
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
        words: list[Word] = []
        with ExitStack() as stack:
            for read, each in zip(batch, heard, strict=True):
                stack.enter_context(read.begun())
                words.append(Word(each, read.envelope.time, copy_context()))
            waiting = Waiting(words)
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
                log.info("words are handled one by one", error=repr(failed), count=len(portion))
                booked = set()
            for waiting, tried in portion.items():
                _tell(waiting, tried, booked)
            self._waiting = [each for each in self._waiting if not each.done.done()]

    async def _book(self, words: Sequence[Word]) -> set[UUID]:
        """Book what is plain of words of one kind, in two round trips; return the messages of what was booked."""
        decided: dict[UUID, tuple[Word, Decided | DecidedOrder]] = {}
        async with self._database.system(single=True) as session:
            seen = await self._look(session, words)
        for each in words:
            if (decision := each.around.run(_decide, each, seen.get(each.heard.message_id))) is not None:
                decided[each.heard.message_id] = each, decision
        if not decided:
            return set()
        async with self._database.system(single=True) as session:
            booked = await self._save(session, [decision for _, decision in decided.values()])
            for message_id in booked:
                each, decision = decided[message_id]
                each.around.run(announce, session, decision.told)
        for message_id in booked:
            each, decision = decided[message_id]
            hear_first_word(*_change(decision), each.told_at)
        return booked

    async def _look(self, session: Session, words: Sequence[Word]) -> Mapping[UUID, Seen | SeenOrder]:
        fills = [each.heard for each in words if isinstance(each.heard, Heard)]
        if fills:
            return await system.list_seen(session, self._consumer, fills)
        answered = [each.heard for each in words if isinstance(each.heard, Answered)]
        return await answers.list_seen(session, self._consumer, answered)

    async def _save(self, session: Session, decisions: Sequence[Decided | DecidedOrder]) -> set[UUID]:
        fills = [each for each in decisions if isinstance(each, Decided)]
        if fills:
            return await system.save_decided(session, self._consumer, fills, self._clock())
        kept = [each for each in decisions if isinstance(each, DecidedOrder)]
        return await answers.save_decided(session, self._consumer, kept, self._clock())


def _heard(read: Read) -> Heard | Answered | None:
    """A fill of somebody's, or that their order was accepted, if this is one."""
    owner, message_id, fact = read.envelope.owner, read.envelope.id, read.fact
    if owner is None or not isinstance(fact, OrderFact):
        return None
    if isinstance(fact, ExecutionFact):
        return Heard(owner=owner, message_id=message_id, execution=fact.execution())
    if read.envelope.type != ACCEPTED:
        return None
    return Answered(
        owner=owner,
        message_id=message_id,
        account_id=AccountId(fact.account_id),
        order_id=OrderId(fact.order_id),
        happening=Happening.ACCEPTED,
    )


def _portion_of(waiting: Sequence[Waiting]) -> dict[Waiting, list[Word]]:
    """What is booked next: of each who waits the first words, in order, of one kind and of accounts of their own."""
    portion: dict[Waiting, list[Word]] = {}
    taken: set[tuple[UUID, UUID]] = set()
    kind = type(waiting[0].words[0].heard) if waiting else None
    for each in waiting:
        for word in each.words:
            if not isinstance(word.heard, kind or ()) or word.account in taken or len(taken) == PORTION_MAX:
                break
            taken.add(word.account)
            portion.setdefault(each, []).append(word)
    return portion


def _tell(waiting: Waiting, tried: Sequence[Word], booked: set[UUID]) -> None:
    """Let whoever waits know that all is booked, or that something is not; what is left waits for the next portion."""
    if waiting.done.done():
        return
    if any(each.heard.message_id not in booked for each in tried):
        waiting.done.set_result(False)
        return
    waiting.words = waiting.words[len(tried) :]
    if not waiting.words:
        waiting.done.set_result(True)


def _decide(word: Word, seen: Seen | SeenOrder | None) -> Decided | DecidedOrder | None:
    """What a word makes of what was seen; None where it is not plain, or cannot be."""
    if seen is None or not seen.is_usual:
        return None
    try:
        if isinstance(seen, SeenOrder):
            return _accepted(word, seen)
        return _filled(word, seen)
    except Exception:  # noqa: BLE001 - whoever handles it by itself says what is wrong
        return None


def _filled(word: Word, seen: Seen) -> Decided | None:
    heard, books = word.heard, seen.books
    assert isinstance(heard, Heard)
    if books.is_recorded or books.order.is_adopted or due(books.pending, heard.execution.trade_date):
        return None
    filled = fill(books, heard.execution, word.told_at)
    if leads_on(filled.order):
        return None
    told = given_of(FillBooked.of(filled), owner=heard.owner)
    return Decided(owner=heard.owner, message_id=heard.message_id, revision=seen.revision, filled=filled, told=told)


def _accepted(word: Word, seen: SeenOrder) -> DecidedOrder | None:
    heard, before = word.heard, seen.order
    assert isinstance(heard, Answered)
    after = before.after(heard.happening, word.told_at)
    if after is before or not after.is_open:
        return None
    balance = seen.balance if before.side == "buy" else None
    return DecidedOrder(
        owner=heard.owner,
        message_id=heard.message_id,
        revision=seen.revision,
        before=before,
        order=after,
        told=given_of(order_answered(before, after, balance), owner=heard.owner),
    )


def _change(decision: Decided | DecidedOrder) -> tuple[Order, Order]:
    if isinstance(decision, Decided):
        return decision.filled.before, decision.filled.order
    return decision.before, decision.order
