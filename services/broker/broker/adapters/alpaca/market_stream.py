"""Alpaca's market stream: trades and quotes of the symbols that are wanted. A key has one connection for each feed.

It is spoken in JSON: MessagePack comes only to whoever asks for it while connecting.
"""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final

import structlog
from kit.json import dumps_text, loads
from websockets.asyncio.client import ClientConnection

from broker.adapters.alpaca import quotations
from broker.adapters.alpaca.client import Client
from broker.adapters.drift import drifts
from broker.adapters.market_data import Hear
from broker.adapters.market_line import MarketLine
from broker.adapters.port import Unreachable

SYMBOLS_MAX: Final = 30
"""What the free feed grants."""
_TOO_MANY: Final = 405
_KINDS: Final = frozenset({"t", "q"})

log = structlog.get_logger()


class AlpacaMarketStream(MarketLine):
    """One connection, which begins again with everything that is wanted whenever it is lost."""

    SYMBOLS_MAX: ClassVar[int] = SYMBOLS_MAX

    def __init__(self, client: Client, url: str, hear: Hear) -> None:
        super().__init__(url, hear)
        self._client = client

    async def _log_in(self, line: ClientConnection) -> None:
        """Wait to be greeted, say who we are, and wait for the answer: nothing may be asked before.

        Raises:
            ValueError: when the key is not taken, or has a connection already (406).
        """
        keys = self._client.credentials
        _refuse_errors(_messages(await line.recv()))
        await line.send(dumps_text({"action": "auth", "key": keys.key_id, "secret": keys.secret_key}))
        answers = _messages(await line.recv())
        _refuse_errors(answers)
        if not any(answer.get("msg") == "authenticated" for answer in answers):
            raise ValueError("Alpaca's market stream does not take this key")

    async def _give_back(self, line: ClientConnection, symbols: Iterable[str]) -> None:
        await self._say(line, "unsubscribe", [*symbols])

    async def _ask(self, line: ClientConnection, symbols: Iterable[str]) -> None:
        await self._say(line, "subscribe", [*symbols])

    async def _say(self, line: ClientConnection, action: str, symbols: list[str]) -> None:
        if symbols:
            await line.send(dumps_text({"action": action, "trades": symbols, "quotes": symbols}))

    async def _hear(self, line: ClientConnection, frame: str | bytes) -> bool:  # noqa: ARG002 - nothing is answered
        for message in _messages(frame):
            if message.get("T") in _KINDS:
                self._hear_market(message)
            elif message.get("T") == "error" and message.get("code") == _TOO_MANY:
                log.error("Alpaca grants fewer symbols than it says", symbols=len(self._asked))
            else:
                _refuse_errors([message])
        return False

    def _hear_market(self, message: Mapping[str, Any]) -> None:
        drifts.see("alpaca", f"market {message['T']}", len(message))
        try:
            self._tell(quotations.told(message))
        except Unreachable as unreadable:
            log.warning("a message of Alpaca's market cannot be read", error=str(unreadable))


def _messages(frame: str | bytes) -> list[Mapping[str, Any]]:
    """Every frame is a list of messages; ValueError when it is not."""
    found = loads(frame)
    if not isinstance(found, list) or not all(isinstance(message, dict) for message in found):
        raise ValueError("a frame of Alpaca's market is a list of messages")
    return found


def _refuse_errors(messages: Iterable[Mapping[str, Any]]) -> None:
    for message in messages:
        if message.get("T") == "error":
            raise ValueError(f"Alpaca's market stream says {message.get('code')}: {message.get('msg')}")
