"""What is measured of orders: how many are open and since when, and how soon a broker's first word comes."""

from datetime import datetime
from typing import Final

from prometheus_client import Gauge, Histogram

from trading.backlog import reached
from trading.domain.order import Order, Status

BUCKETS_SECONDS: Final = (0.005, 0.01, 0.02, 0.04, 0.08, 0.12, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0)

orders_open = Gauge("orders_open", "Open orders", ["status"])
order_oldest_seconds = Gauge(
    "order_oldest_seconds", "Since the open order that has been longest in a status came to it", ["status"]
)
order_first_word_seconds = Histogram(
    "order_first_word_seconds", "From sending an order to its broker's first word", ["word"], buckets=BUCKETS_SECONDS
)


def hear_first_word(before: Order, after: Order, said_at: datetime) -> None:
    """Note how long an order waited for its broker's first word; what comes after it says how markets move, not we."""
    if before.status is Status.SUBMITTED and after.status is not Status.SUBMITTED:
        waited = (said_at - before.updated_at).total_seconds()
        order_first_word_seconds.labels(after.status).observe(max(0, waited))
        reached.note(before)
