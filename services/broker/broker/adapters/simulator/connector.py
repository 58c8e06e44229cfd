"""The simulator's connector: an exchange that answers at once, and tells later of what rested with it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from kit.db import Database, Session, after_commit
from kit.errors import Unavailable
from kit.ids import new_id
from redis.asyncio import Redis
from redis.exceptions import RedisError

from broker.adapters.port import Entry, NotSent, Report, Unreachable
from broker.adapters.simulator import books
from broker.adapters.simulator.capabilities import SIMULATOR
from broker.adapters.simulator.exchange import BookOrder, Clerk, enter
from broker.adapters.simulator.exchange import Session as Visit
from broker.adapters.simulator.quotes import Quote, quote_key, read_quote
from broker.domain.capabilities import Capabilities
from broker.domain.order import (
    Absent,
    Accepted,
    CancelRefused,
    ClientKey,
    Execution,
    OrderIntent,
    Refused,
    Replaced,
    Replacement,
    ReplaceRefused,
)

REPORTS_MAX: Final = 200
POLL_SECONDS: Final = 1
"""How often the books are asked for news of orders that another process has traded."""


class Simulator:
    """Matches paper orders against real quotes. All of its state is in the books, none in this object.

    `open_symbols` is a hint: symbols that may have orders in the book, for the feed to watch.
    """

    capabilities: Capabilities = SIMULATOR

    def __init__(
        self,
        database: Database,
        cache: "Redis",
        clock: Callable[[], datetime],
        fee_schedule: str = "default",
        slippage_ticks: int = 0,
    ) -> None:
        self._database = database
        self._cache = cache
        self._clock = clock
        self._fee_schedule = fee_schedule
        self._slippage_ticks = slippage_ticks
        self._news = asyncio.Event()
        self.open_symbols: set[str] = set()

    async def submit(self, order: OrderIntent, key: ClientKey) -> Accepted | Refused:
        """Refuse, or match at once against the current quote and let the rest wait; the same key, the same answer."""
        assert key == order.key, "an order is known by its own key here"
        enter = await self.approach(order.symbol)
        async with self._books() as session:
            await books.lock_symbol(session, order.symbol)
            [answer] = await enter(session, [order])
        return answer

    def book_of(self, order: OrderIntent) -> str:
        """The name of the lock on the order's book."""
        return books.book_of(order.symbol)

    async def approach(self, symbol: str) -> Entry:
        """Read the quote, if there is one; what is returned refuses or matches by it."""
        quote = await self._quote(symbol)
        return self._refuse if quote is None else partial(self._enter, quote)

    async def _quote(self, symbol: str) -> Quote | None:
        try:
            return read_quote(await self._cache.get(quote_key(symbol)))
        except (RedisError, OSError) as away:
            raise NotSent("the exchange has no connection to the market's quotes") from away

    @asynccontextmanager
    async def _books(self) -> AsyncIterator[Session]:
        """Write in the books. Until the commit is asked for, whatever fails has certainly changed nothing."""
        is_committing = False
        try:
            async with self._database.system() as session:
                yield session
                is_committing = True
        except Unavailable as lost:
            failure = Unreachable if is_committing else NotSent
            raise failure("the exchange's books do not answer") from lost

    async def _refuse(self, session: Session, orders: Sequence[OrderIntent]) -> list[Accepted | Refused]:
        known = await books.find_orders(session, [order.key for order in orders])
        moment = self._clock()
        entered = {order.key: enter(order, None, moment) for order in orders if order.key not in known}
        if entered:
            await books.write_refused(session, list(entered.values()))
        return await _answers(session, orders, entered, ())

    async def _enter(self, quote: Quote, session: Session, orders: Sequence[OrderIntent]) -> list[Accepted | Refused]:
        """Let orders in, one after the other, as if each had come by itself."""
        members = [books.Member(order.key, order.side, order.limit_price) for order in orders]
        page = await books.read_page(session, quote, *members)
        new = [order for order in orders if order.key not in page.known]
        if not new:
            return await _answers(session, orders, {}, ())
        clerk = self._clerk()
        visit = Visit(page.touched, page.before, quote, page.sizes, clerk)
        for order in new:
            visit.enter(enter(order, quote, clerk.moment))
        trades = visit.trades()
        numbers = await books.write_trades(session, quote, trades, page.before)
        entered = {
            ClientKey(each.key): replace(each, sequence=numbers[each.key]) for each in trades.orders if each.is_entering
        }
        assert len(entered) == len(new), "every order that enters gets its place"

        async def hint() -> None:
            if any(each.state == "open" for each in entered.values()):
                self.open_symbols.add(quote.symbol)
            if len(trades.orders) > len(entered):
                self._news.set()

        after_commit(session, hint)
        return await _answers(session, orders, entered, trades.executions)

    async def apply(self, quote: Quote) -> int:
        """Serve the book of a symbol against a new quote; tell how many orders that changed."""
        async with self._database.system() as session:
            await books.lock_symbol(session, quote.symbol)
            page = await books.read_page(session, quote)
            if not page.touched:
                return 0
            trades = Visit(page.touched, page.before, quote, page.sizes, self._clerk()).trades()
            await books.write_trades(session, quote, trades, page.before)
        if trades.orders:
            self._news.set()
        return len(trades.orders)

    async def cancel(self, order: OrderIntent, key: ClientKey, broker_order_id: str) -> Accepted | CancelRefused:
        """Take what is open out of the book."""
        async with self._books() as session:
            await books.lock_symbol(session, order.symbol)
            known = await books.find_order(session, key)
            if known is None or known.state == "refused":
                return CancelRefused("order_not_found", f"The exchange has no order {broker_order_id}.")
            if known.state == "filled":
                return CancelRefused("already_filled", "The order was filled before the cancel arrived.")
            if known.state == "expired":
                return CancelRefused("already_expired", "The order expired before the cancel arrived.")
            await books.cancel(session, key)
            answer = await _answer(session, replace(known, state="canceled"))
        assert isinstance(answer, Accepted)
        return answer

    async def replace(
        self, order: OrderIntent, key: ClientKey, broker_order_id: str, change: Replacement
    ) -> Replaced | ReplaceRefused:
        """Serve the book, then change the order in it."""
        quote = await self._quote(order.symbol)
        if quote is None:
            return ReplaceRefused("unknown_symbol", f"The exchange has no quote for {order.symbol}.")
        async with self._books() as session:
            await books.lock_symbol(session, order.symbol)
            page = await books.read_page(session, quote, books.Member(key, order.side, change.limit_price))
            known = page.known.get(key)
            if known is not None and _is_so_already(known, change):
                return await _as_before(session, known)
            if known is None or known.state != "open":
                return _too_late(known, broker_order_id)
            visit = Visit(page.touched, page.before, quote, page.sizes, self._clerk())
            served = visit.order(key)
            earlier = tuple(each for owner, each in visit.trades().executions if owner == key)
            refusal = _unchangeable(served, change, broker_order_id) or visit.amend(key, change)
            await books.write_trades(session, quote, visit.trades(), page.before)
            heard = (await books.list_executions(session, [key])).get(key, ())
        if visit.trades().executions:
            self._news.set()
        if refusal is not None:
            return ReplaceRefused(refusal.code, refusal.text)
        new = {each.execution_id for owner, each in visit.trades().executions if owner == key}
        new -= {each.execution_id for each in earlier}
        before = tuple(each for each in heard if each.execution_id not in new)
        return Replaced(_accepted(served, before), _accepted(visit.order(key), heard))

    def _clerk(self) -> Clerk:
        return Clerk(self._clock(), new_id, self._fee_schedule, self._slippage_ticks)

    async def find(self, order: OrderIntent, key: ClientKey, sent_at: datetime) -> Accepted | Refused | Absent:  # noqa: ARG002 - the key is enough here
        """Look the key up in the books."""
        async with self._books() as session:
            known = await books.find_order(session, key)
            return Absent() if known is None else await _answer(session, known)

    async def reports(self) -> AsyncGenerator[Sequence[Report], None]:
        """Tell of orders that quotes, or other orders' arrival, have changed."""
        while True:
            self._news.clear()
            async with self._database.system() as session:
                untold = await books.list_untold(session, REPORTS_MAX)
            if untold.reports:
                yield untold.reports
                async with self._database.system() as session:
                    await books.tell(session, untold)
                continue
            try:
                # not wait_for: before Python 3.12 it loses a cancellation that arrives together with its result
                async with asyncio.timeout(POLL_SECONDS):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def refresh_open_symbols(self) -> None:
        """Read again which symbols have orders in the book."""
        async with self._database.system() as session:
            self.open_symbols = await books.list_open_symbols(session)


