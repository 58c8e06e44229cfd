"""Automations: from a closed minute to the order, for 50 of them on 30 symbols that all act at the same closes.

A replayed session brings 30 stocks' minutes to their ends by the clock; at each close every automation buys, and at the
next it sells again. `bar_to_order` is the time between the two facts, each noted in the transaction that makes it true:
that the bar has closed, in market, and that its order was submitted, in trading. `bar_to_order_heard` ends when the
owner hears of the order on /ws/account. The first close, for which histories are read from nothing, is left out.
"""

import asyncio
import csv
import json
import time
from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

import asyncpg
import websockets

from benchmarks.load import Measured
from benchmarks.orders import Crowd
from benchmarks.results import Result, result
from tools import cli
from tools.native import credentials
from tools.native.layout import Layout
from tools.people import Admin, Refused, Trader
from tools.private_stack import TRADING_DATE
from tools.sample_prices import write_us_prices

AUTOMATIONS: Final = 50
OWNERS: Final = 10
SYMBOLS: Final = tuple(f"B{first}{second}" for first in "ABCDE" for second in "ABCDEF")
CLOSES: Final = 2
"""Measured ones, after the first."""
CAPITAL: Final = "5000"
SESSION_SECONDS: Final = 600
PATIENCE_SECONDS: Final = 60 * (CLOSES + 2)
KNOWN_WITHIN_SECONDS: Final = 30
P95_MS_MAX: Final = 250
RULES: Final = {"entry": "close > 0", "exit": "close < 0", "holding_bars": 1}
"""Buy at once, sell a bar later: everybody acts at every close."""

ORDERED = """
SELECT signal.symbol, signal.bar, placed.client_order_id, fact.occurred_at
  FROM signals AS signal JOIN orders AS placed ON placed.id = signal.order_id
  JOIN events AS fact ON fact.subject = placed.id::text AND fact.type = 'trading.order.submitted.v1'
 WHERE signal.automation_id = ANY ($1::uuid[])
"""
CLOSED = """
SELECT data->>'symbol' AS symbol, (data->>'start')::timestamptz AS bar, occurred_at FROM events
 WHERE type = 'market.bar.closed.v1' AND data->>'interval' = '1m' AND data->>'symbol' = ANY ($1::text[])
"""


async def measure(crowd: Crowd) -> list[Result]:
    """Set everything up, live through the closes, and compare the times."""
    owners = crowd.traders[:OWNERS]
    operator = await cli.admin_for_demo(cli.gateway_of(crowd.layout), crowd.layout)
    try:
        await _open_the_market(operator, crowd.layout)
        started = [each for place, owner in enumerate(owners) for each in await _automate(owner, _share_of(place))]
        heard: dict[str, float] = {}
        listening = [asyncio.create_task(_listen(crowd.layout, owner, heard)) for owner in owners]
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(heard) < AUTOMATIONS * (CLOSES + 1):  # noqa: ASYNC110 - a poll costs the measured machine less
                await asyncio.sleep(0.5)
        for task in listening:
            task.cancel()
        for owner, automation_id in started:
            await owner.call("POST", f"/trading/automations/{automation_id}/stop")
    finally:
        await operator.leave()
    return await _compared(crowd.layout, [automation_id for _, automation_id in started], heard)


def _share_of(place: int) -> list[str]:
    """The symbols of one owner's automations, one each."""
    return [SYMBOLS[number % len(SYMBOLS)] for number in range(place, AUTOMATIONS, OWNERS)]


async def _open_the_market(operator: Admin, layout: Layout) -> None:
    """Import the sample's newest prices under as many names as are needed, and begin a session of them."""
    with (write_us_prices(layout.directory / "prices") / "MSFT.csv").open() as file:
        header, *rows = csv.reader(file)
    folder = layout.directory / "bench-prices"
    folder.mkdir()
    for symbol in SYMBOLS:
        await asyncio.to_thread(_write, folder / f"{symbol}.csv", [header, *rows[-30:]])
    await operator.imports(folder, {"market": "US", "board": "US", "source": "sample"})
    await operator.replays(list(SYMBOLS), TRADING_DATE, SESSION_SECONDS)
    for symbol in SYMBOLS:
        await operator.until(f"/market/quotes/{symbol}", lambda quote: quote["session"] == "regular")


