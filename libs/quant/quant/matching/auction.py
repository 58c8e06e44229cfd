"""Call auctions: the one price at which the most shares change hands (KRX single-price rule)."""

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from quant.markets.listing import Side


class Interest(NamedTuple):
    """Shares wanted or offered at a price or better; price None at any."""

    side: Side
    price: Decimal | None
    quantity: Decimal


class Clearing(NamedTuple):
    """The price of an auction and the shares that change hands at it."""

    price: Decimal
    quantity: Decimal


def clear(interests: Iterable[Interest], reference: Decimal) -> Clearing | None:
    """The clearing price, None when nobody meets.

    The most shares win; then the smallest surplus; then, of the highest price that leaves buyers over and the lowest
    that leaves sellers over, the one nearer to the reference (the last price, or the base price), the lower of two.
    Candidates are the limits in the book, or the reference when there are market orders only.
    """
    buys: dict[Decimal, Decimal] = {}
    sells: dict[Decimal, Decimal] = {}
    at_market: dict[Side, Decimal] = {"buy": Decimal(0), "sell": Decimal(0)}
    for side, price, quantity in interests:
        if price is None:
            at_market[side] += quantity
            continue
        half = buys if side == "buy" else sells
        half[price] = half.get(price, Decimal(0)) + quantity
    prices = sorted({*buys, *sells}) or [reference]
    wanted = at_market["buy"] + sum(buys.values(), Decimal(0))
    offered = at_market["sell"]
    candidates: list[tuple[Decimal, Decimal, Decimal]] = []
    for price in prices:
        offered += sells.get(price, Decimal(0))
        if traded := min(wanted, offered):
            candidates.append((traded, wanted - offered, price))
        wanted -= buys.get(price, Decimal(0))
    return _choose(candidates, reference) if candidates else None


def _choose(candidates: list[tuple[Decimal, Decimal, Decimal]], reference: Decimal) -> Clearing:
    """The best of (shares traded, surplus of buyers, price), prices rising."""
    most = max(traded for traded, _, _ in candidates)
    least = min(abs(surplus) for traded, surplus, _ in candidates if traded == most)
    left = [(surplus, price) for traded, surplus, price in candidates if traded == most and abs(surplus) == least]
    buyers_left, sellers_left = [p for s, p in left if s > 0], [p for s, p in left if s < 0]
    ends = [*buyers_left[-1:], *(p for s, p in left if not s), *sellers_left[:1]]
    return Clearing(min(ends, key=lambda price: abs(price - reference)), most)
