"""One person who trades without a pause while things break, and the account of it afterwards."""

import asyncio
import secrets
from dataclasses import dataclass, field

import httpx

from tests.integration import invariants
from tests.integration.platform_under_test import SYMBOL, US_CASH, Platform
from tools.people import FINAL, Json, Refused, Trader

ORDER_EVERY_SECONDS = 0.12
PAUSE_AFTER_REFUSAL_SECONDS = 0.2
SETTLE_SECONDS_MAX = 60
SHARES_KEPT = 30
SHARES_MAX = 100
"""What may wait to be filled and can be paid for: while fills are away, sales are denied and buys are not."""
# refusals that are right while prices or the fills of earlier buys are away; everything else is a finding
FAIL_CLOSED = {"stale_quote", "insufficient_shares"}
AWAY = {429, 502, 503, 504}


@dataclass
class Stream:
    """One person who never stops trading, and never gives up an order without an answer."""

    trader: Trader
    acknowledged: set[str] = field(default_factory=set)
    denied: set[str] = field(default_factory=set)
    hung: list[str] = field(default_factory=list)
    """Orders whose request got no answer at all in the time that a client waits."""
    refusals: int = 0
    """How often the platform said that it cannot now."""
    going: bool = True

    @property
    def answered(self) -> int:
        """How many orders have their answer."""
        return len(self.acknowledged) + len(self.denied)

    async def run(self) -> None:
        """Order until told to stop: first two buys for each sale, then one, and none where the money might run out."""
        number = shares = 0
        while self.going:
            sells = number >= 3 and number % (3 if shares < SHARES_KEPT else 2) == 0
            if sells or shares >= SHARES_MAX:
                shares -= await self.place("sell")
            else:
                shares += await self.place("buy")
            number += 1
            await asyncio.sleep(ORDER_EVERY_SECONDS)

    async def place(self, side: str) -> bool:
        """Send one order until there is an answer, always under the same client id; whether it was taken."""
        body = self.trader.order(side, SYMBOL, 1, client_order_id=secrets.token_hex(8))
        async with asyncio.timeout(SETTLE_SECONDS_MAX):
            while True:
                try:
                    await self.trader.call("POST", "/trading/orders", **body)
                except Refused as refused:
                    if refused.code in FAIL_CLOSED:
                        self.denied.add(body["client_order_id"])
                        return False
                    if refused.status not in AWAY:
                        raise
                    self.refusals += 1
                except httpx.ReadTimeout:
                    self.hung.append(body["client_order_id"])
                except httpx.HTTPError:
                    pass  # no answer: the same client id goes out again
                else:
                    self.acknowledged.add(body["client_order_id"])
                    return True
                await asyncio.sleep(PAUSE_AFTER_REFUSAL_SECONDS)

    async def until_answered(self, more: int, trading: "asyncio.Task[None]") -> None:
        """Wait until so many more orders have their answer."""
        wanted = self.answered + more
        async with asyncio.timeout(SETTLE_SECONDS_MAX):
            while self.answered < wanted:
                assert not trading.done(), trading.result()
                await asyncio.sleep(0.1)


async def all_settled(trader: Trader) -> None:
    """Wait until every order has come to an end."""
    async with asyncio.timeout(SETTLE_SECONDS_MAX):
        while True:
            orders = await invariants.everything(trader, "/trading/orders")
            if all(order["status"] in FINAL for order in orders):
                return
            await asyncio.sleep(0.5)


async def account_for(platform: Platform, stream: Stream) -> list[Json]:
    """The losses, which must be none: every order is final, once, with its executions, and the money agrees."""
    await all_settled(stream.trader)
    known = stream.acknowledged | stream.denied
    orders = await invariants.assert_orders_are_exactly(stream.trader, known)
    assert {order["client_order_id"] for order in orders} == known, "orders nobody sent"
    await invariants.assert_executions_agree(stream.trader, orders)
    await invariants.assert_money_agrees(stream.trader, "USD", US_CASH)
    await invariants.assert_the_ledger_proves_itself(platform)
    return orders
