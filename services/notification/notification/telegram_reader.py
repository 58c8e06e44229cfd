"""The reader of the bot's messages: commands from linked chats, and codes that link one.

One process reads at a time, by a lease in the database. What a message does and that it was read are one transaction,
so a command acts once, whoever dies; the answer is sent after it.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from kit.db import Session
from kit.errors import Unavailable
from kit.observe import log

from notification.channels.port import Gone, NotNow, Refused
from notification.channels.telegram import POLL_SECONDS, Bot
from notification.domain import reply
from notification.domain.channel import Channel
from notification.resources import Resources
from notification.store import locks, system
from notification.usecases.answer_command import answer_command
from notification.usecases.link_chat import link_chat

LEASE = timedelta(seconds=POLL_SECONDS * 2 + 10)
PAUSE_SECONDS = 2


class TelegramReader:
    """Reads until cancelled."""

    def __init__(self, resources: Resources, bot: Bot, clock: Callable[[], datetime]) -> None:
        self._resources = resources
        self._bot = bot
        self._clock = clock

    async def run(self) -> None:
        """Read and answer; an outage of Telegram or of the database only makes answers late."""
        while True:
            try:
                if await self.read_once(POLL_SECONDS):
                    continue
            except (NotNow, Refused, Gone, Unavailable) as failed:
                log.warning("the bot's messages are not read", error=str(failed))
            await asyncio.sleep(PAUSE_SECONDS)

    async def read_once(self, poll_seconds: int) -> bool:
        """Ask for messages and act on them; False when another process reads."""
        async with self._resources.database.system() as session:
            place = await system.claim_reading(session, LEASE, self._clock())
        if place is None:
            return False
        question = {"offset": place, "timeout": poll_seconds, "allowed_updates": ["message"]}
        for update in await self._bot.call("getUpdates", question, poll_seconds + 10):
            await self._act(update)
        async with self._resources.database.system() as session:
            await system.save_reading(session, None, self._clock())
        return True

    async def _act(self, update: Mapping[str, Any]) -> None:
        number, message = int(update["update_id"]), update.get("message") or {}
        chat, text = _private_text(message)
        said = None
        async with self._resources.database.system() as session:
            if await system.save_reading(session, number + 1, self._clock() + LEASE) and chat is not None:
                name, rest = reply.command_of(text)
                channel = await system.find_channel_of_chat(session, chat)
                if name == "start" and rest:
                    said = await link_chat(session, chat, rest, (self._open, self._seal), self._clock())
                elif channel is None or not await _commands(session, channel):
                    said = reply.UNKNOWN_CHAT
                else:
                    said = await answer_command(session, channel.owner, name)
        if said is not None and chat is not None:
            try:
                await self._bot.tell(chat, said)
            except (NotNow, Refused, Gone) as failed:
                log.warning("an answer was not sent", error=str(failed))

    def _open(self, channel: Channel) -> dict[str, str]:
        return self._resources.sealer.open(channel.sealed, channel.owner, channel.id)

    def _seal(self, channel: Channel, secrets: dict[str, str]) -> bytes:
        return self._resources.sealer.seal(secrets, channel.owner, channel.id)


async def _commands(session: Session, channel: Channel) -> bool:
    """Tell whether a chat gives commands: it is linked, and its owner's account is not closed."""
    return channel.status in {"active", "disabled"} and not await locks.find(session, channel.owner)


def _private_text(message: Mapping[str, Any]) -> tuple[str | None, str]:
    """Return chat and text of a message that one person wrote alone; in groups anybody could give commands."""
    chat, sender = message.get("chat") or {}, message.get("from") or {}
    if chat.get("type") != "private" or chat.get("id") != sender.get("id") or sender.get("is_bot"):
        return None, ""
    return str(int(chat["id"])), str(message.get("text", ""))[:256]
