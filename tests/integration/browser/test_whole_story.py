"""The demo's story lived by hand: refused, filled, sold, warned, researched and left to trade by itself."""

import re

import pytest
from playwright.async_api import Browser, expect

from tests.integration.browser.test_first_order import looks_well
from tests.integration.browser.visitor import Visitor, visitor
from tests.integration.platform_under_test import SYMBOL, Platform

pytestmark = pytest.mark.stack

COMPUTED_MS = 60_000
BAR_DAY = "2013-02-28"


async def keeps_an_eye_on_it(person: Visitor) -> None:
    """Make a list, and put the stock on it by its star."""
    page = person.page
    await page.goto("/market")
    await page.get_by_role("button", name=person.reads("market.watchlist.new")).click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label(person.reads("app.name"), exact=True).fill("Tech")
    await dialog.get_by_role("button", name=person.reads("app.add"), exact=True).click()
    await expect(dialog).to_have_count(0)
    await person.goes_to(SYMBOL)
    await page.get_by_role("button", name=person.reads("market.watchlist.add")).click()
    await expect(page.get_by_role("button", name=person.reads("market.watchlist.remove"))).to_be_visible()
    await page.goto("/market")
    await expect(
        page.get_by_role("list", name=person.reads("market.watchlist")).get_by_text(SYMBOL).first
    ).to_be_visible()


async def trades(person: Visitor) -> list[str]:
    """Be refused, buy, and look at the chart."""
    page = person.page
    await person.goes_to(SYMBOL)
    await person.orders("900")
    await expect(page.get_by_text(person.says("denied"))).to_be_visible()
    await person.orders("4")
    await expect(page.get_by_text(person.says("placed"))).to_be_visible()
    await page.get_by_role("button", name="SMA 50").click()
    await page.get_by_role("button", name=person.reads("chart.patterns"), exact=True).click()
    await expect(page.get_by_text(re.compile(rf"{person.reads('pattern.cdlengulfing')} \d"))).to_be_visible()
    return await looks_well(person, "chart")


async def sells_it_all(person: Visitor) -> list[str]:
    """Sell from the list of positions, and see what it brought."""
    page = person.page
    await page.goto("/")
    await expect(page.locator("[data-today=USD]")).to_be_visible()
    await expect(page.get_by_role("link", name=SYMBOL).first).to_be_visible()
    faults = await looks_well(person, "dashboard")
    await page.goto("/portfolio")
    await page.get_by_role("button", name=f"{person.reads('portfolio.close')} {SYMBOL}").click()
    await page.get_by_role("dialog").get_by_role("button", name=person.reads("portfolio.close")).click()
    await expect(page.get_by_text(person.reads("portfolio.closed"))).to_be_visible()
    await page.get_by_role("tab", name=person.reads("portfolio.trades")).click()
    await expect(page.get_by_role("cell", name=SYMBOL)).to_be_visible()
    return faults + await looks_well(person, "closed-trades")


async def asks_to_be_told(person: Visitor) -> None:
    """Set an alert on a price that is there already."""
    page = person.page
    await page.goto("/alerts")
    form = page.get_by_role("form", name=person.reads("alerts.new"))
    await form.get_by_label(person.reads("backtest.symbol"), exact=True).fill(SYMBOL)
    await form.get_by_label(person.reads("alerts.value"), exact=True).fill("1")
    await form.get_by_role("button", name=person.reads("alerts.new")).click()
    await expect(page.get_by_role("table").get_by_text(person.reads("alert.triggered"))).to_be_visible()


