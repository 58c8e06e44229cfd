"""The baseline of matching: a bare book of two heaps, whole numbers, and nothing else that an exchange has to know."""

from collections.abc import Sequence
from heapq import heappop, heappush


def match(orders: Sequence[tuple[str, int, int]]) -> int:
    """Match (side, price, quantity) limit orders by price and time; the number of trades."""
    halves: dict[str, list[list[int]]] = {"buy": [], "sell": []}
    trades = 0
    for number, (side, price, quantity) in enumerate(orders):
        left = quantity
        mine, theirs = (halves["buy"], halves["sell"]) if side == "buy" else (halves["sell"], halves["buy"])
        limit = price if side == "buy" else -price
        while left and theirs and theirs[0][0] <= limit:
            maker = theirs[0]
            shares = min(left, maker[2])
            left -= shares
            maker[2] -= shares
            trades += 1
            if not maker[2]:
                heappop(theirs)
        if left:
            heappush(mine, [-limit, number, left])
    return trades
