"""Days that come again fill at the shares, prices and costs that the event-driven backtest of them has."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from tests.integration.platform_under_test import Platform
from tools import private_stack
from tools.people import Admin, Json, Refused, Trader

SYMBOL = private_stack.SYMBOLS[1]
CASH = Decimal(5_000)
TRADES = 2
PATIENCE_SECONDS = 120
OPENING_SECONDS = 900
"""The first of a replay's four corners, the open, stays for a quarter of its hour: nobody has to be quick."""
RULES = {"entry": "close > sma(5)", "exit": "close < sma(5)"}

pytestmark = pytest.mark.stack


async def backtest(trader: Trader) -> list[Json]:
    """The newest trades of a rule that trades often, on the exchange that paper orders trade on."""
    strategy = await trader.call("POST", "/backtest/strategies", name="Often", **RULES)
    asked = {"strategy_id": strategy["id"], "symbol": SYMBOL, "from": "2012-01-01", "initial_cash": str(CASH)}
    run = await trader.call("POST", "/backtest/run", engine="event_driven", **asked)
    await trader.until(f"/backtest/jobs/{run['id']}", lambda job: job["status"] == "done", PATIENCE_SECONDS)
    return (await trader.call("GET", f"/backtest/results/{run['id']}/trades?limit=500"))["items"]  # type: ignore[no-any-return]


async def those_without_a_spread(trader: Trader, trades: list[Json]) -> list[Json]:
    """Trades bought on a day that rises from its open at first, and sold on one that falls from it at first.

    A backtest trades at the open itself. A replay has a bid and an ask, a tick apart, of which the open is the one that
    the price moves towards: there a buyer, or a seller, pays no spread.
    """
    chart = await trader.call("GET", f"/market/charts/{SYMBOL}?interval=1d&from=2012-01-01&adjusted=false")
    bars = {bar["time"][:10]: {name: Decimal(bar[name]) for name in ("open", "low", "close")} for bar in chart["items"]}

    def at_the_open(trade: Json) -> bool:
        bought, sold = bars[trade["entry_date"]], bars[trade["exit_date"]]
        return bought["close"] < bought["open"] and sold["low"] < sold["open"] <= sold["close"]

    return [trade for trade in trades if trade["reason"] == "signal" and at_the_open(trade)]


async def replayed(admin: Admin, trader: Trader, day: str) -> Json:
    """Open the session of a day, at its open for as long as it takes."""
    wish: dict[str, Any] = {"symbols": [SYMBOL], "trading_date": day, "duration_seconds": 4 * OPENING_SECONDS}
    replay = await admin.call("POST", "/market/replays", ticks_per_symbol=4, **wish)
    await trader.until(
        f"/market/quotes/{SYMBOL}",
        lambda quote: (quote["trading_date"], quote["session"]) == (day, "regular"),
        PATIENCE_SECONDS,
    )
    return replay


async def stopped(admin: Admin, replay_id: str) -> None:
    await admin.call("DELETE", f"/market/replays/{replay_id}")
    await admin.until(f"/market/replays/{replay_id}", lambda shown: shown["status"] in {"stopped", "finished"})


async def filled(trader: Trader, side: str, shares: int) -> Json:
    """Place an order at market, again if a busy machine let the quote grow old, and wait for its end."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                order = await trader.call("POST", "/trading/orders", **trader.order(side, SYMBOL, shares))
            except Refused as refused:
                if refused.code != "stale_quote":
                    raise
            else:
                return await trader.until_order(order["id"])


@pytest.mark.timeout(600)
@pytest.mark.requirement("product 4: the order, fill, fee and rule code of paper trading")
async def test_what_a_backtest_traded_is_traded_again_at_the_same_price_and_cost(
    platform: Platform, trader: Trader, admin: Admin
) -> None:
    trades = (await those_without_a_spread(trader, await backtest(trader)))[-TRADES:]
    assert len(trades) == TRADES
    running = await admin.replays([SYMBOL], private_stack.TRADING_DATE, private_stack.REPLAY_SECONDS)
    try:
        for trade in trades:
            orders = []
            for side, day in (("buy", trade["entry_date"]), ("sell", trade["exit_date"])):
                await stopped(admin, running["id"])
                running = await replayed(admin, trader, day)
                orders.append(await filled(trader, side, trade["shares"]))
            assert [order["status"] for order in orders] == ["filled", "filled"]
            bought, sold = (Decimal(order["average_price"]) for order in orders)
            assert (bought, sold) == (Decimal(trade["entry_price"]), Decimal(trade["exit_price"]))
            costs = sum(Decimal(order[name]) for order in orders for name in ("fee", "tax"))
            assert costs == Decimal(trade["costs"])
            assert (sold - bought) * trade["shares"] - costs == Decimal(trade["profit"])
        await stopped(admin, running["id"])
    finally:  # the others go on with the session they were promised
        symbols = list(private_stack.SYMBOLS)
        await admin.replays(symbols, private_stack.TRADING_DATE, private_stack.REPLAY_SECONDS)
