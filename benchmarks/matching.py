"""Matching: orders a second on one core through the exchange every paper order and emulator trades on.

Nine of ten orders are day limits within twenty ticks of the last price, the rest immediate-or-cancel; most of them
trade. Every order is checked for tick, band, lot and phase. Processor time is counted, so that a busy machine does not
blur it; alone: `python -m benchmarks.matching`.
"""

import random
import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Final

from quant.markets.bands import price_band
from quant.markets.listing import Side
from quant.matching import Exchange, Order, Rules

from benchmarks.baselines import plain_book
from benchmarks.results import Result, result

ORDERS: Final = 100_000
ROUNDS: Final = 5
ORDERS_RATE_MIN: Final = 200_000
BASE: Final = 70_000
DAY: Final = date(2026, 11, 2)


def wishes() -> list[tuple[Side, int, int]]:
    """The same (side, price, quantity) for both."""
    dice = random.Random(1)
    return [
        ("buy" if dice.random() < 0.5 else "sell", BASE + 100 * dice.randint(-20, 20), dice.randint(1, 100))
        for _ in range(ORDERS)
    ]


def on_the_exchange(orders: list[Order]) -> None:
    """Everything an order goes through."""
    rules = Rules("KOSPI", "stock", DAY, price_band(Decimal(BASE), "KOSPI", DAY))
    exchange = Exchange(rules, phase="continuous", base_price=Decimal(BASE))
    for order in orders:
        exchange.enter(order)


def rate(work: Callable[..., object], *given: object) -> float:
    """Orders a second of one run, in processor time."""
    began = time.process_time()
    work(*given)
    return ORDERS / (time.process_time() - began)


def measure() -> list[Result]:
    """The best of a few rounds, each next to its baseline."""
    asked = wishes()
    rates, bare = [], []
    for _ in range(ROUNDS):
        orders = [
            Order(str(number), side, Decimal(quantity), Decimal(price), "ioc" if number % 10 == 0 else "day")
            for number, (side, price, quantity) in enumerate(asked)
        ]
        rates.append(rate(on_the_exchange, orders))
        bare.append(rate(plain_book.match, asked))
    return [result("matching", max(rates), "orders/s", max(bare))]


if __name__ == "__main__":
    for item in measure():
        print(item)
