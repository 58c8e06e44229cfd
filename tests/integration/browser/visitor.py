"""Somebody at a browser: Chromium before the gateway, on a desk or a phone, in Korean or English."""

import json
import os
import re
import secrets
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import Browser, BrowserContext, Locator, Page, async_playwright, expect

from tools.native.layout import ROOT

PATIENCE_MS = 15_000
DESK = {"width": 1366, "height": 900}
PHONE = {"width": 360, "height": 740}
SCREENSHOTS = Path(os.environ.get("EXODUS_SCREENSHOTS", ROOT / "web" / "screenshots"))
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
SERIOUS = {"serious", "critical"}

WORDS = {
    "ko": {
        "name": "이름",
        "email": "이메일",
        "password": "비밀번호",
        "sign up": "가입하고 시작하기",
        "log in": "로그인",
        "open account": "계좌 만들기",
        "search": "종목 검색",
        "buy": "모의투자 매수",
        "quantity": "수량",
        "price": "가격",
        "type": "주문 종류",
        "placed": "주문을 냈습니다",
        "see order": "주문 보기",
        "filled": "체결",
        "filled in full": "전량 체결되었습니다",
        "denied": "주문이 거부되었습니다",
        "too little cash": "주문 가능 금액이 부족합니다",
        "session over": "로그인이 만료되었습니다",
        "disconnected": "연결이 끊겼습니다",
    },
    "en": {
        "name": "Name",
        "email": "E-mail",
        "password": "Password",
        "sign up": "Sign up and begin",
        "log in": "Log in",
        "open account": "Open an account",
        "search": "Search stocks",
        "buy": "PAPER · Buy",
        "quantity": "Quantity",
        "price": "Price",
        "type": "Order type",
        "placed": "The order is placed",
        "see order": "See the order",
        "filled": "Filled",
        "filled in full": "Filled in full",
        "denied": "The order was denied",
        "too little cash": "Not enough cash",
        "session over": "Your session has ended",
        "disconnected": "connection is lost",
    },
}
"""What a person looks for on the page: the tests find things by what is written on them, as people do."""
PAIR = re.compile(r'"([\w.]+)": (\["(?:[^"\\]|\\.)*", "(?:[^"\\]|\\.)*"\])')
CLIENT_WORDS: dict[str, tuple[str, str]] = {
    key: tuple(json.loads(pair))
    for file in (ROOT / "web" / "src" / "words").glob("*.ts")
    for key, pair in PAIR.findall(file.read_text())
}
"""Every sentence of the client, by its key: Korean, English."""


