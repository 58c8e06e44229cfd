"""Real money in the browser: offered to whoever may, unlike paper in word and colour, and asked about twice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import httpx
import pytest
from playwright.async_api import Browser, expect

from tests.integration.brokerage import Case, answers, cases, moves, switches
from tests.integration.browser.test_first_order import looks_well
from tests.integration.browser.visitor import Visitor, visitor
from tests.integration.platform_under_test import SYMBOL, Platform
from tools import service_commands
from tools.native import emulators
from tools.people import Trader

pytestmark = [pytest.mark.stack, pytest.mark.timeout(400)]

REPORTED_SECONDS = 90
HEARD_SECONDS = 40
"""Trading hears of a connection a moment after it is made; until then it says so, and one presses again."""


@asynccontextmanager
async def real_environment(platform: Platform, case: Case) -> AsyncIterator[None]:
    """The operator's switch is on, and the broker's market open."""
    port = emulators.EMULATORS[case.broker].live_port(platform.layout)
    await switches(platform, on=True)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as emulator:
            await moves(emulator, case)
            yield
    finally:
        await switches(platform, on=False)


@asynccontextmanager
async def leaving(trader: Trader) -> AsyncIterator[None]:
    """The line of somebody is closed in the end, whatever happens."""
    try:
        yield
    finally:
        await trader.leave()


@pytest.mark.parametrize("language", ["ko"])
async def test_somebody_opens_a_live_account_and_buys_after_a_second_press(
    platform: Platform, browser: Browser, language: str
) -> None:
    case = next(each for each in cases() if each.broker == "alpaca")
    trader = await Trader.sign_up(platform.gateway)
    service_commands.auth_admin(platform.layout, "allow", trader.email, "real")
    async with leaving(trader), visitor(browser, platform.gateway.url, language=language) as person:
        person.email, person.password = trader.email, trader.password
        await person.logs_in()
        await expect(person.page.get_by_text(person.reads("account.live.off"))).to_be_visible()
        async with real_environment(platform, case):
            await trader.log_in()  # the token from before says nothing of the permission
            await answers(trader)
            body = {"broker": case.broker, "environment": "real", "name": "Mine", "credentials": case.credentials}
            await trader.call("POST", "/broker/connections", **body)
            faults = await _opens_it(person)
            [account] = (await trader.call("GET", "/trading/accounts"))["items"]
            assert account["kind"] == "live"
            await trader.until(
                f"/trading/accounts/{account['id']}/balance",
                lambda shown: any(Decimal(each["cash"]) == case.cash for each in shown["items"]),
                patience=REPORTED_SECONDS,
            )
            faults += await _buys(person)
            [order] = (await trader.call("GET", "/trading/orders"))["items"]
            await trader.until_order(order["id"], frozenset({"filled"}))
        assert not faults


async def _opens_it(person: Visitor) -> list[str]:
    page = person.page
    await page.reload()
    await page.locator("label").filter(has_text=person.reads("account.live")).click()
    await page.get_by_label(person.reads("account.connection"), exact=True).select_option(label="Mine (alpaca)")
    faults = await looks_well(person, "live-account-form")
    opened, refused = page.get_by_text(person.reads("account.opened")), page.get_by_role("alert")
    async with asyncio.timeout(HEARD_SECONDS):
        while not await opened.is_visible():
            await page.get_by_role("button", name=person.reads("account.open.live"), exact=True).click()
            dialog = page.get_by_role("dialog", name=person.reads("account.live.confirm"))
            faults += await looks_well(person, "live-account-asked")
            await dialog.get_by_role("button", name=person.reads("account.open.live"), exact=True).click()
            await expect(opened.or_(refused)).to_be_visible()
    return faults


async def _buys(person: Visitor) -> list[str]:
    page = person.page
    await page.goto(f"/market/{SYMBOL}")
    await expect(page.locator("[data-kind=live]").first).to_be_visible()
    await page.get_by_label(person.says("type"), exact=True).select_option("market")
    await page.get_by_label(person.says("quantity"), exact=True).fill("1")
    await expect(page.locator("[data-verdict]")).to_be_visible()
    faults = await looks_well(person, "live-ticket")
    buy = person.reads("ticket.buy", kind=person.reads("account.live"))
    await page.get_by_role("button", name=buy, exact=True).click()
    dialog = page.get_by_role("dialog", name=person.reads("ticket.confirmLive"))
    await expect(dialog).to_be_visible()
    faults += await looks_well(person, "live-order-asked")
    await dialog.get_by_role("button", name=person.reads("ticket.confirmLive.do"), exact=True).click()
    await expect(page.get_by_text(person.says("placed"))).to_be_visible()
    return faults
