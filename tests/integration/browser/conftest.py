"""A browser for each test; everything it sees comes from the platform under test."""

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser

from tests.integration.browser.visitor import chromium
from tests.integration.platform_under_test import Platform


@pytest_asyncio.fixture
async def browser(platform: Platform) -> AsyncIterator[Browser]:
    """Chromium, while the platform runs."""
    assert platform.gateway.url
    async with chromium() as running:
        yield running
