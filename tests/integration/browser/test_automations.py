"""An automation set up by hand, moved by an alert from outside, and asked before it buys."""

import json

import pytest
from playwright.async_api import Browser, expect

from tests.integration.browser.visitor import Visitor, visitor
from tests.integration.platform_under_test import SYMBOL, Platform

pytestmark = pytest.mark.stack


async def sets_one_up(person: Visitor) -> None:
    """Fill in the form: no strategy but a hook, one stock, five thousand dollars, and to be asked."""
    await person.page.goto("/automations/new")
    await person.page.get_by_label("Name", exact=True).fill("From my charts")
    await person.page.get_by_label("Stocks", exact=True).fill(f"{SYMBOL}, MSFT")
    await person.page.get_by_label("Capital", exact=True).fill("5000")
    await expect(person.page.get_by_text("At most $2,500.00 in each")).to_be_visible()
    await person.page.get_by_text("Ask me", exact=True).click()
    await person.photographs("automation-new")
    await person.page.get_by_role("button", name="Set it up").click()
    await expect(person.page.get_by_role("heading", name="From my charts")).to_be_visible()


async def makes_a_hook(person: Visitor) -> tuple[str, dict[str, str]]:
    """Make one, and read what is shown of it this once: its address, and a message to paste."""
    await person.page.goto("/automations")
    await person.page.get_by_role("tab", name="Hooks").click()
    await person.page.get_by_role("button", name="Make a hook").click()
    await expect(person.page.get_by_text("shown only now")).to_be_visible()
    await person.page.get_by_role("tab", name="Indicator alert").click()
    shown = await person.page.locator("pre").all_inner_texts()
    address = next(text for text in shown if "/hooks/tradingview/" in text)
    message: dict[str, str] = next(json.loads(text) for text in shown if text.startswith("{"))
    await person.photographs("hook-made")
    await person.page.reload()
    await person.page.get_by_role("tab", name="Hooks").click()
    await expect(person.page.get_by_text(address).first).to_be_visible()
    assert message["secret"] not in await person.page.content()
    return address, message


async def asks_to_be_told_of_a_rule(person: Visitor) -> None:
    """Set an alert on a rule, which is marked while it cannot be read, and take it back."""
    await person.page.goto("/alerts")
    form = person.page.get_by_role("form", name="New alert")
    await form.get_by_label("Symbol", exact=True).fill(SYMBOL)
    await form.get_by_label("Condition", exact=True).select_option("rule")
    rule = form.get_by_label("Rule", exact=True)
    await rule.fill("rsi(14) < and")
    await expect(form.locator("mark")).to_have_count(1)
    await rule.fill("rsi(14) < 30")
    await expect(form.locator("mark")).to_have_count(0)
    await form.get_by_label("Bars", exact=True).select_option("1h")
    await form.get_by_role("button", name="New alert").click()
    kept = person.page.get_by_role("row").filter(has_text="rsi(14) < 30")
    await expect(kept).to_contain_text("1 hour")
    await person.photographs("alert-on-a-rule")
    await kept.get_by_role("button", name=f"Delete {SYMBOL}").click()
    await expect(kept).to_have_count(0)


@pytest.mark.requirement("R-11")
async def test_somebody_sets_up_an_automation_and_approves_what_a_hook_asks(
    platform: Platform, browser: Browser
) -> None:
    async with visitor(browser, platform.gateway.url, language="en") as person:
        await person.signs_up()
        await person.opens_an_account()
        await asks_to_be_told_of_a_rule(person)
        await sets_one_up(person)
        await person.page.get_by_role("button", name="Start").click()
        await expect(person.page.get_by_role("button", name="Pause")).to_be_visible()
        address, message = await makes_a_hook(person)

        async with platform.gateway.client() as charts:
            said = message | {"action": "buy", "ticker": SYMBOL, "price": "430", "time": "2013-03-01T15:00:00Z"}
            taken = await charts.post(address, json=said)
            assert (taken.status_code, taken.json()["status"]) == (202, "queued"), taken.text
        asks = person.page.get_by_role("region", name="Signals that wait for you")
        await expect(asks.get_by_role("timer")).to_contain_text("left")
        await person.photographs("signal-asks")
        await asks.get_by_role("button", name=f"Approve {SYMBOL}").click()
        await expect(asks).to_have_count(0)
        await person.page.get_by_role("tab", name="Signals").click()
        await person.page.get_by_role("link", name="See the order").click()
        await expect(person.page.get_by_text("Filled in full")).to_be_visible()

        await person.page.goto("/automations")
        await person.page.get_by_role("link", name="From my charts").click()
        await person.photographs("automation")
        await person.page.get_by_role("button", name="Stop", exact=True).click()
        dialog = person.page.get_by_role("dialog")
        await expect(dialog.get_by_text("It holds 1 positions now.")).to_be_visible()
        await dialog.get_by_role("button", name="Stop", exact=True).click()
        await expect(person.page.get_by_role("button", name="Start")).to_be_visible()
