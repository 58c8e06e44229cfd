"""A whole platform of one's own, beside the one in use: for integration tests and benchmarks."""

import asyncio
import os
from pathlib import Path

from tools import cli
from tools.backups import nightly
from tools.native import running
from tools.native.layout import ROOT, Layout, settle
from tools.native.ports import Ports
from tools.native.supervisor import Supervisor
from tools.people import Admin
from tools.sample_prices import NAMES, write_us_prices

SYMBOLS = ("AAPL", "MSFT")
TRADING_DATE = "2013-03-01"
REPLAY_SECONDS = 5
BARS_MIN = 10_000


def start(folder_name: str, ports: Ports) -> Layout:
    """Start a platform from nothing in a folder of the repository, with prices and one session kept open.

    Args:
        folder_name: such as ".stack-test-journeys"; what an earlier run left there is removed first.
        ports: apart from those of every other stack.
    """
    os.environ[nightly.AT_VARIABLE] = nightly.OFF  # no night falls into a measurement
    folder = ROOT / folder_name
    running.clean(Layout(settle(folder), ports), folder)
    layout = Layout(settle(folder), ports)
    layout.mode_file.write_text("native")  # whatever engine this machine may have
    try:
        running.up(layout)
        asyncio.run(_open_the_market(layout))
    except BaseException:  # whoever gets no platform cannot stop it
        if Supervisor(layout).is_running():
            running.down(layout)
        raise
    return layout


async def _open_the_market(layout: Layout) -> None:
    operator = await cli.admin_for_demo(cli.gateway_of(layout), layout)
    try:
        await import_us_prices(operator, layout.directory / "prices")
        await operator.replays(list(SYMBOLS), TRADING_DATE, REPLAY_SECONDS)
        for symbol in SYMBOLS:
            await operator.until(f"/market/quotes/{symbol}", lambda quote: quote["session"] == "regular")
    finally:
        await operator.leave()


async def import_us_prices(operator: Admin, scratch: Path) -> None:
    """Import the five US stocks of the sample package."""
    folder = write_us_prices(scratch)
    form = {"market": "US", "board": "US", "source": "sample", "names": cli.dumps(NAMES)}
    report = await operator.imports(folder, form)
    assert report["rows"] >= BARS_MIN, report
