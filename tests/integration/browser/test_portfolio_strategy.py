"""A portfolio strategy written by hand: refused beside its field, kept, tested on the market, and no automation."""

import re

import pytest
from playwright.async_api import Browser, Locator, expect

from tests.integration.browser.test_first_order import looks_well
from tests.integration.browser.visitor import Visitor, visitor
from tests.integration.platform_under_test import SYMBOL, Platform

pytestmark = pytest.mark.stack

COMPUTED_MS = 240_000
"""The first portfolio of a worker compiles its loop, on a machine that may be busy."""


def number(person: Visitor, place: int) -> Locator:
    """One of the numbers that the strategy ranks by."""
    return person.page.get_by_role("group", name=f"Number {place}", exact=True)


async def writes_one(person: Visitor) -> None:
    """Fill in the form for the two that rose most of the American market, with a second number that cannot be read."""
    page = person.page
    await page.goto("/strategies/new")
    await page.get_by_label("Name", exact=True).fill("The strongest two")
    await page.get_by_role("group", name="Kind of strategy").get_by_text("Portfolio").click()
    await page.get_by_label("May be chosen when").fill("close > sma(20)")
    await page.get_by_label("Is not chosen when").fill("close <= 0")
    await page.get_by_role("group", name="Market", exact=True).get_by_text("US").click()
    await page.get_by_label("Positions", exact=True).fill("2")
    await number(person, 1).get_by_label("Rank by").fill("roc(20)")
    await page.get_by_role("button", name="Add a number").click()
    await number(person, 2).get_by_label("Rank by").fill("rocc(5)")
    await number(person, 2).get_by_label("Weight").fill("-0.5")


FILE = """metadata: {name: Low}
strategy:
  indicators: [{id: INDICATOR}]
  entry: {conditions: [{indicator: rsi_1, operator: less_than, value: 30}]}
  exit: {conditions: [{indicator: rsi_1, operator: greater_than, value: 70}]}
"""


async def takes_over_a_file(person: Visitor) -> list[str]:
    """Import a file of another program, which is wrong at first; return what does not look well."""
    page = person.page
    await page.goto("/strategies")
    await page.get_by_role("button", name="Import a file").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("What it says").fill(FILE.replace("INDICATOR", "rsj"))
    await dialog.get_by_role("button", name="Import a file").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("Line 3, character 21")
    await expect(dialog.locator("mark")).to_have_text("rsj")
    faults = await looks_well(person, "strategy-file-refused")
    await dialog.get_by_label("What it says").fill(FILE.replace("INDICATOR", "rsi"))
    await dialog.get_by_role("button", name="Import a file").click()
    await expect(page.get_by_role("heading", name="Low", exact=True)).to_be_visible()
    return faults


async def compares_runs(person: Visitor) -> list[str]:
    """Set the two newest runs side by side; return what does not look well."""
    page = person.page
    await page.goto("/backtests")
    for place in range(2):
        await page.get_by_role("checkbox").nth(place).check()
    await page.get_by_role("button", name="Compare", exact=True).click()
    await expect(page.get_by_role("dialog").get_by_text("days that all of them have")).to_be_visible()
    return await looks_well(person, "runs-compared")


async def test_somebody_writes_a_portfolio_and_reads_its_report(platform: Platform, browser: Browser) -> None:
    async with visitor(browser, platform.gateway.url, language="en") as person:
        page = person.page
        await person.signs_up()
        await person.opens_an_account()
        await writes_one(person)
        await page.get_by_role("button", name="Save the strategy").click()
        await expect(number(person, 2).get_by_role("alert")).to_contain_text("rocc")
        await expect(number(person, 1).get_by_role("alert")).to_have_count(0)
        faults = await looks_well(person, "portfolio-strategy-refused")
        await number(person, 2).get_by_label("Rank by").fill("roc(5)")
        await page.keyboard.press("Escape")
        await page.get_by_role("button", name="Save the strategy").click()
        await expect(page.get_by_role("heading", name="The strongest two")).to_be_visible()
        await page.reload()
        await expect(number(person, 2).get_by_label("Weight")).to_have_value("-0.5")
        faults += await looks_well(person, "portfolio-strategy")
        await page.get_by_role("button", name="Publish a version").click()
        await expect(page.get_by_text("Version 1 is published")).to_be_visible()

        await page.get_by_role("link", name="Backtest it").click()
        await expect(page.get_by_label("Symbol", exact=True)).to_have_count(0)
        await page.get_by_label("From", exact=True).fill("2011-01-03")
        await page.get_by_role("button", name="Run", exact=True).click()
        await expect(page.get_by_role("alert").first).to_contain_text("the first and the last")
        await page.get_by_label("To", exact=True).fill("2013-02-28")
        await page.get_by_role("button", name="Run", exact=True).click()
        await expect(page.get_by_text("Choices made")).to_be_visible(timeout=COMPUTED_MS)
        await expect(page.get_by_text("-0.5 × roc(5)")).to_be_visible()
        await expect(page.get_by_role("link", name=re.compile("^[A-Z]{1,5}$")).first).to_be_visible()
        faults += await looks_well(person, "portfolio-report")
        await page.goto("/backtests")
        await page.get_by_label("Strategy", exact=True).select_option(label="The strongest two")
        await page.get_by_label("From", exact=True).fill("2011-06-01")
        await page.get_by_label("To", exact=True).fill("2013-02-28")
        await page.get_by_role("button", name="Run", exact=True).click()
        await expect(page.get_by_text("Choices made")).to_be_visible(timeout=COMPUTED_MS)
        faults += await compares_runs(person)
        faults += await takes_over_a_file(person)

        await page.goto("/automations/new")
        await page.get_by_label("Name", exact=True).fill("By itself")
        await page.get_by_label("Strategy", exact=True).select_option(label="The strongest two")
        await expect(page.get_by_text("A portfolio strategy cannot be automated yet")).to_be_visible()
        await page.get_by_label("Stocks", exact=True).fill(SYMBOL)
        await page.get_by_label("Capital", exact=True).fill("5000")
        await page.get_by_role("button", name="Set it up").click()
        await expect(page.get_by_role("alert")).to_contain_text("The strategy is a portfolio")
        faults += await looks_well(person, "portfolio-automation-refused")
        assert not faults
