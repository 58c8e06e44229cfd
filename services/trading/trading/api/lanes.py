"""Back-pressure: so many requests at a time in each lane, and what comes beyond is told at once to come again.

How many are under way at once is how long everybody waits: at 400 orders a second, 48 of them are 120 ms. So the bound
on waiting is one on counting, known without asking anybody, and a refusal costs no token's verification and no
connection. What makes things safer (a cancel, the kill switch) has no bound: it is never told to come again.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Literal

from fastapi import Depends, Request
from kit.errors import Unavailable, responses
from prometheus_client import Counter, Gauge

from trading.backlog import Backlog
from trading.config import Settings
from trading.errors import Overloaded

Lane = Literal["orders", "other"]

ORDERS: Final = frozenset({"post_order", "post_order_preview", "post_position_close", "patch_order"})
"""Routes that place an order or judge one."""
NEVER_REFUSED: Final = frozenset({"delete_order", "delete_orders", "post_halt", "put_dead_man"})
"""Routes that only ever make an account safer."""

BUSY: Final = responses(Unavailable, Overloaded)

under_way = Gauge("lane_requests_under_way", "Requests that are being answered", ["lane"])
refused = Counter("lane_requests_refused_total", "Requests told to come again, since there was too much", ["lane"])


@dataclass
class Lanes:
    """How many requests are under way in this process, and how many may be."""

    most: dict[Lane, int]
    backlog: Backlog
    """What waits behind the lane of orders."""
    now: dict[Lane, int] = field(default_factory=lambda: {"orders": 0, "other": 0})

    @classmethod
    def of(cls, settings: Settings, backlog: Backlog) -> "Lanes":
        """As wide as the settings say."""
        return cls({"orders": settings.orders_under_way_max, "other": settings.others_under_way_max}, backlog)

    def enter(self, lane: Lane) -> None:
        """Count one more request.

        Raises:
            Overloaded: when there are as many as there may be, or too much waits behind them.
        """
        if lane == "orders" and (waiting := self.backlog.too_many):
            refused.labels(lane).inc()
            raise Overloaded(
                f"{waiting} orders wait to be worked off: this one was not begun, send it again in a second."
            )
        if self.now[lane] >= self.most[lane]:
            refused.labels(lane).inc()
            raise Overloaded(
                f"{self.most[lane]} requests are being worked on: this one was not begun, send it again in a second."
            )
        self.now[lane] += 1
        under_way.labels(lane).set(self.now[lane])

    def leave(self, lane: Lane) -> None:
        """Count one less."""
        self.now[lane] -= 1
        under_way.labels(lane).set(self.now[lane])

    @contextmanager
    def admitted(self, lane: Lane) -> Iterator[None]:
        """Be one of those under way, or raise Overloaded."""
        self.enter(lane)
        try:
            yield
        finally:
            self.leave(lane)


def lane_of(route: str) -> Lane | None:
    """The lane of a route, by its name; None for those that are never refused."""
    if route in NEVER_REFUSED:
        return None
    return "orders" if route in ORDERS else "other"


async def _admitted(request: Request) -> AsyncIterator[None]:
    lanes: Lanes = request.app.state.lanes
    lane = lane_of(request.scope["route"].name)
    if lane is None:
        yield
        return
    with lanes.admitted(lane):
        yield


# scope="function": it is entered before the token is read, and left when the transaction has ended
ADMITTED = Depends(_admitted, scope="function")
