"""Somebody connects to a broker, binds an account to it, and trades there: on every emulator, the ledger proved."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

import httpx
import pytest

from tests.integration import invariants
from tests.integration.brokerage import SETTLE_SECONDS, Case, cases, ended, moves, opens_account_at
from tests.integration.platform_under_test import Platform
from tools.native import emulators
from tools.people import Refused, Trader

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]  # the brokers count our calls, so their days are slow


Journey = Callable[[Case, Trader, httpx.AsyncClient], Awaitable[None]]


async def at_every_broker(platform: Platform, journey: Journey) -> None:
    """Let somebody go on this journey at each broker, all at once: what takes long is each broker's own limit."""
    async with asyncio.TaskGroup() as journeys:
        for case in cases():
            journeys.create_task(_go(platform, case, journey), name=case.broker)


async def _go(platform: Platform, case: Case, journey: Journey) -> None:
    """Somebody with an account bound to a broker, and that broker's market in our hands."""
    port = emulators.EMULATORS[case.broker].port(platform.layout)
    trader = await Trader.sign_up(platform.gateway)
    body = {"broker": case.broker, "environment": "paper", "name": "Mine", "credentials": case.credentials}
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as emulator:
            await moves(emulator, case)
            saved = await trader.call("POST", "/broker/connections", **body)
            await opens_account_at(trader, case, saved["id"])
            await journey(case, trader, emulator)
    except Exception as failed:
        failed.add_note(f"at {case.broker}")
        raise
    finally:
        await trader.leave()


@pytest.mark.requirement("R-3", "R-6", "R-21")
@pytest.mark.usefixtures("korea")
async def test_a_bound_account_buys_changes_cancels_and_sells_at_every_broker(platform: Platform) -> None:
    await at_every_broker(platform, _buys_changes_cancels_and_sells)
    await invariants.assert_the_ledger_proves_itself(platform)


async def _buys_changes_cancels_and_sells(case: Case, trader: Trader, emulator: httpx.AsyncClient) -> None:
    bought = await ended(trader, await trader.buys(case.symbol, 10, **case.now("buy")), "filled", "rejected")
    assert (bought["status"], bought["filled_quantity"]) == ("filled", "10"), bought

    waiting = await trader.buys(case.symbol, 5, limit_price=case.bid)
    await ended(trader, waiting, "accepted")
    await moves(emulator, case, ask=case.bid, bid=str(Decimal(case.bid) - 100), ask_size="2")
    await ended(trader, waiting, "partially_filled")
    await trader.call("DELETE", f"/trading/orders/{waiting['id']}")
    canceled = await ended(trader, waiting, "canceled")
    assert canceled["filled_quantity"] == "2"

    await moves(emulator, case)
    sold = await ended(trader, await trader.sells(case.symbol, 12, **case.now("sell")), "filled", "rejected")
    assert (sold["status"], sold["filled_quantity"]) == ("filled", "12"), sold

    orders = await invariants.everything(trader, "/trading/orders")
    await invariants.assert_executions_agree(trader, orders)
    brokers = {item["broker"] for item in await invariants.everything(trader, "/broker/executions")}
    assert brokers == {case.broker}
    await invariants.assert_money_agrees(trader, case.currency, case.cash)


@pytest.mark.usefixtures("korea")
async def test_one_connection_is_one_account_and_a_strangers_is_none(platform: Platform, stranger: Trader) -> None:
    async def opens_another(case: Case, trader: Trader, _: httpx.AsyncClient) -> None:
        [account] = await invariants.everything(trader, "/trading/accounts")
        again = {"name": "Again", "currency": case.currency, "connection_id": account["connection_id"]}
        for person, code in ((trader, "connection_taken"), (stranger, "connection_not_found")):
            with pytest.raises(Refused) as refused:
                await person.call("POST", "/trading/accounts", **again)
            assert refused.value.code == code

    await at_every_broker(platform, opens_another)


async def syncs(trader: Trader) -> str:
    """Read the account at its broker now; who counts our calls makes us wait our turn."""
    [account] = await invariants.everything(trader, "/trading/accounts")
    async with asyncio.timeout(SETTLE_SECONDS):
        while True:
            try:
                seen = await trader.call("POST", f"/broker/connections/{account['connection_id']}/sync")
            except Refused as refused:
                if refused.code != "broker_unreachable":
                    raise
            else:
                if seen["outcome"] != "in_doubt":
                    return str(seen["outcome"])
            await asyncio.sleep(1)


async def counted(trader: Trader) -> dict[str, int]:
    """How many rows the books have, as their owner sees them."""
    ledger = f"/trading/accounts/{trader.account_id}/ledger"
    paths = ("/trading/orders", "/trading/executions", "/broker/executions", ledger)
    return {path: len(await invariants.everything(trader, path)) for path in paths}


@pytest.mark.requirement("R-22")
@pytest.mark.usefixtures("korea")
async def test_an_order_placed_elsewhere_and_fills_nobody_told_of_come_into_the_books_once(platform: Platform) -> None:
    await at_every_broker(platform, _orders_elsewhere_and_hears_nothing)
    await invariants.assert_the_ledger_proves_itself(platform)


async def _orders_elsewhere_and_hears_nothing(case: Case, trader: Trader, emulator: httpx.AsyncClient) -> None:
    ours = await trader.buys(case.symbol, 4, limit_price=case.bid)
    await ended(trader, ours, "accepted")
    elsewhere = {"symbol": case.symbol, "side": "buy", "quantity": "3", "price": case.bid, "kind": case.limit}
    (await emulator.post("/_emulator/orders", json=elsewhere)).raise_for_status()
    await syncs(trader)
    page = await trader.until(
        "/trading/orders",
        lambda shown: any(order["client_order_id"].startswith("adopted:") for order in shown["items"]),
        patience=SETTLE_SECONDS,
    )
    [adopted] = [order for order in page["items"] if order["client_order_id"].startswith("adopted:")]
    assert (adopted["quantity"], adopted["status"]) == ("3", "accepted")

    lost = {"call": "stream", "fault": "notice_lost", "times": 20}
    (await emulator.post("/_emulator/faults", json=lost)).raise_for_status()
    await moves(emulator, case, ask=case.bid, bid=str(Decimal(case.bid) - 100))
    await syncs(trader)
    for order in (ours, adopted):
        await ended(trader, order, "filled")
    await syncs(trader)
    before = await counted(trader)
    assert [await syncs(trader) for _ in range(2)] == ["unchanged", "unchanged"]
    assert await counted(trader) == before

    halts = (await trader.call("GET", "/trading/halts"))["items"]
    assert [halt for halt in halts if halt["broker"] in {None, case.broker}] == []
    orders = await invariants.everything(trader, "/trading/orders")
    await invariants.assert_executions_agree(trader, orders)
    await invariants.assert_money_agrees(trader, case.currency, case.cash)