@dataclass
class Visitor:
    """One person with one browser profile; `page` is what they see."""

    context: BrowserContext
    page: Page
    language: str
    email: str = field(default_factory=lambda: f"{secrets.token_hex(6)}@people.example.com")
    password: str = field(default_factory=lambda: f"{secrets.token_urlsafe(18)} 7")
    complaints: list[str] = field(default_factory=list)
    """What the page wrote to its console as errors, and what it threw."""

    def says(self, word: str) -> str:
        """The words that stand for this in the visitor's language."""
        return WORDS[self.language][word]

    def reads(self, key: str, **gaps: object) -> str:
        """A sentence of the client, as it stands on the visitor's page."""
        sentence = CLIENT_WORDS[key][0 if self.language == "ko" else 1]
        for name, value in gaps.items():
            sentence = sentence.replace(f"{{{name}}}", str(value))
        return sentence

    def button(self, word: str) -> Locator:
        """A button, by what is written on it."""
        return self.page.get_by_role("button", name=self.says(word), exact=True)

    def box(self, word: str) -> Locator:
        """A text box, by its label."""
        return self.page.get_by_role("textbox", name=self.says(word), exact=True)

    async def signs_up(self, name: str = "김하늘") -> None:
        """Fill in the form, and arrive where an account can be opened."""
        await self.page.goto("/signup")
        await self.page.get_by_label(self.says("name"), exact=True).fill(name)
        await self.page.get_by_label(self.says("email"), exact=True).fill(self.email)
        await self.page.get_by_label(self.says("password"), exact=True).fill(self.password)
        await self.button("sign up").click()
        await expect(self.button("open account")).to_be_visible()

    async def logs_in(self) -> None:
        """Fill in the form with what one has signed up with before, and arrive."""
        await self.page.goto("/login")
        await self.box("email").fill(self.email)
        await self.page.get_by_label(self.says("password"), exact=True).fill(self.password)
        await self.button("log in").click()
        await expect(self.page.locator("main#content h1")).to_be_visible()

    async def opens_an_account(self) -> None:
        """Open a paper account with ten thousand dollars."""
        await self.page.get_by_text("USD").last.click()
        await self.button("open account").last.click()
        await expect(self.page.locator("[data-currency=USD]")).to_be_visible()

    async def goes_to(self, symbol: str) -> None:
        """Find a stock by its code, with the keyboard alone."""
        await self.page.goto("/market")
        search = self.page.get_by_role("combobox", name=self.says("search"))
        await search.fill(symbol)
        await expect(self.page.get_by_role("listbox").get_by_role("option").first).to_contain_text(symbol)
        await search.press("Enter")
        await expect(self.page).to_have_url(f"{self.origin}/market/{symbol}")

    async def logs_in_again(self) -> None:
        """Fill in the dialog over a page whose session has ended."""
        await self.page.get_by_role("dialog").get_by_label(self.says("password"), exact=True).fill(self.password)
        await self.page.get_by_role("dialog").get_by_role("button", name=self.says("log in"), exact=True).click()
        await expect(self.page.get_by_role("dialog")).to_have_count(0)

    @property
    def origin(self) -> str:
        """Scheme, host and port of the page."""
        return "/".join(self.page.url.split("/", 3)[:3])

    async def orders(self, quantity: str, limit: str = "") -> None:
        """Fill in the ticket, see what it would cost, and press the button; at market without a limit."""
        await self.page.get_by_label(self.says("type"), exact=True).select_option("limit" if limit else "market")
        if limit:
            await self.page.get_by_label(self.says("price"), exact=True).fill(limit)
        await self.page.get_by_label(self.says("quantity"), exact=True).fill(quantity)
        await expect(self.page.locator("[data-verdict]")).to_be_visible()
        await self.button("buy").click()

    async def photographs(self, name: str) -> None:
        """Keep what is seen, for people to look at."""
        width = (self.page.viewport_size or DESK)["width"]
        await self.page.screenshot(path=SCREENSHOTS / f"{name}-{self.language}-{width}.png", full_page=True)

    async def accessibility_faults(self) -> list[str]:
        """What axe finds that would keep somebody out."""
        if not await self.page.evaluate("'axe' in window"):
            await self.page.evaluate(AXE.read_text())
        found = await self.page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
        return [
            f"{fault['id']}: {node['html'][:200]} {json.dumps(node['any'][0]['message'] if node['any'] else '')}"
            for fault in found["violations"]
            if fault["impact"] in SERIOUS
            for node in fault["nodes"]
        ]

    async def overflows(self) -> bool:
        """Whether the page is wider than the screen."""
        return bool(await self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth + 1"))


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Debian's Chromium, without a window."""
    program = shutil.which("chromium")
    assert program, "chromium is missing: `make test` installs it, or apt-get install chromium"
    async with async_playwright() as playwright:
        # Root has no sandbox to go into; the pages are our own. A service worker wants a certificate that is trusted.
        arguments = ["--no-sandbox", "--lang=en-US", "--ignore-certificate-errors"]
        browser = await playwright.chromium.launch(executable_path=program, args=arguments)
        yield browser
        await browser.close()


@asynccontextmanager
async def visitor(browser: Browser, url: str, *, language: str = "ko", phone: bool = False) -> AsyncIterator[Visitor]:
    """A fresh browser profile whose owner has come to the platform."""
    context = await browser.new_context(
        base_url=url,
        viewport=PHONE if phone else DESK,  # type: ignore[arg-type]  # a TypedDict of the same shape
        has_touch=phone,
        locale="ko-KR" if language == "ko" else "en-US",
        timezone_id="Asia/Seoul",
        ignore_https_errors=True,
        color_scheme="light" if phone else "dark",
    )
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    page = await context.new_page()
    person = Visitor(context, page, language)
    page.on("console", lambda message: person.complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: person.complaints.append(str(error)))
    try:
        yield person
    finally:
        await context.close()
