"""Kiwoom's connector: cash orders, changes and cancels, the list of a day, the balance, the account's notices."""

import asyncio
from datetime import datetime
from decimal import Decimal
from typing import Final

from kit.json import dumps_text, loads
from quant.markets.calendar import SEOUL
from websockets.asyncio.client import ClientConnection

from broker.adapters.balance import Balance, BuyingPower
from broker.adapters.daylist import DayList, KeysOf, No, Row
from broker.adapters.drift import drifts
from broker.adapters.kiwoom import parse
from broker.adapters.kiwoom.capabilities import PAPER
from broker.adapters.kiwoom.client import Client
from broker.adapters.kiwoom.session import log_in
from broker.adapters.port import Unreachable
from broker.adapters.stream import follow
from broker.domain.capabilities import Capabilities
from broker.domain.order import OrderIntent

_KINDS: Final = {
    ("limit", "day"): "0",
    ("market", "day"): "3",
    ("limit", "ioc"): "10",
    ("market", "ioc"): "13",
    ("limit", "fok"): "20",
    ("market", "fok"): "23",
}
_ACCOUNT: Final = ("00", "04")


class KiwoomWire:
    """Kiwoom's domestic calls."""

    able: Capabilities = PAPER

    def __init__(self, client: Client, stream: str = "") -> None:
        self.client = client
        self._stream = stream

    def now(self) -> datetime:
        return self.client.clock()

    def kind_of(self, order: OrderIntent) -> str:  # noqa: ARG002 - its list tells in words that are published nowhere
        return ""

    async def place(self, order: OrderIntent) -> tuple[str, datetime] | No:
        at = self.now()
        fields = {
            "dmst_stex_tp": order.venue,
            "stk_cd": order.symbol,
            "ord_qty": f"{order.quantity:f}",
            "ord_uv": "" if order.limit_price is None else f"{order.limit_price:f}",
            "trde_tp": _KINDS[order.order_type, order.time_in_force],
            "cond_uv": "",
        }
        body = await self.client.call("ordr", "kt10000" if order.side == "buy" else "kt10001", fields)
        return body if isinstance(body, No) else parse.taken(body, at)

    async def change(self, row: Row, quantity: Decimal, price: Decimal) -> No | None:
        fields = {
            "dmst_stex_tp": row.exchange or "KRX",
            "orig_ord_no": row.number,
            "stk_cd": row.symbol,
            "mdfy_qty": f"{quantity:f}",
            "mdfy_uv": f"{price:f}",
            "mdfy_cond_uv": "",
        }
        return await self._done("kt10002", fields)

    async def take_back(self, row: Row, quantity: Decimal | None) -> No | None:
        fields = {
            "dmst_stex_tp": row.exchange or "KRX",
            "orig_ord_no": row.number,
            "stk_cd": row.symbol,
            "cncl_qty": "0" if quantity is None else f"{quantity:f}",
        }
        return await self._done("kt10003", fields)

    async def _done(self, name: str, fields: dict[str, str]) -> No | None:
        body = await self.client.call("ordr", name, fields)
        return body if isinstance(body, No) else None

    async def rows(self, symbol: str, since: datetime) -> list[Row]:
        day = since.astimezone(SEOUL).date()
        fields = {
            "ord_dt": f"{day:%Y%m%d}",
            "qry_tp": "1",
            "stk_bond_tp": "1",
            "sell_tp": "0",
            "stk_cd": symbol,
            "fr_ord_no": "",
            "dmst_stex_tp": "%",
        }
        pages = await self.client.pages("acnt", "kt00007", fields)
        return parse.rows([row for page in pages for row in page.get("acnt_ord_cntr_prps_dtl", [])], day)

    async def balance(self) -> Balance:
        """Cash and holdings of the account."""
        number = await self.client.call("acnt", "ka00001", {})
        cash = await self.client.call("acnt", "kt00001", {"qry_tp": "2"})
        if isinstance(number, No) or isinstance(cash, No):
            raise Unreachable("Kiwoom does not show the account")
        pages = await self.client.pages("acnt", "kt00018", {"qry_tp": "1", "dmst_stex_tp": "KRX"})
        return parse.balance(cash, pages, str(number.get("acctNo", "")))

    async def buying_power(self, symbol: str, limit_price: Decimal) -> BuyingPower | No:
        """At a margin of the whole price."""
        fields = {"io_amt": "", "stk_cd": symbol, "trde_tp": "2", "trde_qty": "", "uv": f"{limit_price:f}"}
        body = await self.client.call("acnt", "kt00010", fields | {"exp_buy_unp": ""})
        return body if isinstance(body, No) else parse.buying_power(body)

    async def follow(self, hint: asyncio.Event) -> None:
        """Follow the account's notices, which only make the list be read."""
        if self._stream:
            await follow(self._stream, self._greet, self._hear, hint)

    async def _greet(self, line: ClientConnection) -> None:
        await log_in(self.client, line)
        data = [{"item": [""], "type": list(_ACCOUNT)}]
        await line.send(dumps_text({"trnm": "REG", "grp_no": "1", "refresh": "1", "data": data}))

    async def _hear(self, line: ClientConnection, frame: str | bytes) -> bool:
        heard = loads(frame)
        if heard.get("trnm") == "PING":
            await line.send(frame)  # word for word
        if heard.get("trnm") != "REAL":
            return bool(heard.get("trnm") == "REG")  # we are heard now: what came before is in the list
        told = [each for each in heard.get("data", []) if each.get("type") in _ACCOUNT]
        for each in told:
            drifts.see("kiwoom", each["type"], len(each.get("values", {})))
        return bool(told)


class Kiwoom(DayList):
    """One account at Kiwoom."""

    wire: KiwoomWire

    def __init__(self, client: Client, keys_of: KeysOf, poll_seconds: float = 5.0, stream: str = "") -> None:
        super().__init__(KiwoomWire(client, stream), keys_of, poll_seconds)

    async def balance(self) -> Balance:
        """Cash and holdings of the account."""
        return await self.wire.balance()
