"""A published strategy trades replayed days by itself, as its backtest did, though its worker is killed meanwhile."""

import asyncio

import pytest

from tests.integration.platform_under_test import Platform
from tools import private_stack
from tools.demo_automation import Night, automates
from tools.people import Admin, Trader

SYMBOL = private_stack.SYMBOLS[1]
PATIENCE_SECONDS = 120

pytestmark = pytest.mark.stack


@pytest.mark.timeout(600)
@pytest.mark.requirement("R-11", "R-28")
async def test_killing_its_worker_changes_nothing_of_what_an_automation_does(
    platform: Platform, trader: Trader, admin: Admin
) -> None:
    killed = 0

    async def kill() -> None:
        nonlocal killed
        victim = await asyncio.to_thread(platform.kill, "trading-worker")
        await asyncio.to_thread(platform.wait_until_back, "trading-worker", victim)
        killed += 1

    rules = {"entry": "rsi(14) < 45 and sma(20) > sma(50)", "exit": "rsi(14) > 60"}
    strategy = await trader.call("POST", "/backtest/strategies", name="Sleeper", **rules)
    run = await trader.call("POST", "/backtest/run", strategy_id=strategy["id"], symbol=SYMBOL)
    await trader.until(f"/backtest/jobs/{run['id']}", lambda job: job["status"] == "done", PATIENCE_SECONDS)
    trades = await trader.call("GET", f"/backtest/results/{run['id']}/trades?limit=500")
    await trader.call("POST", f"/backtest/strategies/{strategy['id']}/publish")
    told: list[str] = []
    held_open = await admin.replays([SYMBOL], private_stack.TRADING_DATE, private_stack.REPLAY_SECONDS)
    async with trader.listens("/ws/account") as account:
        night = Night(
            trader=trader,
            admin=admin,
            account=account,
            symbol=SYMBOL,
            currency="USD",
            strategy_id=strategy["id"],
            running_replay=held_open["id"],
            trades=trades["items"],
            tells=lambda sentence, *_files: told.append(sentence),
            meanwhile=kill,
            patience=PATIENCE_SECONDS,
        )
        try:
            await automates(night)
        finally:  # the others go on with the session they were promised
            symbols = list(private_stack.SYMBOLS)
            await admin.replays(symbols, private_stack.TRADING_DATE, private_stack.REPLAY_SECONDS)
    assert killed == 2
    assert len(told) == 4
    automation = (await trader.call("GET", "/trading/automations"))["items"][0]
    runs = await trader.call("GET", f"/trading/automations/{automation['id']}/runs")
    bars = [run for run in runs["items"] if run["phase"] == "evaluate"]
    assert [run["status"] for run in bars] == ["done"] * len(bars)
    signals = await trader.call("GET", f"/trading/signals?automation_id={automation['id']}")
    assert [signal["kind"] for signal in signals["items"] if signal["status"] == "ordered"] == ["exit", "entry"]
