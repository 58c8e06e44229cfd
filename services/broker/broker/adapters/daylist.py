"""Brokers that take no key of ours: what became of an order is read from the day's list, by what and when it was.

The list is the truth. A notice from a stream is no more than a hint to read it, so notices may be missing or come
twice. Such brokers give a change a number of its own; we keep the first one, and follow the chain from there.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, Protocol

from quant.markets.calendar import SEOUL
from quant.markets.listing import Side

from broker.adapters.balance import BuyingPower
from broker.adapters.line import in_lane
from broker.adapters.port import LineFailure, Report, Unreachable
from broker.adapters.stream import AGAIN_SECONDS
from broker.domain.capabilities import Capabilities
from broker.domain.order import (
    Absent,
    Accepted,
    Ambiguous,
    CancelRefused,
    ClientKey,
    Ended,
    Listed,
    OrderIntent,
    Progress,
    Refused,
    Replaced,
    Replacement,
    ReplaceRefused,
)

_NOTHING: Final = Decimal(0)
EARLY: Final = timedelta(seconds=2)
LATE: Final = timedelta(seconds=60)
"""An order of ours is stamped by its broker at most so long before and after we began to send it."""
STRANGE_SECONDS: Final = 10.0
"""For so long an order nobody knows may still turn out to be ours, with its number not written down yet."""
KeysOf = Callable[[Sequence[str]], Awaitable[Mapping[str, ClientKey]]]
"""Which of these broker's numbers are orders of ours, and which order each is."""


@dataclass(frozen=True, slots=True)
class No:
    """The house refused: our reason, and its own code and text."""

    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the day's orders. A change or a cancel is a row of its own that names its original.

    `kind` is the broker's word for the order's kind, empty where its list does not tell. `canceled` is what will never
    trade of it, however that came about.
    """

    number: str
    original: str
    office: str
    symbol: str
    side: Side
    kind: str
    quantity: Decimal
    price: Decimal
    at: datetime
    filled: Decimal
    amount: Decimal
    canceled: Decimal
    rejected: Decimal
    remaining: Decimal
    is_cancel: bool
    exchange: str = ""
    """Where it trades, in the broker's word, at brokers that want it said again with each change."""

    @property
    def id(self) -> str:
        """A number is unique on its day only, so the day is part of the name."""
        return "-".join(part for part in (f"{self.at:%Y%m%d}", self.office, self.number) if part)


class Wire(Protocol):
    """What differs from one such broker to the next. Every call may raise NotSent or Unreachable."""

    able: Capabilities

    def now(self) -> datetime: ...

    def kind_of(self, order: OrderIntent) -> str:
        """How the list names this order's kind; empty where it does not."""
        ...

    async def place(self, order: OrderIntent) -> tuple[str, datetime] | No:
        """Send an order; the name it got, and when."""
        ...

    async def change(self, row: Row, quantity: Decimal, price: Decimal) -> No | None:
        """Give so many shares of what is open a new limit."""
        ...

    async def take_back(self, row: Row, quantity: Decimal | None) -> No | None:
        """Cancel so many of what is open, or all."""
        ...

    async def rows(self, symbol: str, since: datetime) -> list[Row]:
        """The whole list since a day, of one symbol or (empty) of all, oldest first."""
        ...

    async def buying_power(self, symbol: str, limit_price: Decimal) -> BuyingPower | No:
        """What may be spent on a symbol now, without borrowing."""
        ...

    async def follow(self, hint: asyncio.Event) -> None:
        """Follow the broker's notices for ever, and set the hint for each; return where it has none."""
        ...


