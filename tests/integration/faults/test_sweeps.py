"""A sweep through the gateway: progress is seen, its computer is killed, and every trial is there once."""

import asyncio
import json
import os
from io import BytesIO
from typing import Any

import httpx
import polars as pl
import pytest

from tests.integration.platform_under_test import SYMBOL, Platform
from tools.people import Trader

COMPUTER = "backtest-compute"
IS_WHOLE = os.environ.get("EXODUS_CHAOS") == "all"
"""`make chaos` sweeps as many trials as one run may have; every suite a fifth of them."""
FAST, SLOW = list(range(2, 127 if IS_WHOLE else 102)), list(range(130, 930 if IS_WHOLE else 330))
PATIENCE_SECONDS = 600


async def follow(trader: Trader, platform: Platform, job: str, seen: list[int]) -> dict[str, Any]:
    """Listen until the end, and kill the computer once when the first trials are done."""
    killed = False
    async with platform.gateway.client(trader.token) as http:
        stream = http.stream("GET", f"/backtest/jobs/{job}/events", timeout=httpx.Timeout(60))
        async with stream as answer:
            assert answer.status_code == 200
            async for line in answer.aiter_lines():
                if not line.startswith("data: "):
                    continue
                told: dict[str, Any] = json.loads(line.removeprefix("data: "))
                seen.append(told["progress"]["done"])
                if told["status"] not in {"queued", "running"}:
                    return told
                if seen[-1] and not killed:
                    killed = bool(await asyncio.to_thread(platform.kill, COMPUTER))
    raise AssertionError("the stream ended before the job did")


async def listen(trader: Trader, job: str) -> list[dict[str, Any]]:
    """The same by WebSocket: everything that is said of the job, to its end."""
    async with trader.listens("/ws/backtest") as listener:
        await listener.says(action="subscribe", jobs=[job])
        await listener.until(lambda message: message["type"] == "end", patience=PATIENCE_SECONDS)
        return [message["data"] for message in listener.heard if message["type"] in {"progress", "end"}]


@pytest.mark.stack
@pytest.mark.timeout(PATIENCE_SECONDS + 200)
@pytest.mark.requirement("R-2", "R-15", "product 4: progress, resume, results stored per trial")
async def test_a_sweep_is_followed_through_the_gateway_and_survives_its_computer(
    platform: Platform, trader: Trader
) -> None:
    asked = {
        "symbol": SYMBOL,
        "entry": "crosses_above(sma({fast}), sma({slow}))",
        "exit": "crosses_below(sma({fast}), sma({slow}))",
        "parameters": {"fast": FAST, "slow": SLOW},
        "objective": "sharpe",
    }
    job = await trader.call("POST", "/backtest/optimize", **asked)
    seen: list[int] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        ended, told = await asyncio.gather(follow(trader, platform, job["id"], seen), listen(trader, job["id"]))
    total = len(FAST) * len(SLOW)
    assert (ended["status"], seen[-1]) == ("done", total)
    assert seen == sorted(seen), "progress went back"
    assert len(set(seen)) > 3, "progress was not seen as it came"
    assert (told[-1], len(told) > 3) == (ended, True), "nor was it by WebSocket"
    async with platform.gateway.client(trader.token) as http:
        file = await http.get(f"/backtest/results/{job['id']}/files/trials.parquet")
    trials = pl.read_parquet(BytesIO(file.content))
    assert trials.select("fast", "slow").n_unique() == len(trials) == total
