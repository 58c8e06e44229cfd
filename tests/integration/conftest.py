"""The whole platform for the tests of this folder: one native stack on ports of its own, with real prices."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.integration.platform_under_test import SYMBOL, US_CASH, Platform
from tools import cli
from tools.people import Admin, Trader


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
    await person.until(f"/market/quotes/{SYMBOL}", lambda quote: quote["session"] == "regular")
    yield person
    await person.leave()


@pytest_asyncio.fixture
async def stranger(platform: Platform) -> AsyncIterator[Trader]:
    """Somebody else."""
    person = await Trader.sign_up(platform.gateway, "Park Stranger")
    yield person
    await person.leave()
