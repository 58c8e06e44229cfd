"""LS's market stream: trades and books of the symbols that are wanted, on whichever of the two boards they are."""

from collections.abc import Iterable
from typing import ClassVar, Final

import structlog
from kit.json import dumps_text, loads
from quant.markets.calendar import SEOUL
from websockets.asyncio.client import ClientConnection

from broker.adapters.drift import drifts
from broker.adapters.ls import quotations
from broker.adapters.ls.client import Client
from broker.adapters.market_data import Hear
from broker.adapters.market_line import MarketLine
from broker.adapters.port import Unreachable

SYMBOLS_MAX: Final = 50
"""LS does not publish how many it grants. Each takes four registrations."""
KINDS: Final = (*sorted(quotations.TRADES), *sorted(quotations.BOOKS))
_FINE: Final = "00000"

log = structlog.get_logger()


class LsMarketStream(MarketLine):
    """One connection, which begins again with everything that is wanted whenever it is lost."""

    SYMBOLS_MAX: ClassVar[int] = SYMBOLS_MAX

    def __init__(self, client: Client, url: str, hear: Hear) -> None:
        super().__init__(url, hear)
        self._client = client
        self._token = ""

    async def _log_in(self, line: ClientConnection) -> None:  # noqa: ARG002 - LS knows us by what each question says
        self._token = await self._client.current_token()

    async def _give_back(self, line: ClientConnection, symbols: Iterable[str]) -> None:
        await self._say(line, "4", symbols)

    async def _ask(self, line: ClientConnection, symbols: Iterable[str]) -> None:
        await self._say(line, "3", symbols)

    async def _say(self, line: ClientConnection, tr_type: str, symbols: Iterable[str]) -> None:
        header = {"token": self._token, "tr_type": tr_type}
        for symbol in symbols:
            for kind in KINDS:
                await line.send(dumps_text({"header": header, "body": {"tr_cd": kind, "tr_key": symbol}}))

    async def _hear(self, line: ClientConnection, frame: str | bytes) -> bool:  # noqa: ARG002 - nothing is answered
        heard = loads(frame)
        header, body = heard.get("header", {}), heard.get("body")
        kind = header.get("tr_cd")
        if kind not in KINDS:
            return False
        if not isinstance(body, dict):
            if header.get("rsp_cd") != _FINE:
                log.error("LS refuses a registration to its market", code=str(header.get("rsp_cd")))
            return False
        drifts.see("ls", kind, len(body))
        try:
            self._tell(quotations.told(kind, body, self._client.clock().astimezone(SEOUL).date()))
        except Unreachable as unreadable:
            log.warning("a frame of LS's market cannot be read", error=str(unreadable))
        return False
