"""The securities house behind the emulator: orders with its numbers, accounts, one exchange for each symbol; pure."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final

from quant.fees import Trade, fees_for
from quant.markets.bands import price_band
from quant.markets.calendar import SEOUL
from quant.markets.listing import Side
from quant.matching import Exchange, Order, Outcome, Outside, Refusal, Rules, TimeInForce

OFFICE: Final = "00950"
CASH_AT_FIRST: Final = Decimal(1_000_000_000)
ORDERS_MAX: Final = 100_000
_KINDS: Final[dict[str, tuple[bool, TimeInForce]]] = {
    "00": (True, "day"),
    "01": (False, "day"),
    "11": (True, "ioc"),
    "12": (True, "fok"),
    "13": (False, "ioc"),
    "14": (False, "fok"),
}
"""ORD_DVSN: whether it has a limit, and how long it lasts."""
UNHEARD_OF: Final = "APBK9999"
"""Stands for KIS's codes that we have not seen: whoever speaks to us must not take such a no for certain."""
_REFUSALS: Final = {
    "market_closed": ("APBK0918", "장운영시간이 아닙니다."),
    "trading_halted": ("APBK0634", "거래정지 종목입니다."),
    "price_off_tick": (UNHEARD_OF, "주문단가를 잘못 입력하셨습니다. 호가단위를 확인하세요."),
    "price_outside_band": (UNHEARD_OF, "상하한가를 벗어난 주문단가입니다."),
    "order_type_not_allowed": ("APBK1058", "주문구분을 확인하세요."),
}


@dataclass
class Slip:
    """One order as the house keeps it. A change or cancel is a slip of its own that names the original."""

    number: str
    original: str
    account: str
    symbol: str
    side: Side
    kind: str
    quantity: Decimal
    price: Decimal
    at: datetime
    venue: str = "KRX"
    action: str = "0"
    filled: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)
    canceled: Decimal = Decimal(0)
    rejected: Decimal = Decimal(0)
    moved: Decimal = Decimal(0)

    @property
    def open(self) -> Decimal:
        return (
            Decimal(0)
            if self.action == "2"
            else self.quantity - self.filled - self.canceled - self.rejected - self.moved
        )


@dataclass
class Account:
    """Cash and shares; what open orders may still need is counted from the slips."""

    cash: Decimal = CASH_AT_FIRST
    shares: dict[str, Decimal] = field(default_factory=dict)
    cost: dict[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True)
class No:
    """The house says no, with its own code and text."""

    code: str
    text: str


@dataclass(frozen=True)
class Notice:
    """What the house tells about a slip: `kind` 1 for taken, changed, canceled; 2 for a fill."""

    slip: Slip
    kind: str
    quantity: Decimal
    price: Decimal
    accept: str


