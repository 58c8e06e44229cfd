"""The kill switch with the bus down, the cache empty and trading killed: nothing goes out any more, and all comes back.

What a switch does at each of its levels, and that resuming needs fresh proof, is in services/trading/tests; here it
meets a platform of which it may rely on PostgreSQL alone.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

from tests.integration import invariants
from tests.integration.platform_under_test import SYMBOL, Platform
from tools.native.probes import why_not_ready
from tools.native.supervisor import Supervisor
from tools.people import Admin, Refused, Trader

OPEN_ORDERS = 100
FAR_BELOW = "1"
"""A limit at which nobody sells."""
HALTED_SECONDS_MAX = 60
READY_SECONDS_MAX = 90
OVER = frozenset({"canceled", "rejected"})
AT_THE_VENUE = "SELECT count(*) AS orders FROM sim_orders WHERE account = $1 AND state <> 'refused'"
UNREACHABLE = frozenset({429, 502, 503, 504})

pytestmark = [pytest.mark.stack, pytest.mark.timeout(500)]


@asynccontextmanager
async def without_a_bus_and_with_an_empty_cache(platform: Platform) -> AsyncIterator[None]:
    """RabbitMQ stops, and Redis is killed, which keeps nothing on disk; at the end the bus is back."""
    supervisor = Supervisor(platform.layout)
    await asyncio.to_thread(supervisor.stop_one, "servers", "rabbitmq")
    try:
        killed = platform.kill("redis")
        await asyncio.to_thread(platform.wait_until_back, "redis", killed)
        yield
    finally:
        await asyncio.to_thread(supervisor.start_one, "servers", "rabbitmq")


async def until_placed(trader: Trader, **terms: Any) -> str:
    """Place a limit that rests, as soon as there are quotes again after the cache was emptied."""
    async with asyncio.timeout(READY_SECONDS_MAX):
        while True:
            try:
                return str((await trader.buys(SYMBOL, 1, limit_price=FAR_BELOW, **terms))["id"])
            except Refused as refused:
                if refused.code != "stale_quote" and refused.status not in UNREACHABLE:
                    raise
            await asyncio.sleep(0.1)


async def statuses(trader: Trader) -> dict[str, str]:
    """Every order of somebody that was taken, and where it stands; asked again while trading comes back."""
    async with asyncio.timeout(READY_SECONDS_MAX):
        while True:
            try:
                orders = await invariants.everything(trader, "/trading/orders")
            except Refused as refused:
                if refused.status not in UNREACHABLE:
                    raise
                await asyncio.sleep(0.2)
            else:
                return {order["id"]: order["status"] for order in orders if order["status"] != "denied"}


async def until_all(trader: Trader, wanted: frozenset[str], seconds: float) -> float:
    """Wait until every order of somebody has one of these statuses; how long that took, in seconds."""
    began = time.monotonic()
    while True:
        standing = await statuses(trader)
        if set(standing.values()) <= wanted:
            return time.monotonic() - began
        assert time.monotonic() - began < seconds, standing
        await asyncio.sleep(0.1)


async def at_the_venue(platform: Platform, account_id: str) -> int:
    [row] = await platform.rows("broker", AT_THE_VENUE, account_id)
    return int(row["orders"])


@pytest.mark.requirement("R-10")
async def test_after_the_answer_nothing_is_sent_and_all_that_was_open_comes_back(
    platform: Platform, trader: Trader
) -> None:
    for _ in range(OPEN_ORDERS):
        await until_placed(trader)
    await until_all(trader, frozenset({"accepted"}), READY_SECONDS_MAX)
    async with without_a_bus_and_with_an_empty_cache(platform):
        unsent = await until_placed(trader)
        done = await trader.call("POST", "/trading/halt", level="user", reason="a test")
        killed = {name: platform.kill(name) for name in ("trading-api", "trading-worker")}
        assert Decimal(done["withdrawn"]) == OPEN_ORDERS + 1
        assert await at_the_venue(platform, trader.account_id) == OPEN_ORDERS
        for name, pid in killed.items():
            await asyncio.to_thread(platform.wait_until_back, name, pid)
        assert set((await statuses(trader)).values()) == {"pending_cancel"}, "what was asked for outlives the process"
        with pytest.raises(Refused) as refused:
            await trader.buys(SYMBOL, 1, limit_price=FAR_BELOW)
        assert refused.value.code == "trading_halted"
    await _until_the_bus_is_back(platform)
    seconds = await until_all(trader, OVER, READY_SECONDS_MAX)
    print(f"{OPEN_ORDERS} open orders came back {seconds:.1f} s after the bus did")  # noqa: T201
    assert (await statuses(trader))[unsent] in OVER
    assert await at_the_venue(platform, trader.account_id) == OPEN_ORDERS, "an order went out after the answer"
    with pytest.raises(Refused, match="trading_halted"):
        await trader.buys(SYMBOL, 1)
    await trader.call("POST", "/trading/resume", level="user")
    assert await trader.until_order(await until_placed(trader), frozenset({"accepted"}))
    await invariants.assert_the_ledger_proves_itself(platform)


@pytest.mark.requirement("R-10")
async def test_a_dead_program_is_halted_in_time_while_the_bus_is_down(platform: Platform, trader: Trader) -> None:
    await until_placed(trader)
    await until_all(trader, frozenset({"accepted"}), READY_SECONDS_MAX)
    async with without_a_bus_and_with_an_empty_cache(platform):
        await trader.call("PUT", "/trading/dead-man", account_id=trader.account_id, seconds=15)
        seconds = await until_all(trader, frozenset({"pending_cancel"}), HALTED_SECONDS_MAX)
        assert 14 < seconds < HALTED_SECONDS_MAX
    await _until_the_bus_is_back(platform)
    await until_all(trader, OVER, READY_SECONDS_MAX)
    with pytest.raises(Refused, match="trading_halted"):
        await trader.buys(SYMBOL, 1)


@pytest.mark.requirement("R-10")
async def test_a_brokers_switch_is_released_by_nobody_within_ten_minutes(platform: Platform, admin: Admin) -> None:
    broker = "nobody"  # whom no account is at: it stays halted for as long as this platform lives
    async with without_a_bus_and_with_an_empty_cache(platform):
        await admin.call("POST", "/trading/halt", level="broker", broker=broker)
        platform.kill("trading-api")
    await _until_the_bus_is_back(platform)
    shown = await admin.until("/trading/halts", lambda halts: bool(halts["items"]), READY_SECONDS_MAX)
    assert [halt["broker"] for halt in shown["items"]] == [broker]
    with pytest.raises(Refused, match="cooling_off"):
        await admin.call("POST", "/trading/resume", level="broker", broker=broker)


async def _until_the_bus_is_back(platform: Platform) -> None:
    """Everything that speaks to it says that it does."""
    ports = platform.layout.ports
    deadline = time.monotonic() + READY_SECONDS_MAX
    for port in (ports.worker("trading"), ports.worker("broker"), ports.api("trading")):
        while reason := await asyncio.to_thread(why_not_ready, port, "/health/ready"):
            assert time.monotonic() < deadline, reason
            await asyncio.sleep(0.1)
