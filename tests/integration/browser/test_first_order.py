"""From signing up to a filled order, by hand, in both languages and at both sizes."""

import pytest
from playwright.async_api import Browser, expect

from tests.integration.browser.visitor import Visitor, visitor
from tests.integration.platform_under_test import SYMBOL, Platform

pytestmark = pytest.mark.stack

# Said by the browser about a first visit: there is no session to go on with.
EXPECTED = "status of 401"


async def looks_well(person: Visitor, name: str) -> list[str]:
    """Photograph a page, and say what is wrong with it: wider than the screen, or closed to somebody."""
    await person.photographs(name)
    faults = await person.accessibility_faults()
    return [f"{name}: {fault}" for fault in faults] + ([f"{name} is wider than the screen"] * await person.overflows())


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
@pytest.mark.parametrize("language", ["ko", "en"])
async def test_somebody_new_signs_up_and_buys(
    platform: Platform, browser: Browser, language: str, *, phone: bool
) -> None:
    async with visitor(browser, platform.gateway.url, language=language, phone=phone) as person:
        await person.signs_up()
        await person.opens_an_account()
        await person.goes_to(SYMBOL)
        await person.orders("3")
        await expect(person.page.get_by_text(person.says("placed"))).to_be_visible()
        faults = await looks_well(person, "ticket")
        await person.page.get_by_role("link", name=person.says("see order")).click()
        await expect(person.page.get_by_text(person.says("filled in full"))).to_be_visible()
        faults += await looks_well(person, "order")
        await person.page.goto("/")
        await expect(person.page.get_by_role("link", name=SYMBOL).first).to_be_visible()
        assert not faults
        assert [each for each in person.complaints if EXPECTED not in each] == []
