"""Telegram: messages of the installation's bot to the chat its owner linked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
from kit.json import loads

from notification.channels.port import Gone, Message, NotNow, Refused, Sent

TEXT_MAX = 4_096
SECONDS_MAX = 10
POLL_SECONDS = 25


@dataclass(frozen=True)
class Bot:
    """The Bot API. The token is part of every address: no error of the client's may be shown or chained."""

    api_url: str
    token: str
    client: httpx.AsyncClient

    async def call(self, method: str, body: Mapping[str, Any], seconds: float = SECONDS_MAX) -> Any:
        """Call a method of the Bot API and return its result.

        Raises:
            NotNow, Refused, Gone: in Telegram's own words.
        """
        try:
            answer = await self.client.post(f"{self.api_url}/bot{self.token}/{method}", json=body, timeout=seconds)
            said = loads(answer.content)
        except httpx.HTTPError as failed:
            raise NotNow(f"Telegram does not answer: {type(failed).__name__}") from None
        except ValueError:
            raise NotNow("Telegram answered with something else than JSON") from None
        if said.get("ok"):
            return said["result"]
        raise _meaning(int(said.get("error_code", 0)), str(said.get("description", "")), said.get("parameters") or {})

    async def tell(self, chat: str, text: str) -> None:
        """Write into a chat, as plain text."""
        await self.call("sendMessage", {"chat_id": int(chat), "text": text[:TEXT_MAX], "disable_notification": False})


def _meaning(code: int, description: str, parameters: Mapping[str, Any]) -> Exception:
    if code == 429:
        return NotNow("Telegram asks for a pause", timedelta(seconds=int(parameters.get("retry_after", 1))))
    if code == 403 or (code == 400 and "chat not found" in description):
        return Gone("the bot was blocked or the chat was deleted: unblock the bot, then link the chat again")
    if code in {401, 404}:
        return NotNow("Telegram does not know the bot: the operator has to set its token again")
    if code == 409:
        return NotNow("another program reads this bot's messages")
    return Refused(f"Telegram refused: {description}"[:300]) if 400 <= code < 500 else NotNow("Telegram is in trouble")


@dataclass(frozen=True)
class Telegram:
    """Tells the linked chat."""

    bot: Bot

    async def send(self, message: Message, secrets: Mapping[str, str]) -> Sent:
        """Hand over."""
        await self.bot.tell(secrets["chat"], message.text)
        return Sent()
