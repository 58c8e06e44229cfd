"""Sweeps through the gateway: how many trials a second one computer makes, and two.

The same sweep, from the request until its result is there: division, chunks by ticket, gathering. Two computers are
bounded by two cores, which they share with PostgreSQL and everything else that the platform is.
"""

import asyncio
import os
import statistics
from datetime import datetime

from benchmarks.results import Result, result
from tools import cli, private_stack
from tools.native.layout import Layout
from tools.native.supervisor import Supervisor
from tools.people import Trader

COMPUTERS = 2
SECOND = "backtest-compute-2"
FAST, SLOW = list(range(2, 268)), list(range(300, 450))
"""Some 40,000 trials: what comes before the first chunk and after the last is a small part of that."""
TIMES = 2
PATIENCE_SECONDS = 300


def ask_for_computers() -> None:
    """Have the platform that is started next run as many computers as are compared."""
    os.environ["EXODUS_COMPUTERS"] = str(COMPUTERS)


def sweep_computers(layout: Layout) -> list[Result]:
    """Trials a second with two computers, beside one: both before the second is stopped and after."""
    supervisor = Supervisor(layout)
    together = asyncio.run(_rate(layout))
    supervisor.stop_one(layout.ports.colour, SECOND)
    alone = asyncio.run(_rate(layout))
    supervisor.start_one(layout.ports.colour, SECOND)
    return [result("sweep_two_computers", together, "trials/s", alone)]


async def _rate(layout: Layout) -> float:
    """The median of some sweeps after one that is not counted."""
    trader = await Trader.sign_up(cli.gateway_of(layout))
    try:
        seconds = [await _sweep(trader) for _ in range(TIMES + 1)][1:]
    finally:
        await trader.leave()
    return len(FAST) * len(SLOW) / statistics.median(seconds)


async def _sweep(trader: Trader) -> float:
    """Seconds from the request to the result, by the platform's clock: whoever asked is told when it looks again."""
    asked = {
        "symbol": private_stack.SYMBOLS[0],
        "entry": "crosses_above(sma({fast}), sma({slow}))",
        "exit": "crosses_below(sma({fast}), sma({slow}))",
        "parameters": {"fast": FAST, "slow": SLOW},
    }
    async with trader.listens("/ws/backtest") as listener:
        job = await trader.call("POST", "/backtest/optimize", **asked)
        await listener.says(action="subscribe", jobs=[job["id"]])
        ended = await listener.until(lambda told: told["type"] == "end", patience=PATIENCE_SECONDS)
    assert ended["data"]["status"] == "done", ended
    runs = (await trader.call("GET", "/backtest/runs"))["items"]
    asked_at, done_at = (datetime.fromisoformat(runs[0][name]) for name in ("requested_at", "finished_at"))
    return (done_at - asked_at).total_seconds()
