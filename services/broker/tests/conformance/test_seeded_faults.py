"""Seeded runs of faults on every broker's line: no order is doubled, none is taken for another, none stays in doubt.

`EXODUS_FAULT_RUNS=10000 pytest services/broker/tests/conformance/test_seeded_faults.py` plays more of them; a failure
names its seed.
"""

import os
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from random import Random

import pytest
from broker.config import Settings
from broker.domain.attempt import AttemptState
from broker.domain.order import OrderIntent
from kit.db import Database
from redis.asyncio import Redis
from sqlalchemy import text

from services.broker.tests.emulated import KINDS, emulated
from services.broker.tests.remote import RemoteFloor

RUNS = int(os.environ.get("EXODUS_FAULT_RUNS", "15"))
LOSSES = ("reset_before", "reset_after", "ledger_timeout", "server_error", "html", "empty", "rate_limit", None)
BLINDNESS = ("html", "server_error", "reset_before", None, None)
LOOKS = 8


async def play(floor: RemoteFloor, seed: int) -> None:
    """One run: orders that are alike, faults by the dice, then calm; and what must be true at the end."""
    running, dice, kind = floor.emulated, Random(seed), floor.emulated.kind
    symbol = f"{seed:06d}" if kind.able.markets == {"KRX"} else "".join("ABCDEFGHIJ"[int(c)] for c in f"{seed:05d}")
    running.house.list_symbol(symbol, running.money("70000"))
    limits = [dice.choice(["69900", "69800"]) for _ in range(4)]
    orders = [floor.order(symbol=symbol, quantity="1", limit_price=limit) for limit in limits]
    placed: dict[str, list[str]] = {}
    again = []
    for order in orders:
        if fault := dice.choice(LOSSES):
            running.faults.add(kind.order_call, fault)
        before = set(running.house.slips)
        is_done = await floor.submit(order)
        placed[str(order.order_id)] = [number for number in running.house.slips if number not in before]
        if not is_done or dice.random() < 0.3:
            again.append(order)
        running.faults.clear()
        if fault := dice.choice(BLINDNESS):
            running.faults.add(kind.list_call, fault)
        running.clock.passes(dice.choice([0, 1, 15, 30]))
        await _watched(floor, orders, placed, floor.looks)
    running.faults.clear()
    for order in again:
        await _watched(floor, orders, placed, partial(floor.submit, order))
    await _watched(floor, orders, placed, partial(floor.looks, LOOKS))
    for order in orders:
        attempt, mine = await floor.attempt(order), placed[str(order.order_id)]
        assert len(mine) <= 1, f"seed {seed}: sent twice"
        assert attempt.is_settled or attempt.needs_human, f"seed {seed}: never settled"
        if attempt.state is AttemptState.ACCEPTED:
            [number] = mine
            assert str(attempt.broker_order_id).endswith(number), f"seed {seed}: somebody else's order"
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


@pytest.mark.requirement("R-2", "R-3", "R-4", "R-9")
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("broker", sorted(KINDS))
async def test_seeded_faults_double_no_order_and_adopt_no_stranger(
    broker: str, database: Database, redis: "Redis", settings: Settings
) -> None:
    async with database.system() as session:
        await session.execute(text("UPDATE attempts SET needs_human = true"))
    async with emulated(broker) as running:
        floor = RemoteFloor.over(running, database, redis, settings)
        for seed in range(RUNS):
            await play(floor, seed)
            floor.restarts()