async def writes_a_strategy(person: Visitor) -> list[str]:
    """Take what the editor offers, be told what it cannot read, and publish."""
    page = person.page
    await page.goto("/strategies/new")
    await page.get_by_label(person.reads("strategy.name"), exact=True).fill("Dip")
    entry = page.get_by_role("textbox", name=person.reads("strategy.entry"), exact=True)
    await entry.press_sequentially("rsi")
    offers = page.get_by_role("listbox", name=person.reads("strategy.rule.offers"))
    await expect(offers.get_by_role("option").first).to_contain_text("rsi(14)")
    await entry.press("Enter")
    await expect(entry).to_have_value("rsi(14)")
    await entry.press_sequentially(" < 45 and clos > 1")
    await page.keyboard.press("Escape")
    await expect(page.locator("mark[data-column='18']")).to_have_text("clos")
    faults = await looks_well(person, "rule-refused")
    await entry.fill("rsi(14) < 45")
    await page.get_by_role("textbox", name=person.reads("strategy.exit"), exact=True).fill("rsi(14) > 60")
    await page.get_by_role("button", name=person.reads("strategy.save")).click()
    await expect(page.get_by_role("heading", name="Dip")).to_be_visible()
    await page.get_by_role("button", name=person.reads("strategy.publish")).click()
    await expect(page.get_by_text(person.reads("strategy.version", version=1), exact=True)).to_be_visible()
    return faults


async def backtests_it_twice(person: Visitor) -> list[str]:
    """Try it on the past by both engines, and lay the two side by side: they agree."""
    page = person.page
    for engine in ("compiled", "event_driven"):
        await page.goto("/backtests")
        form = page.get_by_role("form", name=person.reads("backtest.new"))
        await form.get_by_label(person.reads("backtest.strategy"), exact=True).select_option(label="Dip")
        await form.get_by_label(person.reads("backtest.symbol"), exact=True).fill(SYMBOL)
        await form.get_by_label(person.reads("backtest.engine"), exact=True).select_option(engine)
        await form.get_by_role("button", name=person.reads("backtest.run")).click()
        await expect(page.get_by_text(person.reads("portfolio.sharpe"))).to_be_visible(timeout=COMPUTED_MS)
    faults = await looks_well(person, "backtest")
    await page.goto("/backtests")
    for place in range(2):
        await page.get_by_role("checkbox").nth(place).check()
    await page.get_by_role("button", name=person.reads("backtest.compare"), exact=True).click()
    trades = page.get_by_role("dialog").get_by_role("row", name=person.reads("backtest.trades")).get_by_role("cell")
    await expect(trades).to_have_count(2)
    one, other = await trades.all_inner_texts()
    assert one == other != "0"
    return faults + await looks_well(person, "compared")


async def lets_it_trade(person: Visitor) -> list[str]:
    """Set it up, start it, and read how it stands to its backtest on a day before it began."""
    page = person.page
    await page.goto("/automations/new")
    await page.get_by_label(person.reads("auto.name"), exact=True).fill("By itself")
    await page.get_by_label(person.reads("auto.strategy"), exact=True).select_option(label="Dip")
    await page.get_by_label(person.reads("auto.symbols"), exact=True).fill(SYMBOL)
    await page.get_by_label(person.reads("auto.capital"), exact=True).fill("5000")
    await page.get_by_role("button", name=person.reads("auto.create")).click()
    await page.get_by_role("button", name=person.reads("auto.start"), exact=True).click()
    await expect(page.get_by_role("button", name=person.reads("auto.pause"), exact=True)).to_be_visible()
    await page.get_by_role("tab", name=person.reads("auto.drift")).click()
    await page.get_by_label(person.reads("drift.day"), exact=True).fill(BAR_DAY)
    await expect(page.get_by_role("cell", name=person.reads("drift.unseen"))).to_be_visible()
    return await looks_well(person, "drift")


@pytest.mark.parametrize(("language", "phone"), [("ko", True), ("en", False)], ids=["ko-phone", "en-desk"])
async def test_somebody_lives_the_story_of_the_demo(
    platform: Platform, browser: Browser, language: str, *, phone: bool
) -> None:
    async with visitor(browser, platform.gateway.url, language=language, phone=phone) as person:
        await person.signs_up()
        await person.opens_an_account()
        await keeps_an_eye_on_it(person)
        faults = await trades(person)
        faults += await sells_it_all(person)
        await asks_to_be_told(person)
        faults += await writes_a_strategy(person)
        faults += await backtests_it_twice(person)
        faults += await lets_it_trade(person)
        assert not faults