class DayList:
    """One account at such a broker."""

    def __init__(self, wire: Wire, keys_of: KeysOf, poll_seconds: float = 5.0) -> None:
        self.wire = wire
        self.capabilities: Capabilities = wire.able
        self._keys_of = keys_of
        self._poll_seconds = poll_seconds
        self._told: dict[str, tuple[Decimal, Decimal]] = {}
        self._strangers: dict[str, float] = {}
        self._is_unsure = False
        self.hint = asyncio.Event()

    async def submit(self, order: OrderIntent, key: ClientKey) -> Accepted | Refused:  # noqa: ARG002 - no key is taken
        """Send an order."""
        with in_lane("entry" if order.side == "buy" else "exit"):
            answer = await self.wire.place(order)
        return Refused(answer.reason, answer.text) if isinstance(answer, No) else Accepted(*answer)

    async def cancel(self, order: OrderIntent, key: ClientKey, broker_order_id: str) -> Accepted | CancelRefused:  # noqa: ARG002 - no key is taken
        """Cancel what is open at the end of the order's chain; what is canceled already is answered as it is."""
        with in_lane("cancel"):
            return await self._cancel(order, broker_order_id)

    async def _cancel(self, order: OrderIntent, broker_order_id: str) -> Accepted | CancelRefused:
        line = await self._chain(order, broker_order_id)
        if not line:
            return CancelRefused("order_not_found", f"{self._title} shows no order {broker_order_id}.")
        last = next((row for row in line if row.remaining), None)
        answer = last and await self.wire.take_back(last, None)
        line = await self._chain(order, broker_order_id) if last else line
        after = _answer(line)
        if after.ended is not None:
            return after
        if isinstance(answer, No) and answer.reason != "order_not_found":
            return CancelRefused(answer.reason, answer.text)
        if any(row.remaining for row in _orders(line)):
            raise Unreachable(f"{self._title} has taken the cancel of {broker_order_id} and does not show it yet")
        return CancelRefused("already_filled", "The order was filled before the cancel arrived.")

    async def replace(
        self,
        order: OrderIntent,
        key: ClientKey,  # noqa: ARG002 - no key is taken
        broker_order_id: str,
        change: Replacement,
    ) -> Replaced | ReplaceRefused:
        """Change what is open; what is so already, in the list, is answered as it is."""
        with in_lane("exit"):
            return await self._replace(order, broker_order_id, change)

    async def _replace(
        self, order: OrderIntent, broker_order_id: str, change: Replacement
    ) -> Replaced | ReplaceRefused:
        line = await self._chain(order, broker_order_id)
        if not line:
            return ReplaceRefused("order_not_found", f"{self._title} shows no order {broker_order_id}.")
        before, filled = _answer(line), sum((row.filled for row in line), _NOTHING)
        tail = _orders(line)[-1]
        if tail.original and (tail.price, filled + tail.remaining) == (price_of(change.limit_price), change.quantity):
            return Replaced(Accepted(before.broker_order_id, before.accepted_at), before)
        share = change.quantity - filled
        if refusal := self._unchangeable(tail, before, share):
            return refusal
        answer = await self.wire.change(tail, share, price_of(change.limit_price))
        if answer is not None:
            return ReplaceRefused(answer.reason, answer.text)
        if share < tail.remaining:
            await self.wire.take_back(tail, tail.remaining - share)
        return Replaced(before, _answer(await self._chain(order, broker_order_id)))

    async def find(
        self, order: OrderIntent, key: ClientKey, sent_at: datetime
    ) -> Accepted | Refused | Absent | Ambiguous:
        """Look for an order in the day's list: what it was, when it was sent, and nobody else's."""
        rows = await self.wire.rows(order.symbol, sent_at)
        owners = await self._keys_of([row.id for row in rows]) if rows else {}
        mine = next((row for row in rows if owners.get(row.id) == key), None)
        if mine is not None:
            return _answer(chain(rows, mine.id))
        alike = [row for row in rows if row.id not in owners and self._is_like(row, order, sent_at)]
        if len(alike) > 1:
            return Ambiguous(tuple(row.id for row in alike))
        if not alike:
            return Absent()
        if alike[0].rejected == alike[0].quantity:
            return Refused("rejected_by_broker", f"{self._title} lists the order as refused.")
        return _answer(chain(rows, alike[0].id))

    async def reports(self) -> AsyncGenerator[Sequence[Report], None]:
        """Tell of orders whose row in the day's list has changed, as soon as a hint comes and every few seconds."""
        following = asyncio.ensure_future(self.wire.follow(self.hint))
        again = min(AGAIN_SECONDS, self._poll_seconds)
        try:
            while True:
                self.hint.clear()
                news, seen = await self._news()
                if news:
                    yield news
                    self._told.update(seen)
                    continue
                try:
                    # wait_for may lose a cancellation before 3.12
                    async with asyncio.timeout(again if self._is_unsure else self._poll_seconds):
                        await self.hint.wait()
                except TimeoutError:
                    continue
        finally:
            following.cancel()

    async def listed(self) -> list[Listed]:
        """Every order of the day, oldest first, whoever placed it; without those that the house refused."""
        rows = await self.wire.rows("", self.wire.now())
        return [_listed(line) for line in chains(rows).values() if line[0].rejected < line[0].quantity]

    async def told(self, listed: Listed) -> Accepted | Refused:
        """Everything the list says of one order in it."""
        line = chain(await self.wire.rows(listed.symbol, listed.placed_at), listed.broker_order_id)
        if not line:
            raise Unreachable(f"{self._title} does not show order {listed.broker_order_id} any more")
        return _answer(line)

    async def buying_power(self, symbol: str, limit_price: Decimal) -> BuyingPower | Refused:
        """What the broker would let the account spend on a symbol now."""
        answer = await self.wire.buying_power(symbol, limit_price)
        return Refused(answer.reason, answer.text) if isinstance(answer, No) else answer

    async def _news(self) -> tuple[list[Report], dict[str, tuple[Decimal, Decimal]]]:
        try:
            with in_lane("history"):
                rows = await self.wire.rows("", self.wire.now())
        except LineFailure:
            self._is_unsure = True
            return [], {}
        owners = await self._keys_of([row.id for row in rows]) if rows else {}
        lines = chains(rows)
        moment = asyncio.get_running_loop().time()
        self._strangers = {name: self._strangers.get(name, moment) for name in lines.keys() - owners.keys()}
        self._is_unsure = any(moment - seen_at < STRANGE_SECONDS for seen_at in self._strangers.values())
        answers = {name: (key, _answer(lines[name])) for name, key in owners.items() if name in lines}
        seen = {name: _measure(answer) for name, (_, answer) in answers.items()}
        fresh = [name for name in answers if self._told.get(name) != seen[name]]
        return [Report(*answers[name]) for name in fresh], seen

    @property
    def _title(self) -> str:
        return self.capabilities.title

    async def _chain(self, order: OrderIntent, root: str) -> list[Row]:
        is_dated = root[:8].isdigit() and len(root) > len("20260101")
        day = datetime.strptime(root[:8], "%Y%m%d").replace(tzinfo=SEOUL) if is_dated else self.wire.now()
        return chain(await self.wire.rows(order.symbol, day), root)

    def _is_like(self, row: Row, order: OrderIntent, sent_at: datetime) -> bool:
        """Whether a row could be this order: the same words, at the right time, and not a change of another."""
        wanted = (order.symbol, order.side, order.quantity, price_of(order.limit_price), self.wire.kind_of(order))
        is_ours = (row.symbol, row.side, row.quantity, row.price, row.kind) == wanted
        return is_ours and not row.original and sent_at - EARLY <= row.at <= sent_at + LATE

    def _unchangeable(self, tail: Row, known: Accepted, share: Decimal) -> ReplaceRefused | None:
        """Why what is open of an order cannot become this share."""
        if not tail.remaining:
            reason = known.ended.reason if known.ended else "filled"
            return ReplaceRefused(f"already_{reason}", "The order was over before the change arrived.")
        if share <= 0:
            return ReplaceRefused("quantity_already_filled", "So many shares are filled already: cancel the rest.")
        if share > tail.remaining:
            return ReplaceRefused(
                "quantity_grows", f"{self._title} takes shares away but adds none: place another order."
            )
        return None


