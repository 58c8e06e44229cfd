"""Somebody connects to a broker, binds an account to it, and trades there: on every emulator, the ledger proved."""

import asyncio
import csv
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.integration import invariants
from tests.integration.platform_under_test import SYMBOL, Platform
from tools import cli
from tools.native import emulators
from tools.people import Admin, Refused, Trader

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]  # the brokers count our calls, so their days are slow

KOREAN = "005930"
KOREAN_DAY = date(2024, 12, 16)
KOREAN_PRICE = 70_000
SETTLE_SECONDS = 60


@dataclass(frozen=True)
class Case:
    """What a person gives a broker, and where its market stands."""

    broker: str
    credentials: dict[str, str]
    symbol: str
    currency: str
    cash: Decimal
    base: str
    bid: str
    ask: str
    limit: str
    """The broker's own word for a limit order."""
    has_market_orders: bool = True

    def now(self, side: str) -> dict[str, str]:
        """What an order says besides its quantity, so that it trades at once."""
        return {} if self.has_market_orders else {"limit_price": self.ask if side == "buy" else self.bid}


# What each house gives a new account, so that the first comparison finds nothing to write.
KOREA = {"symbol": KOREAN, "currency": "KRW", "cash": Decimal(1_000_000_000), "base": str(KOREAN_PRICE)}
WON = {"bid": "70000", "ask": "70100"}
DOLLARS = {"base": "430", "bid": "429.9", "ask": "430.1"}


def cases() -> list[Case]:
    """Every broker that has an emulator, each with keys that nobody else has."""
    keys = {"app_key": secrets.token_hex(18), "app_secret": secrets.token_hex(18)}
    account = {"account": f"{secrets.randbelow(10**8):08d}01", "hts_id": "minji"}
    american = {"symbol": SYMBOL, "currency": "USD", "cash": Decimal(1_000_000)}
    return [
        Case(broker="kis", credentials=keys | account, limit="00", **KOREA, **WON),
        Case(
            broker="kis_us",
            credentials={"app_key": secrets.token_hex(18), "app_secret": secrets.token_hex(18)} | account,
            limit="00",
            has_market_orders=False,
            **american,
            **DOLLARS,
        ),
        Case(broker="ls", credentials=keys, limit="00", **KOREA, **WON),
        Case(
            broker="kiwoom",
            credentials={"app_key": keys["app_key"], "secret_key": "S" * 43},
            limit="0",
            **KOREA,
            **WON,
        ),
        Case(
            broker="alpaca",
            credentials={"key_id": keys["app_key"], "secret_key": keys["app_secret"]},
            limit="day",
            **american,
            **DOLLARS,
        ),
    ]


@pytest_asyncio.fixture
async def korea(platform: Platform, admin: Admin) -> None:
    """A Korean stock that stands at 70,000 won, quoted."""
    folder = _prices(platform.layout.directory / "korean-prices")
    form = {"market": "KRX", "board": "KOSPI", "source": "sample", "names": cli.dumps({KOREAN: "Sample"})}
    await admin.imports(folder, form)
    await admin.replays([KOREAN], KOREAN_DAY.isoformat(), 5)
    await admin.until(f"/market/quotes/{KOREAN}", lambda quote: quote["session"] == "regular")


def _prices(folder: Path) -> Path:
    """Made-up bars: ten days at one price."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{KOREAN}.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("date", "open", "high", "low", "close", "volume"))
        days = [KOREAN_DAY - timedelta(days=back) for back in (7, 6, 5, 4, 3, 0)]
        for day in [day for day in days if day.weekday() < 5]:
            writer.writerow((day.isoformat(), *(KOREAN_PRICE for _ in range(4)), 1_000_000))
    return folder


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


async def moves(emulator: httpx.AsyncClient, case: Case, **changes: str) -> None:
    quote = {"bid": case.bid, "bid_size": "500", "ask": case.ask, "ask_size": "500"} | changes
    answer = await emulator.post("/_emulator/quotes", json={"symbol": case.symbol, "base": case.base} | quote)
    answer.raise_for_status()


async def opens_account_at(trader: Trader, case: Case, connection: str) -> None:
    """Open the bound account; trading hears of the connection a moment after it was saved."""
    body: dict[str, Any] = {"name": "Bound", "currency": case.currency, "initial_cash": str(case.cash)}
    for _ in range(100):
        try:
            opened = await trader.call("POST", "/trading/accounts", **body, connection_id=connection)
        except Refused as refused:
            if refused.code != "connection_not_found":
                raise
            await asyncio.sleep(0.1)
            continue
        trader.account_id = str(opened["id"])
        assert (opened["broker"], opened["connection_id"]) == (case.broker, connection)
        return
    raise AssertionError("trading never heard of the connection")


async def ended(trader: Trader, order: dict[str, Any], *statuses: str) -> dict[str, Any]:
    """The order once it has one of these statuses; brokers' own limits make that take a while."""
    path = f"/trading/orders/{order['id']}"
    return await trader.until(path, lambda shown: shown["status"] in statuses, patience=SETTLE_SECONDS)


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
