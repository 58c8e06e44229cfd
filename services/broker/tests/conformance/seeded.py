"""One seeded run of faults on a broker's line, and what must be true at its end."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random

from broker.domain.attempt import Attempt, AttemptState
from broker.domain.order import OrderIntent

from services.broker.tests.remote import LOOK_SECONDS, RemoteFloor

LOSSES = ("reset_before", "reset_after", "ledger_timeout", "server_error", "html", "empty", "rate_limit", None)
ARRIVES = ("reset_after", "ledger_timeout", None)
"""Losses of which the house knows nothing: the order is there."""
BLINDNESS = ("html", "server_error", "reset_before", None, None)
STRANGERS = (None, None, None, "cheaper", "larger", "earlier", "later", "twin", "elder")
"""What else their customer does in the broker's own app, of which nothing may be taken for an order of ours."""
EARLIER_SECONDS, LATER_SECONDS = 4, 63
"""So far apart that an order of ours cannot have been stamped then."""
BURSTS = 0.25
"""How many runs are of equal orders one right after the other, which their customer leaves alone."""
LOOKS = 24
"""Four settle a doubt. On a machine that stands still for seconds PostgreSQL ends the transactions that wait for us,
and a look that lost its own is one the less: the recovery comes again, as it does here. How long it took is measured.
"""


@dataclass
class Tally:
    """What became of the orders that were in doubt when the last fault had healed.

    Attributes:
        resolved: seconds from the healing to the end of each doubt, in steps of the recovery's looks.
        humans: how many ended at a human, because two rows of the list could have been the order.
        absent: how many ended as never placed.
    """

    runs: int = 0
    orders: int = 0
    resolved: list[int] = field(default_factory=list)
    humans: int = 0
    absent: int = 0

    def percentile(self, share: float) -> int:
        """Seconds within which this share of the doubts was resolved."""
        ordered = sorted(self.resolved) or [0]
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]

    def line(self) -> str:
        """All of it for a person."""
        percentiles = " ".join(f"p{share:.0%}".rstrip("%") + f" {self.percentile(share)} s" for share in (0.5, 0.95, 1))
        told = f"{len(self.resolved)} in doubt after healing: {percentiles}, {self.absent} never placed"
        return f"{self.runs} runs, {self.orders} orders, {told}, {self.humans} left to a human"


async def play(floor: RemoteFloor, seed: int, tally: Tally) -> None:
    """One run: orders that are alike, faults by the dice, then calm; and what must be true at the end."""
    running, dice, kind = floor.emulated, Random(seed), floor.emulated.kind
    symbol = f"{seed:06d}" if kind.able.markets == {"KRX"} else "".join("ABCDEFGHIJ"[int(c)] for c in f"{seed:05d}")
    running.house.list_symbol(symbol, running.money("70000"))
    is_burst = dice.random() < BURSTS
    limits = ["69900"] * 4 if is_burst else [dice.choice(["69900", "69800"]) for _ in range(4)]
    orders = [floor.order(symbol=symbol, quantity="1", limit_price=limit) for limit in limits]
    placed: dict[str, list[str]] = {}
    again = []
    for order in orders:
        fault, stranger = dice.choice(LOSSES), None if is_burst else dice.choice(STRANGERS)
        if stranger in {"cheaper", "larger", "earlier"} or (
            stranger == "elder" and fault in ARRIVES and await _is_next(floor, order, orders)
        ):
            _strange(floor, order, stranger)
        if fault:
            running.faults.add(kind.order_call, fault)
        before = set(running.house.slips)
        is_done = await floor.submit(order)
        placed[str(order.order_id)] = [number for number in running.house.slips if number not in before]
        if not is_done or dice.random() < 0.3:
            again.append(order)
        running.faults.clear()
        if stranger == "twin" and placed[str(order.order_id)]:
            _strange(floor, order, stranger)  # two rows that could be it, if its own is not known yet
        if blind := dice.choice(BLINDNESS):
            running.faults.add(kind.list_call, blind)
        pause = EARLIER_SECONDS if stranger == "elder" else dice.choice([0, 1] if is_burst else [0, 1, 15, 30])
        running.clock.passes(pause)
        if pause > 1:  # else the next one is sent before anybody has looked
            await _watched(floor, orders, placed, floor.looks)
        if stranger == "later":
            _strange(floor, order, stranger)
    running.faults.clear()
    for order in again:
        await _watched(floor, orders, placed, partial(floor.submit, order))
    await _watched(floor, orders, placed, partial(_resolve, floor, orders, tally))
    await _judge(floor, seed, orders, placed)
    tally.runs += 1
    tally.orders += len(orders)


