"""A small world for one account: the real domain code, a venue, and a bus that delays, repeats and loses processes.

Everything is decided by one seed, so a seed that failed fails again. The bus keeps the order of messages of one side
and delivers each at least once, as RabbitMQ and the relay do; a process that dies loses what it had not committed.
"""

import random
from collections import deque
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from trading.domain import ledger as movements
from trading.domain.account import Standing
from trading.domain.holds import hold_more, release_part
from trading.domain.ledger import Book, Transaction
from trading.domain.order import REPLACEABLE, Happening, Order, Status, submit
from trading.domain.position import Position
from trading.domain.replacement import Terms, ask_replace, extra_hold, replace_rejected, replaced
from trading.domain.request import Approved, Execution
from trading.domain.risk import review

from services.trading.tests.builders import DAY, NOW, a_fill, a_question, a_quote, a_request, an_account
from services.trading.tests.simulation.books import Books, Broken, Resting

CASH = Decimal(5_000_000)
Bug = Literal["", "timeout_is_a_no", "no_dedupe", "resend", "free_on_request", "replace_on_request", "hold_no_extra"]
BUGS: tuple[Bug, ...] = (
    "timeout_is_a_no",
    "no_dedupe",
    "resend",
    "free_on_request",
    "replace_on_request",
    "hold_no_extra",
)


