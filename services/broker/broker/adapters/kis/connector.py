"""KIS's connector: orders without a key of ours, so that what became of one is found by what and when it was.

The day's list of orders is the truth. A notice from the stream is no more than a hint to read it, so notices may be
missing or come twice. KIS gives a change a number of its own; we keep the first one, and follow the chain from there.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from quant.markets.calendar import SEOUL

from broker.adapters.kis import parse
from broker.adapters.kis.capabilities import PAPER
from broker.adapters.kis.client import Client
from broker.adapters.kis.parse import No, Row
from broker.adapters.port import LineFailure, Report
from broker.domain.capabilities import Capabilities
from broker.domain.order import (
    Absent,
    Accepted,
    Ambiguous,
    CancelRefused,
    ClientKey,
    Ended,
    OrderIntent,
    Progress,
    Refused,
    Replaced,
    Replacement,
    ReplaceRefused,
)

_NOTHING: Final = Decimal(0)
EARLY: Final = timedelta(seconds=2)
LATE: Final = timedelta(seconds=60)
"""An order of ours is stamped by KIS at most so long before and after we began to send it."""
_KINDS: Final = {
    ("limit", "day"): "00",
    ("market", "day"): "01",
    ("limit", "ioc"): "11",
    ("limit", "fok"): "12",
    ("market", "ioc"): "13",
    ("market", "fok"): "14",
}
KeysOf = Callable[[Sequence[str]], Awaitable[Mapping[str, ClientKey]]]
"""Which of these broker's numbers are orders of ours, and which order each is."""


class Kis:
    """One account at KIS."""

    capabilities: Capabilities = PAPER

    def __init__(self, client: Client, keys_of: KeysOf, poll_seconds: float = 5.0) -> None:
        self._client = client
        self._keys_of = keys_of
        self._poll_seconds = poll_seconds
        self._told: dict[str, tuple[Decimal, Decimal]] = {}
        self.hint = asyncio.Event()

    async def submit(self, order: OrderIntent, key: ClientKey) -> Accepted | Refused:  # noqa: ARG002 - KIS takes no key
        """Send a cash order."""
        fields = {
            "PDNO": order.symbol,
            "ORD_DVSN": _KINDS[order.order_type, order.time_in_force],
            "ORD_QTY": f"{order.quantity:f}",
            "ORD_UNPR": _unit_price(order.limit_price),
            "EXCG_ID_DVSN_CD": "KRX",
        }
        if order.side == "sell":
            fields["SLL_TYPE"] = "01"
        today = self._today()
        body = await self._client.post("order-cash", "TTTC0012U" if order.side == "buy" else "TTTC0011U", fields)
        if isinstance(body, No):
            return Refused(body.reason, body.text)
        return Accepted(*parse.taken(body, today))

    async def cancel(self, order: OrderIntent, key: ClientKey, broker_order_id: str) -> Accepted | CancelRefused:  # noqa: ARG002 - KIS takes no key
        """Cancel what is open at the end of the order's chain; what is canceled already is answered as it is."""
        line = await self._chain(order, broker_order_id)
        if not line:
            return CancelRefused("order_not_found", f"KIS shows no order {broker_order_id}.")
        last = next((row for row in line if row.remaining), None)
        body = last and await self._client.post("order-rvsecncl", "TTTC0013U", _change(last, "02", _NOTHING, _NOTHING))
        after = _answer(await self._chain(order, broker_order_id) if last else line)
        if after.ended is not None:
            return after
        if isinstance(body, No) and body.reason != "order_not_found":
            return CancelRefused(body.reason, body.text)
        return CancelRefused("already_filled", "The order was filled before the cancel arrived.")

    async def replace(
        self,
        order: OrderIntent,
        key: ClientKey,  # noqa: ARG002 - KIS takes no key
        broker_order_id: str,
        change: Replacement,
    ) -> Replaced | ReplaceRefused:
        """Change what is open; what is so already, in the list, is answered as it is."""
        line = await self._chain(order, broker_order_id)
        if not line:
            return ReplaceRefused("order_not_found", f"KIS shows no order {broker_order_id}.")
        before, filled = _answer(line), sum((row.filled for row in line), _NOTHING)
        tail = _orders(line)[-1]
        if tail.original and (tail.price, filled + tail.remaining) == (_price(change.limit_price), change.quantity):
            return Replaced(Accepted(before.broker_order_id, before.accepted_at), before)
        if refusal := _unchangeable(tail, before, change.quantity - filled):
            return refusal
        share = change.quantity - filled
        fields = _change(tail, "01", share, _price(change.limit_price))
        body = await self._client.post("order-rvsecncl", "TTTC0013U", fields)
        if isinstance(body, No):
            return ReplaceRefused(body.reason, body.text)
        if share < tail.remaining:
            rest = _change(tail, "02", tail.remaining - share, _NOTHING)
            await self._client.post("order-rvsecncl", "TTTC0013U", rest)
        return Replaced(before, _answer(await self._chain(order, broker_order_id)))

    async def find(
        self, order: OrderIntent, key: ClientKey, sent_at: datetime
    ) -> Accepted | Refused | Absent | Ambiguous:
        """Look for an order in the day's list: what it was, when it was sent, and nobody else's."""
        rows = await self._rows(order.symbol, sent_at)
        owners = await self._keys_of([row.id for row in rows]) if rows else {}
        mine = next((row for row in rows if owners.get(row.id) == key), None)
        if mine is not None:
            return _answer(parse.chain(rows, mine.id))
        alike = [row for row in rows if row.id not in owners and _is_like(row, order, sent_at)]
        if len(alike) > 1:
            return Ambiguous(tuple(row.id for row in alike))
        if not alike:
            return Absent()
        if alike[0].rejected == alike[0].quantity:
            return Refused("rejected_by_broker", "KIS lists the order as refused.")
        return _answer(parse.chain(rows, alike[0].id))

    async def reports(self) -> AsyncGenerator[Sequence[Report], None]:
        """Tell of orders whose row in the day's list has changed, as soon as a hint comes and every few seconds."""
        while True:
            self.hint.clear()
            try:
                rows = await self._rows("", self._client.clock())
            except LineFailure:
                rows = []
            owners = await self._keys_of([row.id for row in rows]) if rows else {}
            answers = {name: (key, _answer(parse.chain(rows, name))) for name, key in owners.items()}
            seen = {name: _measure(answer) for name, (_, answer) in answers.items()}
            news = [
                Report(key, answer) for name, (key, answer) in answers.items() if self._told.get(name) != seen[name]
            ]
            if news:
                yield news
                self._told.update(seen)
                continue
            try:
                await asyncio.wait_for(self.hint.wait(), self._poll_seconds)
            except TimeoutError:
                continue

    async def balance(self) -> parse.Balance:
        """Cash and holdings of the account."""
        fields = {"AFHR_FLPR_YN": "N", "OFL_YN": "", "INQR_DVSN": "02", "UNPR_DVSN": "01", "FUND_STTL_ICLD_YN": "N"}
        fields |= {"FNCG_AMT_AUTO_RDPT_YN": "N", "PRCS_DVSN": "00"}
        pages = [parse.balance(body) for body in await self._client.pages("inquire-balance", "TTTC8434R", fields)]
        held = tuple(holding for page in pages for holding in page.holdings)
        return parse.Balance(pages[0].cash, pages[0].cash_next_day, pages[0].cash_second_day, held)

    def _today(self) -> str:
        return f"{self._client.clock().astimezone(SEOUL):%Y%m%d}"

    async def _chain(self, order: OrderIntent, root: str) -> list[Row]:
        day = (
            datetime.strptime(root[:8], "%Y%m%d").replace(tzinfo=SEOUL) if root[:8].isdigit() else self._client.clock()
        )
        return parse.chain(await self._rows(order.symbol, day), root)

    async def _rows(self, symbol: str, since: datetime) -> list[Row]:
        """The whole list since a day, oldest first."""
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
        return [
            row
            for body in await self._client.pages("inquire-daily-ccld", "TTTC0081R", fields)
            for row in parse.rows(body)
        ]