async def _answers(
    session: Session,
    orders: Sequence[OrderIntent],
    entered: Mapping[ClientKey, BookOrder],
    traded: Sequence[tuple[UUID, Execution]],
) -> list[Accepted | Refused]:
    """What the books say about orders that have just entered, and about those that were there before."""
    executions: dict[UUID, tuple[Execution, ...]] = {}
    for key, execution in traded:
        executions[key] = (*executions.get(key, ()), execution)
    answers = {key: books.answer_of(each, executions.get(key, ())) for key, each in entered.items()}
    if earlier := [order.key for order in orders if order.key not in entered]:
        for key, known in (await books.find_orders(session, earlier)).items():
            answers[ClientKey(key)] = await _answer(session, known)
    return [answers[order.key] for order in orders]


async def _answer(session: Session, order: BookOrder) -> Accepted | Refused:
    """What the books say about an order now."""
    executions = await books.list_executions(session, [order.key])
    return books.answer_of(order, executions.get(order.key, ()))


def _is_so_already(order: BookOrder, change: Replacement) -> bool:
    return order.refusal is None and (order.quantity, order.limit_price) == (change.quantity, change.limit_price)


async def _as_before(session: Session, order: BookOrder) -> Replaced:
    """The answer to a change that was made already, whatever became of the order since."""
    executions = (await books.list_executions(session, [order.key])).get(order.key, ())
    after = _accepted(order, executions)
    return Replaced(Accepted(after.broker_order_id, after.accepted_at), after)


def _too_late(order: BookOrder | None, broker_order_id: str) -> ReplaceRefused:
    """Why an order that is not open cannot be changed."""
    if order is None or order.state == "refused":
        return ReplaceRefused("order_not_found", f"The exchange has no order {broker_order_id}.")
    return ReplaceRefused(f"already_{order.state}", f"The order was {order.state} before the change arrived.")


def _unchangeable(order: BookOrder, change: Replacement, broker_order_id: str) -> Refused | None:
    """Why an order cannot become this, prices aside."""
    if order.state != "open":
        late = _too_late(order, broker_order_id)
        return Refused(late.code, late.text)
    if change.quantity <= order.filled:
        return Refused(
            "quantity_already_filled", f"{order.filled} shares are filled: ask for more, or cancel the rest."
        )
    return None


def _accepted(order: BookOrder, executions: tuple[Execution, ...]) -> Accepted:
    answer = books.answer_of(order, executions)
    assert isinstance(answer, Accepted), "an open order was accepted"
    return answer