class House:
    """Everything the emulator knows between requests."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.accounts: dict[str, Account] = {}
        self.slips: dict[str, Slip] = {}
        self.exchanges: dict[str, Exchange] = {}
        self.tell: Callable[[Notice], None] = lambda _: None
        self._number = 0

    def account(self, number: str) -> Account:
        return self.accounts.setdefault(number, Account())

    # The market

    def list_symbol(self, symbol: str, base: Decimal) -> None:
        """List a stock of KOSPI, or begin its next day with all of its slips closed."""
        today = self.clock().astimezone(SEOUL).date()
        rules = Rules("KOSPI", "stock", today, price_band(base, "KOSPI", today))
        self.exchanges[symbol] = Exchange(rules, phase="continuous", base_price=base)

    def quote(self, symbol: str, outside: Outside) -> None:
        """Move the market outside."""
        self._settle(self.exchanges[symbol].quote(outside))

    def close(self, symbol: str) -> None:
        """End the day of a symbol."""
        self._settle(self.exchanges[symbol].begin("closed"))

    # What customers ask for

    def place(self, slip: Slip) -> No | None:
        """Take an order."""
        exchange = self.exchanges.get(slip.symbol)
        if exchange is None:
            return No("APBK0656", "해당종목정보가 없습니다.")
        if slip.kind not in _KINDS or len(self.slips) >= ORDERS_MAX:
            return No("APBK1058", "주문구분을 확인하세요.")
        if slip.quantity % 1 or slip.quantity <= 0:
            return No(UNHEARD_OF, "주문수량을 확인하세요.")
        short = self._short_of(slip)
        if short is not None:
            return short
        has_limit, when = _KINDS[slip.kind]
        order = Order(slip.number, slip.side, slip.quantity, slip.price if has_limit else None, when, slip.account)
        self.slips[slip.number] = slip
        outcome = exchange.enter(order)
        if isinstance(outcome, Refusal):
            del self.slips[slip.number]
            return No(*_REFUSALS[outcome.code])
        self.tell(Notice(slip, "1", slip.quantity, slip.price, "1"))
        self._settle(outcome)
        return None

    def _short_of(self, slip: Slip) -> No | None:
        waiting = [each for each in self.slips.values() if each.account == slip.account and each.open]
        account = self.account(slip.account)
        if slip.side == "sell":
            promised = sum(
                (each.open for each in waiting if (each.side, each.symbol) == ("sell", slip.symbol)), Decimal(0)
            )
            if slip.quantity > account.shares.get(slip.symbol, Decimal(0)) - promised:
                return No("APBK0400", "주문 가능한 수량을 초과했습니다.")
            return None
        promised = sum((each.open * self._dear(each) for each in waiting if each.side == "buy"), Decimal(0))
        if slip.quantity * self._dear(slip) > account.cash - promised:
            return No("APBK0952", "주문가능금액을 초과 했습니다")
        return None

    def _dear(self, slip: Slip) -> Decimal:
        """The price a buy is margined at: its limit, or the day's upper limit."""
        band = self.exchanges[slip.symbol].rules.band
        return slip.price if _KINDS[slip.kind][0] or band is None else band.upper

    def cancel(self, original: str, account: str, number: str, quantity: Decimal | None) -> Slip | No:
        """Cancel what is open of an order, or a part of it."""
        slip = self._open(original, account)
        if slip is None:
            return No("APBK1663", "원주문정보가 존재하지 않습니다.")
        share = slip.open if quantity is None else min(quantity, slip.open)
        exchange = self.exchanges[slip.symbol]
        left = exchange.cancel(original) - share
        if left > 0:
            exchange.enter(Order(original, slip.side, left, slip.price or None, "day", account))
        slip.canceled += share
        return self._note(slip, number, "2", share, slip.price)

    def change(self, original: str, account: str, number: str, quantity: Decimal | None, price: Decimal) -> Slip | No:
        """Change an order: what is open moves to a slip with a new number."""
        slip = self._open(original, account)
        if slip is None:
            return No("APBK1663", "원주문정보가 존재하지 않습니다.")
        share = slip.open if quantity is None else quantity
        if share > slip.open:
            return No("APBK0400", "정정가능수량을 초과했습니다.")
        exchange = self.exchanges[slip.symbol]
        has_limit, when = _KINDS[slip.kind]
        if refusal := exchange.rules.refuse_price(price) if has_limit else None:
            return No(*_REFUSALS[refusal.code])
        rest = exchange.cancel(original) - share
        slip.moved += share
        if rest > 0:
            exchange.enter(Order(original, slip.side, rest, slip.price if has_limit else None, when, account))
        child = self._note(slip, number, "1", share, price)
        outcome = exchange.enter(Order(number, slip.side, share, price if has_limit else None, when, account))
        if isinstance(outcome, Outcome):
            self._settle(outcome)
        return child

    def _open(self, number: str, account: str) -> Slip | None:
        slip = self.slips.get(number)
        return slip if slip is not None and slip.account == account and slip.open else None

    def _note(self, slip: Slip, number: str, action: str, quantity: Decimal, price: Decimal) -> Slip:
        child = Slip(
            number,
            slip.number,
            slip.account,
            slip.symbol,
            slip.side,
            slip.kind,
            quantity,
            price,
            self.clock(),
            action=action,
        )
        if action == "2":
            child.canceled = quantity
        self.slips[number] = child
        self.tell(Notice(child, "1", quantity, price, "2"))
        return child

    def next_number(self) -> str:
        """Ten digits, counted up from each morning."""
        self._number += 1
        return f"{self._number:010d}"

    def _settle(self, outcome: Outcome) -> None:
        for key, price, quantity in outcome.fills:
            slip = self.slips[key]
            slip.filled += quantity
            slip.amount += quantity * price
            self._pay(slip, price, quantity)
            self.tell(Notice(slip, "2", quantity, price, "2"))
        for key, _, quantity in outcome.ended:
            self.slips[key].canceled += quantity
            self.tell(Notice(self.slips[key], "1", quantity, self.slips[key].price, "3"))

    def _pay(self, slip: Slip, price: Decimal, quantity: Decimal) -> None:
        on = self.exchanges[slip.symbol].rules.on
        costs = fees_for(Trade("KRX", "KOSPI", "stock", slip.side, quantity, price, on)).total
        account, sign = self.account(slip.account), 1 if slip.side == "buy" else -1
        held, paid = account.shares.get(slip.symbol, Decimal(0)), account.cost.get(slip.symbol, Decimal(0))
        account.cash -= sign * price * quantity + costs
        account.cost[slip.symbol] = paid + price * quantity if sign > 0 else paid - (paid / held) * quantity
        account.shares[slip.symbol] = held + sign * quantity