def _is_like(row: Row, order: OrderIntent, sent_at: datetime) -> bool:
    """Whether a row could be this order: the same words, at the right time, and not a change of another."""
    wanted = (order.symbol, order.side, order.quantity, _price(order.limit_price))
    kind = _KINDS[order.order_type, order.time_in_force]
    is_ours = (row.symbol, row.side, row.quantity, row.price) == wanted and row.kind == kind
    return is_ours and not row.original and sent_at - EARLY <= row.at <= sent_at + LATE


def _price(limit: Decimal | None) -> Decimal:
    """KIS writes a zero where there is no limit."""
    return Decimal(0) if limit is None else limit


def _unit_price(limit: Decimal | None) -> str:
    return f"{_price(limit):f}"


def _change(row: Row, what: str, quantity: Decimal, price: Decimal) -> dict[str, str]:
    return {
        "KRX_FWDG_ORD_ORGNO": row.office,
        "ORGN_ODNO": row.number,
        "ORD_DVSN": row.kind,
        "RVSE_CNCL_DVSN_CD": what,
        "ORD_QTY": f"{quantity:f}",
        "ORD_UNPR": f"{price:f}",
        "QTY_ALL_ORD_YN": "N" if quantity else "Y",
        "EXCG_ID_DVSN_CD": "KRX",
    }


def _unchangeable(tail: Row, known: Accepted, share: Decimal) -> ReplaceRefused | None:
    """Why what is open of an order cannot become this share."""
    if not tail.remaining:
        reason = known.ended.reason if known.ended else "filled"
        return ReplaceRefused(f"already_{reason}", "The order was over before the change arrived.")
    if share <= 0:
        return ReplaceRefused("quantity_already_filled", "So many shares are filled already: cancel the rest instead.")
    if share > tail.remaining:
        return ReplaceRefused("quantity_grows", "KIS takes shares away but adds none: place another order.")
    return None


def _orders(line: Sequence[Row]) -> list[Row]:
    """The rows of a chain that can trade: the order and its changes, without the cancels."""
    return [row for row in line if not row.is_cancel]


def _answer(line: Sequence[Row]) -> Accepted:
    """What the list says about an order and everything that came of it."""
    first, orders = line[0], _orders(line)
    filled = sum((row.filled for row in orders), _NOTHING)
    amount = sum((row.amount for row in orders), _NOTHING)
    tail = orders[-1]
    is_over = not any(row.remaining for row in orders)
    ended = Ended("canceled", tail.canceled) if is_over and tail.canceled else None
    progress = Progress(filled, amount, first.at.date(), first.at) if filled else None
    return Accepted(first.id, first.at, (), ended, progress)


def _measure(answer: Accepted) -> tuple[Decimal, Decimal]:
    filled = answer.progress.quantity if answer.progress else Decimal(0)
    return filled, answer.ended.quantity if answer.ended else Decimal(-1)