class World:
    """One account, its venue, and everything that can go wrong between them."""

    def __init__(self, seed: int, bug: Bug = "") -> None:
        self.chance = random.Random(seed)
        self.bug = bug
        self.now = NOW
        self.books = Books()
        self.account = an_account(id=self._id())
        self.position = Position(account_id=self.account.id, symbol="005930", market="KRX", currency="KRW")
        self.books.position = self.position
        self.books.post(movements.deposit(self.account.id, "KRW", CASH, self._id(), NOW))
        self.venue: dict[UUID, Resting] = {}
        self.trades: dict[str, tuple[UUID, Decimal, Decimal]] = {}
        self.to_venue: deque[tuple[int, dict[str, Any]]] = deque()
        self.to_trading: deque[tuple[int, dict[str, Any]]] = deque()
        self.venue_inbox: set[int] = set()
        self.numbers = 0
        self.faults = True

    def _id(self) -> UUID:
        return UUID(int=self.chance.getrandbits(128), version=4)

    def run(self, steps: int) -> None:
        """Live through faults, then without them until everything is settled."""
        for _ in range(steps):
            self.step()
        self.faults = False
        for _ in range(2_000):
            if not self.to_venue and not self.to_trading and not self._open():
                break
            self.step()
        self.settled()

    def _open(self) -> list[Order]:
        return [order for order in self.books.orders.values() if order.is_open]

    def step(self) -> None:
        """Let one thing happen."""
        self.now += timedelta(milliseconds=self.chance.randint(1, 2_000))
        actions = [
            self.deliver_to_venue,
            self.deliver_to_venue,
            self.deliver_to_trading,
            self.deliver_to_trading,
            self.trade,
        ]
        if self.faults:
            actions += [
                self.place,
                self.change,
                self.change,
                self.repeat,
                self.chance.choice([self.cancel, self.place]),
            ]
        elif self.chance.random() < 0.3:
            actions = [self.cancel, self.resolve]
        self.chance.choice(actions)()
        self.safe()

    # what the owner does

    def place(self) -> None:
        position = self.books.position
        assert position is not None
        side = self.chance.choice(["buy", "buy", "sell"])
        request = a_request(
            id=self._id(),
            client_order_id=f"c-{self.now.timestamp()}",
            account_id=self.account.id,
            side=side,
            quantity=Decimal(self.chance.randint(1, 30)),
            limit_price=Decimal(self.chance.randrange(540, 580) * 100),
        )
        standing = Standing(
            available=self.books.free,
            sellable=position.quantity - position.held,
            open_orders=len(self._open()),
        )
        asked = a_question(
            request=request,
            account=self.account,
            standing=standing,
            latest=a_quote(published_at=self.now),
            now=self.now,
        )
        verdict = review(asked)
        if not isinstance(verdict, Approved):
            return
        order = submit(verdict, self.now)
        changed = self.books.copy()
        changed.orders[order.id] = order
        self._set_aside(changed, order, order.held, movements.hold(order))
        self._commit(changed, [self._submission(order)])

    def _submission(self, order: Order) -> dict[str, Any]:
        return {
            "what": "submit",
            "order": order.id,
            "side": order.side,
            "quantity": order.quantity,
            "price": order.limit_price,
        }

    def cancel(self) -> None:
        order = self._some([order for order in self._open() if order.status is not Status.UNKNOWN])
        if order is None:
            return
        after = order.after(Happening.CANCEL_REQUESTED, self.now)
        changed = self.books.copy()
        if self.bug == "free_on_request" and after is not order:
            self._release(changed, order, replace(after, held=Decimal(0)), movements.release(order, order.held))
            after = replace(after, held=Decimal(0))
        changed.orders[order.id] = after
        self._commit(changed, [] if after is order else [{"what": "cancel", "order": order.id}])

    def change(self) -> None:
        order = self._some([order for order in self._open() if order.status in REPLACEABLE])
        if order is None:
            return
        quantity = order.filled_quantity + self.chance.randint(1, 30)
        price = Decimal(self.chance.randrange(400, 690) * 100)
        terms = Terms(replace_id=self._id(), quantity=quantity, limit_price=price)
        position = self.books.position
        assert position is not None
        extra = extra_hold(order, terms)
        free = self.books.free if order.side == "buy" else position.quantity - position.held
        if extra > free:
            return
        extra = Decimal(0) if self.bug == "hold_no_extra" else extra
        asking = ask_replace(order, terms, extra, self.now)
        changed = self.books.copy()
        if extra:
            self._set_aside(changed, asking, extra, hold_more(asking, extra, str(terms.replace_id), self.now))
        if self.bug == "replace_on_request":
            asking = replace(asking, quantity=quantity, limit_price=price, reserve_price=price)
        changed.orders[order.id] = asking
        message = {"what": "replace", "order": order.id, "id": terms.replace_id, "quantity": quantity, "price": price}
        self._commit(changed, [message])

    # what the bus does

    def repeat(self) -> None:
        """A message that was delivered comes again: its acknowledgement was lost."""
        for queue in (self.to_venue, self.to_trading):
            if queue and self.chance.random() < 0.5:
                queue.insert(self.chance.randint(1, len(queue)), queue[0])

    def deliver_to_venue(self) -> None:
        if not self.to_venue:
            return
        number, message = self.to_venue.popleft()
        if number in self.venue_inbox and self.bug != "resend":
            return
        self.venue_inbox.add(number)
        answers = getattr(self, f"_venue_{message['what']}")(message)
        if self.faults and message["what"] == "submit" and self.chance.random() < 0.2:
            # no answer: what became of it will be found out later, and is said after this
            self._say({"what": "no" if self.bug == "timeout_is_a_no" else "unknown", "order": message["order"]})
            return
        for answer in answers:
            self._say(answer)

    def deliver_to_trading(self) -> None:
        if not self.to_trading:
            return
        number, message = self.to_trading[0]
        if number in self.books.inbox and self.bug != "no_dedupe":
            self.to_trading.popleft()
            return
        changed = self.books.copy()
        changed.inbox.add(number)
        self._apply(changed, message)
        if self.faults and self.chance.random() < 0.1:
            return  # the process died before its commit: the message stays, and comes again
        self.books = changed
        self.to_trading.popleft()

    def resolve(self) -> None:
        """The broker looks its orders up at the venue, and says what it finds."""
        for order in self._open():
            if order.status is Status.UNKNOWN and not any(m["order"] == order.id for _, m in self.to_trading):
                resting = self.venue.get(order.id)
                if resting is None or (resting.done and resting.filled == order.filled_quantity):
                    self._say({"what": "canceled", "order": order.id})
                elif not resting.done:
                    self._say({"what": "accepted", "order": order.id})

    # what the venue does

    def _venue_submit(self, message: dict[str, Any]) -> list[dict[str, Any]]:
        if message["order"] in self.venue:
            raise Broken("an order reached the venue twice")
        self.venue[message["order"]] = Resting(message["side"], message["quantity"], message["price"])
        return [{"what": "accepted", "order": message["order"]}]

    def _venue_cancel(self, message: dict[str, Any]) -> list[dict[str, Any]]:
        resting = self.venue[message["order"]]
        if resting.done:
            return [{"what": "cancel_rejected", "order": message["order"]}]
        resting.done = True
        return [{"what": "canceled", "order": message["order"]}]

    def _venue_replace(self, message: dict[str, Any]) -> list[dict[str, Any]]:
        resting = self.venue[message["order"]]
        if resting.done or message["quantity"] < resting.filled or self.chance.random() < 0.2:
            return [{**message, "what": "replace_rejected"}]
        resting.quantity, resting.price = message["quantity"], message["price"]
        resting.done = resting.quantity == resting.filled
        return [{**message, "what": "replaced"}]

    def trade(self) -> None:
        """Some resting order is filled, at its limit or better."""
        waiting = [(key, resting) for key, resting in self.venue.items() if not resting.done]
        if not waiting:
            return
        key, resting = self.chance.choice(waiting)
        quantity = Decimal(self.chance.randint(1, int(resting.quantity - resting.filled)))
        better = Decimal(self.chance.choice([0, 0, 100, 500]))
        price = resting.price - better if resting.side == "buy" else resting.price + better
        resting.filled += quantity
        resting.done = resting.filled == resting.quantity
        execution_id = f"e{len(self.trades)}"
        self.trades[execution_id] = (key, quantity, price)
        self._say({"what": "executed", "order": key, "id": execution_id, "quantity": quantity, "price": price})

    # what trading makes of it

    def _apply(self, books: Books, message: dict[str, Any]) -> None:
        order = books.orders[message["order"]]
        match message["what"]:
            case "executed":
                self._fill(books, order, message)
            case "replaced":
                terms = Terms(replace_id=message["id"], quantity=message["quantity"], limit_price=message["price"])
                self._settle(books, order, replaced(order, terms, self.now), f"{message['id']}:answered")
            case "replace_rejected":
                after = replace_rejected(order, message["id"], "no", self.now)
                self._settle(books, order, after, f"{message['id']}:answered")
            case word:
                happening = {"no": Happening.REJECTED}.get(word) or Happening[word.upper()]
                self._settle(books, order, order.after(happening, self.now), "")

    def _settle(self, books: Books, order: Order, after: Order, step: str) -> None:
        freed = order.held - after.held
        if freed and step:
            self._release(books, order, after, release_part(after, freed, step, self.now))
        elif freed:
            self._release(books, order, after, movements.release(after, freed))
        books.orders[order.id] = after

    def _fill(self, books: Books, order: Order, message: dict[str, Any]) -> None:
        if message["id"] in books.executions and self.bug != "no_dedupe":
            return
        books.executions.add(message["id"])
        fill: Execution = a_fill(
            order, execution_id=message["id"], quantity=message["quantity"], price=message["price"], trade_date=DAY
        )
        after = order.filled_by(fill, self.now)
        assert books.position is not None
        freed = order.held - after.held
        if order.side == "buy":
            movement = movements.bought(order, fill, freed)
            books.position = books.position.bought(fill.quantity, movement.total(Book.SHARES))
        else:
            had = replace(books.position, held=books.position.held - freed)
            books.position = had.sold(fill.quantity, fill.value - fill.fee - fill.tax)
            movement = movements.sold(order, fill, had.cost - books.position.cost)
        books.post(movement)
        books.orders[order.id] = after

    def _set_aside(self, books: Books, order: Order, amount: Decimal, movement: Transaction) -> None:
        assert books.position is not None
        if order.side == "sell":
            books.position = replace(books.position, held=books.position.held + amount)
        else:
            books.post(movement)

    def _release(self, books: Books, before: Order, after: Order, movement: Transaction) -> None:
        assert books.position is not None
        if before.side == "sell":
            books.position = replace(books.position, held=books.position.held - (before.held - after.held))
        else:
            books.post(movement)

    # what must hold

    def safe(self) -> None:
        """Always, whatever has just happened."""
        books, position = self.books.books, self.books.position
        assert position is not None
        if sum(books.values()) != 0:
            raise Broken("the ledger does not sum to zero")
        if self.books.free < 0 or books[Book.HELD] < 0 or position.held < 0 or position.quantity < position.held:
            raise Broken(f"something is below zero: {self.books.free}, {books[Book.HELD]}, {position}")
        held = {side: sum(o.held for o in self.books.orders.values() if o.side == side) for side in ("buy", "sell")}
        if held["buy"] != books[Book.HELD] or held["sell"] != position.held:
            raise Broken("the holds of orders are not what is held")
        for order in self.books.orders.values():
            if order.filled_quantity > order.quantity:
                raise Broken("more was filled than asked for")
        if len(self.venue) > len(self.books.orders):
            raise Broken("the venue has more orders than were meant")

    def settled(self) -> None:
        """At the end: every order has ended, and trading believes exactly what the venue did."""
        if self._open():
            raise Broken(f"still open: {[str(order.status) for order in self._open()]}")
        for key, order in self.books.orders.items():
            there = sum(quantity for of, quantity, _ in self.trades.values() if of == key)
            if order.filled_quantity != there:
                raise Broken(f"{order.status}: {order.filled_quantity} booked, {there} traded")
        if self.books.books[Book.HELD] != 0:
            raise Broken("something is held for nothing")

    def _commit(self, books: Books, messages: list[dict[str, Any]]) -> None:
        if self.faults and self.chance.random() < 0.05:
            return  # the process died: neither the change nor its messages exist
        self.books = books
        for message in messages:
            self.numbers += 1
            self.to_venue.append((self.numbers, message))

    def _say(self, message: dict[str, Any]) -> None:
        self.numbers += 1
        self.to_trading.append((self.numbers, message))

    def _some(self, orders: list[Order]) -> Order | None:
        return self.chance.choice(orders) if orders else None
