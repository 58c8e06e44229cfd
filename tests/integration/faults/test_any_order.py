"""Everything down, then started in any order, the servers last or first or in between: it finds together by itself.

Played by `make chaos` alone.
"""

import asyncio
import random
import time

import pytest

from tests.integration.order_stream import Stream, account_for
from tests.integration.platform_under_test import Platform
from tools.native.programs import Program
from tools.native.supervisor import Supervisor
from tools.people import Trader

SEEDS = range(10)
SECONDS_BETWEEN = 0.3
READY_SECONDS_MAX = 240
"""Ninety seconds are the bar on a quiet machine; the time is printed."""

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]


def until_ready(programs: list[Program]) -> float:
    """Wait until every process is ready; return the seconds it took."""
    began = time.monotonic()
    while reasons := [reason for program in programs if (reason := program.why_not_ready())]:
        assert time.monotonic() - began < READY_SECONDS_MAX, reasons
        time.sleep(0.2)
    return time.monotonic() - began


async def orders_are_answered(stream: Stream) -> None:
    """Trade until some orders have their answer, and stop."""
    stream.going = True
    trading = asyncio.create_task(stream.run())
    await stream.until_answered(3, trading)
    stream.going = False
    await trading


@pytest.mark.requirement("R-30")
@pytest.mark.parametrize("seed", SEEDS)
async def test_processes_may_start_in_any_order_servers_included(platform: Platform, trader: Trader, seed: int) -> None:
    supervisor = Supervisor(platform.layout)
    programs = {program.name: program for program in platform.programs()}
    stream = Stream(trader)
    await orders_are_answered(stream)
    for name, program in reversed(programs.items()):
        await asyncio.to_thread(supervisor.stop_one, program.group, name)
    order = random.Random(seed).sample(sorted(programs), len(programs))
    for name in order:
        supervisor.start_one(programs[name].group, name)
        await asyncio.sleep(SECONDS_BETWEEN)
    seconds = await asyncio.to_thread(until_ready, list(programs.values()))
    print(f"{seed}: ready {seconds:.1f} s after the last start; {', '.join(order)}")  # noqa: T201
    await orders_are_answered(stream)
    await account_for(platform, stream)
