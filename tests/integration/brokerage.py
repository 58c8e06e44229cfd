"""Brokers as the tests meet them: what each wants of a person, how its market is moved, how orders end there.

And the operator's switch for real money, thrown as an operator throws it.
"""

import asyncio
import csv
import secrets
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from tests.integration.platform_under_test import SYMBOL, Platform
from tools.people import Refused, Trader

KOREAN = "005930"
KOREAN_DAY = date(2024, 12, 16)
KOREAN_PRICE = 70_000
SETTLE_SECONDS = 60
SWITCHES = ("trading", "broker")
"""Who has to be told before real money moves."""


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


def write_korean_prices(folder: Path) -> Path:
    """Made-up bars: ten days at one price."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{KOREAN}.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("date", "open", "high", "low", "close", "volume"))
        days = [KOREAN_DAY - timedelta(days=back) for back in (7, 6, 5, 4, 3, 0)]
        for day in [day for day in days if day.weekday() < 5]:
            writer.writerow((day.isoformat(), *(KOREAN_PRICE for _ in range(4)), 1_000_000))
    return folder


async def moves(emulator: httpx.AsyncClient, case: Case, **changes: str) -> None:
    quote = {"bid": case.bid, "bid_size": "500", "ask": case.ask, "ask_size": "500"} | changes
    answer = await emulator.post("/_emulator/quotes", json={"symbol": case.symbol, "base": case.base} | quote)
    answer.raise_for_status()


async def ended(trader: Trader, order: dict[str, Any], *statuses: str) -> dict[str, Any]:
    """The order once it has one of these statuses; brokers' own limits make that take a while."""
    path = f"/trading/orders/{order['id']}"
    return await trader.until(path, lambda shown: shown["status"] in statuses, patience=SETTLE_SECONDS)


async def opens_account_at(trader: Trader, case: Case, connection: str, kind: str = "paper") -> None:
    """Open the bound account; trading hears of the connection a moment after it was saved."""
    body: dict[str, Any] = {"name": "Bound", "kind": kind, "currency": case.currency}
    if kind == "paper":
        body["initial_cash"] = str(case.cash)
    for _ in range(100):
        try:
            opened = await trader.call("POST", "/trading/accounts", **body, connection_id=connection)
        except Refused as refused:
            if refused.code != "connection_not_found":
                raise
            await asyncio.sleep(0.1)
            continue
        trader.account_id = str(opened["id"])
        assert (opened["kind"], opened["broker"], opened["connection_id"]) == (kind, case.broker, connection)
        return
    raise AssertionError("trading never heard of the connection")


async def switches(platform: Platform, *, on: bool) -> None:
    """Write the operator's files, or take them away, and start what reads them again."""
    for service in SWITCHES:
        file = platform.layout.secrets / service / f"{service}_live_allowed"
        file.write_text("true") if on else file.unlink()
        if on:
            file.chmod(0o600)
    for name in [f"{service}-{kind}" for service in SWITCHES for kind in ("api", "worker")]:
        killed = platform.kill(name)
        await asyncio.to_thread(platform.wait_until_back, name, killed)


async def answers(trader: Trader) -> None:
    """Wait until trading and broker are there again."""
    for path in ("/trading/accounts", "/broker/connections"):
        async with asyncio.timeout(60):
            while True:
                try:
                    await trader.call("GET", path)
                except (Refused, httpx.HTTPError, ValueError):
                    await asyncio.sleep(0.3)
                else:
                    break
