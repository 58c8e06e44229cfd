"""What the page says when an order is refused, an answer is lost, the line breaks, or the session ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import httpx
import pytest
from playwright.async_api import Browser, Route, expect

from tests.integration.brokerage import Case, cases, moves, opens_account_at
from tests.integration.browser.test_first_order import looks_well
from tests.integration.browser.visitor import Visitor, visitor
from tests.integration.platform_under_test import SYMBOL, Platform
from tools.native import emulators
from tools.people import Trader

pytestmark = pytest.mark.stack

REVOKED_WITHIN_MS = 70_000
"""A session that was ended stops working everywhere within a minute."""
EVIDENCE_WITHIN_MS = 60_000
LOOKS_LOST = 2
"""How often the broker cannot be asked for the order before it can."""


def case_of(broker: str) -> Case:
    """A broker, and keys for it that nobody else has."""
    return next(each for each in cases() if each.broker == broker)


@asynccontextmanager
async def broker_of(platform: Platform, case: Case) -> AsyncIterator[httpx.AsyncClient]:
    """The broker's own side: its market, and what goes wrong there."""
    port = emulators.EMULATORS[case.broker].port(platform.layout)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as broker:
        await moves(broker, case)
        yield broker


@asynccontextmanager
async def trading_at(platform: Platform, person: Visitor, case: Case) -> AsyncIterator[Trader]:
    """Have the visitor sign up, with an account at the broker; yields the same person without a browser."""
    await person.signs_up()
    elsewhere = Trader.stranger(platform.gateway, "the same person", person.email, person.password)
    await elsewhere.log_in()
    keys = {"broker": case.broker, "environment": "paper", "name": "Mine", "credentials": case.credentials}
    saved = await elsewhere.call("POST", "/broker/connections", **keys)
    await opens_account_at(elsewhere, case, saved["id"])
    yield elsewhere
    await elsewhere.leave()


async def breaks(broker: httpx.AsyncClient, call: str, fault: str, times: int = 1) -> None:
    """Have the broker fail at a call, so often."""
    (await broker.post("/_emulator/faults", json={"call": call, "fault": fault, "times": times})).raise_for_status()


async def test_an_order_beyond_the_cash_is_refused_in_words_and_kept(platform: Platform, browser: Browser) -> None:
    async with visitor(browser, platform.gateway.url) as person:
        await person.signs_up()
        await person.opens_an_account()
        await person.goes_to(SYMBOL)
        await person.orders("900")
        await expect(person.page.get_by_text(person.says("denied"))).to_be_visible()
        await expect(person.page.get_by_role("alert").filter(has_text=person.says("too little cash"))).to_be_visible()
        await person.photographs("denied")
        await person.page.get_by_role("link", name=person.says("see order")).click()
        await expect(person.page.locator("[data-step=denied]")).to_be_visible()


async def test_an_order_whose_answer_is_lost_is_looked_for_and_not_sent_again(
    platform: Platform, browser: Browser
) -> None:
    async with visitor(browser, platform.gateway.url, language="en") as person:
        await person.signs_up()
        await person.opens_an_account()
        await person.goes_to(SYMBOL)
        sent: list[str | None] = []

        async def lose_the_answer(route: Route) -> None:
            if route.request.method != "POST":
                await route.continue_()
                return
            sent.append(route.request.post_data)
            await route.fetch()  # it arrives, and is answered
            await route.abort("connectionreset")

        await person.page.route("**/api/v1/trading/orders", lose_the_answer)
        await person.orders("2")
        await expect(person.page.get_by_text("The order had arrived")).to_be_visible()
        await person.page.goto("/orders")
        await expect(person.page.get_by_role("link", name=SYMBOL, exact=True)).to_have_count(1)
        assert len(sent) == 1


async def test_an_order_whose_broker_never_answered_is_explained_until_there_is_evidence(
    platform: Platform, browser: Browser
) -> None:
    case = case_of("alpaca")
    async with (
        visitor(browser, platform.gateway.url, language="en") as person,
        broker_of(platform, case) as broker,
        trading_at(platform, person, case),
    ):
        await breaks(broker, "POST orders", "reset_after")  # it takes the order, and its answer is lost
        await breaks(broker, "stream", "notice_lost", 20)
        await breaks(broker, "GET orders:by_client_order_id", "server_error", LOOKS_LOST)
        await person.page.goto(f"/market/{SYMBOL}")
        await person.orders("2")
        await person.page.get_by_role("link", name=person.says("see order")).click()
        await expect(person.page.get_by_text("The broker's answer is missing")).to_be_visible()
        await expect(person.page.locator("[data-step=unknown]")).to_be_visible()
        await person.photographs("unknown")
        await expect(person.page.get_by_text("Filled in full")).to_be_visible(timeout=EVIDENCE_WITHIN_MS)
        await expect(person.page.get_by_text("The broker's answer is missing")).to_have_count(0)
        await person.page.goto("/orders")
        await expect(person.page.get_by_role("link", name=SYMBOL, exact=True)).to_have_count(1)


