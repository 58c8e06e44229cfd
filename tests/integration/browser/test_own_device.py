"""What a person's own device adds: a passkey instead of a password, and notices when the page is closed."""

import asyncio
import json

import pyotp
import pytest
from playwright.async_api import Browser, CDPSession, expect

from tests.integration.browser.visitor import Visitor, visitor
from tests.integration.platform_under_test import Platform

pytestmark = pytest.mark.stack

DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
REGISTERED_WITHIN_SECONDS = 15
PUSH_SERVICE = """
  // The push service is outside this machine: what it would have answered, in the form the browser gives it.
  // Its address is public, since no other is taken, and nobody's: RFC 7526 took it out of use.
  PushManager.prototype.subscribe = async function ({ applicationServerKey }) {
    const pair = await crypto.subtle.generateKey({ name: "ECDH", namedCurve: "P-256" }, true, ["deriveBits"]);
    const keys = { p256dh: await crypto.subtle.exportKey("raw", pair.publicKey), auth: new Uint8Array(16).buffer };
    window.askedWith = applicationServerKey;
    return { endpoint: "https://192.88.99.1/send/1", getKey: (name) => keys[name] };
  };
"""


async def devtools(person: Visitor) -> CDPSession:
    """The browser's own line for tools."""
    return await person.context.new_cdp_session(person.page)


@pytest.mark.requirement("R-45")
async def test_a_passkey_is_made_on_the_device_and_opens_the_account_without_a_password(
    platform: Platform, browser: Browser
) -> None:
    async with visitor(browser, platform.gateway.url, language="en") as person:
        await person.signs_up()
        tools = await devtools(person)
        await tools.send("WebAuthn.enable")
        device = await tools.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
        await person.page.goto("/settings/security")
        await person.page.get_by_label("A name for it").fill("Laptop")
        await person.page.get_by_role("button", name="Add a passkey").click()
        await expect(person.page.get_by_text("Laptop", exact=True)).to_be_visible()
        kept = await tools.send("WebAuthn.getCredentials", {"authenticatorId": device["authenticatorId"]})
        assert [each["rpId"] for each in kept["credentials"]] == ["localhost"]

        await person.page.get_by_role("button", name="My account menu").click()
        await person.page.get_by_role("menuitem", name="Log out", exact=True).click()
        await person.page.get_by_role("button", name="Log in with a passkey").click()
        await expect(person.page.get_by_role("button", name="My account menu")).to_be_visible()
        await person.page.goto("/settings/security")
        await expect(person.page.get_by_text("last used")).to_be_visible()

        await tools.send("WebAuthn.removeVirtualAuthenticator", device)
        await person.page.get_by_role("button", name="My account menu").click()
        await person.page.get_by_role("menuitem", name="Log out", exact=True).click()
        await tools.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
        await person.page.get_by_role("button", name="Log in with a passkey").click()
        await expect(person.page.get_by_text("this device has none for this site")).to_be_visible()


@pytest.mark.requirement("R-45")
async def test_a_second_factor_is_set_up_from_its_picture_and_asked_for_at_the_next_log_in(
    platform: Platform, browser: Browser
) -> None:
    async with visitor(browser, platform.gateway.url, phone=True) as person:
        page = person.page
        await person.signs_up()
        await page.goto("/settings/security")
        factor = page.locator("section").filter(has_text=person.reads("settings.totp"))
        await factor.get_by_role("button", name=person.reads("settings.totp.enable")).click()
        await expect(factor.get_by_role("img", name="QR")).to_be_visible()
        await person.photographs("second-factor")
        app = pyotp.TOTP(await factor.locator("[data-secret]").inner_text())
        await factor.get_by_label(person.reads("settings.totp.code"), exact=True).fill(app.now())
        await factor.get_by_role("button", name=person.reads("settings.totp.enable")).click()
        await expect(factor.get_by_text(person.reads("settings.totp.on"))).to_be_visible()
        recovery = await factor.get_by_role("listitem").first.inner_text()

        await page.get_by_role("button", name=person.reads("nav.me")).click()
        await page.get_by_role("menuitem", name=person.reads("nav.logout"), exact=True).click()
        await person.box("email").fill(person.email)
        await page.get_by_label(person.says("password"), exact=True).fill(person.password)
        await person.button("log in").click()
        await expect(page.get_by_text(person.reads("auth.otp.why"))).to_be_visible()
        await page.get_by_label(person.reads("auth.otp"), exact=True).fill(recovery)
        await person.button("log in").click()
        await expect(page.get_by_role("button", name=person.reads("nav.me"))).to_be_visible()


async def test_a_browser_is_told_though_its_page_says_nothing(platform: Platform, browser: Browser) -> None:
    async with visitor(browser, platform.gateway.url, language="en") as person:
        await person.context.grant_permissions(["notifications"])
        await person.page.add_init_script(PUSH_SERVICE)
        await person.signs_up()
        await person.page.goto("/alerts")
        await person.page.get_by_role("tab", name="Channels").click()
        await person.page.get_by_label("Kind", exact=True).select_option("web_push")
        await person.page.get_by_role("button", name="Notify me in this browser").click()
        channel = person.page.locator("section").filter(has_text="192.88.99.1")
        await expect(channel).to_be_visible()
        assert len(await person.page.evaluate("window.askedWith")) > 80, "the platform's key goes along"
        await channel.get_by_text("What goes here").click()
        await channel.get_by_label("Backtests finished").select_option("digest")
        await expect(channel.get_by_label("Backtests finished")).to_have_value("digest")
        await person.photographs("channel-choices")
        await person.page.reload()
        await person.page.get_by_role("tab", name="Channels").click()
        await channel.get_by_text("What goes here").click()
        await expect(channel.get_by_label("Backtests finished")).to_have_value("digest")

        tools = await devtools(person)
        known: asyncio.Queue[str] = asyncio.Queue()
        tools.on(
            "ServiceWorker.workerRegistrationUpdated",
            lambda event: [known.put_nowait(each["registrationId"]) for each in event["registrations"]],
        )
        await person.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        await tools.send("ServiceWorker.enable")
        registration = await asyncio.wait_for(known.get(), REGISTERED_WITHIN_SECONDS)
        pushed = {"title": "AAPL", "body": "Bought 3 at 430.00", "url": "/orders", "id": "notice-1"}
        message = {"origin": person.origin, "registrationId": registration, "data": json.dumps(pushed)}
        await tools.send("ServiceWorker.deliverPushMessage", message)
        shown = await person.page.evaluate(
            """async () => {
              const worker = await navigator.serviceWorker.ready;
              for (;;) {
                const [notice] = await worker.getNotifications();
                if (notice) return { title: notice.title, body: notice.body, url: notice.data, id: notice.tag };
                await new Promise((resolve) => requestAnimationFrame(resolve));
              }
            }"""
        )
        assert shown == pushed
