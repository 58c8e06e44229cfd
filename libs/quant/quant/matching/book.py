"""A book of resting orders: the best price first, then arrival; market orders before all others.

Taking, adding and canceling cost the same however deep the book is. Canceled orders are dropped when they are met, or
in one sweep once they outnumber the living.
"""

from collections import deque
from collections.abc import Iterator
from decimal import Decimal
from heapq import heapify, heappop, heappush
from typing import Final

from quant.markets.listing import Side
from quant.matching.order import Order

SWEEP_MIN: Final = 1_024
"""Fewer dead orders than this are not worth a sweep."""


_Level = tuple[Decimal, Decimal, deque[Order]]
"""A price's rank (the best sorts first; no two levels share one), the price itself, and who waits there."""


class _Half:
    """One side: levels by rank, and market orders apart.

    The heap holds the levels themselves: whoever asks for the best order, as every arriving one does, neither negates
    a price nor looks one up.
    """

    __slots__ = ("_sign", "dead", "levels", "market", "ranks")

    def __init__(self, side: Side) -> None:
        self._sign = -1 if side == "buy" else 1
        self.levels: dict[Decimal, deque[Order]] = {}
        self.ranks: list[_Level] = []
        self.market: deque[Order] = deque()
        self.dead = 0

    def add(self, order: Order) -> None:
        price = order.price
        if price is None:
            self.market.append(order)
            return
        level = self.levels.get(price)
        if level is None:
            self.levels[price] = level = deque((order,))
            heappush(self.ranks, (price if self._sign > 0 else -price, price, level))
        else:
            level.append(order)

    def first_at_market(self) -> Order | None:
        """The market order that trades next."""
        market = self.market
        while market:
            if market[0].quantity:
                return market[0]
            market.popleft()
            self.dead -= 1
        return None

    def first_limit(self) -> Order | None:
        """The limit order that trades next."""
        ranks = self.ranks
        while ranks:
            level = ranks[0][2]
            while level:
                order = level[0]
                if order.quantity:
                    return order
                level.popleft()
                self.dead -= 1
            del self.levels[heappop(ranks)[1]]
        return None

    def bury(self) -> None:
        """Count an order that just ended, and sweep when the dead outnumber the living."""
        self.dead += 1
        if self.dead > SWEEP_MIN and self.dead > sum(map(len, self.levels.values())) // 2:
            self._sweep()

    def _sweep(self) -> None:
        living = {price: deque(order for order in level if order.quantity) for price, level in self.levels.items()}
        self.levels = {price: level for price, level in living.items() if level}
        self.ranks = [(price * self._sign, price, level) for price, level in self.levels.items()]
        heapify(self.ranks)
        self.market = deque(order for order in self.market if order.quantity)
        self.dead = 0

    def __iter__(self) -> Iterator[Order]:
        yield from (order for order in self.market if order.quantity)
        for _, _, level in sorted(self.ranks):
            yield from (order for order in level if order.quantity)


class Book:
    """The resting orders of one symbol."""

    __slots__ = ("_by_key", "_halves")

    def __init__(self) -> None:
        self._halves: dict[Side, _Half] = {"buy": _Half("buy"), "sell": _Half("sell")}
        self._by_key: dict[str, Order] = {}

    def __len__(self) -> int:
        return len(self._by_key)

    def add(self, order: Order) -> None:
        """Let an order wait behind those of its price."""
        assert order.key not in self._by_key, f"order {order.key} is in the book already"
        self._by_key[order.key] = order
        self._halves[order.side].add(order)
        order.has_rested = True

    def find(self, key: str) -> Order | None:
        """The waiting order with a key."""
        return self._by_key.get(key)

    def first(self, side: Side) -> Order | None:
        """The order of a side that trades next."""
        half = self._halves[side]
        if half.market and (order := half.first_at_market()) is not None:
            return order
        return half.first_limit()

    def best(self, side: Side) -> Decimal | None:
        """The best limit price of a side."""
        order = self._halves[side].first_limit()
        return None if order is None else order.price

    def take(self, order: Order, quantity: Decimal) -> None:
        """Count down what is open of a waiting order; it leaves the book when nothing is."""
        order.quantity -= quantity
        if not order.quantity:
            del self._by_key[order.key]
            self._halves[order.side].bury()

    def remove(self, key: str) -> Decimal:
        """Take an order out of the book; what was open of it, zero when it is not there."""
        order = self._by_key.get(key)
        if order is None:
            return Decimal(0)
        quantity = order.quantity
        self.take(order, quantity)
        return quantity

    def orders(self, side: Side) -> Iterator[Order]:
        """The orders of a side in the order in which they trade."""
        return iter(self._halves[side])

    def levels(self, side: Side, count: int) -> list[tuple[Decimal, Decimal]]:
        """The best prices of a side and the shares waiting at each, at most `count` of them."""
        found: dict[Decimal, Decimal] = {}
        for order in self.orders(side):
            if order.price is None:
                continue
            if order.price not in found and len(found) == count:
                break
            found[order.price] = found.get(order.price, Decimal(0)) + order.quantity
        return list(found.items())