@pytest.mark.requirement("R-4")
@pytest.mark.usefixtures("korea")
async def test_an_order_that_its_broker_shows_twice_waits_until_its_owner_says_which_it_is(
    platform: Platform, browser: Browser
) -> None:
    case = case_of("kis")
    async with (
        visitor(browser, platform.gateway.url, phone=True) as person,
        broker_of(platform, case) as broker,
        trading_at(platform, person, case) as elsewhere,
    ):
        await breaks(broker, "order-cash", "reset_after")
        await breaks(broker, "stream", "notice_lost", 20)
        await breaks(broker, "inquire-daily-ccld", "html", LOOKS_LOST)
        await person.page.goto(f"/market/{case.symbol}")
        await person.orders("4", limit=case.bid)
        await expect(person.page.get_by_text(person.says("placed"))).to_be_visible()
        twin = {"symbol": case.symbol, "side": "buy", "quantity": "4", "price": case.bid, "kind": case.limit}
        (await broker.post("/_emulator/orders", json=twin)).raise_for_status()

        await person.page.goto("/connections")
        doubt = person.page.get_by_role("region", name=case.symbol, exact=True)
        await doubt.get_by_role("button", name=person.reads("doubts.look")).click(timeout=EVIDENCE_WITHIN_MS)
        answers = doubt.get_by_role("button", name=person.reads("doubts.mine"))
        await expect(answers).to_have_count(2)
        faults = await looks_well(person, "doubt")
        await answers.first.click()
        await expect(person.page.get_by_text(person.reads("doubts.done"))).to_be_visible()
        await expect(doubt).to_have_count(0)
        [order] = [
            each for each in (await elsewhere.call("GET", "/trading/orders"))["items"] if each["quantity"] == "4"
        ]
        assert order["client_order_id"]
        await elsewhere.until_order(order["id"], frozenset({"accepted"}))
        # both trade, so that at this broker nobody's later order waits behind them
        await moves(broker, case, ask=case.bid, bid=str(Decimal(case.bid) - 100))
        await elsewhere.until_order(order["id"], frozenset({"filled"}))
        assert not faults


async def test_a_broken_line_is_told_and_comes_back(platform: Platform, browser: Browser) -> None:
    async with visitor(browser, platform.gateway.url) as person:
        await person.signs_up()
        await person.opens_an_account()
        await person.goes_to(SYMBOL)
        await expect(person.page.locator("[data-health=live]")).to_be_visible()
        await person.context.set_offline(True)
        await expect(person.page.get_by_role("alert").filter(has_text=person.says("disconnected"))).to_be_visible()
        await person.photographs("disconnected")
        await person.context.set_offline(False)
        await expect(person.page.locator("[data-health=live]")).to_be_visible()
        await expect(person.page.get_by_text(person.says("disconnected"))).to_have_count(0)


async def test_a_session_that_ends_in_the_middle_of_an_order_loses_nothing_and_sends_nothing(
    platform: Platform, browser: Browser
) -> None:
    async with visitor(browser, platform.gateway.url, language="en") as person:
        await person.signs_up()
        await person.opens_an_account()
        await person.goes_to(SYMBOL)
        await person.page.get_by_label("Order type", exact=True).select_option("market")
        await person.page.get_by_label("Quantity", exact=True).fill("7")
        elsewhere = Trader.stranger(platform.gateway, "the same person", person.email, person.password)
        await elsewhere.log_in()
        await elsewhere.call("POST", "/auth/logout-all")
        await elsewhere.leave()
        await expect(person.page.get_by_text("Your session has ended")).to_be_visible(timeout=REVOKED_WITHIN_MS)
        await person.photographs("session-over")
        await person.logs_in_again()
        await expect(person.page.get_by_label("Quantity", exact=True)).to_have_value("7")
        await expect(person.page.locator("[data-verdict=approved]")).to_be_visible()
        await person.button("buy").click()
        await expect(person.page.get_by_text("The order is placed")).to_be_visible()
        await person.page.goto("/orders")
        await expect(person.page.get_by_role("link", name=SYMBOL, exact=True)).to_have_count(1)


async def test_who_types_a_rule_before_the_indicators_are_known_is_offered_them_when_they_are(
    platform: Platform, browser: Browser
) -> None:
    async with visitor(browser, platform.gateway.url, language="en") as person:
        await person.signs_up()
        typed = asyncio.Event()

        async def wait_for_the_typist(route: Route) -> None:
            await typed.wait()
            await route.continue_()

        await person.page.route("**/api/v1/market/indicators", wait_for_the_typist)
        await person.page.goto("/strategies/new")
        entry = person.page.get_by_role("textbox", name=person.reads("strategy.entry"), exact=True)
        await entry.press_sequentially("rsi")
        await expect(entry).to_have_value("rsi")
        typed.set()
        offers = person.page.get_by_role("listbox", name=person.reads("strategy.rule.offers"))
        await expect(offers.get_by_role("option").first).to_contain_text("rsi(14)")


async def test_two_people_side_by_side_see_nothing_of_each_other(platform: Platform, browser: Browser) -> None:
    async with (
        visitor(browser, platform.gateway.url) as one,
        visitor(browser, platform.gateway.url, language="en") as other,
    ):
        await one.signs_up()
        await one.opens_an_account()
        await one.goes_to(SYMBOL)
        await one.orders("1")
        await one.page.get_by_role("link", name=one.says("see order")).click()
        await expect(one.page.get_by_text(one.says("filled in full"))).to_be_visible()
        await other.signs_up("Park Stranger")
        await other.opens_an_account()
        await other.page.goto(one.page.url)
        await expect(other.page.get_by_text("There is no such order.")).to_be_visible()
        await other.page.goto("/orders")
        await expect(other.page.get_by_text("No orders.")).to_be_visible()
