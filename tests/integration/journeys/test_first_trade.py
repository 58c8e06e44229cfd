"""The first trade of somebody who has just signed up."""

from decimal import Decimal

import pytest

from tests.integration import invariants
from tests.integration.platform_under_test import SYMBOL, US_CASH, Platform
from tools.people import Refused, Trader

pytestmark = pytest.mark.stack


async def test_a_buy_is_filled_told_and_booked(platform: Platform, trader: Trader) -> None:
    async with trader.listens("/ws/account") as account:
        order = await trader.buys(SYMBOL, 10)
        assert order["status"] == "submitted"
        assert order["remaining_quantity"] == "10"
        for kind in ("order", "execution", "position", "balance", "notice"):
            await account.until(lambda message, kind=kind: message["type"] == kind)  # type: ignore[misc]
    filled = await trader.until_order(order["id"])
    assert filled["status"] == "filled"
    await invariants.assert_executions_agree(trader, [filled])
    await invariants.assert_money_agrees(trader, "USD", US_CASH)
    await invariants.assert_the_ledger_proves_itself(platform)


async def test_a_round_trip_shows_profit_after_fee_and_tax(trader: Trader) -> None:
    bought = await trader.until_order((await trader.buys(SYMBOL, 10))["id"])
    sold = await trader.until_order((await trader.sells(SYMBOL, 10))["id"])
    positions = await invariants.everything(trader, "/trading/positions")
    profits = [Decimal(item["realized_profit"]) for item in positions if item["symbol"] == SYMBOL]
    spread = (Decimal(sold["average_price"]) - Decimal(bought["average_price"])) * 10
    costs = sum(Decimal(order[cost]) for order in (bought, sold) for cost in ("fee", "tax"))
    executions = await invariants.everything(trader, "/trading/executions")
    realized = sum(Decimal(item["realized_profit"] or 0) for item in executions)
    assert realized == spread - costs
    assert not profits or profits[0] == realized


async def test_a_limit_below_the_market_waits_and_can_be_taken_back(trader: Trader) -> None:
    order = await trader.buys(SYMBOL, 1, limit_price="300")
    waiting = await trader.until_order(order["id"], frozenset({"accepted"}))
    balance = await trader.call("GET", f"/trading/accounts/{trader.account_id}/balance")
    held = next(item["held"] for item in balance["items"] if item["currency"] == "USD")
    assert Decimal(held) >= 300
    await trader.call("DELETE", f"/trading/orders/{waiting['id']}")
    canceled = await trader.until_order(order["id"])
    assert canceled["status"] == "canceled"
    await invariants.assert_money_agrees(trader, "USD", US_CASH)


@pytest.mark.requirement("R-1")
async def test_the_same_client_id_is_the_same_order(trader: Trader) -> None:
    body = trader.order("buy", SYMBOL, 1)
    first = await trader.call("POST", "/trading/orders", **body)
    again = await trader.call("POST", "/trading/orders", **body)
    assert again["id"] == first["id"]
    with pytest.raises(Refused) as refused:
        await trader.call("POST", "/trading/orders", **{**body, "quantity": "2"})
    assert refused.value.status == 409
    await trader.until_order(first["id"])
    assert len(await invariants.everything(trader, "/trading/orders")) == 1


async def test_too_little_cash_is_a_denied_order_with_a_reason(trader: Trader) -> None:
    with pytest.raises(Refused) as refused:
        await trader.buys(SYMBOL, 300, limit_price="430")
    assert refused.value.status == 422
    assert refused.value.code == "insufficient_cash"
    kept = await trader.call("GET", f"/trading/orders/{refused.value.problem['order_id']}")
    assert kept["status"] == "denied"
    assert kept["reason"] == "insufficient_cash"


async def test_an_alert_comes_once(trader: Trader) -> None:
    async with trader.listens("/ws/account") as account:
        alert = await trader.call("POST", "/alerts", symbol=SYMBOL, condition="price_above", value="1")
        await account.until(lambda message: message["type"] == "notice" and alert["id"] in str(message["data"]))
    told = [item for item in (await trader.call("GET", "/notifications"))["items"] if alert["id"] in str(item)]
    assert len(told) == 1


async def test_a_preview_costs_nothing_and_leaves_nothing(trader: Trader) -> None:
    before = await trader.call("GET", f"/trading/accounts/{trader.account_id}/balance")
    preview = await trader.call("POST", "/trading/orders/preview", **trader.order("buy", SYMBOL, 10))
    assert preview
    assert await trader.call("GET", f"/trading/accounts/{trader.account_id}/balance") == before
    assert await invariants.everything(trader, "/trading/orders") == []
