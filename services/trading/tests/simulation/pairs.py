"""The same world with pairs of buys: one cancels the other, only one of them ever buys, and what it buys is paid."""

from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from trading.domain import ledger as movements
from trading.domain.account import Standing
from trading.domain.group import partner_of, takes_over
from trading.domain.holds import hold_more
from trading.domain.order import AT_BROKER, Happening, Order, Status, submit
from trading.domain.request import Approved
from trading.domain.risk import review

from services.trading.tests.builders import a_question, a_quote, a_request
from services.trading.tests.simulation.books import Books, Broken
from services.trading.tests.simulation.world import World

PairBug = Literal["", "both_at_once", "held_for_the_cheaper", "for_all_of_it"]
PAIR_BUGS: tuple[PairBug, ...] = ("both_at_once", "held_for_the_cheaper", "for_all_of_it")
SENDABLE = AT_BROKER - {Status.UNKNOWN, Status.PENDING_CANCEL, Status.PENDING_REPLACE}


class PairWorld(World):
    """Every order is a pair: a limit at the venue, and a stop that waits for the price to rise."""

    def __init__(self, seed: int, bug: PairBug = "") -> None:
        super().__init__(seed)
        self.pair_bug = bug
        self.outgoing: list[dict[str, Any]] = []

    def place(self) -> None:
        limit = Decimal(self.chance.randrange(540, 560) * 100)
        request = a_request(
            id=self._id(),
            client_order_id=f"c-{self.now.timestamp()}",
            account_id=self.account.id,
            quantity=Decimal(self.chance.randint(1, 30)),
            limit_price=limit,
            oco_stop_price=limit + self.chance.randint(1, 10) * 100,
            oco_stop_limit_price=limit + self.chance.randint(10, 30) * 100,
        )
        asked = a_question(
            request=request,
            account=self.account,
            standing=Standing(available=self.books.free, sellable=Decimal(0), open_orders=len(self._open())),
            latest=a_quote(published_at=self.now),
            now=self.now,
        )
        verdict = review(asked)
        if not isinstance(verdict, Approved):
            return
        order = submit(verdict, self.now)
        if self.pair_bug == "held_for_the_cheaper":
            order = replace(order, held=order.held * limit // order.reserve_price, reserve_price=limit)  # type: ignore[operator]  # a buy has one
        stop = partner_of(order, self.now)
        assert stop is not None
        changed = self.books.copy()
        joined = replace(order, group_id=stop.group_id)
        changed.orders |= {joined.id: joined, stop.id: stop}
        self._set_aside(changed, joined, joined.held, movements.hold(joined))
        self._commit(changed, [self._submission(joined)])

    def cancel(self) -> None:
        """Somebody takes the limit back, or the price rises to the stop."""
        self._ask_back() if self.chance.random() < 0.3 or not self.faults else self._rise()

    def change(self) -> None:
        """Neither of a pair is replaced: the price may rise instead."""
        self._rise()

    def _ask_back(self) -> None:
        order = self._some([order for order in self._open() if order.status in SENDABLE])
        if order is not None:
            changed = self.books.copy()
            changed.orders[order.id] = order.after(Happening.CANCEL_REQUESTED, self.now)
            self._commit(changed, [{"what": "cancel", "order": order.id}])

    def _rise(self) -> None:
        waiting = [each for each in self._open() if each.status is Status.HELD and each.triggered_at is None]
        stop = self._some(waiting)
        limit = None if stop is None else self._partner(self.books, stop)
        if stop is None or limit is None or limit.status not in SENDABLE:
            return
        changed = self.books.copy()
        changed.orders[stop.id] = replace(stop, triggered_at=self.now)
        changed.orders[limit.id] = limit.after(Happening.CANCEL_REQUESTED, self.now)
        messages: list[dict[str, Any]] = [{"what": "cancel", "order": limit.id}]
        if self.pair_bug == "both_at_once":
            changed.orders[stop.id] = replace(stop, status=Status.SUBMITTED, triggered_at=self.now)
            messages.append(self._submission(stop))
        self._commit(changed, messages)

    def _partner(self, books: Books, order: Order) -> Order | None:
        found = (each for each in books.orders.values() if each.group_id == order.group_id and each.id != order.id)
        return next(found, None)

    def deliver_to_trading(self) -> None:
        self.outgoing, before = [], self.books
        super().deliver_to_trading()
        if self.books is not before:  # committed, and what it sends with it
            for message in self.outgoing:
                self.numbers += 1
                self.to_venue.append((self.numbers, message))

    def _apply(self, books: Books, message: dict[str, Any]) -> None:
        was = books.orders[message["order"]]
        super()._apply(books, message)
        ended = books.orders[message["order"]]
        if was.is_open and not ended.is_open:
            self._make_way(books, ended)

    def _make_way(self, books: Books, ended: Order) -> None:
        stop = self._partner(books, ended)
        if stop is None or stop.status is not Status.HELD:
            return
        if stop.triggered_at is None or not ended.remaining_quantity:
            books.orders[stop.id] = stop.after(Happening.CANCELED, self.now, "other_order_ended")
            return
        left = ended.quantity if self.pair_bug == "for_all_of_it" else ended.remaining_quantity
        sent = takes_over(stop, left, self.now)
        books.orders[stop.id] = sent
        self._set_aside(books, sent, sent.held, hold_more(sent, sent.held, "in its place", self.now))
        self.outgoing.append(self._submission(sent))

    def safe(self) -> None:
        super().safe()
        groups: defaultdict[UUID | None, list[Order]] = defaultdict(list)
        for order in self.books.orders.values():
            groups[order.group_id].append(order)
        for pair in groups.values():
            resting = [self.venue[each.id] for each in pair if each.id in self.venue]
            if sum(each.filled for each in resting) > max(each.quantity for each in pair):
                raise Broken("a pair has bought more than it was to")
            if len([each for each in resting if not each.done]) > 1:
                raise Broken("both of a pair are at the venue")
