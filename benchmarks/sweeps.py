"""Sweeps through the gateway: how many trials a second one computer makes, and two.

The same sweep, from the request until its result is there: division, chunks by ticket, gathering. Two computers are
bounded by two cores, which they share with PostgreSQL and everything else that the platform is.
"""

import asyncio
import os
import statistics
import time

from benchmarks.results import Result, result
from tools import cli, private_stack
from tools.native.layout import Layout
from tools.native.supervisor import Supervisor
from tools.people import Trader

COMPUTERS = 2
SECOND = "backtest-compute-2"
FAST, SLOW = list(range(2, 102)), list(range(110, 260))
TIMES = 3
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
    asked = {
        "symbol": private_stack.SYMBOLS[0],
        "entry": "crosses_above(sma({fast}), sma({slow}))",
        "exit": "crosses_below(sma({fast}), sma({slow}))",
        "parameters": {"fast": FAST, "slow": SLOW},
    }
    began = time.perf_counter()
    job = await trader.call("POST", "/backtest/optimize", **asked)
    ended = await trader.until(
        f"/backtest/jobs/{job['id']}", lambda shown: shown["status"] not in {"queued", "running"}, PATIENCE_SECONDS
    )
    assert ended["status"] == "done", ended
    return time.perf_counter() - began
