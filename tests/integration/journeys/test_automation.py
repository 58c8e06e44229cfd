"""A published strategy trades replayed days by itself, as its backtest did, and word arrives, whoever is killed."""

import asyncio
import re

import pytest

from tests.integration.platform_under_test import Platform
from tools import private_stack
from tools.demo_automation import Night, automates
from tools.demo_channels import Channels, connects, notices_of, text_of
from tools.people import Admin, Trader

SYMBOL = private_stack.SYMBOLS[1]
PATIENCE_SECONDS = 120
CONNECTING = re.compile(r"Your code is|/status")
"""What a mailbox and a chat are told while they are connected."""
WORKERS = ("trading-worker", "notification-worker")
TOLD_OF = frozenset({"signal_raised", "alert_triggered", "order_filled"})

pytestmark = pytest.mark.stack


@pytest.mark.timeout(600)
@pytest.mark.requirement("R-11", "R-28")
async def test_killing_the_workers_changes_nothing_of_what_an_automation_does_or_of_who_is_told(
    platform: Platform, trader: Trader, admin: Admin
) -> None:
    killed: list[int] = []

    async def kill() -> None:
        victims = {name: await asyncio.to_thread(platform.kill, name) for name in WORKERS}
        for name, victim in victims.items():
            await asyncio.to_thread(platform.wait_until_back, name, victim)
        killed.extend(victims.values())

    rules = {"entry": "rsi(14) < 45 and sma(20) > sma(50)", "exit": "rsi(14) > 60"}
    strategy = await trader.call("POST", "/backtest/strategies", name="Sleeper", **rules)
    asked = {"strategy_id": strategy["id"], "symbol": SYMBOL, "engine": "event_driven"}
    run = await trader.call("POST", "/backtest/run", **asked)
    await trader.until(f"/backtest/jobs/{run['id']}", lambda job: job["status"] == "done", PATIENCE_SECONDS)
    trades = await trader.call("GET", f"/backtest/results/{run['id']}/trades?limit=500")
    await trader.call("POST", f"/backtest/strategies/{strategy['id']}/publish")
    told: list[str] = []
    channels = await connects(
        trader, platform.layout, lambda sentence, *_files: told.append(sentence), PATIENCE_SECONDS
    )
    assert channels is not None
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
            channels=channels,
            meanwhile=kill,
            patience=PATIENCE_SECONDS,
        )
        try:
            await automates(night)
        finally:  # the others go on with the session they were promised
            symbols = list(private_stack.SYMBOLS)
            await admin.replays(symbols, private_stack.TRADING_DATE, private_stack.REPLAY_SECONDS)
    assert len(set(killed)) == 2 * len(WORKERS)
    assert len(told) == 6
    automation = (await trader.call("GET", "/trading/automations"))["items"][0]
    runs = await trader.call("GET", f"/trading/automations/{automation['id']}/runs")
    bars = [run for run in runs["items"] if run["phase"] == "evaluate"]
    assert [run["status"] for run in bars] == ["done"] * len(bars)
    signals = await trader.call("GET", f"/trading/signals?automation_id={automation['id']}")
    assert [signal["kind"] for signal in signals["items"] if signal["status"] == "ordered"] == ["exit", "entry"]
    await _was_told_of_everything_once(trader, channels)


async def _was_told_of_everything_once(trader: Trader, channels: Channels) -> None:
    """One notice of each thing; each of them, and nothing else, in each place; a mail that came twice has one id."""
    notices = await notices_of(trader, TOLD_OF)
    kinds = sorted(notice["kind"] for notice in notices)
    assert kinds == ["alert_triggered", "order_filled", "order_filled", "signal_raised", "signal_raised"]
    await channels.expects(notices)
    for place in channels.places:
        heard = [each for each in await channels.heard(place) if not CONNECTING.search(each["text"])]
        inbox = await notices_of(trader)
        assert {each["text"] for each in heard} <= {text_of(notice, place.kind) for notice in inbox}
        if place.kind == "email":
            assert len({each["id"] for each in heard}) == len({each["text"] for each in heard})
