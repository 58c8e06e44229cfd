"""What trades at a broker reaches whoever watches it: through its stream, the collector, market, and the gateway."""

import csv
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.integration.platform_under_test import Platform
from tools import cli
from tools.native import emulators
from tools.people import Admin, Trader

pytestmark = pytest.mark.stack

WATCHED, WATCHED_ABROAD = "000660", "ZVZZT"


@pytest_asyncio.fixture
async def listed(platform: Platform, admin: Admin) -> None:
    """A Korean stock that market knows; nothing of it is replayed."""
    names = cli.dumps({WATCHED: "Sample"})
    form = {"market": "KRX", "board": "KOSPI", "source": "sample", "names": names}
    await admin.imports(_one_day(platform.layout.directory / "live-prices"), form)


@pytest_asyncio.fixture
async def listed_abroad(platform: Platform, admin: Admin) -> None:
    """An American one."""
    names = cli.dumps({WATCHED_ABROAD: "Sample"})
    form = {"market": "US", "board": "US", "source": "sample", "names": names}
    await admin.imports(_one_day(platform.layout.directory / "live-prices-abroad", WATCHED_ABROAD, 200), form)


def _one_day(folder: Path, symbol: str = WATCHED, price: int = 150_000) -> Path:
    folder.mkdir(exist_ok=True)
    row = ("2024-12-13", *[price] * 5)
    with (folder / f"{symbol}.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("date", "open", "high", "low", "close", "volume"), row])
    return folder


def is_a(kind: str, symbol: str = WATCHED, **fields: Any) -> Any:
    """Whether a message is of the symbol, of a kind, and says this."""
    wanted = {"type": kind, "symbol": symbol} | fields
    return lambda message: wanted.items() <= message.items()


@pytest.mark.usefixtures("listed")
async def test_what_trades_at_a_broker_reaches_whoever_watches_it(platform: Platform, stranger: Trader) -> None:
    at = f"http://127.0.0.1:{emulators.EMULATORS['kis'].port(platform.layout)}/_emulator"
    async with httpx.AsyncClient(trust_env=False) as kis, stranger.listens("/ws/market") as market:
        book = {"bid": "150000", "bid_size": "31", "ask": "150500", "ask_size": "17"}
        (await kis.post(f"{at}/quotes", json={"symbol": WATCHED, "base": "150000"} | book)).raise_for_status()
        await market.says(action="subscribe", symbols=[WATCHED], channels=["quote", "trade", "orderbook"])
        shown = await market.until(is_a("quote", source="kis"))
        assert (shown["price"], shown["bid"], shown["ask"], shown["volume"]) == ("150000", "150000", "150500", 0)
        await market.until(is_a("orderbook", asks=[{"price": "150500", "quantity": "17"}]))

        total, price = 0, 150_500
        while not any(map(is_a("trade"), market.heard)):  # until the subscription stands, nobody tells us of a trade
            total, price = total + 5, price + 500
            trade = {"symbol": WATCHED, "price": str(price), "quantity": "5"}
            (await kis.post(f"{at}/trades", json=trade)).raise_for_status()
            await market.catches_up()
        told = await market.until(is_a("trade"))
        assert (told["quantity"], told["source"]) == (5, "kis")
        last = await market.until(is_a("quote", volume=total, price=str(price)))
        assert (last["high"], last["base_price"]) == (str(price), "150000")


@pytest.mark.usefixtures("listed_abroad")
async def test_what_trades_in_the_united_states_is_quoted_by_another_brokers_feed(
    platform: Platform, stranger: Trader
) -> None:
    at = f"http://127.0.0.1:{emulators.EMULATORS['alpaca'].port(platform.layout)}/_emulator"
    symbol = WATCHED_ABROAD
    async with httpx.AsyncClient(trust_env=False) as alpaca, stranger.listens("/ws/market") as market:
        book = {"bid": "200.10", "bid_size": "31", "ask": "200.12", "ask_size": "17"}
        (await alpaca.post(f"{at}/quotes", json={"symbol": symbol, "base": "200"} | book)).raise_for_status()
        await market.says(action="subscribe", symbols=[symbol], channels=["quote", "trade", "orderbook"])
        await market.until(is_a("quote", symbol, source="alpaca_iex"))
        while not any(map(is_a("trade", symbol), market.heard)):
            trade = {"symbol": symbol, "price": "200.11", "quantity": "5"}
            (await alpaca.post(f"{at}/trades", json=trade)).raise_for_status()
            await market.catches_up()
        told = await market.until(is_a("trade", symbol))
        assert (told["quantity"], told["price"], told["source"]) == (5, "200.11", "alpaca_iex")
        quote = await stranger.call("GET", f"/market/quotes/{symbol}")
        assert (quote["price"], quote["bid"], quote["ask"]) == ("200.11", "200.1", "200.12")
        assert (quote["currency"], quote["source"], quote["volume"] % 5) == ("USD", "alpaca_iex", 0)
