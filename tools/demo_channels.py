"""The part of the story in which word arrives: by mail, Telegram and KakaoTalk, at servers of this machine."""

import asyncio
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass

import httpx

from tools.native import outsiders
from tools.native.layout import Layout
from tools.people import POLL_SECONDS, Json, Trader
from tools.story import StoryBroke, Tells, holds

PATIENCE_SECONDS = 20
CODE = re.compile(r"\b[A-Z2-9]{12}\b")
MEMO_TEXT_MAX = 200
PAGES_MAX = 20


@dataclass(frozen=True)
class Place:
    """Where one channel leads, seen from outside: the server, and whom it reaches there."""

    channel_id: str
    kind: str
    to: str


@dataclass(frozen=True)
class Channels:
    """The three places somebody is told in, and the server that says what arrived there."""

    trader: Trader
    outside: str
    places: tuple[Place, ...]
    patience: float

    async def expects(self, notices: Collection[Json]) -> None:
        """Wait until each notice arrived in each place."""
        for place in self.places:
            missing = {text_of(notice, place.kind) for notice in notices}
            try:
                async with asyncio.timeout(self.patience):
                    while missing := missing - {each["text"] for each in await self.heard(place)}:  # noqa: ASYNC110 - elsewhere
                        await asyncio.sleep(POLL_SECONDS)
            except TimeoutError:
                raise StoryBroke(f"these notices never came by {place.kind}: {sorted(missing)}") from None

    async def heard(self, place: Place) -> list[Json]:
        """Everything that reached a place, the codes of connecting it as well."""
        return await _heard(self.outside, place.kind, place.to)


async def notices_of(trader: Trader, kinds: Collection[str] | None = None) -> list[Json]:
    """Read the inbox, all pages, and return the notices of these kinds (None for all), the newest first."""
    found: list[Json] = []
    after = ""
    for _ in range(PAGES_MAX):
        page = await trader.call("GET", f"/notifications?limit=100{after}")
        found += [notice for notice in page["items"] if kinds is None or notice["kind"] in kinds]
        if page["next_cursor"] is None:
            return found
        after = f"&cursor={page['next_cursor']}"
    raise StoryBroke("the inbox has no end")


async def connects(trader: Trader, layout: Layout, tells: Tells, patience: float = PATIENCE_SECONDS) -> Channels | None:
    """Connect three channels as a person does; None where this platform was not started with the local servers."""
    if not outsiders.are_wanted() or layout.in_containers:
        tells("no channels are connected: the local servers run beside processes (`make demo` without containers) only")
        return None
    outside = outsiders.address(layout)
    offered = (await trader.call("GET", "/notifications/channels/offered"))["kinds"]
    holds({"email", "telegram", "kakao"} <= set(offered), f"mail, Telegram and KakaoTalk are offered: {offered}")
    places = (
        await _by_mail(trader, outside, patience),
        await _by_telegram(trader, outside, patience),
        await _by_kakao(trader),
    )
    tells(
        "connected a mailbox by the code that came there, a Telegram chat by telling the bot its code, and KakaoTalk "
        "by its consent page; each is a server of this machine that speaks the real protocol",
        "services/notification/notification/usecases/confirm_channel.py",
        "services/notification/notification/usecases/link_chat.py",
        "services/notification/notification/channels/kakao.py",
    )
    return Channels(trader, outside, places, patience)


async def _by_mail(trader: Trader, outside: str, patience: float) -> Place:
    added = await trader.call("POST", "/notifications/channels", kind="email", name="My mailbox", address=trader.email)
    async with asyncio.timeout(patience):
        while not (mails := await _heard(outside, "email", trader.email)):  # noqa: ASYNC110 - another process hears it
            await asyncio.sleep(POLL_SECONDS)
    code = CODE.search(mails[0]["text"])
    if code is None:
        raise StoryBroke(f"the mail names no code: {mails[0]['text']}")
    confirmed = await trader.call("POST", f"/notifications/channels/{added['id']}/confirm", code=code.group())
    holds(confirmed["status"] == "active", "the mailbox is confirmed")
    return Place(added["id"], "email", trader.email)


async def _by_telegram(trader: Trader, outside: str, patience: float) -> Place:
    added = await trader.call("POST", "/notifications/channels", kind="telegram", name="My Telegram")
    chat = 1_000_000 + secrets.randbelow(1_000_000_000)
    async with httpx.AsyncClient(base_url=outside) as client:
        said = await client.post("/_outside/says", json={"chat": chat, "text": added["start_command"]})
        said.raise_for_status()
    await trader.until(f"/notifications/channels/{added['id']}", lambda shown: shown["status"] == "active", patience)
    return Place(added["id"], "telegram", str(chat))


async def _by_kakao(trader: Trader) -> Place:
    code = secrets.token_hex(8)
    added = await trader.call(
        "POST",
        "/notifications/channels",
        kind="kakao",
        name="My KakaoTalk",
        code=code,
        redirect_uri=f"{trader.gateway.url}/settings/channels",
    )
    holds(added["status"] == "active", "KakaoTalk is connected at once")
    return Place(added["id"], "kakao", code)


def text_of(notice: Json, kind: str) -> str:
    """Write a notice as it arrives by this kind of channel."""
    text = f"{notice['title']}\n{notice['body']}".strip()
    if kind == "email":  # its subject is the title, and its text begins with it again
        return f"{notice['title']}\n{text}"
    return text[:MEMO_TEXT_MAX] if kind == "kakao" else text


async def _heard(outside: str, kind: str, to: str) -> list[Json]:
    async with httpx.AsyncClient(base_url=outside) as client:
        answer = await client.get("/_outside/heard", params={"channel": kind, "to": to})
        answer.raise_for_status()
        told: list[Json] = answer.json()
        return told
