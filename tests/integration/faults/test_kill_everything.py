"""Kill -9 of every process while orders flow: nothing acknowledged is lost, nothing happens twice.

Each once; `make chaos` goes on until 100 are killed (`KILLS=40 SEED=2` for fewer and for others), at random.
"""

import asyncio
import os
import random

import pytest
from kit.testing.tasks import ended

from tests.integration import invariants
from tests.integration.order_stream import Stream, account_for
from tests.integration.platform_under_test import Platform
from tools.people import Trader

SECONDS_BEFORE_A_KILL = 1.0
VICTIMS = (
    "trading-api",
    "trading-worker",
    "broker-worker",
    "broker-api",
    "market-api",
    "market-worker",
    "notification-api",
    "notification-worker",
    "backtest-api",
    "backtest-worker",
    "backtest-compute",
    "auth-api",
    "auth-worker",
    "rabbitmq",
    "redis",
    "gateway",
    "postgres",
)
KILLS = int(os.environ.get("EXODUS_KILLS", len(VICTIMS)))
SEED = int(os.environ.get("EXODUS_KILLS_SEED", "1"))


def victims() -> list[str]:
    """Whom to kill, one after the other: everybody once, and then anybody."""
    others = random.Random(SEED).choices(VICTIMS, k=max(0, KILLS - len(VICTIMS)))
    return [*VICTIMS, *others][:KILLS]


@pytest.mark.stack
@pytest.mark.timeout(300 + 20 * KILLS)
@pytest.mark.requirement("R-2", "R-12", "R-15", "R-23")
async def test_killing_any_process_loses_and_doubles_nothing(platform: Platform, trader: Trader) -> None:
    stream, listener = Stream(trader), invariants.FaithfulListener(trader)
    listening = asyncio.create_task(listener.listen())
    trading = asyncio.create_task(stream.run())
    for number, victim in enumerate(victims(), start=1):
        await asyncio.sleep(SECONDS_BEFORE_A_KILL)
        assert not trading.done(), trading.result()
        killed = await asyncio.to_thread(platform.kill, victim)
        seconds = await asyncio.to_thread(platform.wait_until_back, victim, killed)
        print(f"{number} {victim}: back after {seconds:.1f} s, {len(stream.acknowledged)} orders acknowledged")  # noqa: T201
        await stream.until_answered(3, trading)
    stream.going = False
    await trading
    assert len(stream.acknowledged) >= 3 * KILLS // 2, "too few orders to prove anything"

    orders = await account_for(platform, stream)
    assert not listening.done(), listening.result()
    await listener.until_told_of(orders)
    await ended(listening)
    invariants.assert_the_stream_is_whole(listener)
