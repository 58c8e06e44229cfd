"""Slack and Discord: incoming webhooks of a workspace or a server."""

from collections.abc import Mapping
from dataclasses import dataclass

from kit.json import dumps

from notification.channels.outward import NotAllowed, Outward, judge
from notification.channels.port import Gone, Message, Sent

SLACK_TEXT_MAX = 3_000
DISCORD_TITLE_MAX = 256
DISCORD_TEXT_MAX = 4_096
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Slack:
    """Speaks to https://hooks.slack.com/services/…"""

    outward: Outward

    async def send(self, message: Message, secrets: Mapping[str, str]) -> Sent:
        """Hand over; the text goes as plain text, so nothing in it mentions or links anybody."""
        plain = {"type": "plain_text", "text": message.text[:SLACK_TEXT_MAX], "emoji": False}
        body = {"text": _unmarked(message.title), "blocks": [{"type": "section", "text": plain}]}
        return await _posted(self.outward, secrets["url"], body)


@dataclass(frozen=True)
class Discord:
    """Speaks to https://discord.com/api/webhooks/…"""

    outward: Outward

    async def send(self, message: Message, secrets: Mapping[str, str]) -> Sent:
        """Hand over as an embed; nothing in it may mention anybody."""
        shown = {"title": message.title[:DISCORD_TITLE_MAX], "description": message.body[:DISCORD_TEXT_MAX]}
        body = {"embeds": [{**shown, "timestamp": message.created_at.isoformat()}], "allowed_mentions": {"parse": []}}
        return await _posted(self.outward, secrets["url"], body)


async def _posted(outward: Outward, url: str, body: object) -> Sent:
    try:
        judge(await outward.post(url, dumps(body), JSON))
    except NotAllowed as refused:
        raise Gone(str(refused)) from None
    return Sent()


def _unmarked(text: str) -> str:
    """Write text so that Slack reads no markup in it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
