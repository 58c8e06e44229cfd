"""A portfolio strategy written by hand: refused beside its field, kept, tested on the market, and automated."""

import re

import pytest
from playwright.async_api import Browser, Locator, expect

from tests.integration.browser.test_first_order import looks_well
from tests.integration.browser.visitor import Visitor, visitor
from tests.integration.platform_under_test import Platform

pytestmark = pytest.mark.stack

COMPUTED_MS = 240_000
"""The first portfolio of a worker compiles its loop, on a machine that may be busy."""


def number(person: Visitor, place: int) -> Locator:
    """One of the numbers that the strategy ranks by."""
    return person.page.get_by_role("group", name=person.reads("many.place", place=place), exact=True)


async def writes_one(person: Visitor) -> None:
    """Fill in the form for the two that rose most of the American market, with a second number that cannot be read."""
    page = person.page
    await page.goto("/strategies/new")
    await page.get_by_label(person.reads("strategy.name"), exact=True).fill("The strongest two")
    await page.get_by_role("group", name=person.reads("many.which")).get_by_text(person.reads("many.many")).click()
    await page.get_by_label(person.reads("many.entry")).fill("close > sma(20)")
    await page.get_by_label(person.reads("many.exit")).fill("close <= 0")
    await (
        page.get_by_role("group", name=person.reads("screen.market"), exact=True)
        .get_by_text(person.reads("market.US"))
        .click()
    )
    await page.get_by_label(person.reads("many.positions"), exact=True).fill("2")
    await number(person, 1).get_by_label(person.reads("many.factor")).fill("roc(20)")
    await page.get_by_role("button", name=person.reads("many.add")).click()
    await number(person, 2).get_by_label(person.reads("many.factor")).fill("rocc(5)")
    await number(person, 2).get_by_label(person.reads("many.weight")).fill("-0.5")


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
    await expect(page.get_by_role("heading", name="Low")).to_be_visible()
    return faults


async def runs_it_again_and_compares(person: Visitor) -> list[str]:
    """Run the same for other days and set the two runs side by side; return what does not look well."""
    page = person.page
    await page.goto("/backtests")
    await page.get_by_label("Strategy", exact=True).select_option(label="The strongest two")
    await page.get_by_label("From", exact=True).fill("2011-06-01")
    await page.get_by_label("To", exact=True).fill("2013-02-28")
    await page.get_by_role("button", name="Run", exact=True).click()
    await expect(page.get_by_text("Choices made")).to_be_visible(timeout=COMPUTED_MS)
    await page.goto("/backtests")
    for place in range(2):
        await page.get_by_role("checkbox").nth(place).check()
    await page.get_by_role("button", name="Compare", exact=True).click()
    await expect(page.get_by_role("dialog").get_by_text("days that all of them have")).to_be_visible()
    return await looks_well(person, "runs-compared")


@pytest.mark.parametrize(("language", "phone"), [("en", False), ("ko", True)], ids=["en-desk", "ko-phone"])
async def test_somebody_writes_a_portfolio_and_reads_its_report(
    platform: Platform, browser: Browser, language: str, *, phone: bool
) -> None:
    async with visitor(browser, platform.gateway.url, language=language, phone=phone) as person:
        page = person.page
        await person.signs_up()
        await person.opens_an_account()
        await writes_one(person)
        await page.get_by_role("button", name=person.reads("strategy.save")).click()
        await expect(number(person, 2).get_by_role("alert")).to_contain_text("rocc")
        await expect(number(person, 1).get_by_role("alert")).to_have_count(0)
        faults = await looks_well(person, "portfolio-strategy-refused")
        await number(person, 2).get_by_label(person.reads("many.factor")).fill("roc(5)")
        await page.keyboard.press("Escape")
        await page.get_by_role("button", name=person.reads("strategy.save")).click()
        await expect(page.get_by_role("heading", name="The strongest two")).to_be_visible()
        await page.reload()
        await expect(number(person, 2).get_by_label(person.reads("many.weight"))).to_have_value("-0.5")
        faults += await looks_well(person, "portfolio-strategy")
        await page.get_by_role("button", name=person.reads("strategy.publish")).click()
        await expect(page.get_by_text(person.reads("strategy.published", version=1))).to_be_visible()

        await page.get_by_role("link", name=person.reads("strategy.backtest")).click()
        await expect(page.get_by_label(person.reads("backtest.symbol"), exact=True)).to_have_count(0)
        await page.get_by_label(person.reads("backtest.from"), exact=True).fill("2011-01-03")
        await page.get_by_role("button", name=person.reads("backtest.run"), exact=True).click()
        await expect(page.get_by_role("alert").first).to_contain_text("the first and the last")
        await page.get_by_label(person.reads("backtest.to"), exact=True).fill("2013-02-28")
        await page.get_by_role("button", name=person.reads("backtest.run"), exact=True).click()
        await expect(page.get_by_text(person.reads("many.choices"))).to_be_visible(timeout=COMPUTED_MS)
        await expect(page.get_by_text("-0.5 × roc(5)")).to_be_visible()
        await expect(page.get_by_role("link", name=re.compile("^[A-Z]{1,5}$")).first).to_be_visible()
        faults += await looks_well(person, "portfolio-report")
        if language == "en":
            faults += await runs_it_again_and_compares(person)
            faults += await takes_over_a_file(person)

        await page.goto("/automations/new")
        await page.get_by_label(person.reads("auto.name"), exact=True).fill("By itself")
        await page.get_by_label(person.reads("auto.strategy"), exact=True).select_option(label="The strongest two")
        await expect(page.get_by_text(person.reads("auto.many"))).to_be_visible()
        await expect(page.get_by_label(person.reads("auto.symbols"), exact=True)).to_have_count(0)
        await page.get_by_label(person.reads("auto.capital"), exact=True).fill("5000")
        await page.get_by_role("button", name=person.reads("auto.create")).click()
        await expect(page.get_by_role("alert")).to_contain_text(person.reads("said.noHistory"))
        faults += await looks_well(person, "portfolio-automation-refused")
        await page.locator("[name=history_from]").fill("2011-01-03")
        await page.get_by_role("button", name=person.reads("auto.create")).click()
        await page.get_by_role("button", name=person.reads("auto.start"), exact=True).click()
        await expect(page.get_by_role("button", name=person.reads("auto.pause"), exact=True)).to_be_visible()
        faults += await looks_well(person, "portfolio-automation")
        assert not faults
