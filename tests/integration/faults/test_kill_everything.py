"""Kill -9 of every process while orders flow: nothing acknowledged is lost, nothing happens twice."""

import asyncio
import secrets
from dataclasses import dataclass, field

import httpx
import pytest

from tests.integration import invariants
from tests.integration.platform_under_test import SYMBOL, US_CASH, Platform
from tools.people import FINAL, Refused, Trader

ORDER_EVERY_SECONDS = 0.12
PAUSE_AFTER_REFUSAL_SECONDS = 0.2
SECONDS_BEFORE_A_KILL = 1.0
SETTLE_SECONDS_MAX = 60
# refusals that are right while prices or the fills of earlier buys are away; everything else is a finding
FAIL_CLOSED = {"stale_quote", "insufficient_shares"}
AWAY = {429, 502, 503, 504}
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
    "auth-api",
    "auth-worker",
    "rabbitmq",
    "redis",
    "gateway",
    "postgres",
)


@dataclass
class Stream:
    """One person who never stops trading, and never gives up an order without an answer."""

    trader: Trader
    acknowledged: set[str] = field(default_factory=set)
    denied: set[str] = field(default_factory=set)
    going: bool = True

    async def run(self) -> None:
        number = 0
        while self.going:
            side = "buy" if number % 3 else "sell"
            await self.place("buy" if number < 3 else side)
            number += 1
            await asyncio.sleep(ORDER_EVERY_SECONDS)

    async def place(self, side: str) -> None:
        """Send one order until there is an answer, always under the same client id."""
        body = self.trader.order(side, SYMBOL, 1, client_order_id=secrets.token_hex(8))
        async with asyncio.timeout(SETTLE_SECONDS_MAX):
            while True:
                try:
                    await self.trader.call("POST", "/trading/orders", **body)
                except Refused as refused:
                    if refused.code in FAIL_CLOSED:
                        self.denied.add(body["client_order_id"])
                        return
                    if refused.status not in AWAY:
                        raise
                except httpx.HTTPError:
                    pass  # no answer: the same client id goes out again
                else:
                    self.acknowledged.add(body["client_order_id"])
                    return
                await asyncio.sleep(PAUSE_AFTER_REFUSAL_SECONDS)


async def all_settled(trader: Trader) -> None:
    async with asyncio.timeout(SETTLE_SECONDS_MAX):
        while True:
            orders = await invariants.everything(trader, "/trading/orders")
            if all(order["status"] in FINAL for order in orders):
                return
            await asyncio.sleep(0.5)


@pytest.mark.stack
@pytest.mark.timeout(400)
@pytest.mark.requirement("R-2", "R-12", "R-15", "R-23")
async def test_killing_any_process_loses_and_doubles_nothing(platform: Platform, trader: Trader) -> None:
    stream, listener = Stream(trader), invariants.FaithfulListener(trader)
    listening = asyncio.create_task(listener.listen())
    trading = asyncio.create_task(stream.run())
    for victim in VICTIMS:
        await asyncio.sleep(SECONDS_BEFORE_A_KILL)
        assert not trading.done(), trading.result()
        before = len(stream.acknowledged) + len(stream.denied)
        killed = await asyncio.to_thread(platform.kill, victim)
        seconds = await asyncio.to_thread(platform.wait_until_back, victim, killed)
        print(f"{victim}: back after {seconds:.1f} s, {len(stream.acknowledged)} orders acknowledged")  # noqa: T201
        async with asyncio.timeout(SETTLE_SECONDS_MAX):
            while len(stream.acknowledged) + len(stream.denied) < before + 3:
                assert not trading.done(), trading.result()
                await asyncio.sleep(0.1)
    stream.going = False
    await trading
    await all_settled(trader)
    assert len(stream.acknowledged) >= 3 * len(VICTIMS) // 2, "too few orders to prove anything"

    orders = await invariants.assert_orders_are_exactly(trader, stream.acknowledged | stream.denied)
    assert {order["client_order_id"] for order in orders} == stream.acknowledged | stream.denied, "orders nobody sent"
    await invariants.assert_executions_agree(trader, orders)
    await invariants.assert_money_agrees(trader, "USD", US_CASH)
    await invariants.assert_the_ledger_proves_itself(platform)
    assert not listening.done(), listening.result()
    await listener.until_told_of(orders)
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    invariants.assert_the_stream_is_whole(listener)
