"""KIS's connector: cash orders, changes and cancels, the day's list, the balance."""

import asyncio
from datetime import datetime
from decimal import Decimal
from typing import Final

from quant.markets.calendar import SEOUL

from broker.adapters.balance import Balance, BuyingPower
from broker.adapters.daylist import DayList, KeysOf, No, Row, price_of
from broker.adapters.kis import parse
from broker.adapters.kis.capabilities import PAPER, REAL
from broker.adapters.kis.client import DOMESTIC, Client
from broker.adapters.kis.frames import DOMESTIC_NOTICES
from broker.adapters.kis.notices import Notices
from broker.domain.capabilities import Capabilities
from broker.domain.order import OrderIntent

_KINDS: Final = {
    ("limit", "day"): "00",
    ("market", "day"): "01",
    ("limit", "ioc"): "11",
    ("limit", "fok"): "12",
    ("market", "ioc"): "13",
    ("market", "fok"): "14",
}


class KisWire:
    """KIS's domestic calls."""

    def __init__(self, client: Client, stream: str, login_name: str) -> None:
        self.able: Capabilities = PAPER if client.environment == "paper" else REAL
        self.client = client
        self._notices = Notices(client, stream, login_name, DOMESTIC_NOTICES) if stream and login_name else None

    def now(self) -> datetime:
        return self.client.clock()

    def kind_of(self, order: OrderIntent) -> str:
        return _KINDS[order.order_type, order.time_in_force]

    async def place(self, order: OrderIntent) -> tuple[str, datetime] | No:
        fields = {
            "PDNO": order.symbol,
            "ORD_DVSN": self.kind_of(order),
            "ORD_QTY": f"{order.quantity:f}",
            "ORD_UNPR": f"{price_of(order.limit_price):f}",
            "EXCG_ID_DVSN_CD": order.venue,
        }
        if order.side == "sell":
            fields["SLL_TYPE"] = "01"
        today = self._today()
        body = await self.client.post("order-cash", "TTTC0012U" if order.side == "buy" else "TTTC0011U", fields)
        return body if isinstance(body, No) else parse.taken(body, today)

    async def change(self, row: Row, quantity: Decimal, price: Decimal) -> No | None:
        return await self._change(row, "01", quantity, price)

    async def take_back(self, row: Row, quantity: Decimal | None) -> No | None:
        return await self._change(row, "02", quantity or Decimal(0), Decimal(0))

    async def _change(self, row: Row, what: str, quantity: Decimal, price: Decimal) -> No | None:
        fields = {
            "KRX_FWDG_ORD_ORGNO": row.office,
            "ORGN_ODNO": row.number,
            "ORD_DVSN": row.kind,
            "RVSE_CNCL_DVSN_CD": what,
            "ORD_QTY": f"{quantity:f}",
            "ORD_UNPR": f"{price:f}",
            "QTY_ALL_ORD_YN": "N" if quantity else "Y",
            "EXCG_ID_DVSN_CD": row.exchange or "KRX",
        }
        body = await self.client.post("order-rvsecncl", "TTTC0013U", fields)
        return body if isinstance(body, No) else None

    async def rows(self, symbol: str, since: datetime) -> list[Row]:
        fields = {
            "INQR_STRT_DT": f"{since.astimezone(SEOUL):%Y%m%d}",
            "INQR_END_DT": self._today(),
            "SLL_BUY_DVSN_CD": "00",
            "PDNO": symbol,
            "CCLD_DVSN": "00",
            "INQR_DVSN": "01",
            "INQR_DVSN_3": "00",
            "ORD_GNO_BRNO": "",
            "ODNO": "",
            "INQR_DVSN_1": "",
        }
        pages = await self.client.pages("inquire-daily-ccld", "TTTC0081R", fields)
        return [row for body in pages for row in parse.rows(body)]

    async def balance(self) -> Balance:
        """Cash and holdings of the account."""
        fields = {"AFHR_FLPR_YN": "N", "OFL_YN": "", "INQR_DVSN": "02", "UNPR_DVSN": "01", "FUND_STTL_ICLD_YN": "N"}
        fields |= {"FNCG_AMT_AUTO_RDPT_YN": "N", "PRCS_DVSN": "00"}
        pages = [parse.balance(body) for body in await self.client.pages("inquire-balance", "TTTC8434R", fields)]
        held = tuple(holding for page in pages for holding in page.holdings)
        return Balance(pages[0].cash, pages[0].cash_next_day, pages[0].cash_second_day, held)

    async def buying_power(self, symbol: str, limit_price: Decimal) -> BuyingPower | No:
        """Without what would have to be borrowed (미수)."""
        fields = {"PDNO": symbol, "ORD_UNPR": f"{limit_price:f}", "ORD_DVSN": "00"}
        fields |= {"CMA_EVLU_AMT_ICLD_YN": "N", "OVRS_ICLD_YN": "N"}
        body = await self.client.ask(DOMESTIC.folder + "inquire-psbl-order", "TTTC8908R", self.client.account | fields)
        return body if isinstance(body, No) else parse.buying_power(body, "nrcvb_buy_amt", "nrcvb_buy_qty")

    async def follow(self, hint: asyncio.Event) -> None:
        """Follow the notices of a customer whose log-in name we know; otherwise the list is polled, and that is all."""
        if self._notices is not None:
            await self._notices.follow(hint)

    def _today(self) -> str:
        return f"{self.client.clock().astimezone(SEOUL):%Y%m%d}"


class Kis(DayList):
    """One account at KIS."""

    wire: KisWire

    def __init__(
        self, client: Client, keys_of: KeysOf, poll_seconds: float = 5.0, stream: str = "", login_name: str = ""
    ) -> None:
        super().__init__(KisWire(client, stream, login_name), keys_of, poll_seconds)

    async def balance(self) -> Balance:
        """Cash and holdings of the account."""
        return await self.wire.balance()
