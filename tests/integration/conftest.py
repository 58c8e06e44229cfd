"""The whole platform for the tests of this folder: one native stack on ports of its own, with real prices."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.brokerage import KOREAN, KOREAN_DAY, write_korean_prices
from tests.integration.platform_under_test import SYMBOL, US_CASH, Platform
from tools import cli
from tools.native.readiness import READY_SECONDS_MAX
from tools.people import Admin, Trader

LIVE = timedelta(seconds=2)
START_SECONDS = READY_SECONDS_MAX + 100
"""A test's time counts from the start of the platform, if it is the first to want it: two start at once."""
TEST_SECONDS = 1_200
"""So long every test of a platform may take at least: it ends what hangs, and says nothing of what is slow.

A release and the way back start some forty processes one after the other: over 400 s on a slow machine.
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give who uses the platform time, and the first of them what its start takes as well.

    Those of other folders are among the items as well.
    """
    users = [item for item in items if "platform" in getattr(item, "fixturenames", ())]
    for item in users:
        told = item.get_closest_marker("timeout")
        seconds = TEST_SECONDS if told is None else max(TEST_SECONDS, told.args[0])
        item.add_marker(pytest.mark.timeout(seconds + (START_SECONDS if item is users[0] else 0)), append=False)


@pytest.fixture(scope="session")
def platform() -> Iterator[Platform]:
    """Start everything, import five US stocks, replay their last session and keep it open; stop it in the end."""
    if shutil.which("apt-get") is None and "EXODUS_STACK_DIR" not in os.environ:
        pytest.skip("the native stack is for Debian")
    started = Platform.start()
    yield started
    started.stop()


@pytest_asyncio.fixture
async def admin(platform: Platform) -> AsyncIterator[Admin]:
    """An operator."""
    person = await cli.admin_for_demo(platform.gateway, platform.layout)
    yield person
    await person.leave()


@pytest_asyncio.fixture
async def trader(platform: Platform) -> AsyncIterator[Trader]:
    """Somebody with a paper account, 10,000,000 KRW and 100,000 USD, while AAPL is quoted."""
    person = await Trader.sign_up(platform.gateway)
    await person.opens_account("KRW", US_CASH * 100)
    await person.deposits("USD", US_CASH)
    await person.until(f"/market/quotes/{SYMBOL}", _is_live)
    yield person
    await person.leave()


def _is_live(quote: dict[str, Any]) -> bool:
    """Whether an order by this quote would be taken: after a process was killed, the last one stands for a while."""
    age = datetime.now(UTC) - datetime.fromisoformat(quote["timestamp"])
    return quote["session"] == "regular" and age < LIVE


@pytest_asyncio.fixture
async def stranger(platform: Platform) -> AsyncIterator[Trader]:
    """Somebody else."""
    person = await Trader.sign_up(platform.gateway, "Park Stranger")
    yield person
    await person.leave()


@pytest_asyncio.fixture
async def korea(platform: Platform, admin: Admin) -> None:
    """A Korean stock that stands at 70,000 won, quoted."""
    folder = write_korean_prices(platform.layout.directory / "korean-prices")
    form = {"market": "KRX", "board": "KOSPI", "source": "sample", "names": cli.dumps({KOREAN: "Sample"})}
    await admin.imports(folder, form)
    await admin.replays([KOREAN], KOREAN_DAY.isoformat(), 5)
    await admin.until(f"/market/quotes/{KOREAN}", lambda quote: quote["session"] == "regular")
