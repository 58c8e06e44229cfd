"""Kiwoom's market stream: trades (0B) and books (0D) of the symbols that are wanted.

A key has one session at a time, so it takes a key whose notices nobody follows.
"""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final

import structlog
from kit.json import dumps_text, loads
from quant.markets.calendar import SEOUL
from websockets.asyncio.client import ClientConnection

from broker.adapters.drift import drifts
from broker.adapters.kiwoom import quotations
from broker.adapters.kiwoom.client import Client
from broker.adapters.kiwoom.session import log_in
from broker.adapters.market_data import Hear
from broker.adapters.market_line import MarketLine
from broker.adapters.port import Unreachable

SYMBOLS_MAX: Final = 50
"""Kiwoom does not publish how many it grants; a hundred registrations are said to be."""
KINDS: Final = ("0B", "0D")
"""Trades and books."""
_GROUP: Final = "1"

log = structlog.get_logger()


class KiwoomMarketStream(MarketLine):
    """One session, which begins again with everything that is wanted whenever it is lost."""

    SYMBOLS_MAX: ClassVar[int] = SYMBOLS_MAX

    def __init__(self, client: Client, url: str, hear: Hear) -> None:
        super().__init__(url, hear)
        self._client = client

    async def _log_in(self, line: ClientConnection) -> None:
        await log_in(self._client, line)

    async def _give_back(self, line: ClientConnection, symbols: Iterable[str]) -> None:
        await self._say(line, "REMOVE", symbols, {})

    async def _ask(self, line: ClientConnection, symbols: Iterable[str]) -> None:
        await self._say(line, "REG", symbols, {"refresh": "1"})

    async def _say(self, line: ClientConnection, what: str, symbols: Iterable[str], more: Mapping[str, str]) -> None:
        if items := [*symbols]:
            data = [{"item": items, "type": [*KINDS]}]
            await line.send(dumps_text({"trnm": what, "grp_no": _GROUP, "data": data} | dict(more)))

    async def _hear(self, line: ClientConnection, frame: str | bytes) -> bool:
        heard = loads(frame)
        match heard.get("trnm"):
            case "PING":
                await line.send(frame)  # word for word
            case "REG" if heard.get("return_code") != 0:
                log.error("Kiwoom grants fewer registrations than it is said to", symbols=len(self._asked))
            case "SYSTEM":
                log.warning("Kiwoom ends a session of its market", code=str(heard.get("code")))
            case "REAL":
                for entry in heard.get("data", []):
                    self._hear_entry(entry)
        return False

    def _hear_entry(self, entry: Mapping[str, Any]) -> None:
        kind, values = entry.get("type"), entry.get("values", {})
        if kind not in KINDS:
            return
        drifts.see("kiwoom", kind, len(values))
        try:
            today = self._client.clock().astimezone(SEOUL).date()
            self._tell(quotations.told(kind, str(entry.get("item")), values, today))
        except Unreachable as unreadable:
            log.warning("a frame of Kiwoom's market cannot be read", error=str(unreadable))