def _write(path: Path, rows: Iterable[list[str]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)


async def _automate(owner: Trader, symbols: list[str]) -> list[tuple[Trader, str]]:
    """Publish the strategy, and start one automation for each of the symbols."""
    strategy = await owner.call("POST", "/backtest/strategies", name="Every minute", **RULES)
    await owner.call("POST", f"/backtest/strategies/{strategy['id']}/publish")
    started = []
    for symbol in symbols:
        wish = {
            "name": symbol,
            "account_id": owner.account_id,
            "strategy_id": strategy["id"],
            "version": 1,
            "symbols": [symbol],
            "interval": "1m",
            "weekdays": list(range(1, 8)),
            "mode": "automatic",
            "capital": CAPITAL,
        }
        automation = await _once_published(owner, wish)
        await owner.call("POST", f"/trading/automations/{automation['id']}/start")
        started.append((owner, str(automation["id"])))
    return started


async def _once_published(owner: Trader, wish: dict[str, Any]) -> dict[str, Any]:
    """Set an automation up as soon as trading has heard of the version."""
    async with asyncio.timeout(KNOWN_WITHIN_SECONDS):
        while True:
            try:
                return await owner.call("POST", "/trading/automations", **wish)
            except Refused as refused:
                if refused.code != "strategy_version_not_found":
                    raise
                await asyncio.sleep(0.1)


async def _listen(layout: Layout, owner: Trader, heard: dict[str, float]) -> None:
    """Note when the first word of each automation's order comes."""
    gateway = cli.gateway_of(layout)
    url = f"wss://localhost:{layout.ports.gateway}/ws/account"
    async with websockets.connect(url, ssl=gateway.trust, max_queue=None, compression=None) as socket:
        await socket.send(json.dumps({"action": "auth", "token": owner.token}))
        async for text in socket:
            moment = time.time()
            message = json.loads(text)
            if message["type"] == "order" and message["data"]["client_order_id"].startswith("signal-"):
                heard.setdefault(message["data"]["client_order_id"], moment)


async def _rows(layout: Layout, service: str, query: str, given: list[str]) -> list[asyncpg.Record]:
    passwords = credentials.open_passwords(layout)
    address = credentials.Addresses.native(layout).postgres
    url = credentials.postgres_url(passwords, address, name=credentials.database(service))
    connection = await asyncpg.connect(url.replace("postgresql+asyncpg", "postgresql"))
    try:
        found: list[asyncpg.Record] = await connection.fetch(query, given)
        return found
    finally:
        await connection.close()


async def _compared(layout: Layout, automations: list[str], heard: dict[str, float]) -> list[Result]:
    ordered = await _rows(layout, "trading", ORDERED, automations)
    closed: dict[tuple[str, datetime], datetime] = {
        (row["symbol"], row["bar"]): row["occurred_at"] for row in await _rows(layout, "market", CLOSED, list(SYMBOLS))
    }
    bars = list(islice(sorted({row["bar"] for row in ordered}), 1, 1 + CLOSES))
    measured = [row for row in ordered if row["bar"] in bars]
    accepted = [(row["occurred_at"] - closed[row["symbol"], row["bar"]]).total_seconds() for row in measured]
    told = [
        heard[row["client_order_id"]] - closed[row["symbol"], row["bar"]].timestamp()
        for row in measured
        if row["client_order_id"] in heard
    ]
    to_order, to_word = Measured(accepted, {}, 0), Measured(told, {}, 0)
    return [
        result("bar_to_order_missing", AUTOMATIONS * CLOSES - len(measured), "orders"),
        result("bar_to_order_p50", to_order.percentile(0.50), "ms"),
        result("bar_to_order_p95", to_order.percentile(0.95), "ms"),
        result("bar_to_order_heard_p95", to_word.percentile(0.95), "ms"),
    ]