def _strange(floor: RemoteFloor, order: OrderIntent, how: str) -> None:
    """Place an order past us that differs from one of ours in one thing: price, quantity, its time, or nothing."""
    running, price, quantity = floor.emulated, order.limit_price, order.quantity
    assert price is not None
    if not running.house.accounts:
        return
    if how == "cheaper":
        price -= running.money("300")
    if how == "larger":
        quantity += 1
    if how in {"earlier", "later"}:
        running.clock.passes(LATER_SECONDS)
    running.house.take_from_its_own_app(order.symbol, order.side, quantity, price, running.kind.limit)
    running.clock.passes(1 if how == "elder" else EARLIER_SECONDS)


async def _is_next(floor: RemoteFloor, order: OrderIntent, orders: Sequence[OrderIntent]) -> bool:
    """Whether a row with its words could be no other order: its equals are settled, or still to come."""
    earlier = orders[: list(orders).index(order)]
    found = await floor.attempts(earlier)
    equals = [each for each in earlier if each.limit_price == order.limit_price]
    return all(each.order_id in found and found[each.order_id].is_settled for each in equals)


async def _resolve(floor: RemoteFloor, orders: Sequence[OrderIntent], tally: Tally) -> None:
    """Let the recovery look until nothing is in doubt, and count for how long each order was."""
    found = await floor.attempts(orders)
    tally.humans += sum(attempt.needs_human for attempt in found.values())
    left = [order for order in orders if _is_open(found[order.order_id])]
    for look in range(1, LOOKS + 1):
        if not left:
            return
        await floor.looks()
        found = await floor.attempts(left)
        done = [found[order.order_id] for order in left if not _is_open(found[order.order_id])]
        left = [order for order in left if _is_open(found[order.order_id])]
        tally.humans += sum(attempt.needs_human for attempt in done)
        tally.absent += sum(attempt.state is AttemptState.REJECTED for attempt in done)
        tally.resolved += [look * LOOK_SECONDS for attempt in done if attempt.is_settled]


def _is_open(attempt: Attempt) -> bool:
    return not attempt.is_settled and not attempt.needs_human


async def _judge(floor: RemoteFloor, seed: int, orders: Sequence[OrderIntent], placed: dict[str, list[str]]) -> None:
    found = await floor.attempts(orders)
    for order in orders:
        attempt, mine = found[order.order_id], placed[str(order.order_id)]
        assert len(mine) <= 1, f"seed {seed}: sent twice"
        assert attempt.is_settled or attempt.needs_human, f"seed {seed}: never settled"
        if attempt.state is AttemptState.ACCEPTED:
            assert mine, f"seed {seed}: never placed, and called accepted"
            assert str(attempt.broker_order_id).endswith(mine[0]), f"seed {seed}: somebody else's order"
        elif not attempt.needs_human:
            assert not mine, f"seed {seed}: placed, and called {attempt.state}"


async def _watched(
    floor: RemoteFloor,
    orders: Sequence[OrderIntent],
    placed: dict[str, list[str]],
    act: Callable[[], Awaitable[object]],
) -> None:
    """Do something, and say of each order that appeared at the house whose it is."""
    before = set(floor.emulated.house.slips)
    await act()
    new = [slip for number, slip in floor.emulated.house.slips.items() if number not in before]
    by_key = {str(order.key): str(order.order_id) for order in orders}
    for slip in new:
        assert slip.client_key in by_key, "only an order under a key of ours is ever sent by the recovery"
        placed[by_key[slip.client_key]].append(slip.number)
