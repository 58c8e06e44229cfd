"""The web client in Chromium, through the gateway: first load, a slow phone, going from page to page, and a full list.

`browser_first_load`: kilobytes that arrive before the dashboard is drawn, compressed, of a browser that was never here.
`browser_interactive`: from opening the page until the dashboard answers, with the processor slowed down four times.
`browser_route_change`: from a press on a link until the next page's heading is drawn, its code being here already.
`browser_frame`: the time between frames while a list of 100 stocks is quoted ten times a second each, by the way every
quote goes: Redis, market's hub, gateway, WebSocket. Beside it, the share of a processor that the page's thread took.

Times are the browser's own clock, so they need a machine that is quiet. Alone: `make bench BENCH=browser`.
"""

import asyncio
from contextlib import suppress

from playwright.async_api import Browser, CDPSession, Page, expect

from benchmarks.quotes import Publisher, redis_of
from benchmarks.results import Result, result
from tests.integration.browser.visitor import Visitor, chromium, visitor
from tools import cli
from tools.native.layout import Layout
from tools.people import Trader

SLOWDOWN = 4
ROUNDS = 5
SYMBOLS = [f"9B{place:04d}" for place in range(100)]
QUOTES_RATE = 10
WARM_SECONDS = 2
WATCHED_SECONDS = 10
PLACES = ("/orders", "/portfolio", "/strategies", "/automations", "/alerts", "/risk", "/")

LOADED_KB_MAX = 250
INTERACTIVE_MS_MAX = 2_000
ROUTE_MS_MAX = 150
FRAME_MS_MAX = 50

ARRIVED = """() => performance.getEntriesByType("resource").concat(performance.getEntriesByType("navigation"))
  .filter((each) => !each.name.includes("/api/")).reduce((all, each) => all + each.encodedBodySize, 0)"""
# Once the heading is there a task is asked for: it comes when the work before it is done, so a press would be answered.
ANSWERS = """() => new Promise((resolve) => {
  const look = () => {
    if (!document.querySelector("#content h1")) return requestAnimationFrame(look);
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => resolve(performance.now());
    port2.postMessage(null);
  };
  look();
})"""
GOES = """(to) => new Promise((resolve) => {
  const began = performance.now(), before = document.querySelector("main h1");
  const look = () => {
    const heading = document.querySelector("main h1");
    if (location.pathname === to && heading && heading !== before) return resolve(performance.now() - began);
    requestAnimationFrame(look);
  };
  document.querySelector(`aside a[href="${to}"]`).click();
  look();
})"""
FRAMES = """(seconds) => new Promise((resolve) => {
  const gaps = [], began = performance.now();
  let before = began;
  const tick = (now) => {
    gaps.push(now - before);
    before = now;
    if (now - began < seconds * 1000) requestAnimationFrame(tick);
    else resolve(gaps.slice(1));
  };
  requestAnimationFrame(tick);
})"""


def percentile(values: list[float], share: float) -> float:
    """The value that this share of them stays within."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def measure(layout: Layout) -> list[Result]:
    """Measure the client on a platform that runs."""
    return asyncio.run(_measure(layout))


async def _measure(layout: Layout) -> list[Result]:
    async with chromium() as browser, visitor(browser, cli.gateway_of(layout).url, language="en") as person:
        await person.signs_up()
        await person.opens_an_account()
        loaded, interactive = await _opens(browser, person)
        routes = await _goes_around(person.page)
        gaps, busy = await _watches(layout, person)
    return [
        result("browser_first_load", loaded / 1000, "kB"),
        result("browser_interactive", percentile(interactive, 0.5), "ms"),
        result("browser_route_change_p95", percentile(routes, 0.95), "ms"),
        result("browser_frame_p95", percentile(gaps, 0.95), "ms"),
        result("browser_frame_work", busy, "of a processor"),
    ]


async def _opens(browser: Browser, person: Visitor) -> tuple[float, list[float]]:
    """Open the dashboard in browsers that were never here but for the session, each slowed down."""
    state = await person.context.storage_state()
    loaded, interactive = 0.0, []
    for _ in range(ROUNDS):
        fresh = await browser.new_context(
            base_url=person.origin, storage_state=state, ignore_https_errors=True, service_workers="block"
        )
        page = await fresh.new_page()
        tools = await fresh.new_cdp_session(page)
        await tools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWDOWN})
        await page.goto("/", wait_until="commit")
        interactive.append(float(await page.evaluate(ANSWERS)))
        loaded = float(await page.evaluate(ARRIVED))
        state = await fresh.storage_state()  # the session's cookie is good for one use
        await fresh.close()
    await _logs_in_again(person)
    return loaded, interactive


async def _logs_in_again(person: Visitor) -> None:
    """Begin a session of one's own: the one before it went along with the browsers that were measured."""
    await person.context.clear_cookies()
    await person.page.goto("/login")
    await person.box("email").fill(person.email)
    await person.page.get_by_label(person.says("password"), exact=True).fill(person.password)
    await person.button("log in").click()
    await expect(person.page.locator("main h1")).to_be_visible()
    await expect(person.page).to_have_url(f"{person.origin}/")


async def _goes_around(page: Page) -> list[float]:
    """Go through the pages once to have their code, and then measured."""
    await page.goto("/")
    await expect(page.locator("main h1")).to_be_visible()
    for to in PLACES:
        await page.evaluate(GOES, to)
        await page.wait_for_load_state("networkidle")
    return [float(await page.evaluate(GOES, to)) for _ in range(ROUNDS) for to in PLACES]


async def _watches(layout: Layout, person: Visitor) -> tuple[list[float], float]:
    """Watch a hundred stocks while each is quoted ten times a second; return the gaps between frames, and the work."""
    tools = await person.context.new_cdp_session(person.page)
    await tools.send("Performance.setTimeDomain", {"timeDomain": "threadTicks"})  # processor time: load does not count
    await tools.send("Performance.enable")
    owner = Trader.stranger(cli.gateway_of(layout), "the same person", person.email, person.password)
    await owner.log_in()
    await owner.call("POST", "/market/watchlists", name="All", symbols=SYMBOLS)
    await owner.leave()
    async with redis_of(layout) as (redis, _):
        publisher = Publisher(redis)
        quoting = asyncio.create_task(_quotes(publisher))
        try:
            await person.page.goto("/market")
            await expect(person.page.get_by_role("list", name="Watchlist").locator("li")).to_have_count(len(SYMBOLS))
            await expect(person.page.locator("[data-health=live]")).to_be_visible()
            await asyncio.sleep(WARM_SECONDS)
            before = await _worked(tools)
            gaps: list[float] = await person.page.evaluate(FRAMES, WATCHED_SECONDS)
            busy = (await _worked(tools) - before) / WATCHED_SECONDS
        finally:
            quoting.cancel()
            with suppress(asyncio.CancelledError):
                await quoting
            for symbol in SYMBOLS:
                await redis.delete(f"realtime:{symbol}", f"realtime.bar1m:{symbol}")
    return gaps, busy


async def _worked(tools: CDPSession) -> float:
    """The seconds of processor time the page's main thread has worked."""
    metrics = (await tools.send("Performance.getMetrics"))["metrics"]
    return float(next(each["value"] for each in metrics if each["name"] == "TaskDuration"))


async def _quotes(publisher: Publisher) -> None:
    """Quote all of them, evenly over the time."""
    part = len(SYMBOLS) // QUOTES_RATE
    while True:
        for first in range(0, len(SYMBOLS), part):
            await publisher.publish(SYMBOLS[first : first + part])
            await asyncio.sleep(1 / QUOTES_RATE / QUOTES_RATE)
