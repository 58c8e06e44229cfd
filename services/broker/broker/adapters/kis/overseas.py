"""KIS's connector for the United States: its overseas ledger's limit orders, changes, cancels, list and balance."""

import asyncio
from datetime import datetime
from decimal import Decimal
from typing import Final

from quant.markets.calendar import NEW_YORK

from broker.adapters.balance import Balance, BuyingPower
from broker.adapters.daylist import DayList, KeysOf, No, Row, price_of
from broker.adapters.kis import overseas_parse as parse
from broker.adapters.kis.capabilities import PAPER_US, REAL_US
from broker.adapters.kis.client import OVERSEAS, Client
from broker.adapters.kis.frames import OVERSEAS_NOTICES
from broker.adapters.kis.listings import EXCHANGES, Listings, unknown
from broker.adapters.kis.notices import Notices
from broker.adapters.kis.parse import buying_power
from broker.adapters.port import Unreachable
from broker.domain.capabilities import Capabilities
from broker.domain.order import OrderIntent

_LIMIT: Final = "00"
_REST: Final = {"CTAC_TLNO": "", "MGCO_APTM_ODNO": "", "ORD_SVR_DVSN_CD": "0"}


class KisUsWire:
    """KIS's overseas calls."""

    def __init__(self, client: Client, stream: str, login_name: str) -> None:
        self.able: Capabilities = PAPER_US if client.environment == "paper" else REAL_US
        self.client = client
        self._notices = Notices(client, stream, login_name, OVERSEAS_NOTICES) if stream and login_name else None
        self._listings = Listings(client)

    def now(self) -> datetime:
        return self.client.clock()

    def kind_of(self, order: OrderIntent) -> str:  # noqa: ARG002 - its list does not tell
        return ""

    async def place(self, order: OrderIntent) -> tuple[str, datetime] | No:
        exchange = await self._exchange_of(order.symbol)
        if exchange is None:
            return unknown(order.symbol)
        fields = _REST | {
            "OVRS_EXCG_CD": exchange,
            "PDNO": order.symbol,
            "ORD_QTY": f"{order.quantity:f}",
            "OVRS_ORD_UNPR": f"{price_of(order.limit_price):f}",
            "SLL_TYPE": "00" if order.side == "sell" else "",
            "ORD_DVSN": _LIMIT,
        }
        transaction = "TTTT1002U" if order.side == "buy" else "TTTT1006U"
        body = await self.client.post("order", transaction, fields, OVERSEAS)
        return body if isinstance(body, No) else parse.taken(body, self.client.clock())

    async def change(self, row: Row, quantity: Decimal, price: Decimal) -> No | None:
        if quantity != row.remaining:  # KIS refuses a part, or silently takes it for the whole
            return No(
                "quantity_fixed", "KIS moves the limit of what is open there, not its quantity: cancel it instead."
            )
        return await self._change(row, "01", price)

    async def take_back(self, row: Row, quantity: Decimal | None) -> No | None:
        assert quantity is None or quantity == row.remaining, "part of an order cannot be taken back there"
        return await self._change(row, "02", Decimal(0))

    async def _change(self, row: Row, what: str, price: Decimal) -> No | None:
        fields = {
            "OVRS_EXCG_CD": row.exchange,
            "PDNO": row.symbol,
            "ORGN_ODNO": row.number,
            "RVSE_CNCL_DVSN_CD": what,
            "ORD_QTY": f"{row.remaining:f}",
            "OVRS_ORD_UNPR": f"{price:f}",
            "MGCO_APTM_ODNO": "",
            "ORD_SVR_DVSN_CD": "0",
        }
        body = await self.client.post("order-rvsecncl", "TTTT1004U", fields, OVERSEAS)
        return body if isinstance(body, No) else None

    async def rows(self, symbol: str, since: datetime) -> list[Row]:
        """The list since a day in New York. Paper accounts show all of it or nothing, so we choose here."""
        is_paper = self.client.environment == "paper"
        fields = {
            "PDNO": "" if is_paper else "%",
            "ORD_STRT_DT": f"{since.astimezone(NEW_YORK):%Y%m%d}",
            "ORD_END_DT": f"{self.client.clock().astimezone(NEW_YORK):%Y%m%d}",
            "SLL_BUY_DVSN": "00",
            "CCLD_NCCS_DVSN": "00",
            "OVRS_EXCG_CD": "" if is_paper else "NASD",  # which stands for all of the United States
            "SORT_SQN": "DS",
            "ORD_DT": "",
            "ORD_GNO_BRNO": "",
            "ODNO": "",
        }
        found = parse.rows(await self.client.pages("inquire-ccnl", "TTTS3035R", fields, OVERSEAS))
        return [row for row in found if symbol in {"", row.symbol}]

    async def balance(self) -> Balance:
        """Dollars and holdings. A paper account shows each exchange by itself."""
        asked = EXCHANGES.values() if self.client.environment == "paper" else ("NASD",)
        pages = []
        for exchange in asked:
            fields = {"OVRS_EXCG_CD": exchange, "TR_CRCY_CD": "USD"}
            pages += await self.client.pages("inquire-balance", "TTTS3012R", fields, OVERSEAS)
        fields = {"WCRC_FRCR_DVSN_CD": "02", "NATN_CD": "840", "TR_MKET_CD": "00", "INQR_DVSN_CD": "00"}
        # only its totals are wanted, which are on the first of its pages
        call = OVERSEAS.folder + "inquire-present-balance"
        present = await self.client.ask(call, "CTRP6504R", self.client.account | fields)
        if isinstance(present, No):
            raise Unreachable(f"KIS does not show the overseas deposit: {present.text}")
        return parse.balance(present, parse.holdings(pages))

    async def buying_power(self, symbol: str, limit_price: Decimal) -> BuyingPower | No:
        """In dollars that are there, before any are bought for it."""
        exchange = await self._exchange_of(symbol)
        if exchange is None:
            return unknown(symbol)
        fields = {"OVRS_EXCG_CD": exchange, "OVRS_ORD_UNPR": f"{limit_price:f}", "ITEM_CD": symbol}
        body = await self.client.ask(OVERSEAS.folder + "inquire-psamount", "TTTS3007R", self.client.account | fields)
        return body if isinstance(body, No) else buying_power(body, "ovrs_ord_psbl_amt", "max_ord_psbl_qty")

    async def follow(self, hint: asyncio.Event) -> None:
        """Follow the notices of a customer whose log-in name we know; otherwise the list is polled, and that is all."""
        if self._notices is not None:
            await self._notices.follow(hint)

    async def _exchange_of(self, symbol: str) -> str | None:
        """Where a symbol trades, in the word of orders; NotSent when KIS does not say."""
        quoted = await self._listings.exchange_of(symbol)
        return None if quoted is None else EXCHANGES[quoted]


class KisUs(DayList):
    """One account's overseas ledger at KIS."""

    wire: KisUsWire

    def __init__(
        self, client: Client, keys_of: KeysOf, poll_seconds: float = 5.0, stream: str = "", login_name: str = ""
    ) -> None:
        super().__init__(KisUsWire(client, stream, login_name), keys_of, poll_seconds)

    async def balance(self) -> Balance:
        """Dollars and holdings of the account."""
        return await self.wire.balance()
