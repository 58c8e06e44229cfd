"""Real money, as far as it can be seen without any: brokers' real environments, played on loopback.

The operator switches it on and off as an operator does, by files that the services read when they start.
"""

import asyncio
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.integration import invariants
from tests.integration.brokerage import Case, answers, cases, ended, moves, opens_account_at, switches
from tests.integration.platform_under_test import Platform
from tools import service_commands
from tools.native import emulators
from tools.people import Refused, Trader

pytestmark = [pytest.mark.stack, pytest.mark.timeout(400), pytest.mark.usefixtures("korea")]

PAPER_CASH = Decimal(5_000_000)
REPORTED_SECONDS = 90
"""A broker's account is read soon after it was opened, and each broker counts our calls."""


@dataclass(frozen=True)
class Live:
    """Somebody with a paper account, and a real key of a broker whose real environment is played."""

    platform: Platform
    case: Case
    trader: Trader
    paper_id: str

    async def connects(self) -> str:
        body = {"broker": self.case.broker, "environment": "real", "name": "Mine", "credentials": self.case.credentials}
        saved = await self.trader.call("POST", "/broker/connections", **body)
        return str(saved["id"])

    async def is_refused(self, path: str, **body: Any) -> str:
        with pytest.raises(Refused) as refused:
            await self.trader.call("POST", path, **body)
        assert refused.value.code == "live_not_permitted", refused.value.problem
        return str(refused.value.problem["detail"])

    async def may(self, word: str) -> None:
        """The operator gives the permission, or takes it; the token of before is worthless from then on."""
        await asyncio.to_thread(service_commands.auth_admin, self.platform.layout, word, self.trader.email, "real")
        await self.trader.log_in()

    async def paper_balance(self) -> Any:
        return (await self.trader.call("GET", f"/trading/accounts/{self.paper_id}/balance"))["items"]


async def somebody(platform: Platform, case: Case) -> Live:
    trader = await Trader.sign_up(platform.gateway)
    await trader.opens_account("KRW", PAPER_CASH)
    return Live(platform, case, trader, trader.account_id)


@pytest.mark.requirement("R-22", "R-48")
async def test_real_money_is_traded_only_while_switch_permission_and_proof_are_there(platform: Platform) -> None:
    """At KIS's and Alpaca's real environments: nothing before the switch, a day with it, and nothing new after it."""
    people = [await somebody(platform, case) for case in cases() if case.broker in {"kis", "alpaca"}]
    for each in people:
        await _before(each)
    await switches(platform, on=True)
    try:
        await answers(people[0].trader)
        async with asyncio.TaskGroup() as days:
            for each in people:
                days.create_task(_trades_a_day(each), name=each.case.broker)
        await invariants.assert_the_ledger_proves_itself(platform)
    finally:
        await switches(platform, on=False)
    await answers(people[0].trader)
    for each in people:
        await _after(each)
        await each.trader.leave()


async def _before(live: Live) -> None:
    body = {"name": "Live", "kind": "live", "currency": live.case.currency}
    real = {"broker": live.case.broker, "environment": "real", "name": "Mine", "credentials": live.case.credentials}
    assert "ask the operator" in await live.is_refused("/broker/connections", **real)
    assert "TRADING_LIVE_ALLOWED" in await live.is_refused("/trading/accounts", **body)
    await live.may("allow")
    assert "BROKER_LIVE_ALLOWED" in await live.is_refused("/broker/connections", **real)
    assert "TRADING_LIVE_ALLOWED" in await live.is_refused("/trading/accounts", **body)


async def _trades_a_day(live: Live) -> None:
    case, trader = live.case, live.trader
    await trader.log_in()  # which is a proof of who it is
    before = await live.paper_balance()
    port = emulators.EMULATORS[case.broker].live_port(live.platform.layout)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as emulator:
        await moves(emulator, case)
        connection = await live.connects()
        await opens_account_at(trader, case, connection, "live")
        await live.is_refused("/trading/accounts", name="Mixed", currency=case.currency, connection_id=connection)
        await trader.until(
            f"/trading/accounts/{trader.account_id}/balance",
            lambda shown: any(Decimal(each["cash"]) == case.cash for each in shown["items"]),
            patience=REPORTED_SECONDS,
        )
        bought = await ended(trader, await trader.buys(case.symbol, 10, **case.now("buy")), "filled", "rejected")
        assert (bought["status"], bought["filled_quantity"]) == ("filled", "10"), bought
        sold = await ended(trader, await trader.sells(case.symbol, 6, **case.now("sell")), "filled", "rejected")
        assert (sold["status"], sold["filled_quantity"]) == ("filled", "6"), sold
        await live.may("forbid")
        with pytest.raises(Refused) as refused:
            await trader.buys(case.symbol, 1, **case.now("buy"))
        assert refused.value.code == "live_not_permitted"
        way_out = await ended(trader, await trader.sells(case.symbol, 4, **case.now("sell")), "filled", "rejected")
        assert way_out["status"] == "filled", way_out
        await live.may("allow")
    orders = [order for order in await invariants.everything(trader, "/trading/orders") if order["status"] != "denied"]
    await invariants.assert_executions_agree(trader, orders)
    await invariants.assert_money_agrees(trader, case.currency, case.cash)
    assert await live.paper_balance() == before
    assert await invariants.everything(trader, f"/trading/orders?account_id={live.paper_id}") == []


async def _after(live: Live) -> None:
    executions = len(await invariants.everything(live.trader, "/broker/executions"))
    await live.trader.log_in()
    with pytest.raises(Refused) as refused:
        await live.trader.buys(live.case.symbol, 1, **live.case.now("buy"))
    assert refused.value.code == "live_not_permitted"
    assert "TRADING_LIVE_ALLOWED" in refused.value.problem["detail"]
    assert len(await invariants.everything(live.trader, "/broker/executions")) == executions
    mine = await invariants.everything(live.trader, f"/trading/orders?account_id={live.trader.account_id}")
    assert [order["status"] for order in mine].count("denied") == 2
