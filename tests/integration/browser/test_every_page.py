"""Every address of the client and every tab of it: fits a small phone and a desk, and keeps nobody out."""

import asyncio
import re
from dataclasses import dataclass
from decimal import Decimal

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.integration.browser.test_first_order import looks_well
from tests.integration.browser.visitor import DESK, PHONE, Visitor, visitor
from tests.integration.platform_under_test import SYMBOL, Platform
from tools.native.layout import ROOT
from tools.people import PATIENCE_SECONDS, POLL_SECONDS, Admin, Refused, Trader

pytestmark = pytest.mark.stack

ROUTER = (ROOT / "web" / "src" / "app" / "router.tsx").read_text()
BEFORE, AFTER = (re.findall(r'path: "(/[^"]*)"', part) for part in ROUTER.split("const inside"))
"""The router's own table: where one can be before one has logged in, and after."""
THEMES = {"ko": "light", "en": "dark"}
"""Each page is seen in both: words and colours go wrong apart from each other."""


@dataclass
class Home:
    """Somebody with one of everything, and the addresses it has."""

    owner: Admin
    names: dict[str, tuple[str, ...]]
    """What may stand for a name in an address, such as $symbol. A new name fails here until somebody says it."""

    def addresses(self) -> list[str]:
        """Every address there is after logging in."""
        found = []
        for path in AFTER:
            gap = next((part for part in path.split("/") if part.startswith("$")), "")
            found += [path.replace(gap, value) for value in self.names[gap]] if gap else [path]
        return found


@pytest_asyncio.fixture
async def home(platform: Platform, admin: Admin, stranger: Trader) -> Home:
    """An operator who trades as well: every page has something to show."""
    assert platform.gateway.url
    await admin.opens_account("USD", Decimal(10_000))
    order = await admin.buys(SYMBOL, 3)
    other = f"/admin/users/{stranger.user_id}"
    rights = (await admin.call("GET", other))["permissions"]
    await admin.call("PUT", f"{other}/permissions", **(rights | {"real": True}))  # it waits for a second admin
    await admin.call("POST", "/market/watchlists", name="Mine", symbols=[SYMBOL, "MSFT"])
    await admin.call("POST", "/alerts", symbol=SYMBOL, condition="price_above", value="900")
    strategy = await admin.call(
        "POST", "/backtest/strategies", name="Dip", entry="rsi(14) < 45", exit="rsi(14) > 70", stop_loss="0.05"
    )
    await admin.call("POST", f"/backtest/strategies/{strategy['id']}/publish")
    run = await admin.call("POST", "/backtest/run", strategy_id=strategy["id"], symbol=SYMBOL)
    crossing = {
        name: f"crosses_{way}(sma({{fast}}), sma({{slow}}))" for name, way in (("entry", "above"), ("exit", "below"))
    }
    ranges = {"fast": [5, 10], "slow": [40, 80]}
    sweep = await admin.call("POST", "/backtest/optimize", symbol=SYMBOL, parameters=ranges, **crossing)
    automation = await automated(admin, strategy["id"])
    for job in (run, sweep):
        await admin.until(f"/backtest/jobs/{job['id']}", lambda shown: shown["status"] == "done")
    await admin.until_order(order["id"])
    return Home(
        admin,
        {
            "$symbol": (SYMBOL,),
            "$orderId": (order["id"],),
            "$strategyId": (strategy["id"], "new"),
            "$runId": (run["id"], sweep["id"]),
            "$automationId": (automation, "new"),
            "$section": (),  # the tabs of /settings
        },
    )


async def automated(admin: Admin, strategy_id: str) -> str:
    """Let a strategy watch the stock; return the automation's id. Trading hears of the version in a moment."""
    wish = {
        "name": "By itself",
        "account_id": admin.account_id,
        "strategy_id": strategy_id,
        "version": 1,
        "symbols": [SYMBOL],
        "interval": "1d",
        "weekdays": [1, 2, 3, 4, 5],
        "capital": "5000",
        "mode": "notify",
    }
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                return str((await admin.call("POST", "/trading/automations", **wish))["id"])
            except Refused as refused:
                if refused.code != "strategy_version_not_found":
                    raise
            await asyncio.sleep(POLL_SECONDS)


async def drawn(person: Visitor) -> None:
    """Wait until nothing on the page says that it is still loading."""
    await expect(person.page.locator("h1").first).to_be_visible()
    await expect(person.page.get_by_role("status", name=person.reads("app.loading"))).to_have_count(0)


async def looks_around(person: Visitor, name: str) -> list[str]:
    """Look at what is open on a phone, with care, and on a desk."""
    await drawn(person)
    faults = await looks_well(person, name)
    await person.page.set_viewport_size(DESK)  # type: ignore[arg-type]  # a TypedDict of the same shape
    await person.photographs(name)
    faults += [f"{name} is wider than a desk"] * await person.overflows()
    await person.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    return faults


async def looks_at_all_of(person: Visitor, path: str, name: str) -> list[str]:
    """Look at a page, and at each of its tabs."""
    await person.page.goto(path)
    await drawn(person)
    tabs = person.page.locator("main [role=tablist]").first.get_by_role("tab")
    faults = []
    for place in range(max(await tabs.count(), 1)):
        if await tabs.count():
            await tabs.nth(place).click()
        faults += await looks_around(person, f"page{name.replace('/', '-')}-{place}")
    return faults


@pytest.mark.parametrize("language", ["ko", "en"])
async def test_every_page_fits_and_keeps_nobody_out(
    platform: Platform, browser: Browser, home: Home, language: str
) -> None:
    await home.owner.call("PUT", "/users/profile", language=language, name="Operator", time_zone="Asia/Seoul")
    async with visitor(browser, platform.gateway.url, language=language, phone=True) as person:
        await person.page.emulate_media(color_scheme=THEMES[language])  # type: ignore[arg-type]  # one of its words
        faults = []
        for path in BEFORE:
            await person.page.goto(path)
            faults += await looks_around(person, f"page{path.replace('/', '-')}")
        person.email, person.password = home.owner.email, home.owner.password
        await person.logs_in()
        for path in home.addresses():
            faults += await looks_at_all_of(person, path, path)
        assert not faults