def price_of(limit: Decimal | None) -> Decimal:
    """Such brokers write a zero where there is no limit."""
    return Decimal(0) if limit is None else limit


def chain(found: Sequence[Row], root: str) -> list[Row]:
    """An order and the changes and cancels of it, in order: each names the one before it, on the same day."""
    line = [row for row in found if row.id == root]
    while True:
        names = {(row.at.date(), row.number) for row in line}
        more = [
            row for row in found if (row.at.date(), row.original) in names and (row.at.date(), row.number) not in names
        ]
        if not more:
            return line
        line += more


def chains(found: Sequence[Row]) -> dict[str, list[Row]]:
    """Every order of a list with its changes and cancels, by the first one's name; those of a row not there are not."""
    by_number = {(row.at.date(), row.number): row for row in found}
    lines: dict[str, list[Row]] = {}
    for row in found:
        root, seen = row, {row.number}
        while root.original and (before := by_number.get((root.at.date(), root.original))) is not None:
            if before.number in seen:
                break
            root, seen = before, seen | {before.number}
        if not root.original:
            lines.setdefault(root.id, [root])
            if row is not root:
                lines[root.id].append(row)
    return lines


def _listed(line: Sequence[Row]) -> Listed:
    first, tail = line[0], _orders(line)[-1]
    filled = sum((row.filled for row in line), _NOTHING)
    remaining = sum((row.remaining for row in line), _NOTHING)
    return Listed(
        broker_order_id=first.id,
        symbol=first.symbol,
        side=first.side,
        quantity=filled + remaining if remaining else first.quantity,
        limit_price=tail.price or None,
        filled=filled,
        amount=sum((row.amount for row in line), _NOTHING),
        is_open=bool(remaining),
        placed_at=first.at,
    )


def _orders(line: Sequence[Row]) -> list[Row]:
    """The rows of a chain that can trade: the order and its changes, without the cancels."""
    return [row for row in line if not row.is_cancel]


def _answer(line: Sequence[Row]) -> Accepted:
    """What the list says about an order and everything that came of it."""
    first, orders = line[0], _orders(line)
    filled = sum((row.filled for row in orders), _NOTHING)
    amount = sum((row.amount for row in orders), _NOTHING)
    tail = orders[-1]
    is_over = not any(row.remaining for row in orders)
    ended = Ended("canceled", tail.canceled) if is_over and tail.canceled else None
    progress = Progress(filled, amount, first.at.date(), first.at) if filled else None
    return Accepted(first.id, first.at, (), ended, progress)


def _measure(answer: Accepted) -> tuple[Decimal, Decimal]:
    filled = answer.progress.quantity if answer.progress else Decimal(0)
    return filled, answer.ended.quantity if answer.ended else Decimal(-1)
