"""Following KIS's execution notices: approval key, subscription, PINGPONG, and each notice as a hint to look."""

import asyncio
from typing import Final

import structlog
from kit.json import dumps_text
from websockets.asyncio.client import ClientConnection

from broker.adapters.drift import drifts
from broker.adapters.kis.client import Client
from broker.adapters.kis.frames import Key, NoticesOf, Unreadable, answer, notices
from broker.adapters.stream import follow

PING: Final = "PINGPONG"
SUBSCRIBED: Final = frozenset({"OPSP0000", "OPSP0002"})
"""Subscribed now, or before."""

log = structlog.get_logger()


class Notices:
    """One account's notices. KIS tells them by the customer's log-in name, for all accounts of that customer."""

    def __init__(self, client: Client, url: str, login_name: str, told: NoticesOf) -> None:
        self._client = client
        self._told = told
        self._url = url
        self._login_name = login_name
        self._key: Key | None = None

    async def follow(self, hint: asyncio.Event) -> None:
        """Follow them for ever."""
        await follow(self._url, self._greet, self._hear, hint)

    async def _greet(self, line: ClientConnection) -> None:
        self._key = None
        header = {"approval_key": await self._client.approval(), "custtype": "P", "tr_type": "1"}
        asked = {"tr_id": self._told.names[self._client.environment], "tr_key": self._login_name}
        frame = {"header": header | {"content-type": "utf-8"}, "body": {"input": asked}}
        await line.send(dumps_text(frame))

    async def _hear(self, line: ClientConnection, frame: str | bytes) -> bool:
        text = frame if isinstance(frame, str) else frame.decode()
        if text[:1] not in {"0", "1"}:
            return await self._hear_answer(line, text)
        if self._key is None:
            return True  # something happened, and only the list can say what
        try:
            told, width = notices(text, self._key)
        except Unreadable as unreadable:
            log.warning("a notice of KIS cannot be read", error=str(unreadable))
            return True
        drifts.see("kis", self._told.names["real"], width, self._told.fields)
        return any(self._client.is_mine(notice.account) for notice in told)

    async def _hear_answer(self, line: ClientConnection, text: str) -> bool:
        name, code, key = answer(text)
        if name == PING:
            await line.send(text)  # word for word
        elif code in SUBSCRIBED:
            self._key = key or self._key
            return True  # only now can nothing pass unheard: what came before is in the list
        else:
            raise Unreadable(f"KIS refuses the subscription to notices ({code})")
        return False
