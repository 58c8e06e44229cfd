"""The four invariants: no order lost, none doubled, cash and holds reconcile, every order terminal or known unknown."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal

import websockets

from tests.integration.platform_under_test import Platform
from tools import service_commands
from tools.people import FINAL, Json, Trader

PAGE = 500
RECONNECT_SECONDS = 0.2
TOLD_SECONDS_MAX = 30
NOTHING_SAID = 1006


async def everything(trader: Trader, path: str) -> list[Json]:
    """Read a list to its last page."""
    items: list[Json] = []
    cursor = ""
    while True:
        joint = "&" if "?" in path else "?"
        page = await trader.call("GET", f"{path}{joint}limit={PAGE}{cursor}")
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = f"&cursor={page['next_cursor']}"


async def assert_orders_are_exactly(trader: Trader, client_ids: set[str]) -> list[Json]:
    """Every order that was acknowledged is there, once, and settled."""
    orders = await everything(trader, "/trading/orders")
    seen = [order["client_order_id"] for order in orders]
    assert len(seen) == len(set(seen)), "an order was doubled"
    assert set(seen) >= client_ids, f"orders were lost: {sorted(client_ids - set(seen))}"
    open_orders = [order for order in orders if order["status"] not in FINAL | {"unknown"}]
    assert not open_orders, f"orders never ended: {[(o['client_order_id'], o['status']) for o in open_orders]}"
    return orders


async def assert_executions_agree(trader: Trader, orders: list[Json]) -> None:
    """What the broker executed is what trading recorded, and adds up to what each order says."""
    ours = await everything(trader, "/trading/executions")
    theirs = await everything(trader, "/broker/executions")
    key = "execution_id"
    assert sorted(item[key] for item in ours) == sorted(item[key] for item in theirs), "executions were lost or doubled"
    filled: dict[str, Decimal] = defaultdict(Decimal)
    for item in ours:
        filled[item["order_id"]] += Decimal(item["quantity"])
    for order in orders:
        assert filled[order["id"]] == Decimal(order["filled_quantity"]), order


async def assert_money_agrees(trader: Trader, currency: str, started_with: Decimal) -> None:
    """Cash is what was there, less buys, plus sells, less costs; nothing is held any more; shares add up."""
    executions = [item for item in await everything(trader, "/trading/executions") if item["currency"] == currency]
    expected = started_with
    shares: dict[str, Decimal] = defaultdict(Decimal)
    for item in executions:
        value = Decimal(item["quantity"]) * Decimal(item["price"])
        sign = 1 if item["side"] == "sell" else -1
        expected += sign * value - Decimal(item["fee"]) - Decimal(item["tax"])
        shares[item["symbol"]] -= sign * Decimal(item["quantity"])
    balances = await trader.call("GET", f"/trading/accounts/{trader.account_id}/balance")
    balance = next(item for item in balances["items"] if item["currency"] == currency)
    assert Decimal(balance["held"]) == 0, balance
    assert Decimal(balance["available"]) == expected, (balance, expected)
    positions = {item["symbol"]: Decimal(item["quantity"]) for item in await everything(trader, "/trading/positions")}
    assert {symbol: positions.get(symbol, Decimal(0)) for symbol in shares} == dict(shares)


async def assert_the_ledger_proves_itself(platform: Platform) -> None:
    """Every balance, hold and position of everybody, rebuilt from its first entry, is the stored one."""
    status, said = await asyncio.to_thread(service_commands.prove_ledger, platform.layout)
    assert status == 0, said
    assert "holds" in said


@dataclass
class FaithfulListener:
    """Somebody who listens to the account stream through every restart, and resumes where the line broke."""

    trader: Trader
    heard: list[Json] = field(default_factory=list)
    closed_with: list[int] = field(default_factory=list)
    """Why each line ended, as WebSocket's codes have it; 1006 where nothing was said."""

    async def listen(self) -> None:
        """Listen until cancelled."""
        while True:
            try:
                await self._listen_until_the_line_breaks()
            except websockets.ConnectionClosed as closed:
                self.closed_with.append(closed.rcvd.code if closed.rcvd else NOTHING_SAID)
                await asyncio.sleep(RECONNECT_SECONDS)
            except (OSError, TimeoutError, websockets.WebSocketException):
                await asyncio.sleep(RECONNECT_SECONDS)

    async def _listen_until_the_line_breaks(self) -> None:
        async with self.trader.listens("/ws/account") as account:
            await account.says(action="resume", seq=self.heard[-1]["seq"] if self.heard else 0)
            async for message in account.messages():
                assert message["type"] != "reset", "the stream forgot what it had not told yet"
                if "data" in message:
                    self.heard.append(message)

    async def until_told_of(self, orders: list[Json]) -> None:
        """Wait until every fill of these orders has been told."""
        wanted = {order["id"] for order in orders if order["status"] == "filled"}
        async with asyncio.timeout(TOLD_SECONDS_MAX):
            # what we wait for is what another task appends to a list
            while not wanted <= {m["data"].get("id") for m in self.heard if m["data"].get("status") == "filled"}:  # noqa: ASYNC110
                await asyncio.sleep(RECONNECT_SECONDS)


def assert_the_stream_is_whole(listener: FaithfulListener) -> None:
    """The stream's numbers have no gap and no repeat, and every execution was told once."""
    numbers = [message["seq"] for message in listener.heard]
    assert numbers == list(range(1, len(numbers) + 1)), "the stream has gaps or repeats"
    told = [m["data"]["execution_id"] for m in listener.heard if m["type"] == "execution"]
    assert len(told) == len(set(told)), "an execution was told twice"
