"""LS's connector: cash orders, changes and cancels, the list of today's orders, the balance, the account's notices."""

import asyncio
from datetime import datetime
from decimal import Decimal
from typing import Final

from kit.json import dumps_text, loads
from quant.markets.calendar import SEOUL
from websockets.asyncio.client import ClientConnection

from broker.adapters.balance import Balance, BuyingPower
from broker.adapters.daylist import DayList, KeysOf, No, Row, price_of
from broker.adapters.drift import drifts
from broker.adapters.line import KeyRefused
from broker.adapters.ls import parse
from broker.adapters.ls.capabilities import PAPER
from broker.adapters.ls.client import Client
from broker.adapters.port import Unreachable
from broker.adapters.stream import follow
from broker.domain.capabilities import Capabilities
from broker.domain.order import OrderIntent

ORDER: Final = "/stock/order"
ACCOUNT: Final = "/stock/accno"
_TIMES: Final = {"day": "0", "ioc": "1", "fok": "2"}
_NOTICES: Final = ("SC0", "SC1", "SC2", "SC3", "SC4")


class LsWire:
    """LS's domestic calls."""

    able: Capabilities = PAPER

    def __init__(self, client: Client, stream: str = "") -> None:
        self.client = client
        self._stream = stream

    def now(self) -> datetime:
        return self.client.clock()

    def kind_of(self, order: OrderIntent) -> str:  # noqa: ARG002 - its list does not tell
        return ""

    async def place(self, order: OrderIntent) -> tuple[str, datetime] | No:
        today = self._today()
        fields = {
            "IsuNo": f"A{order.symbol}",
            "OrdQty": int(order.quantity) if order.quantity == int(order.quantity) else float(order.quantity),
            "OrdPrc": int(price_of(order.limit_price)),
            "BnsTpCode": "2" if order.side == "buy" else "1",
            "OrdprcPtnCode": "00" if order.order_type == "limit" else "03",
            "MgntrnCode": "000",
            "LoanDt": "",
            "OrdCndiTpCode": _TIMES[order.time_in_force],
            "MbrNo": order.venue,
        }
        body = await self.client.call(ORDER, "CSPAT00601", fields)
        return body if isinstance(body, No) else parse.taken(body, "CSPAT00601", today.date())

    async def change(self, row: Row, quantity: Decimal, price: Decimal) -> No | None:
        fields: dict[str, int | str] = {
            "OrgOrdNo": int(row.number),
            "IsuNo": f"A{row.symbol}",
            "OrdQty": int(quantity),
            "OrdprcPtnCode": "00" if price else "03",
            "OrdCndiTpCode": "0",
            "OrdPrc": int(price),
        }
        return await self._done("CSPAT00701", fields)

    async def take_back(self, row: Row, quantity: Decimal | None) -> No | None:
        share = row.remaining if quantity is None else quantity
        fields: dict[str, int | str] = {"OrgOrdNo": int(row.number), "IsuNo": f"A{row.symbol}", "OrdQty": int(share)}
        return await self._done("CSPAT00801", fields)

    async def _done(self, name: str, fields: dict[str, int | str]) -> No | None:
        today = self._today()
        body = await self.client.call(ORDER, name, fields)
        if isinstance(body, No):
            return body
        parse.taken(body, name, today.date())
        return None

    async def rows(self, symbol: str, since: datetime) -> list[Row]:
        today = self._today()
        if since.astimezone(SEOUL).date() != today.date():
            raise Unreachable("LS shows today's orders only")
        fields = {"expcode": symbol, "chegb": "0", "medosu": "0", "sortgb": "2"}
        pages = await self.client.pages(ACCOUNT, "t0425", fields, "cts_ordno")
        return parse.rows([block for page in pages for block in page.get("t0425OutBlock1", [])], today.date())

    async def balance(self) -> Balance:
        """Cash and holdings of the account.

        Raises:
            KeyRefused: when the key is that of a real account: both kinds have one host here.
        """
        if not await self.is_paper():
            raise KeyRefused("LS does not call this a paper key")
        cash = await self.client.call(ACCOUNT, "CSPAQ12200", {"BalCreTp": "0"})
        if isinstance(cash, No):
            raise Unreachable(f"LS does not show its cash: {cash.text}")
        fields = {"prcgb": "1", "chegb": "2", "dangb": "0", "charge": "1"}
        return parse.balance(cash, await self.client.pages(ACCOUNT, "t0424", fields, "cts_expcode"))

    async def buying_power(self, symbol: str, limit_price: Decimal) -> BuyingPower | No:
        """In cash."""
        fields = {"BnsTpCode": "2", "IsuNo": f"A{symbol}", "OrdPrc": int(limit_price)}
        body = await self.client.call(ACCOUNT, "CSPBQ00200", fields)
        return body if isinstance(body, No) else parse.buying_power(body)

    async def is_paper(self) -> bool:
        """Whether the key belongs to a paper account: LS says so in the text of an answer, and nowhere else."""
        day = f"{self._today():%Y%m%d}"
        fields = {"QrySrtDt": day, "QryEndDt": day, "TermTp": "1"}
        body = await self.client.call(ACCOUNT, "FOCCQ33600", fields)
        return not isinstance(body, No) and parse.PAPER_MARK in str(body.get("rsp_msg", ""))

    def _today(self) -> datetime:
        return self.client.clock().astimezone(SEOUL)

    async def follow(self, hint: asyncio.Event) -> None:
        """Follow the account's notices, which only make the list be read."""
        if self._stream:
            await follow(self._stream, self._greet, self._hear, hint)

    async def _greet(self, line: ClientConnection) -> None:
        token = await self.client.current_token()
        for notice in _NOTICES:
            header = {"token": token, "tr_type": "1"}
            await line.send(dumps_text({"header": header, "body": {"tr_cd": notice, "tr_key": ""}}))

    async def _hear(self, _: ClientConnection, frame: str | bytes) -> bool:
        heard = loads(frame)
        name, body = heard.get("header", {}).get("tr_cd"), heard.get("body")
        if name not in _NOTICES:
            return False
        if isinstance(body, dict):  # else the answer to our subscription: what came before it is in the list
            drifts.see("ls", name, len(body))
        return True


class Ls(DayList):
    """One account at LS."""

    wire: LsWire

    def __init__(self, client: Client, keys_of: KeysOf, poll_seconds: float = 5.0, stream: str = "") -> None:
        super().__init__(LsWire(client, stream), keys_of, poll_seconds)

    async def balance(self) -> Balance:
        """Cash and holdings of the account."""
        return await self.wire.balance()
